import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { built, cleanEnv, ROOT, RunningReseal, runReseal, type RanReseal } from './processes.js';

// The endings of `npm start` that test/cli/demo.test.ts leaves out, each a whole rotation on twelve nodes: a minute each.

const REAL_PROFILES = join(ROOT, '..', 'shared', 'fixtures', 'apple-profiles');
const COHORTS = ['canary', 'wave 1', 'wave 2', 'wave 3'];

let home: string;
beforeAll(built, 240_000);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reseal-demo-endings-'));
});
afterEach(async () => {
  await stopRecorded(home);
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const demo = (...args: readonly string[]): Promise<RanReseal> => runReseal(['demo', ...args], { env: cleanEnv(home), timeout: 280_000 });

interface Row {
  readonly node: string;
  readonly old: string;
  readonly new: string;
  readonly serves: string;
  readonly last: string;
}

const tableOf = (stdout: string): readonly Row[] =>
  [...stdout.matchAll(/^(\S+-\d) +([0-9a-f-]{36}) +([0-9a-f-]{36}) +(\w+) +(.+)$/gm)].map(
    ([, node = '', before = '', after = '', serves = '', last = '']) => ({ node, old: before, new: after, serves, last }),
  );

/** `kind text` of every line of the record. */
const recordOf = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/^\d\d:\d\d:\d\d {2}(\S+) +(.+)$/gm)].map(([, kind = '', text = '']) => `${kind} ${text}`);

/** What the record says from the turn on, without the reason for it. */
const rollbackOf = (stdout: string): readonly string[] => {
  const record = recordOf(stdout);
  return record.slice(record.findIndex((line) => line.startsWith('phase rolling-back')) + 1);
};

const reached = (stdout: string): readonly string[] =>
  COHORTS.filter((cohort) => recordOf(stdout).includes(`wave ${cohort} serves the new assets`));

const back = (...cohorts: readonly string[]): readonly string[] => [
  ...cohorts.map((cohort) => `wave ${cohort} serves the old assets again`),
  'restored every node serves the old assets',
  'outcome rolled-back',
];

function expectTurnedBack(ran: RanReseal): void {
  expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
  expect(ran.stdout).toContain('\nios-main-1 rolled-back\n');
  const table = tableOf(ran.stdout);
  expect(new Set(table.map((row) => row.node)).size).toBe(12);
  expect(table.map((row) => [row.serves, row.last])).toEqual(Array.from({ length: 12 }, () => ['old', 'unstage done']));
  expect(table.every((row) => row.old !== row.new)).toBe(true);
  expect(ran.stdout).toMatch(/^builds +\d{2,} in all, .*; \d{3,} profile files checked, 0 failed$/m);
}

describe('reseal demo --fail', () => {
  it('staging: a full disk ends it before any node is switched (R6)', async () => {
    const ran = await demo('--fail', 'staging');
    expectTurnedBack(ran);
    expect(ran.stdout).toContain('This run fails on purpose: the disk of one node is full');
    expect(ran.stdout).toMatch(/^ {2}because staging failed on (\S+): Node \1 cannot write to .*: no space left on device/m);
    expect(reached(ran.stdout)).toEqual([]);
    expect(rollbackOf(ran.stdout)).toEqual(back());
  }, 300_000);

  it('canary: a byte of a new profile flips; the canary comes back, and no wave was ever begun (R6)', async () => {
    const ran = await demo('--fail', 'canary');
    expectTurnedBack(ran);
    expect(ran.stdout).toContain('This run fails on purpose: a byte of a new profile flips');
    expect(reached(ran.stdout)).toEqual([]);
  }, 300_000);

  it('rolling: more nodes in trouble than may be ask a question; unanswered, the waves come back last first (R6)', async () => {
    const ran = await demo('--fail', 'rolling');
    expectTurnedBack(ran);
    expect(recordOf(ran.stdout).filter((line) => line.startsWith('question asks stalled about '))).toHaveLength(1);
    expect(ran.stdout).toContain('  because the question stalled was not answered in time\n');
    expect(reached(ran.stdout)).toEqual(['canary', 'wave 1', 'wave 2']);
    expect(rollbackOf(ran.stdout)).toEqual(back('wave 3', 'wave 2', 'wave 1', 'canary'));
  }, 300_000);

  it('soak: unhealthy nodes after cutover bring back the head first, then the waves, last first (R6)', async () => {
    const ran = await demo('--fail', 'soak');
    expectTurnedBack(ran);
    expect(ran.stdout).toMatch(
      /^ {2}because 3 nodes are unhealthy, 2 may be; first (\S+): Node \1: .* is not among those that it accepts/m,
    );
    expect(reached(ran.stdout)).toEqual(COHORTS);
    expect(rollbackOf(ran.stdout)).toEqual([
      'wave the head of the line is the old manifest again',
      ...back('wave 3', 'wave 2', 'wave 1', 'canary'),
    ]);
  }, 300_000);

  it('signoff-rejected: one no brings the canary back, and no other node was ever switched (R6)', async () => {
    const ran = await demo('--fail', 'signoff-rejected');
    expectTurnedBack(ran);
    expect(ran.stdout).toContain('grace rejects it.');
    expect(ran.stdout).toContain('  because rejected by grace: the demo was asked to\n');
    expect(reached(ran.stdout)).toEqual(['canary']);
    expect(rollbackOf(ran.stdout)).toEqual(back('canary'));
  }, 300_000);
});

describe('reseal demo --real', () => {
  it.skipIf(!existsSync(REAL_PROFILES))(
    'rotates 2746d535 to c3e20987, really signed by Apple, with a new certificate; identities and signing are said to be not due',
    async () => {
      const ran = await demo('--real');
      expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
      expect(ran.stdout).toContain('\nios-main-1 completed\n');
      const table = tableOf(ran.stdout);
      expect(new Set(table.map((row) => row.node)).size).toBe(12);
      for (const row of table) {
        expect(row).toMatchObject({ serves: 'new', last: 'retire done' });
        expect([row.old, row.new]).toEqual([expect.stringMatching(/^2746d535-/), expect.stringMatching(/^c3e20987-/)]);
      }
      expect(ran.stdout).toMatch(/^builds +\d{3,} in all, .* 0 failed$/m);
      expect(ran.stdout).toMatch(/^not checked +identities and signing: .* not-due$/m);
      expect(ran.stdout).toMatch(/^Expiries are compared as if it were 2024-02-18 09:\d\d UTC; all else goes by the clock\.$/m);
      // What the approvers saw: the old profile's last day, and a certificate that is not the one before.
      expect(ran.stdout).toMatch(/old {2}2746d535\S+ +2024-02-23 +…[0-9A-F]{6}$/m);
      expect(ran.stdout).toMatch(/new {2}c3e20987\S+ +2024-06-28 +…[0-9A-F]{6}$/m);

      const reopened = RunningReseal.start(['up', '--home', home], { env: cleanEnv(home) });
      try {
        await reopened.says('Ctrl-C ends it.');
        const status = await runReseal(['rotation', 'status', 'ios-main-1'], { env: cleanEnv(home) });
        expect(status.stdout).toMatch(/manifest +\w{12} -> \w{12} {2}\(kind certificate, 1 profile, 12 nodes, /);
        expect(status.stdout).toMatch(/as if at +2024-02-18 .*\(expiries only\)/);
      } finally {
        expect(await reopened.stop()).toBe(0);
      }
    },
    300_000,
  );
});
