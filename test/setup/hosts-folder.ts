import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wipeableTreeOf } from '../../src/domain/wipeable.js';

/**
 * A folder for the homes of hosts over SSH. Their paths are real ones, judged as they are: in a temporary folder they would count as wiped by
 * cleaners. In the repository, or, where that lies in such a folder itself, in the account's home.
 */
export function hostsFolder(): string {
  const inside = fileURLToPath(new URL('../../node_modules/.reseal-hosts', import.meta.url));
  const folder = wipeableTreeOf(inside, []) === null ? inside : join(homedir(), '.reseal-test-hosts');
  mkdirSync(folder, { recursive: true });
  return folder;
}
