import type { AuditFinding } from '../../src/domain/audit/finding.js';
import type { ChainItem } from '../../src/domain/audit/verify.js';
import { ResealError } from '../../src/domain/errors.js';
import { bucketReason, failureOf } from '../manifest-store/bucket/failures.js';
import { BucketObjects, type FirstVersion } from '../manifest-store/bucket/objects.js';
import { addressOf, type BucketPlace } from '../manifest-store/bucket/place.js';
import { readLine } from './line.js';

/** Which part of a chain an object holds: of the file whose first record has this number, from this byte on. */
export interface Piece {
  readonly segment: number;
  readonly offset: number;
}

const NAME = /\/(\d{16})\.(\d{12})\.jsonl$/;
const digits = (number: number, count: number): string => String(number).padStart(count, '0');

/** Names sort as the pieces follow each other. */
export const pieceName = ({ segment, offset }: Piece): string => `${digits(segment, 16)}.${digits(offset, 12)}.jsonl`;

/** Null: the path is no piece's. */
export function pieceOf(path: string): Piece | null {
  const [, segment, offset] = NAME.exec(path) ?? [];
  return segment === undefined || offset === undefined ? null : { segment: Number(segment), offset: Number(offset) };
}

/** A chain as it lies in a bucket. */
export interface ChainInBucket {
  readonly chain: string;
  /** For people. */
  readonly place: string;
  /** What is wrong with the objects, apart from what they hold. */
  readonly findings: readonly AuditFinding[];
  items(): AsyncIterable<ChainItem>;
}

/** The chains of a bucket, of what was written first under each name. */
export class BucketChains {
  private readonly objects: BucketObjects;

  constructor(private readonly place: BucketPlace) {
    this.objects = new BucketObjects(place);
  }

  /** @throws ResealError AUDIT_SINK_DOWN */
  async all(): Promise<readonly ChainInBucket[]> {
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
    for (const piece of pieces) {
      const bytes = Buffer.from(await this.asked(() => this.objects.readVersion(piece)));
      let [begin, number] = [0, 0];
      for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', begin)) {
        yield readLine(bytes.subarray(begin, end), `${piece.path}, line ${++number}`);
        begin = end + 1;
      }
      if (begin < bytes.length || bytes.length === 0)
        yield { kind: 'unreadable', where: `${piece.path}, line ${number + 1}`, reason: 'it has no end' };
    }
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
