import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { OpenStore } from '../../activities/manifest-store/contract.js';
import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { parseManifest } from '../../src/manifest/parse.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { BUCKET, ServedBucket } from '../manifest-store/served-bucket.js';
import { versitygwMissing } from '../setup/versitygw.js';
import { activeManifests } from './node-truth.js';
import { RotatingMesh } from './rotating-mesh.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

let mesh: RotatingMesh | undefined;
let otherMachine: string | undefined;
afterEach(async () => {
  await mesh?.stop();
  if (otherMachine !== undefined) rmSync(otherMachine, { recursive: true, force: true });
});

function declare(made: SimulatedMesh, store: Readonly<Record<string, unknown>>): void {
  const path = join(made.folders.config, 'reseal.yaml');
  const reseal = parse(readFileSync(path, 'utf8')) as { stores: Record<string, unknown> };
  reseal.stores['main'] = store;
  writeFileSync(path, stringify(reseal));
}

/** The store as another machine of the installation finds it. */
async function fromElsewhere(made: SimulatedMesh): Promise<OpenStore> {
  otherMachine ??= temporaryFolder('reseal-elsewhere');
  return openDeclaredStore(loadConfiguration(made.folders.config).reseal, 'main', otherMachine);
}

/** A rotation to its end, and the incident that brings the old assets back. */
async function rotatesAndComesBack(declared: (made: SimulatedMesh) => Promise<void>): Promise<void> {
  mesh = await RotatingMesh.start({ nodes: simulatedNodes(4), declared });
  const { line, manifest } = mesh.mesh;
  await mesh.rotate();
  const gate = await mesh.untilGate();
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
  const store = await fromElsewhere(mesh.mesh);
  try {
    expect(await store.head(line)).toEqual({ line, seq: 2, digest: gate.to });
    expect(parseManifest(await store.manifest(gate.to!)).profiles).toHaveLength(4);
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([gate.to]));
    expect(await store.records(line)).toEqual(['ios-main-1']);

    await mesh.rollBackCompleted('ios-main-1');
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
    expect(await store.head(line)).toEqual({ line, seq: 3, digest: manifest });
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([manifest]));
    expect(await store.records(line)).toEqual(['ios-main-1', 'ios-main-2']);
    expect(await store.record('ios-main-2')).toMatchObject({ state: { undoes: 'ios-main-1', phase: 'rolled-back' } });
  } finally {
    await store.close();
  }
}

describe('a rotation whose store is elsewhere (R2, R7, S1)', () => {
  it('by URL: heads and records are there for every machine, and an incident comes back to the old head', async () => {
    await rotatesAndComesBack((made) => Promise.resolve(declare(made, { kind: 'git', url: `file://${made.folders.store}` })));
  });

  it.skipIf(versitygwMissing() !== null)(
    'in a bucket: heads and records are there for every machine, and an incident comes back to the old head',
    async () => {
      const served = await ServedBucket.start();
      try {
        await served.prepare();
        await rotatesAndComesBack(async (made) => {
          const bucket = await served.open();
          await bucket.create();
          await copyHead(made, bucket);
          const { prefix, region, endpoint } = served.options();
          declare(made, { kind: 'bucket', bucket: BUCKET, prefix, region, endpoint });
          // What the mesh was made with is not what it rotates by.
          rmSync(made.folders.store, { recursive: true });
        });
      } finally {
        await mesh?.stop();
        mesh = undefined;
        await served.stop();
      }
    },
  );
});

/** The manifest in force and its profiles, as a team moves them to another store. */
async function copyHead(made: SimulatedMesh, to: OpenStore): Promise<void> {
  const from = await GitManifestStore.open({ path: made.folders.store });
  try {
    const bytes = await from.manifest(made.manifest);
    const by = { by: 'rita', ticket: 'DEMO-0' };
    const profiles = await Promise.all(parseManifest(bytes).profiles.map(({ profile }) => from.profile(profile.sha256)));
    await to.putMany(
      [...profiles.map((one) => ({ kind: 'profile', bytes: one, importedBy: 'rita' }) as const), { kind: 'manifest', bytes }],
      by,
    );
    await to.advance(made.line, 0, made.manifest, by);
  } finally {
    await from.close();
  }
}
