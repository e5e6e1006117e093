import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { withFileLock } from '../../src/temporal/file-lock.js';

/**
 * What all tests of a run share, made by the first of them that asks for it.
 * @param make is given the path at which it is to be, which is not the one that it has in the end
 * @returns its path: not to be changed
 */
export async function oncePerRun(name: string, make: (draft: string) => Promise<unknown>): Promise<string> {
  const made = join(inject('runFolder'), name);
  await withFileLock(`${made}.lock`, async () => {
    if (existsSync(made)) return;
    const draft = join(inject('runFolder'), `new-${name}`);
    await make(draft);
    renameSync(draft, made);
  });
  return made;
}
