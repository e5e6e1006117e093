import { open } from 'node:fs/promises';
import { ResealError } from '../../src/domain/errors.js';
import type { ChainCopy } from './copies.js';
import type { Piece, PieceStore, StoredPiece } from './pieces.js';
import { linesOf, segmentsOf, type Segment } from './segments.js';
import { chainIn } from './verify-chain.js';

/** Of one piece, in bytes; a copy that is far behind comes over in several. */
const MOST_BYTES = 1 << 20;

/** A copy of a chain in pieces of its files, each written once. How far it came is read off the copy itself. */
export class PieceCopy implements ChainCopy {
  readonly every: number;
  private position: Piece | null = null;

  /** @param name of reseal.yaml */
  constructor(
    readonly name: string,
    private readonly store: PieceStore,
  ) {
    this.every = store.every ?? 0;
  }

  /** One that cannot be asked now is down, and asked again. @throws ResealError CONFIG_INVALID where the place will never do */
  async begin(): Promise<void> {
    try {
      await this.store.guard();
    } catch (error) {
      if (error instanceof ResealError && error.code === 'CONFIG_INVALID') throw error;
    }
  }

  /**
   * Brings over what the copy lacks.
   * @throws ResealError AUDIT_SINK_DOWN where it cannot be written, or knows something else than the chain; CONFIG_INVALID where it will never do
   */
  async catchUp(source: string): Promise<void> {
    try {
      await this.store.guard();
      const chain = await chainIn(source);
      if (chain === null) return;
      const from = this.position ?? (await this.positionAfter(source, chain));
      // Until everything is over there, nobody knows how far it came.
      this.position = null;
      this.position = await this.copyLines(source, chain, from);
    } catch (error) {
      if (error instanceof ResealError && ['AUDIT_SINK_DOWN', 'CONFIG_INVALID'].includes(error.code)) throw error;
      const { reason, cause } = this.store.reasonOf(error);
      throw this.down(reason.replace(/\.$/, ''), cause);
    }
  }

  close(): Promise<void> {
    return this.store.close();
  }

  /** Where the copy ends, by the copy itself: everything before was compared when it was written. */
  private async positionAfter(source: string, chain: string): Promise<Piece> {
    const segments = await segmentsOf(source);
    const [first] = segments;
    if (first === undefined) throw this.down(`${source} has no chain any more`);
    const last = await this.store.newest(
      chain,
      segments.map(({ firstSeq }) => firstSeq),
    );
    if (last === null) return { segment: first.firstSeq, offset: 0 };
    const here = typeof last === 'string' ? undefined : segments.find(({ firstSeq }) => firstSeq === last.segment);
    if (typeof last === 'string' || here === undefined)
      throw this.down(`it has ${typeof last === 'string' ? last : last.where}, and the chain has nothing there: verify both`);
    await this.compare(last, here);
    return { segment: last.segment, offset: last.offset + last.size };
  }

  private async compare(last: StoredPiece, { path }: Segment): Promise<void> {
    const [theirs, ours] = [await last.read(), await bytesAt(path, last.offset, last.size)];
    if (Buffer.compare(theirs, ours) !== 0) throw this.down(`${last.where} is not what the chain has there: verify both`);
  }

  private async copyLines(source: string, chain: string, from: Piece): Promise<Piece> {
    let now = from;
    for (const segment of await segmentsOf(source)) {
      if (segment.firstSeq < from.segment) continue;
      now = { segment: segment.firstSeq, offset: segment.firstSeq === from.segment ? from.offset : 0 };
      now = await this.copySegment(segment, chain, now);
    }
    return now;
  }

  private async copySegment({ path, firstSeq }: Segment, chain: string, from: Piece): Promise<Piece> {
    let waiting: Uint8Array[] = [];
    let [begin, end] = [from.offset, from.offset];
    const put = async (): Promise<void> => {
      if (waiting.length === 0) return;
      await this.put(chain, { segment: firstSeq, offset: begin }, Buffer.concat(waiting));
      [waiting, begin] = [[], end];
    };
    for await (const line of linesOf(path, from.offset)) {
      // The writer is in the middle of it.
      if (!line.whole) break;
      waiting.push(Uint8Array.from(line.bytes), NEWLINE);
      end = line.end;
      if (end - begin >= MOST_BYTES) await put();
    }
    await put();
    return { segment: firstSeq, offset: end };
  }

  private async put(chain: string, piece: Piece, bytes: Uint8Array): Promise<void> {
    if ((await this.store.put(chain, piece, bytes)) === 'there') return;
    throw this.down(
      `somebody has put something in the place of ${this.store.whereOf(chain, piece)}: verify it, and have its owner remove what is not reseal's`,
    );
  }

  private down(reason: string, cause?: unknown): ResealError {
    return new ResealError('AUDIT_SINK_DOWN', `The copy ${this.name} of the audit log in ${this.store.place} cannot be kept: ${reason}.`, {
      cause,
    });
  }
}

const NEWLINE = Buffer.from('\n');

/** Fewer where the file ends before. */
async function bytesAt(path: string, offset: number, size: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
