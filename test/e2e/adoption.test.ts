import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Phase } from '../../src/domain/rotation/phases.js';
import { until } from '../setup/until.js';
import type { Held, NodeOperationName } from './interference.js';
import { activeManifests, effects, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

/** One mesh for all: each rotation must leave it so that the next one can begin. */
let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());
const holding: Held[] = [];
afterEach(() => {
  scenario.interference.before = () => undefined;
  // A test that failed keeps nobody from ending.
  for (const held of holding.splice(0)) held.release();
});

/** Holds one attempt of an operation, and no other: what the dead run had sent, and the node has not heard of yet. */
function holdOne(operation: NodeOperationName, fits: (node: string, target: string) => boolean = () => true): Held {
  let held = 0;
  const one = scenario.interference.hold(operation, (node, target) => fits(node, target) && held++ === 0);
  holding.push(one);
  return one;
}

const toNew = (_: string, target: string): boolean => target !== scenario.mesh.mesh.manifest;

/** Terminates the rotation in the phase, has it adopted, and answers its id. */
async function cutOffAndAdopt(phase: Phase): Promise<string> {
  const { mesh } = scenario;
  const { id, epoch, phase: found, gate } = await mesh.untilPhase(phase);
  await mesh.terminate();
  await mesh.adopt(id);
  const after = await mesh.untilStatus((status) => status.adoptions !== undefined, 'the adopted rotation');
  expect(after).toMatchObject({ id, epoch: epoch + 1, trigger: { by: 'rita', ticket: 'CHG-7' } });
  expect(after.adoptions).toMatchObject([{ by: 'rita', ticket: 'INC-2', phase: found }]);
  expect(after.gate.approvals).toEqual(gate.approvals);
  return id;
}

/** What was held is let go of: its node refuses it. */
async function letGo(held: Held, operation: NodeOperationName): Promise<void> {
  const { failed } = scenario.interference;
  const node = await held.node();
  const before = failed.length;
  held.release();
  const late = await until(() => failed.slice(before).find((one) => one.operation === operation && one.node === node) ?? null, {
    what: 'the end of the late order',
  });
  expect(late.reason).toContain('epoch');
}

async function expectCompleted(id: string): Promise<void> {
  const { mesh } = scenario;
  expect(await mesh.result()).toMatchObject({ id, outcome: 'completed' });
  const to = (await mesh.around.store('main').head(mesh.mesh.line))?.digest;
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([to]));
  const events = await mesh.ledger.eventsAfter(id, 0);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  expect(events.filter(({ kind }) => kind === 'adopted')).toMatchObject([{ actor: 'rita', data: { by: 'rita', ticket: 'INC-2' } }]);
  expect(await mesh.around.store('main').record(id)).toMatchObject({ state: { adoptions: [{ by: 'rita', ticket: 'INC-2' }] } });
}

async function expectRolledBack(id: string): Promise<void> {
  const { mesh, before } = scenario;
  expect(await mesh.result()).toMatchObject({ id, outcome: 'rolled-back' });
  expect(meshTruth(mesh)).toEqual(before);
  expect((await mesh.around.store('main').head(mesh.mesh.line))?.digest).toBe(mesh.mesh.manifest);
}

