import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';
import { rehearsedTeam, type RehearsedTeam } from './rehearsed-team.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

// What is settled before a mesh is made, and what is left when one is given up; whole rehearsals are in rehearse.heavy.test.ts.

let team: RehearsedTeam;
let temporary: string;
beforeAll(async () => {
  await built();
  team = await rehearsedTeam(6, 40);
  temporary = temporaryFolder('reseal-tmp');
}, 240_000);
afterAll(() => {
  team.remove();
  rmSync(temporary, { recursive: true, force: true });
});

/** With a folder for temporary files of its own, so that what is left there is seen. */
const env = (): NodeJS.ProcessEnv => cleanEnv(join(team.folder, 'home'), { TMPDIR: temporary, RESEAL_CONFIG: team.config });
const rehearse = (...args: readonly string[]): ReturnType<typeof runReseal> => runReseal(['rotation', 'rehearse', ...args], { env: env() });

describe('reseal rotation rehearse, before it begins', () => {
  it.each([
    [
      'a fault that there is not',
      ['--fail', 'nonsense'],
      2,
      '--fail takes staging, canary, rolling, soak, signoff-rejected or none, not nonsense.',
    ],
    ['a date that is none', ['--at', 'soon'], 2, '--at is "soon"; give a date like'],
    ['waits divided by nothing', ['--compress', '0'], 2, '--compress is 0'],
    ['a line that nobody declared', ['--line', 'ios-other'], 2, 'There is no line ios-other'],
    ['a day on which nothing is due', ['--at', new Date().toISOString().slice(0, 10)], 4, 'Nothing of ios-main is due on'],
    ['a day on which it is too late', ['--at', '2040-01-01'], 4, 'What is in force on ios-main has expired by 2040-01-01'],
  ])('refuses %s', async (_, args, exit, sentence) => {
    const ran = await rehearse(...args);
    expect([ran.exit, ran.stderr]).toEqual([exit, expect.stringContaining(sentence)]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('says what it will do and how long it takes, and ended by Ctrl-C leaves nothing behind and nothing changed', async () => {
    const before = team.digest();
    const running = RunningReseal.start(['rotation', 'rehearse'], { env: env() });
    await running.says(/Two rotations, of which the first fails \(rolling\) and comes back; .* of waiting become .* It takes about /);
    await running.says(/preflight/);
    expect(await running.stop()).toBe(1);
    expect(running.stderr).toContain('The rehearsal was ended before its time; nothing is left of it.');
    expect(readdirSync(temporary)).toEqual([]);
    expect(team.digest()).toBe(before);
  }, 180_000);

  it('removes what a rehearsal left that was killed', async () => {
    const running = RunningReseal.start(['rotation', 'rehearse'], { env: env() });
    await running.says(/preflight/);
    await running.killHard();
    expect(readdirSync(temporary)).toHaveLength(1);
    expect((await rehearse('--at', '2040-01-01')).exit).toBe(4);
    expect(readdirSync(temporary)).toEqual([]);
  }, 180_000);
});
