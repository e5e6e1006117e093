import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Phase } from '../../src/domain/rotation/phases.js';
import { EVERY_PHASE, heldBy, Obstacles } from './every-phase.js';
import { activeManifests, effects, installedProfiles, meshTruth } from './node-truth.js';
import { OwnServer } from './own-server.js';
import type { RotatingMesh } from './rotating-mesh.js';
import { startScenario, type Scenario } from './scenario.js';
import { WorkerProcesses } from './worker-processes.js';

// Each kill costs what Temporal needs to miss a worker: longer than `startScenario` gives a test.
vi.setConfig({ testTimeout: 600_000 });

/** Milliseconds that node operations take: long enough for a way back to be met, on a machine that is busy. */
const SLOW = 700;
const POLICY = {
  successor: { minLifeBeyondWindow: '14d', askEvery: '1d', lookEvery: '500ms', pageWhenLeft: ['5d', '3d', '2d', '1d'] },
  soak: { duration: '20s', interval: '1s', floor: '0s' },
  limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '30s', nodeOfflineAfter: '1m' },
};

/** Takes a rotation through every phase, with a kill in each. */
async function throughEveryPhase(mesh: RotatingMesh, kill: () => Promise<void>): Promise<readonly Phase[]> {
  const obstacles = new Obstacles(mesh.mesh.folders);
  const met: Phase[] = [];
  const { firstExecutionRunId } = await mesh.rotate();
  for (const phase of EVERY_PHASE) {
    await mesh.untilPhase(phase, 120_000);
    if (phase === 'awaiting-signoff') await mesh.untilGate();
    await kill();
    met.push(phase);
    obstacles.letGoOf(phase);
    if (phase === 'awaiting-signoff') await mesh.approve('ada', 'grace');
  }
  expect((await mesh.handle.describe()).raw.workflowExecutionInfo?.firstRunId).toBe(firstExecutionRunId);
  return met;
}

async function expectCompleted(mesh: RotatingMesh): Promise<void> {
  expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
  const { to } = await mesh.status();
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  for (const { name } of mesh.mesh.nodes) {
    for (const step of ['stage', 'put-manifest', 'activate', 'un-accept', 'quarantine-manifest'])
      expect(effects(mesh, name, 'ios-main-1', step).length, `${step} on ${name}`).toBeLessThanOrEqual(1);
    for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(4);
  }
}

let scenario: Scenario | undefined;
let endMore: () => Promise<void> = async () => undefined;
/** Builders have worked on every node all the time, and must have found every profile (`Scenario.end`). */
afterEach(async () => {
  await scenario?.end();
  await endMore();
});

describe('a worker killed with -9, another one in its place', () => {
  it('in every phase in turn: the rotation completes under the same id, and no node is staged twice (R8, R9, invariants 1, 6 and 10)', async () => {
    scenario = await startScenario({ policy: POLICY });
    const { mesh } = scenario;
    await mesh.stopWorker();
    const workers = new WorkerProcesses(mesh, SLOW);
    endMore = () => workers.kill();
    await workers.start();
    const met = await throughEveryPhase(mesh, async () => {
      await workers.kill();
      await workers.start();
    });
    expect(met).toEqual(EVERY_PHASE);
    await expectCompleted(mesh);
    await workers.kill();
  });

  it('while it takes everything back: every node is as before (R6, invariant 7)', async () => {
    scenario = await startScenario({ policy: POLICY });
    const { mesh, before } = scenario;
    await mesh.stopWorker();
    const workers = new WorkerProcesses(mesh, SLOW);
    endMore = () => workers.kill();
    await workers.start();
    await mesh.rotate();
    await mesh.untilGate();
    await mesh.tell('reject', 'grace', { reason: 'not this week' });
    await mesh.untilPhase('rolling-back');
    await workers.kill();
    await workers.start();
    expect((await mesh.result()).outcome).toBe('rolled-back');
    expect(meshTruth(mesh)).toEqual(before);
    await workers.kill();
  });
});

describe('the Temporal server killed with -9, and started again with its database', () => {
  const powerCut = async (server: OwnServer): Promise<void> => {
    await server.powerOff();
    await sleep(1_500);
    await server.powerOn();
  };

  it('in every phase in turn: the rotation completes under the same id, and no node is staged twice (R8, R9, invariants 1 and 10)', async () => {
    const server = await OwnServer.start();
    endMore = () => server.stop();
    scenario = await startScenario({ policy: POLICY, temporal: server.temporal });
    const { mesh, interference } = scenario;
    interference.before = heldBy(Obstacles.fileOf(mesh.mesh.folders));
    expect(await throughEveryPhase(mesh, () => powerCut(server))).toEqual(EVERY_PHASE);
    await expectCompleted(mesh);
  });

  it('while a rotation takes everything back: every node is as before (R6, invariant 7)', async () => {
    const server = await OwnServer.start();
    endMore = () => server.stop();
    scenario = await startScenario({ policy: POLICY, temporal: server.temporal });
    const { mesh, interference, before } = scenario;
    interference.before = () => sleep(SLOW);
    await mesh.rotate();
    await mesh.untilGate();
    await mesh.tell('reject', 'grace', { reason: 'not this week' });
    await mesh.untilPhase('rolling-back');
    await powerCut(server);
    expect((await mesh.result()).outcome).toBe('rolled-back');
    expect(meshTruth(mesh)).toEqual(before);
  });
});
