import { Kysely } from 'kysely';
import { itemsInPiece, type CopiedChain, type Piece, type PieceStore, type StoredPiece } from '../../activities/audit/pieces.js';
import { ResealError } from '../domain/errors.js';
import type { ChainItem } from '../domain/audit/verify.js';
import { reaching, type Whereabouts } from './reachable.js';
import { serverDialect } from './server-dialect.js';
import type { Tables } from './tables.js';

/** One commit in so many milliseconds for each chain, however much is recorded. */
const EVERY = 2_000;
/** Pieces that are read at a time. */
const PAGE = 20;
/** PostgreSQL's code for a table that is not there (manual, appendix A). */
const UNDEFINED_TABLE = '42P01';

interface Connected {
  readonly db: Kysely<Tables>;
  readonly where: Whereabouts;
}

/**
 * Copies of audit chains in the ledger's database, by a connection of their own: the ledger's writes wait for none of these. Rows are added and never
 * changed, so an account that may INSERT and SELECT is enough.
 */
export class LedgerPieces implements PieceStore {
  readonly every = EVERY;
  private connected: Connected | null = null;

  /** @param url of the server, asked for with the first use; its errors are those of the configuration */
  constructor(private readonly url: () => string) {}

  get place(): string {
    return `the ledger${this.connected === null ? '' : ` (${this.connected.where})`}`;
  }

  async guard(): Promise<void> {
    await this.run((db) => db.selectFrom('audit_piece').select('chain').limit(1).execute());
  }

  async newest(chain: string): Promise<StoredPiece | null> {
    const last = await this.run((db) =>
      db
        .selectFrom('audit_piece')
        .select(['segment', 'at_byte', 'bytes'])
        .where('chain', '=', chain)
        .orderBy('segment', 'desc')
        .orderBy('at_byte', 'desc')
        .limit(1)
        .executeTakeFirst(),
    );
    if (last === undefined) return null;
    const piece = { segment: last.segment, offset: last.at_byte };
    return { ...piece, where: this.whereOf(chain, piece), size: last.bytes.length, read: () => Promise.resolve(last.bytes) };
  }

  async put(chain: string, { segment, offset }: Piece, bytes: Uint8Array): Promise<'there' | 'another'> {
    const key = { chain, segment, at_byte: offset };
    await this.run((db) =>
      db
        .insertInto('audit_piece')
        .values({ ...key, bytes: Buffer.from(bytes) })
        .onConflict((conflict) => conflict.columns(['chain', 'segment', 'at_byte']).doNothing())
        .execute(),
    );
    // What is there is read back: an answer may have been lost, and somebody may have been there before.
    const there = await this.run((db) =>
      db
        .selectFrom('audit_piece')
        .select('bytes')
        .where('chain', '=', chain)
        .where('segment', '=', segment)
        .where('at_byte', '=', offset)
        .executeTakeFirst(),
    );
    return there !== undefined && Buffer.compare(there.bytes, bytes) === 0 ? 'there' : 'another';
  }

  whereOf(chain: string, { segment, offset }: Piece): string {
    return `the row of ${chain}, file ${segment}, byte ${offset}`;
  }

  reasonOf(error: unknown): { readonly reason: string; readonly cause: unknown } {
    const { code } = Object(error) as { readonly code?: unknown };
    if (code === UNDEFINED_TABLE)
      return { reason: 'the database has no table audit_piece yet: reseal up, server or worker of this version makes it', cause: error };
    return { reason: error instanceof Error ? error.message : String(error), cause: error };
  }

  /** @throws ResealError AUDIT_SINK_DOWN, CONFIG_INVALID */
  async all(): Promise<readonly CopiedChain[]> {
    const chains = await this.asked((db) => db.selectFrom('audit_piece').select('chain').distinct().orderBy('chain').execute());
    return chains.map(({ chain }) => ({ chain, place: `${this.place}, ${chain}`, findings: [], items: () => this.items(chain) }));
  }

  async close(): Promise<void> {
    const { connected } = this;
    this.connected = null;
    await connected?.db.destroy();
  }

  private async *items(chain: string): AsyncGenerator<ChainItem> {
    let last = { segment: -1, at_byte: -1 };
    for (;;) {
      const page = await this.asked((db) =>
        db
          .selectFrom('audit_piece')
          .select(['segment', 'at_byte', 'bytes'])
          .where('chain', '=', chain)
          .where(({ eb, refTuple, tuple }) => eb(refTuple('segment', 'at_byte'), '>', tuple(last.segment, last.at_byte)))
          .orderBy('segment')
          .orderBy('at_byte')
          .limit(PAGE)
          .execute(),
      );
      for (const { segment, at_byte: offset, bytes } of page) yield* itemsInPiece(bytes, this.whereOf(chain, { segment, offset }));
      const end = page.at(-1);
      if (end === undefined) return;
      last = end;
    }
  }

  private async asked<T>(question: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    try {
      return await this.run(question);
    } catch (error) {
      if (error instanceof ResealError && error.code === 'CONFIG_INVALID') throw error;
      const { reason, cause } = this.reasonOf(error);
      throw new ResealError('AUDIT_SINK_DOWN', `The copy of the audit log in ${this.place} cannot be read: ${reason.replace(/\.$/, '')}.`, { cause }); // prettier-ignore
    }
  }

  private run<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    this.connected ??= connect(this.url());
    const { db, where } = this.connected;
    return reaching(where, () => work(db));
  }
}

function connect(url: string): Connected {
  const { dialect, where } = serverDialect(url, 1);
  return { db: new Kysely<Tables>({ dialect }), where };
}
