import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { until } from '../setup/until.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

// `npm start` to its end, and what needs no whole rotation; the other endings are in demo-endings.heavy.test.ts and demo-taken-up.heavy.test.ts.

let folder: string;
beforeAll(built, 240_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-demo-'));
});
afterEach(async () => {
  await stopRecorded(join(folder, 'demo'));
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const home = (): string => join(folder, 'demo');
const demo = (...args: readonly string[]): ReturnType<typeof runReseal> =>
  runReseal(['demo', ...args], { env: cleanEnv(home()), timeout: 280_000 });
const serving = (stdout: string): readonly string[] =>
  [...stdout.matchAll(/^\S+-\d +[0-9a-f-]{36} +[0-9a-f-]{36} +(\w+) /gm)].map(([, what = '']) => what);

describe('reseal demo', () => {
  it('rotates the whole mesh, started by the schedule, without a build failing (P5, R1, R2)', async () => {
    const ran = await demo();
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
    // `npm start > file` holds the whole transcript, in its order.
    const told = [
      'making a mesh',
      'control API',
      'the schedule expiry-scan scans',
      'asked for by schedule',
      'To be approved: manifest',
      'reseal rotation approve ios-main-1 --as grace',
      'grace approved',
      'ios-main-1 completed',
    ];
    expect(told.map((text) => ran.stdout.indexOf(text)).filter((place, index, all) => place <= (all[index - 1] ?? -1))).toEqual([]);
    expect(ran.stderr).not.toMatch(/To be approved|reseal rotation approve|control API/);
    expect(serving(ran.stdout)).toEqual(Array.from({ length: 12 }, () => 'new'));
    expect(ran.stdout).toMatch(/builds +\d{3,} in all, .* 0 failed/);
    expect(ran.stdout).toMatch(/started by +Schedule expiry-scan, whose scan \S+ started workflow rotation\/ios-main/);
    // Nothing that a person reads is wider than a wide terminal, or says an instant in another form than the rest.
    const record = ran.stdout.split('\n').filter((line) => /^\d\d:\d\d:\d\d {2}/.test(line));
    expect(record.filter((line) => /T\d\d:\d\d:\d\d/.test(line))).toEqual([]);
  }, 300_000);

  it('killed while it makes its mesh, starts over', async () => {
    const first = RunningReseal.start(['demo'], { env: cleanEnv(home()) });
    await first.says('making a mesh');
    await until(() => readFileSync(join(home(), 'demo.making'), 'utf8') === '', { what: 'a mesh half made' });
    await first.killHard();
    const second = RunningReseal.start(['demo'], { env: cleanEnv(home()) });
    await second.says('control API');
    expect(await second.stop()).toBe(0);
  }, 240_000);

  describe('that is started where one was before', () => {
    const before = ({
      fail = null,
      ...more
    }: {
      readonly fail?: string | null;
      readonly rotation?: null;
      readonly outcome: string | null;
    }): void => {
      mkdirSync(home());
      const line = { line: 'ios-main', nodes: ['ams-sign-1'], rotation: 'ios-main-1', ...more };
      const record = { schemaVersion: 1, real: false, fail, example: null, offset: 0, lines: [line] };
      writeFileSync(join(home(), 'demo.json'), JSON.stringify(record));
    };

    it.each([
      ['ended', { outcome: 'completed' }, [], '(ios-main-1) ended as completed; a new one is begun.'],
      ['was not finished', { outcome: null }, ['--fresh'], '(ios-main-1) was not finished; a new one is begun.'],
      ['had not begun', { outcome: null, rotation: null, fail: 'soak' }, [], 'had not begun its rotation yet; a new one is begun.'],
    ])('says that it %s', async (_, more, flags, text) => {
      before(more);
      const running = RunningReseal.start(['demo', ...flags], { env: cleanEnv(home()) });
      await running.says('making a mesh');
      await running.killHard();
      expect(running.stdout).toMatch(/^The former demo in /);
      expect(running.stdout).toContain(`The former demo in ${home()} ${text}\n`);
    });
  });

  it('says beforehand that grace will reject it', async () => {
    const running = RunningReseal.start(['demo', '--fail', 'signoff-rejected'], { env: cleanEnv(home()) });
    await running.says('control API');
    expect(await running.stop()).toBe(0);
    expect(running.stdout).toContain('This run fails on purpose: grace rejects what is to be approved.\n');
  }, 120_000);

  it('goes by no configuration but its own', async () => {
    const ran = await demo('--config', folder);
    expect([ran.exit, ran.stderr]).toEqual([2, expect.stringContaining('--config has no effect')]);
  });

  it('knows its faults, and what does not go together', async () => {
    const nonsense = await demo('--fail', 'nonsense');
    expect([nonsense.exit, nonsense.stderr]).toEqual([2, '--fail takes staging, canary, rolling, soak, signoff-rejected, not nonsense.\n']);
    expect((await demo('--real', '--fail', 'canary')).exit).toBe(2);
  });

  it('leaves a folder alone that is not its own', async () => {
    writeFileSync(join(folder, 'precious.txt'), 'mine');
    const ran = await runReseal(['demo', '--home', folder], { env: cleanEnv(folder) });
    expect([ran.exit, ran.stderr]).toEqual([4, expect.stringContaining('precious.txt')]);
    expect(readFileSync(join(folder, 'precious.txt'), 'utf8')).toBe('mine');
  });
});
