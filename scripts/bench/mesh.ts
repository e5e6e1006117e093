import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration } from '../../src/configuration/load.js';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openSurroundings } from '../../src/temporal/reseal-worker.js';

/** No waits, no limits; everything else is a production policy's default. */
const POLICY = {
  cohorts: { maxUnavailable: '100%' },
  probe: { interval: '0s' },
  soak: { duration: '0s', interval: '1ms', floor: '0s' },
  retirement: { secondGate: false, maxBuildDuration: '0s' },
  rollback: { nodeTime: '0s', safetyMargin: '1h', minLifeAfterRollback: '1h' },
  limits: { stepNodes: 100, activitiesPerSecond: 1_000_000, nodeOperationTimeout: '5m', nodeOfflineAfter: '2m' },
};

/** A mesh whose nodes follow the line's first manifest, with its successors in the drop folder. */
export async function makeMesh(folder: string, nodes: number): Promise<void> {
  const mesh = await createMesh({ folder, nodes: simulatedNodes(nodes), policy: POLICY });
  const around = await openSurroundings(mesh.folders.config);
  try {
    await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
  } finally {
    await around.close();
  }
}

/** A copy for one rotation: every repetition begins from the same state. What is still to be written to the disk is written before the clock starts. */
export function copyMesh(from: string, to: string): { readonly config: string; readonly database: string } {
  cpSync(from, to, { recursive: true });
  spawnSync('sync');
  return { config: join(to, 'config'), database: join(to, 'database') };
}
