import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { RehearsalSchema } from '../../src/schema/rehearsal.js';
import { built, cleanEnv, runReseal } from './processes.js';
import { rehearsedTeam, type RehearsedTeam } from './rehearsed-team.js';

// Whole rehearsals, each of one or two rotations on a mesh of its own: minutes.

type View = z.infer<typeof RehearsalSchema>;

let temporary: string;
let team: RehearsedTeam;
beforeAll(built, 240_000);
beforeEach(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'reseal-tmp-'));
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

  it('comes back after a failure in the soak, and completes afterwards', async () => {
    const { exit, view } = await rehearse('--fail', 'soak');
    expect(checks(view, 'breaks')).toEqual([]);
    expect(exit).toBe(0);
    expect(view.runs.map(({ outcome }) => outcome)).toEqual(['rolled-back', 'completed']);
    expect(view.runs[0]?.fault).toContain('somebody takes the new manifest off the accepted lists');
    expect(new Set(view.runs[0]?.nodes.map(({ serves }) => serves))).toEqual(new Set(['old']));
  }, 600_000);
});
