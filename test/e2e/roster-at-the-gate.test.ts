import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { startScenario, type Scenario } from './scenario.js';

interface Roster {
  readonly persons: readonly {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
    readonly keys: readonly never[];
  }[];
}

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ nodes: 3 });
});
afterAll(() => scenario.end());

/** Grace leaves, Carol comes: an administrator edits roster.yaml. */
function changeRoster(): void {
  const file = join(scenario.mesh.mesh.folders.config, 'roster.yaml');
  const roster = parse(readFileSync(file, 'utf8')) as Roster;
  const carol = { id: 'carol', name: 'Carol Weiss', roles: ['approvers'], keys: [] };
  writeFileSync(file, stringify({ ...roster, persons: [...roster.persons.filter((person) => person.id !== 'grace'), carol] }));
}

const codeOf = async (said: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await said.catch((reason: unknown) => reason);
  return error instanceof WorkflowUpdateFailedError ? error.cause : error;
};

it('the roster counts as it is when the gate opens: who became an approver since preflight may approve, who left may not, nor ever the requester (R5, invariant 4)', async () => {
  const { mesh, interference } = scenario;
  const held = interference.hold('stage');
  await mesh.rotate();
  await held.node();
  expect((await mesh.status()).gate.eligible).toEqual(['ada', 'grace']);
  changeRoster();
  held.release();
  const { to, gate } = await mesh.untilGate();
  expect([...gate.eligible].sort()).toEqual(['ada', 'carol']);
  expect(await codeOf(mesh.tell('approve', 'grace', { digest: to }))).toMatchObject({ type: 'NOT_ENTITLED' });
  expect(await codeOf(mesh.tell('approve', 'rita', { digest: to }))).toMatchObject({ type: 'NOT_ENTITLED' });
  await mesh.approve('ada', 'carol');
  expect((await mesh.result()).outcome).toBe('completed');
});
