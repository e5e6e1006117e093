import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { RehearsalSchema } from '../../src/schema/rehearsal.js';
import { built, cleanEnv, runReseal } from './processes.js';
import { rehearsedTeam, type RehearsedTeam } from './rehearsed-team.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

// Whole rehearsals, each of one or two rotations on a mesh of its own: minutes.

type View = z.infer<typeof RehearsalSchema>;

let temporary: string;
let team: RehearsedTeam;
beforeAll(built, 240_000);
beforeEach(async () => {
  temporary = temporaryFolder('reseal-tmp');
  team = await rehearsedTeam(8, 40);
}, 60_000);
afterEach(() => {
  team.remove();
  rmSync(temporary, { recursive: true, force: true });
});

async function rehearse(...args: readonly string[]): Promise<{ readonly exit: number | null; readonly view: View }> {
  const env = cleanEnv(join(team.folder, 'home'), { TMPDIR: temporary, RESEAL_CONFIG: team.config });
  const ran = await runReseal(['rotation', 'rehearse', '--json', ...args], { env, timeout: 560_000 });
  expect(ran.stdout, ran.stderr).not.toBe('');
  return { exit: ran.exit, view: RehearsalSchema.parse(JSON.parse(ran.stdout)) };
}

const checks = ({ findings }: View, verdict: 'breaks' | 'heed'): readonly string[] =>
  findings.filter((finding) => finding.verdict === verdict).map(({ check }) => check);

