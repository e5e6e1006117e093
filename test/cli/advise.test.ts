import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CADENCES, COMPLIANCES, type Compliance, PLANNING_ROWS, type Team, TEAMS } from '../../src/domain/advice-rows.js';
import { advise } from '../../src/domain/advice.js';
import type { AdviceView } from '../../src/presenters/advice.js';
import type { TopologyCheckView } from '../../src/presenters/topology.js';
import { reseal, type Ran } from './terminal.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-advise-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ask = (...args: readonly string[]): Promise<Ran> => reseal(['advise', ...args], { cwd: folder });

async function view(...args: readonly string[]): Promise<AdviceView> {
  const ran = await ask(...args, '--json');
  expect(ran).toMatchObject({ exit: 0, stderr: '' });
  return JSON.parse(ran.stdout) as AdviceView;
}

function telemetry(text: string, name = 'telemetry.yaml'): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe('advise (S15)', () => {
  it.each([
    ['small', 'standard', 'weekly', 'dedicated-signer'],
    ['small', 'standard', 'continuous', 'dedicated-signer'],
    ['mid', 'standard', 'daily', 'controlled-distribution'],
    ['mid', 'standard', 'continuous', 'controlled-distribution'],
    ['platform', 'high', 'continuous', 'hsm-sidecar'],
    ['multi-vendor', 'medium', 'irregular', 'isolated-pools'],
  ])('%s, %s, %s is a planning row: %s', async (team, compliance, cadence, name) => {
    const { advice } = await view('--team-size', team, '--compliance', compliance, '--cadence', cadence);
    expect(advice).toMatchObject({ name, exact: true, reasons: [expect.stringMatching(/are those of a planning row/)] });
  });

  it('gives the nearest row between them, and never one that isolates less or promises less than another that is as near', () => {
    const row = (team: Team, compliance: Compliance): string[] =>
      CADENCES.map((cadence) => {
        const advice = advise({ team, compliance, cadence });
        return 'row' in advice ? `${advice.row.name}${advice.exact ? '' : '?'}` : 'untold';
      });
    const table = Object.fromEntries(TEAMS.flatMap((team) => COMPLIANCES.map((one) => [`${team} ${one}`, row(team, one).join(' ')])));
    expect(table).toEqual({
      'small standard': 'dedicated-signer? dedicated-signer dedicated-signer dedicated-signer',
      'small medium': 'dedicated-signer? dedicated-signer? dedicated-signer? dedicated-signer?',
      'small high': 'hsm-sidecar? hsm-sidecar? hsm-sidecar? hsm-sidecar?',
      'mid standard': 'controlled-distribution? controlled-distribution? controlled-distribution controlled-distribution',
      'mid medium': 'controlled-distribution? controlled-distribution? controlled-distribution? hsm-sidecar?',
      'mid high': 'hsm-sidecar? hsm-sidecar? hsm-sidecar? hsm-sidecar?',
      'platform standard': 'controlled-distribution? controlled-distribution? controlled-distribution? controlled-distribution?',
      'platform medium': 'hsm-sidecar? hsm-sidecar? hsm-sidecar? hsm-sidecar?',
      'platform high': 'hsm-sidecar? hsm-sidecar? hsm-sidecar? hsm-sidecar',
      'multi-vendor standard': 'isolated-pools? isolated-pools? isolated-pools? isolated-pools?',
      'multi-vendor medium': 'isolated-pools isolated-pools? isolated-pools? isolated-pools?',
      'multi-vendor high': 'isolated-pools? isolated-pools? isolated-pools? isolated-pools?',
    });
  });

  it('says on which axis the nearest row differs, and what to add for it', async () => {
    const { advice } = await view('--team-size', 'small', '--compliance', 'medium', '--cadence', 'daily');
    expect(advice).toMatchObject({ name: 'dedicated-signer', exact: false });
    expect(advice.reasons).toEqual([
      'No planning row is small, medium, daily; this one is the nearest.',
      'It is planned for standard compliance, and yours is medium: see what to add.',
    ]);
    expect(advice.additions).toEqual([expect.stringContaining('audit index'), expect.stringContaining('two signers in each region')]);
    const vendors = await view('--team-size', 'multi-vendor', '--compliance', 'high', '--cadence', 'weekly');
    expect(vendors.advice.additions).toEqual([expect.stringContaining('audit index'), expect.stringContaining('identity: sidecar')]);
  });

  it.each([
    ['1', 'small', '1 person (below 11)'],
    ['10', 'small', '10 people (below 11)'],
    ['11', 'mid', '11 people (11 to 50)'],
    ['50', 'mid', '50 people (11 to 50)'],
    ['51', 'platform', '51 people (51 or more)'],
  ])('takes a team of %s as %s, and says where the band ends', async (people, band, because) => {
    const { asked } = await view('--team-size', people, '--compliance', 'standard', '--cadence', 'weekly');
    expect(asked.team).toEqual({ band, because, from: 'given' });
  });

  it('shows the five trade-offs as an aligned table, and the anti-patterns with the checks that find them', async () => {
    const { stdout } = await ask('--team-size', '8', '--compliance', 'standard', '--cadence', 'weekly');
    expect(stdout).toContain(
      [
        'TRADE-OFF          DEDICATED SIGNER        SHARED .P12, PER-RUNNER SPRAWL  CONTROLLED DISTRIBUTION',
        'revocation radius  smallest                largest                         medium',
        'queueing risk      medium                  high                            medium-high',
        'audit              easiest                 hardest                         medium',
        'golden image       own batch               drifts                          profile revision beside image metadata',
        'anti-pattern       signer as compile host  .p12 in artifact stores         "always latest"',
      ].join('\n'),
    );
    expect(stdout).toContain(
      '  - a laptop as signer: it sleeps, leaves the building, and takes the identity with it (topology check: laptop-signer)\n',
    );
    expect(stdout).toMatch(/^dedicated signer: the first stable topology for you\n/);
  });

  it.each(PLANNING_ROWS.map((row) => row.name))(
    'gives for %s a topology.yaml that `topology check` accepts: that of the example',
    async (name) => {
      const row = PLANNING_ROWS.find((one) => one.name === name)!;
      const { topologyYaml } = await view('--team-size', row.team, '--compliance', row.compliance, '--cadence', row.cadences[0]!);
      expect(topologyYaml).toBe(readFileSync(join(EXAMPLES, 'topologies', name, 'topology.yaml'), 'utf8'));
      cpSync(join(EXAMPLES, 'topologies', name), folder, { recursive: true });
      writeFileSync(join(folder, 'topology.yaml'), topologyYaml);
      const ran = await reseal(['topology', 'check', '--config', folder, '--json']);
      expect({ exit: ran.exit, errors: (JSON.parse(ran.stdout) as TopologyCheckView).errors }).toEqual({ exit: 0, errors: 0 });
    },
  );

  it('ends its text with that file, so that it can be copied', async () => {
    const args = ['--team-size', 'platform', '--compliance', 'high', '--cadence', 'continuous'];
    expect((await ask(...args)).stdout.endsWith(`\n${(await view(...args)).topologyYaml}`)).toBe(true);
  });
});

