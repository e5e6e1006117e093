import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { until } from '../setup/until.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

// Whole rotations on twelve nodes, each in a process of its own as `npm start` runs it: about a minute each.

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
    expect([ran.exit, ran.stderr]).toEqual([0, expect.stringContaining('To be approved: manifest')]);
    expect(ran.stdout).toContain('ios-main-1 completed');
    expect(serving(ran.stdout)).toEqual(Array.from({ length: 12 }, () => 'new'));
    expect(ran.stdout).toMatch(/builds +\d{3,} in all, .* 0 failed/);
    expect(ran.stdout).toMatch(/started by +Schedule expiry-scan, whose scan \S+ started workflow rotation\/ios-main/);
    // Nothing that a person reads is wider than a wide terminal, or says an instant in another form than the rest.
    const record = ran.stdout.split('\n').filter((line) => /^\d\d:\d\d:\d\d {2}/.test(line));
    expect(record.filter((line) => /T\d\d:\d\d:\d\d/.test(line))).toEqual([]);
  }, 300_000);

  it('comes back in order when the canary fails (R6)', async () => {
    const ran = await demo('--fail', 'canary');
    expect([ran.exit, ran.stderr]).toEqual([0, expect.stringContaining('fails on purpose')]);
    expect(ran.stdout).toContain('ios-main-1 rolled-back');
    expect(serving(ran.stdout)).toEqual(Array.from({ length: 12 }, () => 'old'));
    expect(ran.stdout).toMatch(/builds +\d+ in all, .* 0 failed/);
    expect(ran.stdout).not.toContain('wave 1 serves the new assets');
  }, 300_000);

  it('killed in the middle, is taken up where it was left and completes', async () => {
    const first = RunningReseal.start(['demo'], { env: cleanEnv(home()) });
    await first.says('wave 1 serves the new assets', 200_000);
    await first.killHard();
    const left = JSON.parse(readFileSync(join(home(), 'demo.json'), 'utf8')) as { rotation: string; outcome: string | null };
    expect(left).toMatchObject({ rotation: 'ios-main-1', outcome: null });

    const other = await demo('--fail', 'soak');
    expect([other.exit, other.stderr]).toEqual([4, expect.stringContaining('--fresh')]);

    const second = await demo();
    expect(second.stderr).toContain('Taking up ios-main-1');
    expect(second.stderr).toContain('adopted');
    expect(second.exit, second.stdout + second.stderr).toBe(0);
    expect(second.stdout).toContain('ios-main-1 completed');
    expect(serving(second.stdout)).toEqual(Array.from({ length: 12 }, () => 'new'));
  }, 500_000);

  it('killed while it makes its mesh, starts over', async () => {
    const first = RunningReseal.start(['demo'], { env: cleanEnv(home()) });
    await first.says('making a mesh');
    await until(() => readFileSync(join(home(), 'demo.making'), 'utf8') === '', { what: 'a mesh half made' });
    await first.killHard();
    const second = RunningReseal.start(['demo'], { env: cleanEnv(home()) });
    await second.says('control API');
    expect(await second.stop()).toBe(0);
  }, 240_000);

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
