import type { AuditFinding } from '../../src/domain/audit/finding.js';
import type { ChainItem } from '../../src/domain/audit/verify.js';
import { ResealError } from '../../src/domain/errors.js';
import { bucketReason, failureOf } from '../manifest-store/bucket/failures.js';
import { BucketObjects, type FirstVersion } from '../manifest-store/bucket/objects.js';
import { addressOf, type BucketPlace } from '../manifest-store/bucket/place.js';
import { itemsInPiece, type CopiedChain, type Piece } from './pieces.js';

const NAME = /\/(\d{16})\.(\d{12})\.jsonl$/;
const digits = (number: number, count: number): string => String(number).padStart(count, '0');

/** Names sort as the pieces follow each other. */
export const pieceName = ({ segment, offset }: Piece): string => `${digits(segment, 16)}.${digits(offset, 12)}.jsonl`;

/** Null: the path is no piece's. */
export function pieceOf(path: string): Piece | null {
  const [, segment, offset] = NAME.exec(path) ?? [];
  return segment === undefined || offset === undefined ? null : { segment: Number(segment), offset: Number(offset) };
}

/** The chains of a bucket, of what was written first under each name. */
export class BucketChains {
  private readonly objects: BucketObjects;

  constructor(private readonly place: BucketPlace) {
    this.objects = new BucketObjects(place);
  }

  /** @throws ResealError AUDIT_SINK_DOWN */
  async all(): Promise<readonly CopiedChain[]> {
    const versions = await this.asked(() => this.objects.firstVersions(''));
    const chains = new Map<string, FirstVersion[]>();
    for (const object of versions) {
      const [chain = '', ...rest] = object.path.split('/');
      if (rest.length === 0) continue;
      const known = chains.get(chain) ?? [];
      known.push(object);
      chains.set(chain, known);
    }
    return [...chains].map(([chain, pieces]) => ({
      chain,
      place: `${addressOf(this.place)}, ${chain}/`,
      findings: pieces.flatMap((piece) => laterOn(chain, piece)),
      items: () => this.items(pieces),
    }));
  }

  close(): Promise<void> {
    return this.objects.close();
  }

  private async *items(pieces: readonly FirstVersion[]): AsyncGenerator<ChainItem> {
    for (const piece of pieces) yield* itemsInPiece(await this.asked(() => this.objects.readVersion(piece)), piece.path);
  }

  private async asked<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      const failure = failureOf(error);
      throw new ResealError('AUDIT_SINK_DOWN', `The copy of the audit log in ${addressOf(this.place)} cannot be read: ${bucketReason(failure, this.place)}`, { cause: failure }); // prettier-ignore
    }
  }
}

/** A writer writes each name once. */
function laterOn(chain: string, { path, later }: FirstVersion): readonly AuditFinding[] {
  if (later === 0) return [];
  const times = later === 1 ? 'once' : `${later} times`;
  return [
    {
      fault: 'changed',
      chain,
      seq: null,
      text: `somebody has written over ${path}, or removed it, ${times}; what was there first is read`,
    },
  ];
}
