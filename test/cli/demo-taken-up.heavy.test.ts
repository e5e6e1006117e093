import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

// A whole rotation on twelve nodes: a minute.

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
  it('killed in the middle, is taken up where it was left and completes', async () => {
    const first = RunningReseal.start(['demo'], { env: cleanEnv(home()) });
    await first.says('wave 1 serves the new assets', 200_000);
    await first.killHard();
    const left = JSON.parse(readFileSync(join(home(), 'demo.json'), 'utf8')) as { lines: readonly unknown[] };
    expect(left.lines).toMatchObject([{ line: 'ios-main', rotation: 'ios-main-1', outcome: null }]);
    const counted = JSON.parse(readFileSync(join(home(), 'builds.json'), 'utf8')) as { builds: number };
    expect(counted.builds).toBeGreaterThan(0);

    const other = await demo('--fail', 'soak');
    expect([other.exit, other.stderr]).toEqual([4, expect.stringContaining('--fresh')]);

    const second = await demo();
    expect(second.stdout).toContain('Taking up ios-main-1');
    expect(second.stdout).toContain('adopted');
    // All builds of the demo are told of, not only those since it was taken up.
    const own = JSON.parse(readFileSync(join(home(), 'builds.json'), 'utf8')) as { builds: number; failures: string[] };
    expect(Number(/^builds +(\d+) in all/m.exec(second.stdout)?.[1])).toBeGreaterThan(counted.builds);
    expect(own.builds).toBeGreaterThan(counted.builds);
    expect(own.failures).toEqual([]);
    expect(second.exit, second.stdout + second.stderr).toBe(0);
    expect(second.stdout).toContain('ios-main-1 completed');
    expect(serving(second.stdout)).toEqual(Array.from({ length: 12 }, () => 'new'));
  }, 500_000);
});
