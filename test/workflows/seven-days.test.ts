import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeName, PersonId, RotationId } from '../../src/domain/brands.js';
import { isOpen } from '../../src/domain/calendar.js';
import type { NodeResult } from '../../src/domain/node/report.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { PolicySchema } from '../../src/schema/policy.js';
import { SEARCH_ATTRIBUTES } from '../../src/temporal/search-attributes.js';
import { findTestServer } from '../../src/temporal/test-server.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import type { rotation } from '../../workflows/rotation.js';
import { BY_NAME, planOf, sha } from '../domain/rotation/plan.js';
import { testWorkflowBundle } from '../setup/temporal.js';
import { timeSkipping } from '../setup/time-skipping.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const server = await findTestServer();
const POLICY = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' } });
const OFFICE = POLICY.calendars['office'];
const NODES = ['ams-sign-1', 'iad-sign-1', 'bom-sign-1'] as NodeName[];
const TO = sha('b');

describe.skipIf('missing' in server)(`a rotation with the production policy${'missing' in server ? ` (${server.missing})` : ''}`, () => {
  let env: TestWorkflowEnvironment;
  const notices: { event: string; audience: readonly string[] }[] = [];
  beforeAll(async () => {
    if ('missing' in server) return;
    env = await timeSkipping(server.path);
    await registerAttributes(env);
  }, 120_000);
  afterAll(() => env.teardown());

  /** The world as the rotation wishes it. */
  const activities = (horizon: () => number): object => {
    const done = async (order: { node: NodeName }): Promise<NodeResult> => ({
      node: order.node,
      outcome: 'done',
      active: TO,
      reason: '',
      passes: 3,
    });
    const nothing = async (): Promise<void> => undefined;
    return {
      openRotation: async () => ({ k: 1, id: 'ios-main-1' as RotationId, policy: POLICY, rights: RIGHTS, authority: BY_NAME, heard: null }),
      findSuccessors: async () => ({ missing: [], ignored: [], fingerprint: 'f', expiresFirst: horizon() }),
      prepareRotation: async () => ({ plan: planOf({ waves: [1, 1, 1], horizon: horizon() }), reasons: [] }),
      gateTerms: async () => ({ rights: RIGHTS, keys: {}, assurance: 'name', roster: sha('1'), canaryReport: sha('2') }),
      cohortNodes: async ({ first, count }: { first: number; count: number }) => ({ nodes: NODES.slice(first, first + count), routes: {} }),
      advanceHead: async () => ({ moved: true, seq: 2 }),
      returnHead: async () => ({ seq: 3, digest: sha('a') }),
      closeRotation: nothing,
      inspectNode: async ({ node }: { node: NodeName }) => ({
        node,
        verdict: 'pass',
        active: sha('a'),
        problems: [],
        findings: [],
        accepted: [],
      }),
      stageNode: done,
      switchNode: done,
      retireNode: done,
      restoreNode: done,
      unstageNode: done,
      probeNodes: async ({ nodes }: { nodes: readonly NodeName[] }) =>
        nodes.map((node): NodeResult => ({ node, outcome: 'done', active: TO, reason: '' })),
      recordProgress: nothing,
      recordStep: nothing,
      notify: async ({ event, audience }: { event: string; audience: readonly string[] }) => void notices.push({ event, audience }),
    };
  };

  it(
    'reminds, widens, lets silence wait for the office to open, sends the canary home, and after the approvals soaks for a day and completes (R4, R7, R9, invariant 9)',
    { timeout: 240_000 },
    async () => {
      if (OFFICE === undefined) throw new Error('the default policy has an office calendar');
      // A Friday evening: a day later nobody is there.
      let start = await env.currentTimeMs();
      while (!(new Date(start).getUTCDay() === 5 && new Date(start).getUTCHours() === 19)) start += HOUR;
      await env.sleep(start - (await env.currentTimeMs()));
      const horizon = start + 8 * DAY;
      const worker = await createResealWorker({
        connection: env.nativeConnection,
        namespace: env.namespace ?? 'default',
        taskQueue: 'seven-days',
        workflowBundle: await testWorkflowBundle(),
        activities: activities(() => horizon),
      });
      await worker.runUntil(async () => {
        const handle = await env.client.workflow.start<typeof rotation>('rotation', {
          workflowId: 'rotation/ios-main',
          taskQueue: 'seven-days',
          args: [
            {
              line: 'ios-main' as never,
              trigger: { kind: 'schedule', by: 'schedule' as PersonId, ticket: 'CHG-1' },
              offset: 0,
              policy: POLICY,
              rights: RIGHTS,
              authority: BY_NAME,
            },
          ],
        });
        const status = (): Promise<RotationStatus> => handle.query<RotationStatus>('status');

        await env.sleep(25 * HOUR);
        const saturday = await status();
        expect(saturday).toMatchObject({ phase: 'awaiting-signoff', gate: { silence: 'no', counting: 0 } });
        const deadline = saturday.gate.deadline ?? 0;
        expect(deadline).toBeGreaterThan(start + 48 * HOUR);
        expect(isOpen(OFFICE, deadline)).toBe(true);
        expect(isOpen(OFFICE, deadline - 1)).toBe(false);
        const reminders = notices.filter((notice) => notice.event === 'reminder').map((notice) => notice.audience);
        expect(reminders.length).toBe(6);
        expect(reminders[0]).toEqual(POLICY.audience.owner);
        expect(reminders[2]).toEqual([...POLICY.audience.owner, ...POLICY.audience.widened]);

        await env.sleep(deadline + HOUR - (await env.currentTimeMs()));
        expect(await status()).toMatchObject({ phase: 'awaiting-signoff', gate: { silence: 'returned' }, epoch: 1000 });

        for (const by of ['ada', 'grace']) await handle.executeUpdate('approve', { args: [{ by, ticket: 'CHG-1', digest: TO }] });
        const soakBegan = await env.currentTimeMs();
        const end = await handle.result();
        expect(end).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
        const ended = await status();
        expect((ended.endedAt ?? 0) - soakBegan).toBeGreaterThan(POLICY.soak.duration);
        expect(ended.endedAt).toBeLessThan(horizon);
        expect(ended.soak?.rounds).toBeGreaterThan(90);
        expect(ended.startedAt).toBeLessThan(start + HOUR);
      });
    },
  );
});

/** This server can neither list nor count, so it is only told. */
async function registerAttributes({ connection, namespace }: TestWorkflowEnvironment): Promise<void> {
  const type = { Keyword: 2, Datetime: 6 } as const;
  const searchAttributes = Object.fromEntries(Object.entries(SEARCH_ATTRIBUTES).map(([name, of]) => [name, type[of]]));
  await connection.operatorService.addSearchAttributes({ namespace: namespace ?? 'default', searchAttributes });
}

const RIGHTS = Object.fromEntries(['ada', 'grace'].map((person) => [person, ['approve', 'reject', 'withdraw']])) as unknown as Parameters<
  typeof rotation
>[0]['rights'];