describe('telemetry', () => {
  it('takes the place of bands and of what was not given, with its source beside the numbers', async () => {
    const file = join(EXAMPLES, 'telemetry.yaml');
    const { asked, advice, bands, telemetry: shown } = await view('--compliance', 'standard', '--telemetry', file);
    expect(asked).toEqual({
      team: { band: 'mid', because: '34 people (15 to 79)', from: 'telemetry' },
      compliance: { band: 'standard', because: 'given', from: 'given' },
      cadence: { band: 'daily', because: '12 releases a week (5 to below 26 a week)', from: 'telemetry' },
    });
    expect(advice).toMatchObject({
      name: 'controlled-distribution',
      exact: true,
      additions: [
        'Archives wait 7 minutes for a signer at the 95th percentile, more than 5 minutes: add a signer before you change anything else.',
      ],
    });
    expect(bands).toMatchObject({ own: true, teamSize: { mid: 15, platform: 80 } });
    const source = 'CI job records and the release calendar, July to September 2026, by the release engineers';
    expect(shown?.source).toBe(source);
    const { stdout } = await ask('--compliance', 'standard', '--telemetry', file);
    expect(stdout).toMatch(new RegExp(`^team +mid +34 people \\(15 to 79\\) +${source}$`, 'm'));
    expect(stdout).toMatch(/^compliance +standard +given +the command line$/m);
    expect(stdout).toMatch(
      new RegExp(`^queue +too long +median 40 seconds, 95th percentile 7 minutes \\(up to 5 minutes\\) +${source}$`, 'm'),
    );
    expect(stdout).toContain(`Bands (from ${source}): mid from 15 people`);
  });

  it('is outweighed by what is given, is JSON too, and its vendors outweigh numbers of people', async () => {
    const file = telemetry('{"schemaVersion": 1, "source": "a count", "teamSize": 8, "vendors": 2, "releasesPerWeek": 0.5}', 't.json');
    const measured = await view('--compliance', 'medium', '--telemetry', file);
    expect([measured.asked.team, measured.asked.cadence.band, measured.advice.name]).toEqual([
      { band: 'multi-vendor', because: '2 vendors', from: 'telemetry' },
      'irregular',
      'isolated-pools',
    ]);
    const given = await view('--team-size', 'mid', '--cadence', 'daily', '--compliance', 'medium', '--telemetry', file);
    expect([given.asked.team.band, given.asked.cadence.band]).toEqual(['mid', 'daily']);
    expect(given.bands).toMatchObject({ own: false, teamSize: { mid: 11, platform: 51 } });
  });

  it.each([
    ['source: x\n', 'telemetry.yaml:1 schemaVersion: found nothing, expected schemaVersion 1'],
    ['schemaVersion: 1\n', 'telemetry.yaml:1 source: found nothing, expected a text'],
    [
      'schemaVersion: 1\nsource: x\nteamsize: 3\n',
      'telemetry.yaml:3 teamsize: found an unknown field, expected only the fields schemaVersion, source',
    ],
    [
      'schemaVersion: 1\nsource: x\nbands: { teamSize: { mid: 9, platform: 9 } }\n',
      'telemetry.yaml:3 bands.teamSize.platform: found 9, expected more people',
    ],
    [
      'schemaVersion: 1\nsource: x\nsigningQueueWait: { median: 5m, p95: 1m }\n',
      'telemetry.yaml:3 signingQueueWait.p95: found "1m", expected at least the median',
    ],
    ['schemaVersion: 1\nsource: x\nsource: y\n', 'telemetry.yaml:3: found Map keys must be unique, expected YAML that can be read'],
  ])('that is wrong is refused with file, line, found and expected: %j', async (text, detail) => {
    const ran = await ask('--team-size', 'mid', '--compliance', 'high', '--cadence', 'daily', '--telemetry', telemetry(text));
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain(detail);
  });

  it('that is not there is named', async () => {
    expect(await ask('--compliance', 'high', '--telemetry', 'none.yaml')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('There is no none.yaml'),
    });
  });
});

describe('a question that cannot be answered', () => {
  it.each([
    [
      ['--team-size', 'huge', '--compliance', 'high', '--cadence', 'daily'],
      '--team-size is "huge"; expected one of small, mid, platform, multi-vendor, or how many',
    ],
    [['--team-size', '0', '--compliance', 'high', '--cadence', 'daily'], '--team-size is "0"'],
    [['--team-size', '3', '--compliance', 'low', '--cadence', 'daily'], '--compliance is "low"; expected one of standard, medium, high.'],
    [
      ['--team-size', '3', '--compliance', 'high', '--cadence', 'hourly'],
      '--cadence is "hourly"; expected one of irregular, weekly, daily, continuous.',
    ],
    [['--compliance', 'high'], 'Give --team-size and --cadence, or --telemetry with a file that measures'],
    [['--team-size', '3', '--cadence', 'daily'], "Missing required option '--compliance <LEVEL>'."],
  ])('%j says what is expected', async (args, sentence) => {
    expect(await ask(...args)).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining(sentence) });
  });
});
