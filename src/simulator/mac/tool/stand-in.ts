import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { STAND_IN_FILE, standInText } from '../../../mac/unsigned-stand-in.js';
import type { Answer } from './call.js';
import type { Code } from './bundle.js';

/**
 * What is left in a bundle that was to be signed where `rcodesign` is missing: a file that says that there is no signature, and by whose identity
 * there would have been one. `codesign -d` then prints `Signature=none (…)` and no authority; `codesign --verify` says what is true, that the
 * code is not signed at all.
 */
export interface StandIn {
  readonly display: Answer;
}

const fileOf = (code: Code): string | null => (code.folder === null ? null : join(code.folder, STAND_IN_FILE));

export function leaveStandIn(code: Code, sha1: string): Answer {
  const path = fileOf(code);
  if (path === null)
    return { stderr: `${code.named}: not signed: rcodesign is not there, and a bare program has no place for a stand-in\n`, code: 1 };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, standInText(sha1));
  return { stderr: `${code.named}: warning: not signed: rcodesign is not there, so this is a stand-in without a signature\n`, code: 0 };
}

/** Takes away what an earlier run has left, before a signature takes its place. */
export function clearStandIn(code: Code): void {
  const path = fileOf(code);
  if (path !== null) rmSync(path, { force: true });
}

/** Null where none was left. */
export function standInOf(code: Code): StandIn | null {
  const path = fileOf(code);
  if (path === null || !existsSync(path)) return null;
  const reason = readFileSync(path, 'utf8').trim();
  const format = `Format=${code.kind ?? ''} with Mach-O thin (${code.machO.architecture})`;
  return { display: { stderr: `Executable=${code.executable}\n${format}\nSignature=none (${reason})\nTeamIdentifier=not set\n`, code: 0 } };
}
