import type { Sha256 } from '../../src/domain/brands.js';
import type { Digested, NodePath } from '../../src/node-shell/contract.js';

/** What is wrong at a path where a file of this digest should be; nothing, or one sentence. */
export function differences(path: NodePath, found: Digested | undefined, expected: Sha256): readonly string[] {
  if (found === undefined || found.kind === 'absent') return [`${path} is missing, expected SHA-256 ${expected}`];
  if (found.kind === 'other') return [`${path} is ${found.what}, expected a file of SHA-256 ${expected}`];
  return found.sha256 === expected ? [] : [`${path} has SHA-256 ${found.sha256}, expected ${expected}`];
}
