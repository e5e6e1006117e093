import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EFFECTS } from '../../activities/audit/effects.js';
import { AuditLog } from '../../activities/audit/log.js';
import { createApprovalActivities } from '../../activities/approvals/activities.js';
import { createExportActivities } from '../../activities/exports/activities.js';
import { createLedgerActivities } from '../../activities/ledger/index.js';
import { createMandateActivities } from '../../activities/mandates/activities.js';
import { createNodeActivities } from '../../activities/node/index.js';
import { createNotifyActivities } from '../../activities/notify/index.js';
import { createOrderActivities } from '../../activities/orders/activities.js';
import { createReportActivities } from '../../activities/reports/activities.js';
import { createReturningActivities } from '../../activities/returning/activities.js';
import { createRevocationActivities } from '../../activities/revocations/activities.js';
import { createRosterActivities } from '../../activities/roster/activities.js';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import { NO_ORPHANS } from '../setup/no-orphans.js';
import { ResealError } from '../../src/domain/errors.js';
import { chainOptions, faults, linesIn, verified, written } from './chains.js';

const OPEN = { mustBeOpen: () => undefined };
const records = (folder: string) => linesIn(folder).map((line) => JSON.parse(line) as Record<string, unknown>);
const order = {
  ...{ node: 'bom-1', line: 'ios-main', rotation: 'ios-main-2', epoch: 2000, opId: 'ios-main-2/switch/2000' },
  ...{ target: 'a'.repeat(64), revertTo: null, password: 'correct horse', sign: { nonce: 'n', keys: ['ssh-ed25519 AAAA'] } },
};
const unavailable = (folder: string) => {
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, 'a file in its place');
  return () => {
    rmSync(folder);
    renameSync(`${folder}.away`, folder);
  };
};

it('T4: of every activity that a worker has it is declared whether it has an effect', () => {
  // Nothing is called: only the names count.
  const activities = {
    ...createRotationActivities({} as never, NO_ORPHANS),
    ...createApprovalActivities({} as never),
    ...createExportActivities({} as never),
    ...createOrderActivities(() => Promise.reject(new Error('nobody asks'))),
    ...createReportActivities(),
    ...createReturningActivities({ around: {} } as never),
    ...createMandateActivities({ around: {} } as never),
    ...createRosterActivities({} as never),
    ...createRevocationActivities({} as never),
    ...createNodeActivities({ store: {} } as never),
    ...createLedgerActivities({} as never),
    ...createNotifyActivities({ webhooks: [] }),
  };
  // What people do without a worker: by the desk of `node restore --break-glass`.
  expect([...Object.keys(activities), 'restoreUnasked'].sort()).toEqual(Object.keys(EFFECTS).sort());
});

it('T1, T4: writes the intent before the effect and the result after it, and of both what is declared alone', async () => {
  const options = chainOptions();
  const writer = await written(options, 0);
  const log = new AuditLog(writer, OPEN);
  const answer = await log.around({ name: 'switchNode', attempt: 2, order }, () => {
    expect(records(options.folder).at(-1)).toMatchObject({ kind: 'intent', effect: 'switchNode', attempt: 2 });
    return Promise.resolve({ outcome: 'done', active: 'a'.repeat(64), reason: 'correct horse' });
  });
  expect(answer.outcome).toBe('done');
  const failing = log.around({ name: 'advanceHead', attempt: 1, order: { line: 'ios-main', id: 'ios-main-2', ticket: 'CHG-7', expectedSeq: 1, to: 'b' } }, () =>
    Promise.reject(new ResealError('STORE_UNREACHABLE', 'the battery staple is away')),
  ); // prettier-ignore
  await expect(failing).rejects.toThrow('battery staple');
  await log.around({ name: 'inspectNode', attempt: 1, order }, () => Promise.resolve(null));
  await writer.close();
  const { node, line, rotation, epoch, opId, target } = order;
  expect(records(options.folder).slice(1).map(({ kind, effect, of, facts, outcome, code }) => ({ kind, effect, of, facts, outcome, code }))).toEqual([
    { kind: 'intent', effect: 'switchNode', facts: { node, line, rotation, epoch, opId, target } },
    { kind: 'result', effect: 'switchNode', of: 2, outcome: 'done', code: null, facts: { outcome: 'done', active: target } },
    { kind: 'intent', effect: 'advanceHead', facts: { line: 'ios-main', rotation: 'ios-main-2', ticket: 'CHG-7', expectedSeq: 1, to: 'b' } },
    { kind: 'result', effect: 'advanceHead', of: 4, outcome: 'failed', code: 'STORE_UNREACHABLE', facts: {} },
  ]); // prettier-ignore
  expect(linesIn(options.folder).join('')).not.toMatch(/horse|staple|nonce/);
});

it('T4: does nothing forward that it cannot write down first, goes back all the same, and says later what is not written', async () => {
  const options = chainOptions({ segmentBytes: 1 });
  const writer = await written(options, 1);
  const log = new AuditLog(writer, OPEN);
  const mend = unavailable(options.folder);
  const done: string[] = [];
  const doing = (what: string) => () => {
    done.push(what);
    return Promise.resolve({ outcome: 'done', active: null });
  };
  await expect(log.around({ name: 'switchNode', attempt: 1, order }, doing('switch'))).rejects.toMatchObject({ code: 'AUDIT_UNWRITABLE' });
  await log.around({ name: 'switchNode', attempt: 1, order: { ...order, opId: 'ios-main-2/return/2001' } }, doing('return'));
  await log.around({ name: 'unstageNode', attempt: 1, order }, doing('unstage'));
  expect(done).toEqual(['return', 'unstage']);
  mend();
  await log.around({ name: 'switchNode', attempt: 1, order }, doing('switch'));
  await writer.close();
  const kinds = records(options.folder).map(({ kind, unwritten }) => [kind, (unwritten as { records: number } | undefined)?.records]);
  expect(kinds.slice(2)).toEqual([['resume'], ['unwritten', 4], ['intent'], ['result']].map(([kind, many]) => [kind, many]));
  expect(faults(await verified(options.folder))).toEqual([]);
});

it('T4: refuses an activity that nobody has declared', async () => {
  const writer = await written(chainOptions(), 0);
  const log = new AuditLog(writer, OPEN);
  await expect(log.around({ name: 'launchRockets', attempt: 1, order: {} }, () => Promise.resolve())).rejects.toThrow(
    'Nobody has declared',
  );
  await writer.close();
});
