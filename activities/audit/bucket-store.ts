import { describeDuration } from '../../src/domain/duration.js';
import { ResealError } from '../../src/domain/errors.js';
import { bucketReason, failureOf, isDenied, type BucketFailure } from '../manifest-store/bucket/failures.js';
import { BucketObjects, type ObjectLock } from '../manifest-store/bucket/objects.js';
import { addressOf, type BucketPlace } from '../manifest-store/bucket/place.js';
import { pieceName, pieceOf } from './bucket-chains.js';
import type { ChainCopy } from './copies.js';
import { PieceCopy } from './piece-copy.js';
import type { Piece, PieceStore, StoredPiece } from './pieces.js';

/** A copy of `audit.sinks` in a bucket. */
export interface BucketSink {
  readonly place: BucketPlace;
  readonly lock: ObjectLock['mode'];
  /** From the writing of each object on, in milliseconds. */
  readonly retainFor: number;
}

/**
 * A copy of a chain in a bucket with object lock: pieces of its files, each an object that is written once, and that nobody can remove or replace until its time is
 * over, the writer neither. What somebody writes over it is a later version, and counts for nothing.
 */
export const bucketCopy = (name: string, sink: BucketSink, clock: () => number = Date.now): ChainCopy =>
  new PieceCopy(name, new BucketPieces(name, sink, clock));

class BucketPieces implements PieceStore {
  private isGuarded = false;
  private readonly objects: BucketObjects;

  constructor(
    private readonly name: string,
    private readonly sink: BucketSink,
    private readonly clock: () => number,
  ) {
    this.objects = new BucketObjects(sink.place);
  }

  get place(): string {
    return addressOf(this.sink.place);
  }

  /** A bucket that locks nothing is no place for this, however it is meant. */
  async guard(): Promise<void> {
    if (this.isGuarded) return;
    if (!(await this.objects.locksObjects()))
      throw new ResealError(
        'CONFIG_INVALID',
        `The bucket of the copy ${this.name} of the audit log (${this.place}) locks nothing, so whoever writes it could remove what is there. Make one with object lock, which keeps versions too: aws s3api create-bucket --bucket NAME --object-lock-enabled-for-bucket; and name it in audit.sinks.${this.name}.`,
      );
    this.isGuarded = true;
  }

  async newest(chain: string, segments: readonly number[]): Promise<StoredPiece | string | null> {
    for (const segment of [...segments].reverse()) {
      const last = (await this.objects.firstVersions(`${chain}/`, before(chain, segment))).at(-1);
      if (last === undefined) continue;
      const piece = pieceOf(last.path);
      return piece === null ? last.path : { ...piece, where: last.path, size: last.size, read: () => this.objects.readVersion(last) };
    }
    return null;
  }

  /** What was written already, and whose answer was lost, is found there when the copy is looked at again. */
  async put(chain: string, piece: Piece, bytes: Uint8Array): Promise<'there' | 'another'> {
    const { lock: mode, retainFor } = this.sink;
    const path = this.whereOf(chain, piece);
    const lock = { mode, until: new Date(this.clock() + retainFor) };
    const { outcome } = await this.objects.write(path, bytes, { kind: 'absent' }, {}, lock);
    if (outcome === 'written') return 'there';
    const [there] = await this.objects.firstVersions(path);
    return there !== undefined && Buffer.compare(await this.objects.readVersion(there), bytes) === 0 ? 'there' : 'another';
  }

  whereOf(chain: string, piece: Piece): string {
    return `${chain}/${pieceName(piece)}`;
  }

  reasonOf(error: unknown): { readonly reason: string; readonly cause: unknown } {
    const cause = failureOf(error);
    return { reason: reasonOf(cause, this.sink), cause };
  }

  close(): Promise<void> {
    return this.objects.close();
  }
}

function reasonOf(failure: BucketFailure, { place }: BucketSink): string {
  if (isDenied(failure))
    return `it does not let this account do that (${failure.code}). It needs s3:PutObject, s3:PutObjectRetention, s3:GetObject, s3:GetObjectVersion, s3:ListBucket, s3:ListBucketVersions and s3:GetBucketObjectLockConfiguration there, and nothing that removes`;
  if (failure.code === 'Timeout') return `it has not answered for ${describeDuration(place.timeout)} (timeout of the sink in reseal.yaml)`;
  return bucketReason(failure, place);
}

/** The last path that comes before every piece of the segment. */
const before = (chain: string, segment: number): string => `${chain}/${pieceName({ segment, offset: 0 }).split('.')[0] ?? ''}`;
