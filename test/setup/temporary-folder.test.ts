import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { removeTemporaryFolders, temporaryFolder } from './temporary-folder.js';

it('folders of a run are gone at its end, whatever is in them, and whoever has removed some already', () => {
  const [kept, another] = [temporaryFolder('reseal-kept'), temporaryFolder('reseal-another')];
  mkdirSync(join(kept, 'deep/er'), { recursive: true });
  writeFileSync(join(kept, 'deep/er/file'), 'x');
  expect(existsSync(join(another))).toBe(true);
  // A run of its own, which knows of these two: what its end does, is done to no other test's folders.
  const run = temporaryFolder('reseal-run');
  const notes = join(inject('runFolder'), 'temporary-folders');
  mkdirSync(join(run, 'temporary-folders'));
  for (const folder of [kept, another]) {
    const name = folder.split('/').at(-1) ?? '';
    cpSync(join(notes, name), join(run, 'temporary-folders', name));
  }
  removeTemporaryFolders(run);
  expect([existsSync(kept), existsSync(another)]).toEqual([false, false]);
  removeTemporaryFolders(run);
  removeTemporaryFolders(kept);
});
