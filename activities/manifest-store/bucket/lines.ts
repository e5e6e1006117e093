import type { LineName, Sha256 } from '../../../src/domain/brands.js';
import type { ResealError } from '../../../src/domain/errors.js';
import type { Head } from '../contract.js';
import { numbersPath, type Numbers } from '../numbers.js';
import { plainReason } from '../out-of-reach.js';
import { unusable } from './failures.js';
import type { BucketObjects } from './objects.js';
import type { BucketPlace } from './place.js';
import { parsed, type Present } from './present.js';
import type { Seen, SeenLine } from './seen.js';

/** A head as it is kept: with what moved it there. */
export interface HeadDocument extends Head {
  readonly rotation?: string;
  readonly ticket?: string;
  readonly by?: string;
  readonly at: string;
}

export const headPath = (line: LineName): string => `lines/${line}/head.json`;
export const movePath = (line: LineName, seq: number): string => `lines/${line}/moves/${seq}.json`;

/** Heads and numbers of lines, held to what this machine has seen of them: both only grow. */
export class BucketLines {
  constructor(
    private readonly place: BucketPlace,
    private readonly objects: BucketObjects,
    private readonly seen: Seen,
    private readonly mustBeBegun: () => Promise<unknown>,
  ) {}

  /** null before the first move. @throws BucketFailure, ResealError STORE_UNREACHABLE */
  async head(line: LineName): Promise<Present<HeadDocument> | null> {
    const seen = (await this.seen.line(line)).head;
    const present = await this.read<HeadDocument>(headPath(line));
    if (seen !== null) {
      const was = `${line} was at seq ${seen.seq}, manifest ${seen.digest.slice(0, 12)}, when this machine last looked`;
      if (present === null) throw this.other(`${was}, and it has no head now`);
      if (present.value.seq < seen.seq) throw this.other(`${was}, and is at seq ${present.value.seq} now`);
      const then = await this.moveTo(line, seen.seq, present);
      if (then?.digest !== seen.digest) throw this.other(`${was}, and another manifest is on record for that now`);
    }
    if (present !== null) await this.remember(line, { head: { seq: present.value.seq, digest: present.value.digest } });
    return present;
  }

  /** What the head was at `seq`, which is not beyond the present one; null where nothing is on record. */
  async moveTo(
    line: LineName,
    seq: number,
    present: Present<HeadDocument> | null,
  ): Promise<{ line: LineName; seq: number; digest: Sha256; at: string } | null> {
    if (present?.value.seq === seq) return present.value;
    return (await this.read<HeadDocument>(movePath(line, seq)))?.value ?? null;
  }

  /** null before the first one. @throws BucketFailure, ResealError STORE_UNREACHABLE */
  async numbers(line: LineName): Promise<Present<Numbers> | null> {
    const seen = (await this.seen.line(line)).number;
    const present = await this.read<Numbers>(numbersPath(line));
    const highest = Math.max(0, ...Object.values(present?.value ?? {}));
    if (highest < seen)
      throw this.other(`rotation ${line}-${seen} had its number when this machine last looked, and ${highest} is the highest now`);
    await this.remember(line, { number: highest });
    return present;
  }

  remember(line: LineName, change: Partial<SeenLine>): Promise<void> {
    return this.noting(() => this.seen.rememberLine(line, change));
  }

  /** Writes down what was seen. @throws ResealError STORE_UNREACHABLE where this machine's disk does not take it */
  async noting(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      throw unusable(this.place, `what was seen of it cannot be written on this machine (${this.seen.folder}): ${plainReason(said)}`);
    }
  }

  /** It is not the store that this machine has seen, or not all of it. */
  other(found: string): ResealError {
    return unusable(
      this.place,
      `its history is not what it was: ${found}. Heads and records may be lost. Find out who did it, and bring back the versions that the bucket has kept. ` +
        `Where it was meant, remove ${this.seen.folder} on every machine that runs reseal.`,
    );
  }

  private async read<T>(path: string): Promise<Present<T> | null> {
    const object = await this.objects.read(path);
    if (object !== null) return parsed<T>(this.place, path, object);
    await this.mustBeBegun();
    return null;
  }
}
