import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { activeManifests, effects } from './node-truth.js';
import { OwnServer } from './own-server.js';
import { startScenario, type Scenario } from './scenario.js';

let server: OwnServer;
let scenario: Scenario;
beforeAll(async () => {
  server = await OwnServer.start();
  scenario = await startScenario({ temporal: server.temporal });
});
afterAll(async () => {
  await scenario.end();
  await server.stop();
});

it('the Temporal server killed with -9 while staging and while rolling, started again with its database: the rotation goes on and completes (R8, invariants 1 and 10)', async () => {
  const { mesh, interference } = scenario;
  interference.before = () => sleep(250);
  await mesh.rotate();
  await mesh.untilPhase('staging');
  await powerCut();
  await mesh.approve('ada', 'grace');
  await mesh.untilPhase('rolling');
  await powerCut();
  expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
  const { to } = await mesh.status();
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  for (const { name } of mesh.mesh.nodes) expect(effects(mesh, name, 'ios-main-1', 'stage')).toHaveLength(1);
});

async function powerCut(): Promise<void> {
  await server.powerOff();
  await sleep(1_500);
  await server.powerOn();
}
