/**
 * `npm run fuzz [-- --target NAME …] [--cases N] [--seed N] [--input FILE]`: a million cases in all, or N per target, in two threads. A thread that
 * does not come back from a case is ended, and the case is told like any other failure.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { campaign, caseNumbered, type Failure } from '../test/fuzz/campaign.js';
import { judge } from '../test/fuzz/judge.js';
import { reported } from '../test/fuzz/report.js';
import type { Target } from '../test/fuzz/target.js';
import { TARGETS } from '../test/fuzz/targets.js';

/** Cases of all targets together where no number is given. */
const IN_ALL = 1_000_000;
const THREADS = 2;
/** A case that takes longer does not end, in milliseconds. */
const HANGS = 30_000;
/** Of the objects of a thread, in megabytes: a case that needs more has found a way to fill a machine. */
const HEAP = 512;

interface Work {
  readonly target: string;
  readonly cases: number;
  readonly seed: number;
  /** The number of the case that runs. */
  readonly progress: SharedArrayBuffer;
}

const targetNamed = (name: string): Target => {
  const found = TARGETS.find((target) => target.name === name);
  if (found !== undefined) return found;
  console.error(`There is no target ${name}; there are ${TARGETS.map((target) => target.name).join(', ')}.`);
  process.exit(2);
};

function runInThread(): void {
  const { target, cases, seed, progress } = workerData as Work;
  const current = new Int32Array(progress);
  const failure = campaign(targetNamed(target), { cases, seed, begins: (number) => Atomics.store(current, 0, number) });
  parentPort?.postMessage(failure);
}

function inThread(target: Target, cases: number, seed: number): Promise<Failure | null> {
  const progress = new SharedArrayBuffer(4);
  const current = new Int32Array(progress);
  const workerData: Work = { target: target.name, cases, seed, progress };
  const worker = new Worker(new URL(import.meta.url), { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP } });
  return new Promise((resolve) => {
    const end = (failure: Failure | null): void => {
      clearInterval(watch);
      void worker.terminate();
      resolve(failure);
    };
    const failedAt = (what: string): Failure => {
      const number = Atomics.load(current, 0);
      return { target: target.name, seed, path: String(number), what, input: caseNumbered(target, seed, number) };
    };
    let [last, since] = [-1, Date.now()];
    const watch = setInterval(() => {
      const number = Atomics.load(current, 0);
      if (number !== last) [last, since] = [number, Date.now()];
      // What is made shorter, and collected at the end, takes its time as well.
      else if (Date.now() - since > HANGS) end(failedAt(`it does not end, not in ${HANGS / 1_000} s`));
    }, 500);
    worker.once('message', (failure: Failure | null) => end(failure));
    worker.once('error', (error) => end(failedAt(`the thread ended: ${error.message}`)));
  });
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      cases: { type: 'string' },
      seed: { type: 'string' },
      input: { type: 'string' },
    },
  });
  const targets = values.target?.map(targetNamed) ?? TARGETS;
  if (values.input !== undefined) return runOne(targets, readFileSync(values.input));
  const cases = values.cases === undefined ? Math.ceil(IN_ALL / targets.length) : Number(values.cases);
  const seed = values.seed === undefined ? Date.now() % 0x7fffffff : Number(values.seed);
  if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
    console.error('--cases is a whole number from 1, --seed a whole number.');
    process.exit(2);
  }
  console.log(`${targets.length} targets, ${cases} cases each, seed ${seed}`);
  const waiting = [...targets];
  const began = Date.now();
  const next = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const since = Date.now();
      const failure = await inThread(target, cases, seed);
      const seconds = (Date.now() - since) / 1_000;
      if (failure === null) console.log(`${target.name.padEnd(22)} ${cases} cases in ${seconds.toFixed(1)} s`);
      else {
        process.exitCode = 1;
        console.error(reported(failure));
      }
    }
  };
  await Promise.all(Array.from({ length: THREADS }, next));
  console.log(`${cases * targets.length} cases in ${((Date.now() - began) / 1_000).toFixed(0)} s`);
}

function runOne(targets: readonly Target[], input: Uint8Array): void {
  for (const target of targets) {
    const what = judge(target, input);
    if (what !== null) process.exitCode = 1;
    console.log(`${target.name}: ${what ?? 'a value, or an error that is documented'}`);
  }
}

if (isMainThread) await run();
else runInThread();
