import { rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { Uuid } from '../../src/domain/brands.js';
import { createMesh, makeProfiles, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { SIMULATED_APPS, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';

/** No waits, no limits; everything else is a production policy's default. */
export const POLICY = {
  cohorts: { maxUnavailable: '100%' },
  probe: { interval: '0s' },
  soak: { duration: '0s', interval: '1ms', floor: '0s' },
  retirement: { secondGate: false, maxBuildDuration: '0s' },
  rollback: { headTime: '30s', nodeTime: '0s', safetyMargin: '1h', minLifeAfterRollback: '1h' },
  limits: { stepNodes: 100, activitiesPerSecond: 1_000_000, nodeOperationTimeout: '5m', nodeOfflineAfter: '2m' },
};

const DAY = 86_400_000;
/** Editions of the profiles that a mesh can go through: each lives a day longer than the one before. */
const EDITIONS = 100;

/** A mesh whose nodes follow the line's first manifest. */
export async function makeMesh(folder: string, nodes: number): Promise<SimulatedMesh> {
  const mesh = await createMesh({ folder, nodes: simulatedNodes(nodes), policy: POLICY, successors: false });
  const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  try {
    await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
  } finally {
    await around.close();
  }
  return mesh;
}

/** Puts the next edition of all profiles, and nothing else, into the drop folder. */
export function dropSuccessors(mesh: SimulatedMesh, edition: number): readonly Uuid[] {
  if (edition >= EDITIONS) throw new Error(`a mesh has ${EDITIONS} editions of its profiles at most`);
  const createdAt = new Date(Math.floor(Date.now() / 1000) * 1000 - DAY / 24);
  const expiresAt = new Date(mesh.certificate.notAfter.getTime() - (EDITIONS - edition) * DAY);
  const made = makeProfiles(mesh.apple, mesh.certificate, SIMULATED_APPS, { name: `edition ${edition}`, createdAt, expiresAt });
  rmSync(mesh.folders.drop, { recursive: true, force: true });
  mkdirSync(mesh.folders.drop);
  for (const { uuid, bytes } of made) writeFileSync(join(mesh.folders.drop, `${uuid}.mobileprovision`), bytes);
  return made.map(({ uuid }) => uuid as Uuid);
}