describe('a rotation that was terminated in Temporal and adopted goes on from where it was, and ends with the mesh whole (R7, invariants 1 and 6)', () => {
  it('staging, with an order of the dead run that comes late', async () => {
    const held = holdOne('stage');
    await scenario.mesh.rotate();
    await held.node();
    const id = await cutOffAndAdopt('staging');
    await scenario.mesh.untilGate();
    await letGo(held, 'stage');
    await scenario.mesh.tell('reject', 'grace');
    await expectRolledBack(id);
  });

  it('canary, turned back: a switch of the dead run that wakes up afterwards changes nothing', async () => {
    const { mesh, before } = scenario;
    const held = holdOne('switch', toNew);
    await mesh.rotate();
    await held.node();
    const id = await cutOffAndAdopt('canary');
    await mesh.tell('rollback', 'grace');
    await expectRolledBack(id);
    await letGo(held, 'switch');
    expect(meshTruth(mesh)).toEqual(before);
  });

  it('at the gate: what was approved before counts, and what is missing is asked for', async () => {
    const { mesh } = scenario;
    await mesh.rotate();
    const { to } = await mesh.untilGate();
    await mesh.tell('approve', 'ada', { digest: to });
    const id = await cutOffAndAdopt('awaiting-signoff');
    expect((await mesh.status()).gate).toMatchObject({ counting: 1, passedAt: null });
    await mesh.tell('reject', 'grace');
    await expectRolledBack(id);
  });

  it('rolling back', async () => {
    const { mesh } = scenario;
    await mesh.rotate();
    await mesh.untilGate();
    const held = holdOne('switch', (_, target) => target === mesh.mesh.manifest);
    await mesh.tell('reject', 'grace');
    await held.node();
    const id = await cutOffAndAdopt('rolling-back');
    await expectRolledBack(id);
    await letGo(held, 'switch');
    expect(meshTruth(mesh)).toEqual(scenario.before);
  });

  it('rolling, terminated twice: each wave is done once by those who own it', async () => {
    const { mesh } = scenario;
    await mesh.rotate();
    await mesh.untilGate();
    const first = holdOne('switch', toNew);
    await mesh.approve('ada', 'grace');
    await first.node();
    const again = holdOne('switch', toNew);
    const id = await cutOffAndAdopt('rolling');
    await again.node();
    await mesh.terminate();
    await mesh.adopt(id, { ticket: 'INC-3' });
    const { adoptions } = await mesh.untilStatus((status) => status.adoptions?.length === 2, 'the second adoption');
    expect(adoptions).toMatchObject([{ ticket: 'INC-2' }, { ticket: 'INC-3' }]);
    await mesh.untilStatus(({ cohorts }) => cohorts[1]?.state === 'switched', 'the first wave');
    await letGo(first, 'switch');
    await letGo(again, 'switch');
    await mesh.tell('rollback', 'grace');
    await expectRolledBack(id);
  });

  it('cutover, while the store does not take the head', async () => {
    const { mesh } = scenario;
    const lock = join(mesh.mesh.folders.store, 'refs', 'heads', 'main.lock');
    const { interference } = scenario;
    const switched = new Set<string>();
    await mesh.rotate();
    await mesh.untilGate();
    interference.before = (operation, node, target) => {
      if (operation !== 'switch' || !toNew(node, target)) return;
      switched.add(node);
      if (switched.size === 4) writeFileSync(lock, '');
    };
    await mesh.approve('ada', 'grace');
    const id = await cutOffAndAdopt('cutover');
    interference.before = () => undefined;
    rmSync(lock);
    await mesh.untilPhase('soaking');
    await mesh.tell('rollback', 'grace');
    await expectRolledBack(id);
  });

  it('retiring, and no node has anything done twice', async () => {
    const { mesh } = scenario;
    const held = holdOne('retire');
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    await held.node();
    const id = await cutOffAndAdopt('retiring');
    await expectCompleted(id);
    await letGo(held, 'retire');
    for (const { name } of mesh.mesh.nodes) expect(effects(mesh, name, id, 'activate'), name).toHaveLength(1);
  });
});

describe('what cannot be adopted is refused, with what to do', () => {
  it('one that has ended, one of another line, one that Temporal knows nothing of', async () => {
    const { mesh } = scenario;
    const { id } = await mesh.status();
    const ended = await mesh.adopt(id);
    expect(await ended.result()).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining(`${id} has ended`)] });
    const gone = await mesh.adopt('ios-main-999');
    expect(await gone.result()).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining('reseal node restore')] });
    const other = await mesh.adopt('ios-beta-1');
    expect(await other.result()).toMatchObject({ outcome: 'refused' });
  });
});
