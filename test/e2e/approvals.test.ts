import { ApplicationFailure } from '@temporalio/common';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../setup/until.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.end());

/** What the rotation answered to a command given through Temporal's own client. */
async function refusal(update: string, said: Record<string, unknown>): Promise<{ code: string; message: string }> {
  try {
    await scenario.mesh.handle.executeUpdate(update, { args: [said] });
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
    return { code: error.cause.type ?? '', message: error.cause.message };
  }
  return { code: 'ACCEPTED', message: '' };
}

const historyLength = async (): Promise<number> => (await scenario.mesh.handle.describe()).historyLength;

/** The length at which the history stays while nothing happens. */
async function restingLength(): Promise<number> {
  let last = -1;
  return until(
    async () => {
      const now = await historyLength();
      const rests = now === last;
      last = now;
      return rests ? now : null;
    },
    { every: 700, what: 'a history that rests' },
  );
}

const ignoredSignals = async (): Promise<readonly string[]> =>
  (await scenario.mesh.ledger.eventsAfter('ios-main-1', 0)).filter((event) => event.kind === 'signal-ignored').map((event) => event.text);

describe('approvals through the bare Temporal client', () => {
  it('in the wrong phase is refused and leaves no trace (R7, invariants 4 and 6)', async () => {
    const { mesh, interference } = scenario;
    const held = interference.hold('stage');
    await mesh.rotate();
    await held.node();
    const { to, phase } = await mesh.status();
    expect(phase).toBe('staging');
    const before = await restingLength();
    expect(await refusal('approve', { by: 'ada', ticket: 'CHG-7', digest: to })).toMatchObject({
      code: 'ILLEGAL_COMMAND',
      message: expect.stringContaining('staging'),
    });
    expect(await historyLength()).toBe(before);
    held.release();
    await mesh.untilGate();
  });

  it('with the wrong digest, by the requester, under another ticket, by a stranger or without a digest is refused and leaves no trace (R7, invariants 4 and 5)', async () => {
    const { mesh } = scenario;
    const { to, from } = await mesh.status();
    const before = await restingLength();
    const good = { by: 'ada', ticket: 'CHG-7', digest: to };
    expect(await refusal('approve', { ...good, digest: from })).toMatchObject({ code: 'WRONG_DIGEST' });
    expect(await refusal('approve', { by: 'ada', ticket: 'CHG-7' })).toMatchObject({ code: 'WRONG_DIGEST' });
    expect(await refusal('approve', { ...good, by: 'rita' })).toMatchObject({
      code: 'NOT_ENTITLED',
      message: expect.stringContaining('asked for this rotation'),
    });
    expect(await refusal('approve', { ...good, ticket: 'CHG-8' })).toMatchObject({ code: 'WRONG_TICKET' });
    expect(await refusal('approve', { ...good, ticket: 'please' })).toMatchObject({ code: 'WRONG_TICKET' });
    expect(await refusal('approve', { ...good, by: 'mallory' })).toMatchObject({
      code: 'NOT_ENTITLED',
      message: expect.stringContaining('not on the roster'),
    });
    expect(await refusal('approve', { digest: to })).toMatchObject({ code: 'USAGE' });
    expect(await refusal('reject', { by: 'rita', ticket: 'CHG-7' })).toMatchObject({ code: 'NOT_ENTITLED' });
    expect(await refusal('rollback', { by: 'rita', ticket: 'CHG-7' })).toMatchObject({ code: 'NOT_ENTITLED' });
    expect(await historyLength()).toBe(before);
    expect((await mesh.status()).gate.counting).toBe(0);
  });

  it('a malformed command of any kind is refused and breaks nothing (R7)', async () => {
    const before = await restingLength();
    for (const said of [
      null,
      'approve',
      7,
      {},
      { by: 1, ticket: 2 },
      { by: 'ada', ticket: null },
      { by: '__proto__', ticket: 'CHG-7', digest: 'x' },
    ]) {
      expect((await refusal('approve', said as never)).code).not.toBe('ACCEPTED');
    }
    expect((await refusal('retry', { by: 'rita', ticket: 'CHG-7' })).code).not.toBe('ACCEPTED');
    expect((await refusal('answer', { by: 'ada', ticket: 'CHG-7' })).code).not.toBe('ACCEPTED');
    expect((await refusal('reject', { by: 'ada', ticket: 'CHG-7', reason: 'x'.repeat(300_000) })).code).toBe('USAGE');
    expect(await historyLength()).toBe(before);
  });

  it('twice by one person counts once (R7, invariant 5)', async () => {
    const { mesh } = scenario;
    const { to } = await mesh.status();
    expect(await refusal('approve', { by: 'ada', ticket: 'CHG-7', digest: to })).toMatchObject({ code: 'ACCEPTED' });
    const before = await restingLength();
    expect(await refusal('approve', { by: 'ada', ticket: 'CHG-7', digest: to })).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await historyLength()).toBe(before);
    expect(await mesh.status()).toMatchObject({ phase: 'awaiting-signoff', gate: { counting: 1, needed: 2 } });
  });

  it('a Signal that is no good is recorded as ignored with its reason, a good one counts (R7, invariant 10)', async () => {
    const { mesh } = scenario;
    const { to, from } = await mesh.status();
    await mesh.handle.signal('decision', { command: 'approve', by: 'grace', ticket: 'CHG-7', digest: from });
    await mesh.handle.signal('decision', { command: 'approve', by: 'ada', ticket: 'CHG-7', digest: to });
    await mesh.handle.signal('decision', { command: 'explode', by: 'ada', ticket: 'CHG-7' });
    await mesh.handle.signal('decision', null);
    await until(async () => (await ignoredSignals()).length === 4, { what: 'four ignored signals on the record' });
    const [digest, twice, unknown] = await ignoredSignals();
    expect(digest).toContain(from ?? '');
    expect(twice).toContain('ada has approved already');
    expect(unknown).toContain('a command needs');
    expect((await mesh.status()).gate.counting).toBe(1);

    await mesh.handle.signal('decision', { command: 'approve', by: 'grace', ticket: 'CHG-7', digest: to });
    expect((await mesh.result()).outcome).toBe('completed');
    const approvals = (await mesh.ledger.eventsAfter('ios-main-1', 0)).filter((event) => event.kind === 'approval');
    expect(approvals.map((event) => event.actor)).toEqual(['ada', 'grace']);
  });
});
