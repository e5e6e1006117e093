import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failure } from './campaign.js';

/** Below the folder that the run was started in; not kept in the repository. */
const FOLDER = 'fuzz-failures';

/** Writes the shortened input of a failure to a file, and says in words how to run it again. */
export function reported({ target, seed, path, what, input }: Failure, folder: string = FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${target}-${seed}-${(path ?? 'run').replaceAll(':', '-').slice(0, 40)}`);
  writeFileSync(file, input);
  const again = `npm run fuzz -- --target ${target} --seed ${seed}`;
  return [
    `${target}: ${what}`,
    `  seed ${seed}, case ${path ?? 'none: the run as a whole'}; again: ${again}, or with the input: npm run fuzz -- --target ${target} --input ${file}`,
    `  input, shortened to ${input.length} bytes, in ${file}: ${JSON.stringify(Buffer.from(input.subarray(0, 300)).toString('latin1'))}`,
  ].join('\n');
}
