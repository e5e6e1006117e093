import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import type { Sha256 } from '../../src/domain/brands.js';
import { contentOf } from '../../src/temporal/content-of-stores.js';

let folder: string;
let stores: GitManifestStore[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-stores-'));
  stores = await Promise.all(['a', 'b'].map((name) => GitManifestStore.open({ path: join(folder, `${name}.git`), branch: 'main' })));
  for (const store of stores) await store.create();
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

it('content comes out of whichever store has it, and what a store out of reach may have is not taken for missing (S1, S3)', async () => {
  const context = { by: 'rita' };
  const [a, b] = await Promise.all(stores.map((store, index) => store.putFrozen({ index }, context)));
  const content = contentOf(stores);
  expect(await content.frozen(a as Sha256)).toEqual({ index: 0 });
  expect(await content.frozen(b as Sha256)).toEqual({ index: 1 });
  await expect(content.frozen('f'.repeat(64) as Sha256)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  renameSync(join(folder, 'b.git'), join(folder, 'b.away'));
  await expect(content.frozen('f'.repeat(64) as Sha256)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  expect(await content.frozen(a as Sha256)).toEqual({ index: 0 });
  renameSync(join(folder, 'b.away'), join(folder, 'b.git'));
});
