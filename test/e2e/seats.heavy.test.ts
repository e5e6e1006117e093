import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { LineName, NodeName, PersonId } from '../../src/domain/brands.js';
import { Seats } from '../../src/temporal/seats.js';
import { until } from '../setup/until.js';
import { activeManifests } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';
import { WorkerProcesses } from './worker-processes.js';

const SIGNERS = ['ams-sign-1', 'iad-sign-1', 'bom-sign-1'] as unknown as readonly NodeName[];
let scenario: Scenario;
let workers: WorkerProcesses;
let seats: Seats;
const beats: NodeJS.Timeout[] = [];
beforeAll(async () => {
  scenario = await startScenario({ policy: { seats: { heartbeat: '4s', rollbackWait: '1s', rotationWait: '2m' } } });
  seats = new Seats(scenario.mesh.temporal.client, scenario.mesh.taskQueue);
  workers = new WorkerProcesses(scenario.mesh, 300);
});
afterAll(async () => {
  beats.forEach(clearInterval);
  await workers.kill();
  await scenario.end();
});

const rules = () => ({ terms: loadConfiguration(scenario.mesh.mesh.folders.config).policy.seats, capacity: 1 });

/** Jobs that hold every signer's seat and beat: which of them is the canary, the rotation says. */
async function holdAll(job: string): Promise<void> {
  const claimant = { holder: 'ci', pipeline: 'courier', ticket: 'CHG-1', job };
  for (const node of SIGNERS) {
    const standing = await seats.acquire(node, rules(), { ...claimant, lease: null, wait: 0, purpose: 'job' });
    if (standing.kind !== 'granted') throw new Error(`the seat of ${node} is ${standing.kind}`);
    const { token } = standing;
    beats.push(setInterval(() => void seats.heartbeat(node, token).catch(() => undefined), 500));
  }
}

async function letAllGo(): Promise<void> {
  beats.splice(0).forEach(clearInterval);
  for (const node of SIGNERS)
    await seats.release(node, { holder: 'ci', job: null, line: 'ios-main' as LineName, by: 'ada' as PersonId, ticket: 'INC-1' });
}

const views = () => Promise.all(SIGNERS.map((node) => seats.view(node, 1)));
const allFree = async (): Promise<boolean> => (await views()).every((view) => view.held.length === 0);

it('a rotation waits for a seat that a job holds, then switches; it holds none while it waits for people; a rollback goes past a job and says so (S12)', async () => {
  const { mesh } = scenario;
  await holdAll('build-1');
  await mesh.rotate();
  const node = await until(async () => (await views()).find((view) => view.waiting.length === 1)?.node, {
    what: 'the rotation in a queue',
  });
  expect((await seats.view(node, 1)).waiting[0]).toMatchObject({ holder: 'ios-main-1', pipeline: 'reseal' });
  expect(activeManifests(mesh)[node]).toBe(mesh.mesh.manifest);
  await letAllGo();
  await mesh.untilGate();
  expect(activeManifests(mesh)[node]).not.toBe(mesh.mesh.manifest);
  expect(await allFree()).toBe(true);

  await holdAll('build-2');
  await mesh.tell('rollback', 'ada', { ticket: 'INC-1' });
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(activeManifests(mesh)[node]).toBe(mesh.mesh.manifest);
  expect((await seats.view(node, 1)).held).toMatchObject([{ holder: 'ci', job: 'build-2' }]);
  const remarks = await until(async () => {
    const found = (await mesh.ledger.eventsAfter('ios-main-1', 0)).filter((event) => event.kind === 'remark');
    return found.length > 0 ? found : null;
  });
  expect(remarks.map((event) => event.text)).toEqual([
    `the seat of ${node} is held by ci under CHG-1; it was switched back without its seat`,
  ]);
  await letAllGo();
});

it('a worker killed with -9 while it holds a seat: the next one has it again, switches, and gives it back', async () => {
  const { mesh } = scenario;
  await mesh.stopWorker();
  await workers.start();
  await mesh.rotate();
  await until(async () => (await views()).some((view) => view.held[0]?.holder === 'ios-main-2'), { what: 'a seat taken', every: 20 });
  await workers.kill();
  await workers.start();
  await mesh.approve('ada', 'grace');
  expect((await mesh.result()).outcome).toBe('completed');
  await until(allFree, { what: 'free seats' });
});
