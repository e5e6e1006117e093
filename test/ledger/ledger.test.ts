import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RotationNodeRow } from '../../activities/ledger/contract.js';
import { createLedgerActivities } from '../../activities/ledger/index.js';
import type { LineName, NodeName, PersonId, RotationId, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { ExportStatus } from '../../src/domain/exports/export.js';
import type { NodeReport } from '../../src/domain/node/report.js';
import type { HistoryEvent } from '../../src/domain/rotation/history.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { type Ledger, type LedgerPlace, openLedger } from '../../src/ledger/open.js';
import { startPostgres } from '../setup/postgres.js';

const sha = (digit: string) => digit.repeat(64) as Sha256;

/** Whatever a status holds, the ledger gives it back: only the fields that it has columns for matter here. */
function status(id: string, change: Partial<RotationStatus> = {}): RotationStatus {
  return {
    schemaVersion: 1,
    id: id as RotationId,
    line: 'ios-main',
    number: 1,
    epoch: 1000,
    kind: 'profile',
    trigger: { kind: 'person', by: 'alice' as PersonId, ticket: 'CHG-7' },
    phase: 'staging',
    outcome: null,
    since: 1_000,
    startedAt: 500,
    endedAt: null,
    restoredAt: null,
    from: sha('a'),
    to: sha('b'),
    summary: ['com.acme.courier: "old" → "new"'],
    horizon: 9_000_000_000_000,
    rollbackUntil: 8_000_000_000_000,
    offset: 0,
    installation: 'acme-demo',
    mode: 'production',
    nodes: 3,
    maxUnavailable: 1,
    cohorts: [{ name: 'canary', nodes: 1, state: 'waiting' }],
    progress: null,
    soak: null,
    gate: {
      needed: 2,
      approvals: [],
      counting: 0,
      eligible: [],
      openedAt: null,
      deadline: null,
      latest: null,
      silence: 'no',
      passedAt: null,
      binds: null,
      canary: null,
    },
    question: null,
    paused: null,
    troubles: [],
    missing: [],
    reasons: [],
    turnedAt: null,
    commands: ['cancel'],
    ...change,
  } as RotationStatus;
}

const row = (rotation: string, node: string, at: number, change: Partial<RotationNodeRow> = {}): RotationNodeRow => ({
  rotation: rotation as RotationId,
  node: node as NodeName,
  cohort: 'canary',
  state: 'stage done',
  active: sha('a'),
  passes: 0,
  reason: '',
  deferred: false,
  at,
  ...change,
});

const event = (rotation: string, seq: number, text = `event ${seq}`): HistoryEvent => ({
  rotation: rotation as RotationId,
  seq,
  at: 1_000 + seq,
  kind: 'phase',
  actor: 'reseal',
  text,
  data: { from: 'staging', nested: { list: [1, 'zwei', null] } },
});

const report = (node: string, at: number, active: Sha256): NodeReport => ({
  node: node as NodeName,
  at,
  protocol: 1,
  version: '0.1.0',
  image: 'tahoe-26.1-b4',
  active,
  accepted: [active],
  epoch: 1000,
  verdict: 'pass',
  problems: [],
  findings: [],
});

const folder = mkdtempSync(join(tmpdir(), 'reseal-ledger-'));
const server = await startPostgres();
afterAll(async () => {
  if (!('missing' in server)) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const embedded: LedgerPlace = { kind: 'embedded', folder: join(folder, 'database') };
const places: { name: string; place: LedgerPlace | null }[] = [
  { name: 'the embedded database', place: embedded },
  'missing' in server
    ? { name: `a PostgreSQL server (skipped: ${server.missing})`, place: null }
    : { name: 'a PostgreSQL server', place: { kind: 'url', url: server.url } },
];

describe.each(places)('the ledger in $name', ({ place }) => {
  const test = place === null ? it.skip : it;
  let ledger: Ledger;
  beforeAll(async () => {
    if (place !== null) ledger = await openLedger(place);
  });
  afterAll(async () => {
    if (place !== null) await ledger.close();
  });

  test('gives back the last status of a rotation as it was recorded', async () => {
    await ledger.recordRotation(status('r1-1'));
    const later = status('r1-1', { phase: 'soaking', since: 2_000, question: null, restoredAt: null });
    await ledger.recordRotation(later);
    await ledger.recordRotation(later);
    expect(await ledger.rotation('r1-1')).toEqual(later);
    expect(await ledger.rotation('none')).toBeNull();
  });

  test('keeps the newer status when an older one comes late', async () => {
    const newer = status('r2-1', { epoch: 1001, phase: 'rolling-back', since: 5_000 });
    await ledger.recordRotation(newer);
    await ledger.recordRotation(status('r2-1', { epoch: 1000, phase: 'rolling', since: 6_000 }));
    await ledger.recordRotation(status('r2-1', { epoch: 1001, phase: 'rolling', since: 4_000 }));
    expect(await ledger.rotation('r2-1')).toEqual(newer);
  });

  test('lists rotations by line, phase, whether they have ended and what they undo, newest first', async () => {
    await ledger.recordRotation(status('l-1', { line: 'l', startedAt: 1, phase: 'completed', outcome: 'completed', endedAt: 9 }));
    await ledger.recordRotation(status('l-2', { line: 'l', startedAt: 2, phase: 'rolled-back', outcome: 'rolled-back', endedAt: 9 }));
    await ledger.recordRotation(status('l-3', { line: 'l', startedAt: 3, phase: 'canary' }));
    const ids = async (filter: Parameters<Ledger['rotations']>[0]) => (await ledger.rotations(filter)).map((one) => one.id);
    expect(await ids({ line: 'l' })).toEqual(['l-3', 'l-2', 'l-1']);
    expect(await ids({ line: 'l', state: 'open' })).toEqual(['l-3']);
    expect(await ids({ line: 'l', state: 'ended' })).toEqual(['l-2', 'l-1']);
    expect(await ids({ line: 'l', outcome: 'completed' })).toEqual(['l-1']);
    expect(await ids({ line: 'l', phase: 'canary' })).toEqual(['l-3']);
    expect(await ids({ line: 'l', limit: 1 })).toEqual(['l-3']);
    await ledger.recordRotation(status('l-4', { line: 'l', startedAt: 4, undoes: 'l-1' as RotationId }));
    expect(await ids({ undoes: 'l-1' })).toEqual(['l-4']);
    expect(await ids({ undoes: 'l-2' })).toEqual([]);
  });

  test('records an event once, however often it is written, and tells those after a number', async () => {
    await ledger.recordEvents([event('e', 1), event('e', 2)]);
    await ledger.recordEvents([event('e', 2, 'another text'), event('e', 3), event('e', 3)]);
    await ledger.recordEvents([]);
    expect(await ledger.eventsAfter('e', 0)).toEqual([event('e', 1), event('e', 2), event('e', 3)]);
    expect(await ledger.eventsAfter('e', 2)).toEqual([event('e', 3)]);
    expect(await ledger.eventsAfter('e', 0, 1)).toEqual([event('e', 1)]);
  });

  test('records nodes by rotation and name; an older fact never overwrites a newer one, not even within one write', async () => {
    await ledger.recordNodes([row('n', 'b', 10), row('n', 'a', 10)]);
    await ledger.recordNodes([row('n', 'a', 20, { state: 'switch done', passes: 3, active: null }), row('n', 'a', 15, { state: 'late' })]);
    await ledger.recordNodes([row('n', 'b', 5, { state: 'older' })]);
    await ledger.recordNodes([]);
    expect(await ledger.rotationNodes('n')).toEqual([
      row('n', 'a', 20, { state: 'switch done', passes: 3, active: null }),
      row('n', 'b', 10),
    ]);
    expect(await ledger.rotationNodes('none')).toEqual([]);
  });

  test('takes 100 nodes in one write, again and again', async () => {
    const rows = (at: number) => Array.from({ length: 100 }, (_, index) => row('many', `node-${index}`, at, { reason: 'x'.repeat(200) }));
    await ledger.recordNodes(rows(1));
    for (let at = 2; at <= 11; at += 1) await ledger.recordNodes(rows(at));
    const written = await ledger.rotationNodes('many');
    expect(written).toHaveLength(100);
    expect(written.every((one) => one.at === 11)).toBe(true);
  });

  test('keeps the newest report per node and line', async () => {
    await ledger.saveNodeReports('ios-main', [report('a', 10, sha('a')), report('b', 10, sha('a'))]);
    await ledger.saveNodeReports('ios-main', [report('a', 20, sha('b')), report('b', 5, sha('c'))]);
    await ledger.saveNodeReports('mac', [report('a', 7, sha('d'))]);
    const seen = await ledger.nodes({ line: 'ios-main' });
    expect(seen).toEqual([
      { name: 'a', line: 'ios-main' as LineName, report: report('a', 20, sha('b')), seenAt: 20 },
      { name: 'b', line: 'ios-main' as LineName, report: report('b', 10, sha('a')), seenAt: 10 },
    ]);
    expect((await ledger.nodes({ name: 'a' })).map((one) => one.line)).toEqual(['ios-main', 'mac']);
  });

  test('tells what every node last said that it has, and null for pins that it was not asked for', async () => {
    const pins = { pipelines: ['release'], held: [{ job: '7', pipeline: null, bundles: ['com.acme.courier'], manifest: sha('a'), at: 1, expires: 2 }] }; // prettier-ignore
    const [first, second] = [
      { ...report('truth-a', 1_795_000_000_123, sha('a')), accepted: [sha('a'), sha('b')], pins },
      { ...report('truth-b', 30, sha('a')), active: null },
    ];
    await ledger.saveNodeReports('truths', [second, first]);
    expect((await ledger.nodeTruths()).filter((one) => one.line === 'truths')).toEqual([
      { node: 'truth-a', line: 'truths', active: sha('a'), accepted: [sha('a'), sha('b')], pins, seenAt: 1_795_000_000_123 },
      { node: 'truth-b', line: 'truths', active: null, accepted: [sha('a')], pins: null, seenAt: 30 },
    ]);
  });

  test('keeps the last status of an export, and its end for good, newest first and by line (S6)', async () => {
    const of = (id: string, change: Partial<ExportStatus> = {}): ExportStatus =>
      ({
        id,
        line: 'exports',
        phase: 'requested',
        binds: { identity: 'a', node: 'n', receiver: 'safe' },
        requestedAt: 1_000,
        ended: null,
        ...change,
      }) as unknown as ExportStatus;
    await ledger.recordExport(of('x-1'));
    await ledger.recordExport(of('x-2', { requestedAt: 2_000 }));
    const ended = of('x-1', { phase: 'fetched', ended: { at: 3_000, by: 'vera', reason: 'handed out' } });
    await ledger.recordExport(ended);
    // An attempt that was slow on its way.
    await ledger.recordExport(of('x-1', { phase: 'sealed' }));
    expect(await ledger.keyExport('x-1')).toEqual(ended);
    expect((await ledger.keyExports({ line: 'exports' })).map(({ id }) => id)).toEqual(['x-2', 'x-1']);
    expect(await ledger.keyExports({ line: 'none' })).toEqual([]);
    expect(await ledger.keyExport('none')).toBeNull();
  });

  test('keeps apart what many write at a time', async () => {
    const writes = Array.from({ length: 20 }, async (_, index) => {
      await ledger.recordNodes([row('at-once', `node-${index}`, 1)]);
      await ledger.recordEvents([event('at-once', index)]);
    });
    await Promise.all(writes);
    expect(await ledger.rotationNodes('at-once')).toHaveLength(20);
    expect(await ledger.eventsAfter('at-once', -1)).toHaveLength(20);
  });
});

describe('the embedded database', () => {
  it('has everything again when it is opened anew', async () => {
    const place: LedgerPlace = { kind: 'embedded', folder: join(folder, 'again') };
    const first = await openLedger(place);
    await first.recordRotation(status('kept-1'));
    await first.close();
    const second = await openLedger(place);
    expect(await second.rotation('kept-1')).toEqual(status('kept-1'));
    await second.close();
  });

  it('begins as a whole copy of the empty one: what a killed process left halfway is cleared away', async () => {
    const place: LedgerPlace = { kind: 'embedded', folder: join(folder, 'halfway') };
    mkdirSync(join(`${place.folder}.draft`, 'base'), { recursive: true });
    writeFileSync(join(`${place.folder}.draft`, 'PG_VERSION'), 'half');
    const ledger = await openLedger(place);
    await ledger.recordRotation(status('kept-2'));
    expect(await ledger.rotation('kept-2')).toEqual(status('kept-2'));
    await ledger.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('halfway'))).toEqual(['halfway']);
    expect(readFileSync(join(place.folder, 'PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
  });

  it('in a place that cannot be written says which, and leaves nothing there', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    const where = join(folder, 'a-file', 'database');
    await expect(openLedger({ kind: 'embedded', folder: where })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining(where),
    });
  });
});

describe('a PostgreSQL server', () => {
  it.skipIf('missing' in server)('may go away and come back: calls fail in plain words in between, and work again after', async () => {
    if ('missing' in server) return;
    const ledger = await openLedger({ kind: 'url', url: server.url });
    await ledger.recordRotation(status('away-1'));
    await server.crash();
    await expect(ledger.recordRotation(status('away-1', { phase: 'canary', since: 3_000 }))).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('does not answer'),
    });
    await server.restart();
    await ledger.recordRotation(status('away-1', { phase: 'canary', since: 3_000 }));
    expect((await ledger.rotation('away-1'))?.phase).toBe('canary');
    await ledger.close();
  });

  it.skipIf('missing' in server)('is migrated once when two processes start at a time', async () => {
    if ('missing' in server) return;
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('create database fresh');
    await client.end();
    const url = server.url.replace(/postgres$/, 'fresh');
    const both = await Promise.all([openLedger({ kind: 'url', url }), openLedger({ kind: 'url', url })]);
    await both[0].recordRotation(status('two-1'));
    expect(await both[1].rotation('two-1')).toEqual(status('two-1'));
    await Promise.all(both.map((one) => one.close()));
  });

  it('that is not there is reported within seconds and without the password', async () => {
    const began = Date.now();
    const error: unknown = await openLedger({ kind: 'url', url: 'postgres://reseal:hunter2@127.0.0.1:1/reseal' }).catch(
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', message: expect.stringContaining('(127.0.0.1:1/reseal) does not answer') });
    expect(String(error)).not.toContain('hunter2');
    expect(Date.now() - began).toBeLessThan(8_000);
  });

  it('whose URL is none is a matter of configuration', async () => {
    await expect(openLedger({ kind: 'url', url: 'not a url' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('the activities of the ledger', () => {
  it('say DATABASE_UNREACHABLE as a failure that may be retried', async () => {
    const away = new ResealError('DATABASE_UNREACHABLE', 'The database does not answer.');
    const failing = () => Promise.reject(away);
    const activities = createLedgerActivities({
      recordRotation: failing,
      recordEvents: failing,
      recordNodes: failing,
      saveNodeReports: failing,
      recordSeatUses: failing,
      recordSignings: failing,
      signings: failing,
      recordExport: failing,
    });
    await expect(activities.recordStep({ line: 'x' as LineName, rows: [row('x-1', 'n-1', 1)], reports: [] })).rejects.toMatchObject({
      type: 'DATABASE_UNREACHABLE',
      message: away.message,
    });
    await expect(activities.recordProgress({ status: status('x-1'), events: [] })).rejects.not.toHaveProperty('nonRetryable', true);
  });
});
