import { afterAll, beforeAll, expect, it } from 'vitest';
import { activeManifests, installedProfiles, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    policy: { gate: { approvals: 2, timeout: '2s', calendar: 'none', remindEvery: '600ms', widenAfter: '1s', approvalValid: '72h' } },
  });
});
afterAll(() => scenario.end());

it('silence at the gate sends the canary home and keeps the gate open; approvals run the canary again and go on (R7, invariants 4 and 9)', async () => {
  const { mesh, before, interference } = scenario;
  await mesh.rotate();
  await mesh.untilGate();
  const { to } = await mesh.status();
  await mesh.tell('approve', 'ada', { digest: to });
  const silent = await mesh.untilStatus((status) => status.gate.silence === 'returned', 'a canary sent home');
  expect(silent).toMatchObject({ phase: 'awaiting-signoff', gate: { counting: 1, passedAt: null }, epoch: 1000, question: null });
  expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([mesh.mesh.manifest]));
  // The new assets stay staged, and the old ones are what they were.
  for (const { name } of mesh.mesh.nodes) {
    for (const files of Object.values(installedProfiles(mesh.home(name)))) expect(files).toHaveLength(8);
    expect(meshTruth(mesh)[name]).toMatchObject(before[name] ?? {});
  }
  const switchesBefore = interference.seen.filter((one) => one.operation === 'switch' && one.target === to).length;
  expect(switchesBefore).toBe(2);

  await mesh.tell('approve', 'grace', { digest: to });
  expect((await mesh.result()).outcome).toBe('completed');
  expect(interference.seen.filter((one) => one.operation === 'switch' && one.target === to)).toHaveLength(2 + 6);
  const events = await mesh.ledger.eventsAfter('ios-main-1', 0);
  expect(events.filter((event) => event.kind === 'gate').map((event) => event.text)).toEqual([
    expect.stringContaining('waiting for 2 approvals'),
    expect.stringContaining('nobody decided in time'),
    expect.stringContaining('the gate stays open'),
  ]);
});
