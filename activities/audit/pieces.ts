import type { AuditFinding } from '../../src/domain/audit/finding.js';
import type { ChainItem } from '../../src/domain/audit/verify.js';
import { readLine } from './line.js';

/** Which part of a chain a piece holds: of the file whose first record has this number, from this byte on. Pieces are written once and follow each other without gaps. */
export interface Piece {
  readonly segment: number;
  readonly offset: number;
}

/** The newest piece of a chain that a place has. */
export interface StoredPiece extends Piece {
  /** For people: what of the place it is. */
  readonly where: string;
  /** In bytes. */
  readonly size: number;
  read(): Promise<Uint8Array>;
}

/** Where copies of chains lie in pieces. What goes wrong with it is thrown as it comes, and `reasonOf` words it. */
export interface PieceStore {
  /** For people, e.g. `s3://acme-audit/copies`; never with a password. */
  readonly place: string;
  /** Less often than this nothing is written there, in milliseconds: what comes meanwhile goes over together. */
  readonly every?: number;
  /** Before the first piece. @throws ResealError CONFIG_INVALID where the place will never do */
  guard(): Promise<void>;
  /** @param segments of the chain, oldest first @returns null where there is none; a text says what is there that is no piece */
  newest(chain: string, segments: readonly number[]): Promise<StoredPiece | string | null>;
  /** Where nothing is yet; `another`: something else is there. */
  put(chain: string, piece: Piece, bytes: Uint8Array): Promise<'there' | 'another'>;
  /** What of the place a piece is, for people. */
  whereOf(chain: string, piece: Piece): string;
  /** Why the place could not be had, in words that end a sentence, and what may be said of the cause. */
  reasonOf(error: unknown): { readonly reason: string; readonly cause: unknown };
  close(): Promise<void>;
}

/** A chain as a sink has it. */
export interface CopiedChain {
  readonly chain: string;
  /** For people. */
  readonly place: string;
  /** What is wrong with where it lies, apart from what it holds. */
  readonly findings: readonly AuditFinding[];
  items(): AsyncIterable<ChainItem>;
}

/** The lines of a piece. @param where for people */
export function* itemsInPiece(piece: Uint8Array, where: string): Generator<ChainItem> {
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  let [begin, number] = [0, 0];
  for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', begin)) {
    yield readLine(bytes.subarray(begin, end), `${where}, line ${++number}`);
    begin = end + 1;
  }
  if (begin < bytes.length || bytes.length === 0)
    yield { kind: 'unreadable', where: `${where}, line ${number + 1}`, reason: 'it has no end' };
}
