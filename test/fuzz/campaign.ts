import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { judge, TIME_LIMIT } from './judge.js';
import { casesOf } from './mutations.js';
import { shortened } from './shortened.js';
import type { Target } from './target.js';

/** What a target may hold on to when all its cases have been, in bytes: caches have bounds. */
const HEAP_LIMIT = 64 * 1024 * 1024;
/** How long fewer mutations are looked for that fail as well, in milliseconds. */
const SHRINKING = 5_000;

export interface CampaignOptions {
  readonly cases: number;
  /** The same seed has the same cases. */
  readonly seed: number;
  /** Called with the number of each case before it runs. */
  readonly begins?: (number: number) => void;
  /** Of one case, in milliseconds. */
  readonly timeLimit?: number;
}

export interface Failure {
  readonly target: string;
  readonly seed: number;
  /** `fast-check`'s path to the case; null where it is the run as a whole that failed. */
  readonly path: string | null;
  readonly what: string;
  readonly input: Uint8Array;
}

/** Null: every case gave a value or a documented error, in time, and nothing was held on to. */
export function campaign(target: Target, { cases, seed, begins, timeLimit = TIME_LIMIT }: CampaignOptions): Failure | null {
  for (const [index, input] of target.seeds.entries()) {
    const what = judge(target, input, timeLimit);
    if (what !== null) return { target: target.name, seed, path: null, what: `seed ${index} as it is: ${what}`, input };
  }
  const before = heapHeld();
  let number = 0;
  let failedAt: number | null = null;
  const checked = fc.check(
    fc.property(casesOf(target), (input) => {
      if (failedAt !== null && performance.now() - failedAt > SHRINKING) return;
      begins?.(number);
      number += 1;
      const what = judge(target, input, timeLimit);
      if (what === null) return;
      failedAt ??= performance.now();
      throw new Error(what);
    }),
    { seed, numRuns: cases },
  );
  if (checked.failed) {
    const input = shortened(checked.counterexample?.[0] ?? new Uint8Array(), (bytes) => judge(target, bytes, timeLimit) !== null);
    return {
      target: target.name,
      seed,
      path: checked.counterexamplePath,
      what: judge(target, input, timeLimit) ?? 'it fails now and then',
      input,
    };
  }
  const held = heapHeld() - before;
  if (held <= HEAP_LIMIT) return null;
  const what = `${Math.round(held / 1024 / 1024)} MB are held on to after ${cases} cases; at most ${HEAP_LIMIT / 1024 / 1024} may be`;
  return { target: target.name, seed, path: null, what, input: new Uint8Array() };
}

/** The input of one case that a run had begun. */
export const caseNumbered = (target: Target, seed: number, number: number): Uint8Array =>
  fc.sample(casesOf(target), { seed, path: String(number), numRuns: 1 })[0] ?? new Uint8Array();

/** Bytes in use once everything is collected that can be. */
function heapHeld(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