describe('reseal rotation rehearse (R8)', () => {
  it('fails and comes back, then completes, on nodes that stand for the team’s own, and touches nothing of theirs', async () => {
    const before = team.digest();
    const report = join(temporary, 'report.md');
    const { exit, view } = await rehearse('--report', report);
    expect(checks(view, 'breaks')).toEqual([]);
    expect([exit, view.verdict]).toEqual([0, 'pass']);
    expect(team.digest()).toBe(before);
    expect(readdirSync(temporary)).toEqual(['report.md']);

    const [failed, whole] = view.runs;
    expect([failed?.outcome, whole?.outcome]).toEqual(['rolled-back', 'completed']);
    // Both UUIDs all through the window: no build missed anything.
    expect(view.builds.builds).toBeGreaterThan(0);
    expect(view.builds.failures).toEqual([]);
    // The team's own nodes, by name, each to its end.
    const names = ['ams-build-1', 'ams-build-2', 'ams-sign-1', 'bom-build-1', 'bom-sign-1', 'iad-build-1', 'iad-build-2', 'iad-sign-1'];
    expect(whole?.nodes.map(({ node }) => node).sort()).toEqual(names);
    expect(new Set(whole?.nodes.map(({ serves }) => serves))).toEqual(new Set(['new']));
    expect(new Set(failed?.nodes.map(({ serves }) => serves))).toEqual(new Set(['old']));
    for (const { steps } of whole?.nodes ?? [])
      expect(steps.map(({ step }) => step).filter((name) => name !== 'probe')).toEqual(['stage', 'switch', 'retire']);
    // Cohorts came back in reverse, and nothing was removed before every node served the old assets.
    const back = failed?.wayBack ?? [];
    const cohorts = [...new Set(back.filter(({ step }) => step === 'switch-back').map(({ cohort }) => cohort))];
    expect(cohorts).toEqual([...view.mesh.cohorts.map(({ name }) => name)].reverse().filter((name) => cohorts.includes(name)));
    expect(cohorts.at(-1)).toBe('canary');
    expect(back.findLastIndex(({ step }) => step === 'switch-back')).toBeLessThan(back.findIndex(({ step }) => step === 'unstage'));

    const markdown = readFileSync(report, 'utf8');
    expect(markdown).toContain('# Rehearsal of ios-main, ');
    expect(markdown).toContain('## The way back of ios-main-1, in its order');
    expect(markdown).toContain('Nothing would have broken');
  }, 600_000);

  it('brings a new certificate to the signers where the old one dies in the window, and says what nobody would have signed off', async () => {
    // The certificate of the team lives for 330 days, the profiles in force for 329.
    team.remove();
    team = await rehearsedTeam(4, 329);
    team.change('roster.yaml', (roster) => {
      roster['persons'] = (roster['persons'] as { id: string }[]).filter(({ id }) => id === 'ada' || id === 'rita');
      const roles = roster['roles'] as Record<string, string[]>;
      roles['requesters'] = ['import', 'freeze', 'start'];
      for (const person of roster['persons'] as { id: string; roles: string[] }[]) if (person.id === 'rita') person.roles = ['requesters'];
    });
    const { exit, view } = await rehearse('--fail', 'none');
    expect([exit, view.verdict, view.newCertificates]).toEqual([1, 'fail', 1]);
    expect(checks(view, 'breaks')).toEqual(['preflight']);
    expect(view.findings[0]?.found).toBe('2 approvals are needed and ada may give one');
    // All that follows is rehearsed all the same.
    expect(view.standIns).toEqual(['stand-in-1']);
    expect(view.runs.map(({ outcome }) => outcome)).toEqual(['completed']);
    expect(view.runs[0]?.approvals.map(({ standsFor }) => standsFor).sort()).toEqual(['ada', 'stand-in-1']);
  }, 600_000);

  it.each([
    ['staging', 'the disk of one node is full', 'no space left on device'],
    ['canary', 'a byte of a new profile flips on a canary node', 'the canary failed on '],
    ['signoff-rejected', 'rejects what is to be approved', 'rejected by '],
  ] as const)(
    'comes back from a failure in %s as its report says, and completes afterwards',
    async (fail, fault, because) => {
      const report = join(temporary, 'report.md');
      const { exit, view } = await rehearse('--fail', fail, '--report', report);
      expect(checks(view, 'breaks')).toEqual([]);
      expect(exit).toBe(0);
      const [failed, whole] = view.runs;
      expect([failed?.outcome, whole?.outcome]).toEqual(['rolled-back', 'completed']);
      expect(failed?.fault).toContain(fault);
      expect(failed?.reasons.join(' ')).toContain(because);
      expect(new Set(failed?.nodes.map(({ serves }) => serves))).toEqual(new Set(['old']));
      expect(view.builds.failures).toEqual([]);
      const stepsOf = (name: string): readonly string[] =>
        (failed?.nodes ?? []).filter(({ steps }) => steps.some(({ step }) => step === name)).map(({ node }) => node);
      const canary = [...(view.mesh.cohorts[0]?.nodes ?? [])].sort();
      // Nobody beyond the canary was switched, and in staging not even that.
      if (fail === 'staging') expect(stepsOf('switch')).toEqual([]);
      else expect(stepsOf('switch').filter((node) => !canary.includes(node))).toEqual([]);
      expect([...stepsOf('switch-back')].sort()).toEqual(fail === 'staging' ? [] : canary);

      // The report says of that run what its steps say, in whole sentences.
      const text = readFileSync(report, 'utf8');
      const ofRun = text.slice(text.indexOf(`## ${failed?.rotation}`), text.indexOf(`## ${whole?.rotation}`));
      const staged = (failed?.nodes ?? []).filter(({ steps }) => steps.some(({ step, outcome }) => step === 'stage' && outcome === 'done'));
      expect(staged).toHaveLength(fail === 'staging' ? 7 : 8);
      expect(ofRun).toContain(
        `lay beside the old ones on ${staged.length} of 8 nodes, and were removed from 8 when all served the old ones.`,
      );
      expect(ofRun.includes('no node had left the old assets')).toBe(fail === 'staging');
      expect(ofRun.includes('every node served the old assets again after')).toBe(fail !== 'staging');
      expect(ofRun).not.toMatch(/\.\.|\.,/);
      expect(text).toContain('lay beside the old ones on 8 of 8 nodes, from staging until the old ones were retired.');
    },
    600_000,
  );

  it('comes back after a failure in the soak, and completes afterwards', async () => {
    const { exit, view } = await rehearse('--fail', 'soak');
    expect(checks(view, 'breaks')).toEqual([]);
    expect(exit).toBe(0);
    expect(view.runs.map(({ outcome }) => outcome)).toEqual(['rolled-back', 'completed']);
    expect(view.runs[0]?.fault).toContain('somebody takes the new manifest off the accepted lists');
    expect(new Set(view.runs[0]?.nodes.map(({ serves }) => serves))).toEqual(new Set(['old']));
  }, 600_000);
});
