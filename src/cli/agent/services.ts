import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ResealError } from '../../domain/errors.js';
import type { LaunchdPlan } from './launchd.js';

/** Runs one command; throws where it fails. */
export type Run = (words: readonly string[]) => void;

export const runCommand: Run = ([program = '', ...args]) => {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 });
};

/** Makes the folders, writes the files and has launchd start what is in them. What ran under these names before is ended first. */
export function putServices({ files, prepare, load, unload }: LaunchdPlan, run: Run): void {
  for (const words of prepare) attempt(words.join(' '), () => run(words));
  for (const file of files) {
    attempt(`write ${file.path}`, () => {
      mkdirSync(dirname(file.path), { recursive: true });
      writeFileSync(file.path, file.text, { mode: 0o644 });
      run(['chown', file.owner, file.path]);
    });
  }
  for (const words of unload) quietly(() => run(words));
  for (const words of load) attempt(words.join(' '), () => run(words));
}

/** Ends what runs and removes the files; nothing happens where there is none. */
export function removeServices({ files, unload }: LaunchdPlan, run: Run): void {
  for (const words of unload) quietly(() => run(words));
  for (const { path } of files) attempt(`remove ${path}`, () => rmSync(path, { force: true }));
}

function attempt(what: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new ResealError('REFUSED', `Could not ${what}: ${reason}. LaunchDaemons belong to root: run it with sudo, or do by hand what --print prints.`, { cause }); // prettier-ignore
  }
}

/** launchd says so where nothing of the name runs. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // Nothing was there to be ended; were it still there, loading it would fail, aloud.
  }
}
