import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerWrites } from '../../activities/ledger/contract.js';
import { ResealError } from '../../src/domain/errors.js';
import { until } from '../setup/until.js';
import { meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
let away = false;
/** Writes that met no database. */
let refused = 0;

const leaving = (ledger: LedgerWrites): LedgerWrites => {
  const wrap =
    <A extends unknown[], T>(write: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      if (away) {
        refused += 1;
        throw new ResealError('DATABASE_UNREACHABLE', 'The database does not answer.');
      }
      return write(...given);
    };
  return {
    recordRotation: wrap(ledger.recordRotation),
    recordEvents: wrap(ledger.recordEvents),
    recordNodes: wrap(ledger.recordNodes),
    saveNodeReports: wrap(ledger.saveNodeReports),
    recordSeatUses: wrap(ledger.recordSeatUses),
    recordSignings: wrap(ledger.recordSignings),
    signings: wrap(ledger.signings),
    recordExport: wrap(ledger.recordExport),
  };
};

beforeAll(async () => {
  scenario = await startScenario({ decorateLedger: leaving });
});
afterAll(() => scenario.end());

/** Every event of a rotation is there, once, in order. */
async function expectWholeRecord(id: string, outcome: string): Promise<void> {
  const { mesh } = scenario;
  const events = await until(async () => {
    const all = await mesh.ledger.eventsAfter(id, 0, 1_000);
    return all.some((event) => event.kind === 'outcome') ? all : null;
  });
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter((event) => event.kind === 'outcome').map((event) => event.data['to'])).toEqual([outcome]);
  expect((await mesh.ledger.rotation(id))?.phase).toBe(outcome);
  expect(await mesh.ledger.rotationNodes(id)).toHaveLength(mesh.mesh.nodes.length);
}

describe('with the ledger away', () => {
  it('a rotation waits where it goes forward, completes once it is back, and every event arrives exactly once (invariant 10)', async () => {
    const { mesh } = scenario;
    await mesh.rotate();
    await mesh.untilPhase('staging');
    away = true;
    await until(() => refused > 3, { what: 'refused writes' });
    away = false;
    await mesh.untilGate();
    away = true;
    await mesh.approve('ada', 'grace');
    await mesh.untilPhase('rolling');
    const so = refused;
    await until(() => refused > so + 3, { what: 'refused writes' });
    away = false;
    expect((await mesh.result()).outcome).toBe('completed');
    await expectWholeRecord('ios-main-1', 'completed');
  });

  it('a rollback does not wait for it: every node is back before the database is (R6, invariant 7)', async () => {
    const { mesh } = scenario;
    const incident = await mesh.rollBackCompleted('ios-main-1');
    expect((await incident.result()).outcome).toBe('rolled-back');
    const truth = meshTruth(mesh);
    await mesh.rotate();
    await mesh.untilPhase('staging');
    away = true;
    // A step forward is waiting for the ledger when the command comes.
    const so = refused;
    await until(() => refused > so + 3, { what: 'refused writes' });
    await mesh.tell('rollback', 'ada');
    await mesh.untilStatus((status) => status.restoredAt !== null, 'nodes restored without the ledger', 60_000);
    await until(() => JSON.stringify(meshTruth(mesh)) === JSON.stringify(truth), { what: 'node truth as before', timeout: 60_000 });
    away = false;
    expect((await mesh.result()).outcome).toBe('rolled-back');
    await expectWholeRecord('ios-main-3', 'rolled-back');
  });
});
