import { open } from 'node:fs/promises';
import { describeDuration } from '../../src/domain/duration.js';
import { ResealError } from '../../src/domain/errors.js';
import { bucketReason, failureOf, isDenied, type BucketFailure } from '../manifest-store/bucket/failures.js';
import { BucketObjects, type FirstVersion, type ObjectLock } from '../manifest-store/bucket/objects.js';
import { addressOf, type BucketPlace } from '../manifest-store/bucket/place.js';
import { pieceName, pieceOf, type Piece } from './bucket-pieces.js';
import type { ChainCopy } from './copies.js';
import { linesOf, segmentsOf, type Segment } from './segments.js';
import { chainIn } from './verify-chain.js';

/** A copy of `audit.sinks` in a bucket. */
export interface BucketSink {
  readonly place: BucketPlace;
  readonly lock: ObjectLock['mode'];
  /** From the writing of each object on, in milliseconds. */
  readonly retainFor: number;
}

/** Of one object, in bytes; a copy that is far behind comes over in several. */
const MOST_BYTES = 1 << 20;

/**
 * A copy of a chain in a bucket with object lock: pieces of its files, each an object that is written once, and that nobody can remove or replace until its time is
 * over, the writer neither. What somebody writes over it is a later version, and counts for nothing.
 */
export class BucketCopy implements ChainCopy {
  private position: Piece | null = null;
  private isGuarded = false;
  private readonly objects: BucketObjects;

  constructor(
    readonly name: string,
    private readonly sink: BucketSink,
    private readonly clock: () => number = Date.now,
  ) {
    this.objects = new BucketObjects(sink.place);
  }

  /**
   * Before the first record: a bucket that locks nothing is no place for this, however it is meant. One that cannot be asked now is down, and asked again.
   * @throws ResealError CONFIG_INVALID
   */
  async begin(): Promise<void> {
    try {
      await this.guard();
    } catch (error) {
      if (error instanceof ResealError && error.code === 'CONFIG_INVALID') throw error;
    }
  }

  /**
   * Brings over what the copy lacks.
   * @throws ResealError AUDIT_SINK_DOWN where it cannot be written, or knows something else than the chain; CONFIG_INVALID where it locks nothing
   */
  async catchUp(source: string): Promise<void> {
    try {
      await this.guard();
      const chain = await chainIn(source);
      if (chain === null) return;
      const from = this.position ?? (await this.positionAfter(source, chain));
      // Until everything is over there, nobody knows how far it came.
      this.position = null;
      this.position = await this.copyLines(source, chain, from);
    } catch (error) {
      throw error instanceof ResealError ? error : this.failed(error);
    }
  }

  close(): Promise<void> {
    return this.objects.close();
  }

  private async guard(): Promise<void> {
    if (this.isGuarded) return;
    const { place } = this.sink;
    if (!(await this.objects.locksObjects()))
      throw new ResealError(
        'CONFIG_INVALID',
        `The bucket of the copy ${this.name} of the audit log (${addressOf(place)}) locks nothing, so whoever writes it could remove what is there. Make one with object lock, which keeps versions too: aws s3api create-bucket --bucket NAME --object-lock-enabled-for-bucket; and name it in audit.sinks.${this.name}.`,
      );
    this.isGuarded = true;
  }

  /** Where the copy ends, by the copy itself: everything before was compared when it was written, and is locked. */
  private async positionAfter(source: string, chain: string): Promise<Piece> {
    const segments = await segmentsOf(source);
    for (const segment of [...segments].reverse()) {
      const last = (await this.objects.firstVersions(`${chain}/`, before(chain, segment))).at(-1);
      if (last === undefined) continue;
      const piece = pieceOf(last.path);
      const here = piece === null ? undefined : segments.find(({ firstSeq }) => firstSeq === piece.segment);
      if (piece === null || here === undefined) throw this.down(`it has ${last.path}, and the chain has nothing there: verify both`);
      await this.compare(last, here, piece);
      return { segment: piece.segment, offset: piece.offset + last.size };
    }
    const [first] = segments;
    if (first === undefined) throw this.down(`${source} has no chain any more`);
    return { segment: first.firstSeq, offset: 0 };
  }

  private async compare(object: FirstVersion, { path }: Segment, { offset }: Piece): Promise<void> {
    const theirs = await this.objects.readVersion(object);
    const ours = await bytesAt(path, offset, object.size);
    if (Buffer.compare(theirs, ours) === 0) return;
    throw this.down(`${object.path} is not what the chain has there: verify both`);
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
      await this.put(`${chain}/${pieceName({ segment: firstSeq, offset: begin })}`, Buffer.concat(waiting));
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

  /** What was written already, and whose answer was lost, is found there when the copy is looked at again. */
  private async put(path: string, bytes: Uint8Array): Promise<void> {
    const { lock: mode, retainFor } = this.sink;
    const lock = { mode, until: new Date(this.clock() + retainFor) };
    const { outcome } = await this.objects.write(path, bytes, { kind: 'absent' }, {}, lock);
    if (outcome === 'written') return;
    const [there] = await this.objects.firstVersions(path);
    if (there !== undefined && Buffer.compare(await this.objects.readVersion(there), bytes) === 0) return;
    throw this.down(
      `somebody has put something in the place of ${path}: verify it, and have the bucket's owner remove what is not reseal's`,
    );
  }

  private failed(error: unknown): ResealError {
    const failure = failureOf(error);
    return this.down(reasonOf(failure, this.sink).replace(/\.$/, ''), failure);
  }

  private down(reason: string, cause?: unknown): ResealError {
    return new ResealError(
      'AUDIT_SINK_DOWN',
      `The copy ${this.name} of the audit log in ${addressOf(this.sink.place)} cannot be kept: ${reason}.`,
      {
        cause,
      },
    );
  }
}

const NEWLINE = Buffer.from('\n');

function reasonOf(failure: BucketFailure, { place }: BucketSink): string {
  if (isDenied(failure))
    return `it does not let this account do that (${failure.code}). It needs s3:PutObject, s3:PutObjectRetention, s3:GetObject, s3:GetObjectVersion, s3:ListBucket, s3:ListBucketVersions and s3:GetBucketObjectLockConfiguration there, and nothing that removes`;
  if (failure.code === 'Timeout') return `it has not answered for ${describeDuration(place.timeout)} (timeout of the sink in reseal.yaml)`;
  return bucketReason(failure, place);
}

/** The last path that comes before every piece of the segment. */
const before = (chain: string, { firstSeq }: Segment): string =>
  `${chain}/${pieceName({ segment: firstSeq, offset: 0 }).split('.')[0] ?? ''}`;

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
