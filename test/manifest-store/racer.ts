/** A process of its own that writes to a store: `racer.ts <options of the store as JSON> <line> <name> <times>`; prints what it was answered, as JSON. */
import { BucketManifestStore, type BucketStoreOptions } from '../../activities/manifest-store/bucket/store.js';
import { GitManifestStore, type GitStoreOptions } from '../../activities/manifest-store/git.js';
import type { LineName, Sha256 } from '../../src/domain/brands.js';

const [options = '{}', line = '', name = '', times = '0'] = process.argv.slice(2);
const given = JSON.parse(options) as GitStoreOptions | BucketStoreOptions;
const store = await ('bucket' in given ? BucketManifestStore.open(given) : GitManifestStore.open(given));
const allotted: number[] = [];
const moved: number[] = [];
for (let turn = 0; turn < Number(times); turn += 1) {
  allotted.push(await store.allot(line as LineName, `${name}-${turn}`, { by: name }));
  const seq = (await store.head(line as LineName))?.seq ?? 0;
  const digest = Buffer.from(`${name} ${turn}`).toString('hex').padEnd(64, '0') as Sha256;
  const answer = await store.advance(line as LineName, seq, digest, { by: name });
  if (answer.moved) moved.push(seq + 1);
  await store.putFrozen({ name, turn }, { by: name });
}
await store.close();
process.stdout.write(JSON.stringify({ allotted, moved }));
