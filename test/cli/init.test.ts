import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';
import { openAppleHierarchy, type AppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { makeProfiles, wholeSecond } from '../../src/simulator/mesh/create.js';
import { PASSPHRASE, TestMatchRepository } from '../profile-source/match-repository.js';
import { reseal, type Ran } from './terminal.js';

const DAY = 86_400_000;
const FIXTURES = resolve('../shared/fixtures');
const SIMPLENOTE = join(FIXTURES, 'xcode-projects/simplenote');
const APPLE = join(FIXTURES, 'apple-profiles');
if (!existsSync(SIMPLENOTE) && process.env['CI'] !== undefined) throw new Error(`The fixtures are missing: ${FIXTURES}.`);

let apart: string;
let apple: AppleHierarchy;
let folder: string;
beforeAll(async () => {
  apart = mkdtempSync(join(tmpdir(), 'reseal-init-'));
  apple = await openAppleHierarchy(join(apart, 'apple'));
  const certificate = await apple.issueCertificate({
    commonName: 'Apple Distribution: Automattic, Inc. (PZYM8XX95Q)',
    team: 'PZYM8XX95Q',
    notAfter: wholeSecond(Date.now() + 300 * DAY),
  });
  const bundles = ['', '.Share', '.Widgets', '.Intents'].map((suffix) => ({
    bundleId: `com.codality.NotationalFlow${suffix}`,
    role: 'host' as const,
    target: `Simplenote${suffix}`,
  }));
  const edition = { name: 'of today', createdAt: wholeSecond(Date.now() - DAY), expiresAt: wholeSecond(Date.now() + 200 * DAY) };
  mkdirSync(join(apart, 'profiles'));
  for (const { uuid, bytes } of makeProfiles(apple, certificate, [{ name: 'simplenote', bundles }], edition))
    writeFileSync(join(apart, 'profiles', `${uuid}.mobileprovision`), bytes);
  writeFileSync(join(apart, 'root.pem'), apple.rootPem);
});
afterAll(() => rmSync(apart, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(apart, 'Team Folder-'));
});

const run = (...argv: string[]): Promise<Ran> => runWith({}, ...argv);
const runWith = (env: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ran> =>
  reseal(argv, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, XDG_STATE_HOME: join(apart, 'state'), USER: 'Kim.Lee', ...env },
    now: Date.now(),
  });
const ours = (): string[] => ['--profiles', join(apart, 'profiles'), '--trust-root', join(apart, 'root.pem')];
/** Everything below a folder, for a look at whether anything changed. */
const all = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();

describe.skipIf(!existsSync(SIMPLENOTE))('a new team begins with one command', () => {
  it('and has a configuration that every check takes, a store, and its first manifest', async () => {
    cpSync(SIMPLENOTE, join(folder, 'app'), { recursive: true });
    const begun = await run('init', ...ours(), '--project', 'app');
    expect(begun).toMatchObject({ exit: 0, stderr: '' });
    expect(begun.stdout).toContain('Froze 4 profiles as ');
    expect(begun.stdout).toContain('Simplenote (Release): PROVISIONING_PROFILE_SPECIFIER = match AppStore com.codality.NotationalFlow');
    expect(readdirSync(join(folder, 'reseal')).sort()).toEqual([
      '.gitignore',
      'drop',
      'nodes',
      'policy.yaml',
      'reseal.yaml',
      'roots',
      'roster.yaml',
      'store.git',
      'topology.yaml',
    ]);
    expect(all().filter((path) => path.includes('.reseal-init'))).toEqual([]);

    const shown = JSON.parse((await run('manifest', 'show', 'ios-main', '--json')).stdout) as { manifest?: unknown };
    expect(JSON.stringify(shown)).toContain('com.codality.NotationalFlow.Widgets');
    expect(await run('manifest', 'verify', 'ios-main')).toMatchObject({ exit: 0 });
    expect(await run('topology', 'check')).toMatchObject({ exit: 0 });
    const { checks } = JSON.parse((await run('doctor', '--json')).stdout) as {
      checks: { check: string; verdict: string; reason: string }[];
    };
    expect(checks.filter(({ check }) => /configuration|store/.test(check)).map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
    expect(checks.find(({ check }) => check === 'store main')?.reason).toContain('ios-main at seq 1');
    const { roster, topology } = loadConfiguration(join(folder, 'reseal'));
    expect(roster.persons.map(({ id }) => id)).toEqual(['kim-lee', 'approver-1', 'approver-2']);
    expect(topology.installation).toMatch(/^team-folder-/);
  });

  it('and the store can be a repository elsewhere, which all its machines reach', async () => {
    cpSync(SIMPLENOTE, join(folder, 'app'), { recursive: true });
    const begun = await run('init', ...ours(), '--project', 'app', '--store', '../stores of the team/main.git');
    expect([begun.exit, begun.stderr]).toEqual([0, '']);
    const place = resolve(folder, '../stores of the team/main.git');
    expect(begun.stdout).toContain(`and the store ${place}.`);
    expect(loadConfiguration(join(folder, 'reseal')).reseal.stores['main']).toMatchObject({ kind: 'git', url: place });
    expect(await run('manifest', 'verify', 'ios-main')).toMatchObject({ exit: 0 });
    expect(readFileSync(join(folder, 'reseal/.gitignore'), 'utf8')).not.toContain('store.git');
  });

  it('the steps that it says next are commands that work as they stand', async () => {
    cpSync(SIMPLENOTE, join(folder, 'app'), { recursive: true });
    const { next } = JSON.parse((await run('init', 'deep/mesh', ...ours(), '--project', 'app', '--json')).stdout) as { next: string[] };
    const commands = next
      .filter((step) => step.startsWith('reseal '))
      .map((step) => [...step.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain).slice(1));
    expect(commands.map((words) => words.at(2))).toEqual(['doctor', 'topology', 'manifest', 'up']);
    for (const words of commands.slice(1, 3)) expect(await run(...words)).toMatchObject({ exit: 0 });
  });
});

describe.skipIf(!existsSync(SIMPLENOTE))('a team that uses fastlane match begins with its repository (S16)', () => {
  let match: TestMatchRepository;
  beforeEach(async () => {
    match = new TestMatchRepository();
    for (const name of readdirSync(join(apart, 'profiles')))
      await match.pushProfile(`profiles/appstore/AppStore_${name}`, readFileSync(join(apart, 'profiles', name)));
    cpSync(SIMPLENOTE, join(folder, 'app'), { recursive: true });
  });
  afterEach(() => match.dispose());
  const begin = (passphrase: string, ...argv: string[]): Promise<Ran> =>
    runWith({ MATCH_PASSWORD: passphrase }, 'init', '--match', match.bare, '--trust-root', join(apart, 'root.pem'), ...argv);

  it('and has its first manifest, and the repository among its sources', async () => {
    match.push({ 'profiles/appstore/notes.txt': 'remember the milk' });
    const begun = await begin(PASSPHRASE, '--project', 'app');
    expect([begun.exit, begun.stderr]).toEqual([0, '']);
    expect(begun.stdout).toContain('Froze 4 profiles as ');
    expect(begun.stdout).toContain('match/profiles/appstore/notes.txt: does not end in .mobileprovision');
    const { reseal: declared, topology } = loadConfiguration(join(folder, 'reseal'));
    expect(declared.sources['match']).toMatchObject({ kind: 'match', url: match.bare, branch: 'master', writeBack: false });
    expect(topology.lines['ios-main' as keyof typeof topology.lines]?.sources).toEqual(['drop', 'match']);
    expect(await run('manifest', 'verify', 'ios-main')).toMatchObject({ exit: 0 });
    expect(readFileSync(join(folder, 'reseal/reseal.yaml'), 'utf8')).not.toContain(PASSPHRASE);
  });

  it('or nothing, where the passphrase is wrong, or something is not said', async () => {
    const refused = await begin('wrong-secret', '--project', 'app');
    expect(refused).toMatchObject({ exit: 2, stdout: '' });
    expect(refused.stderr).toContain('its passphrase opens none of its profiles');
    expect(refused.stderr).not.toContain('wrong-secret');
    expect((await begin(PASSPHRASE)).stderr).toContain('--match needs --project PATH');
    expect((await begin(PASSPHRASE, '--project', 'app', '--profiles', 'x')).stderr).toContain('Say where the profiles in force are');
    expect((await begin(PASSPHRASE, '--project', 'app', '--match-branch', 'main')).stderr).toContain('has no branch main');
    expect((await run('init')).stderr).toContain('--profiles FOLDER, or --match URL');
    expect(existsSync(join(folder, 'reseal'))).toBe(false);
  });
});

describe('nothing is ever overwritten, and nothing is left of what fails', () => {
  const apps = (): void => {
    mkdirSync(join(folder, 'profiles'));
    cpSync(join(apart, 'profiles'), join(folder, 'profiles'), { recursive: true });
    const bundle = (suffix: string): string => `com.codality.NotationalFlow${suffix}: { role: host, targets: [A${suffix.slice(1)}] }`;
    writeFileSync(join(folder, 'profiles/apps.yaml'), `apps: { a: { ${['', '.Share', '.Widgets', '.Intents'].map(bundle).join(', ')} } }`);
  };

  it('a second time is refused with exit 4, whatever reseal/ is', async () => {
    apps();
    const again = (): Promise<Ran> => run('init', '--profiles', 'profiles', '--trust-root', join(apart, 'root.pem'));
    writeFileSync(join(folder, 'reseal'), 'mine');
    expect(await again()).toMatchObject({ exit: 4, stderr: expect.stringContaining('is there already') });
    expect(readFileSync(join(folder, 'reseal'), 'utf8')).toBe('mine');
    rmSync(join(folder, 'reseal'));
    mkdirSync(join(folder, 'reseal'));
    expect(await again()).toMatchObject({ exit: 4 });
    rmSync(join(folder, 'reseal'), { recursive: true });
    expect(await again()).toMatchObject({ exit: 0 });
    const topology = readFileSync(join(folder, 'reseal/topology.yaml'), 'utf8');
    expect(await again()).toMatchObject({ exit: 4 });
    expect(readFileSync(join(folder, 'reseal/topology.yaml'), 'utf8')).toBe(topology);
  });

  it.each([
    ['profiles that nobody vouches for', () => ['--profiles', 'profiles'], 1],
    ['a folder without profiles', () => ['--profiles', '.'], 2],
    ['a ticket of no declared form', () => ['--profiles', 'profiles', '--ticket', 'soon'], 4],
    ['a root that is none', () => ['--profiles', 'profiles', '--trust-root', 'profiles/apps.yaml'], 2],
    ['a Mac whose image is not said', () => ['--profiles', 'profiles', '--node', 'mac-1', '--region', 'eu'], 2],
    ['a root for a Mac', () => ['--profiles', 'profiles', '--node', 'mac-1', '--region', 'eu', '--image', 'i', '--trust-root', join(apart, 'root.pem')], 2],
    ['one approver', () => ['--profiles', 'profiles', '--approver', 'ada'], 2],
    ['an owner who approves', () => ['--profiles', 'profiles', '--owner', 'ada', '--approver', 'ada', 'grace'], 2],
    ['a bucket of no name', () => ['--profiles', 'profiles', '--store', 's3://Acme_Signing'], 2],
    ['a bucket whose region is not said', () => ['--profiles', 'profiles', '--store', 's3://acme-signing'], 2],
    ['a bucket behind no TLS', () => ['--profiles', 'profiles', '--store', 's3://acme-signing', '--store-region', 'eu', '--store-endpoint', 'http://s3.acme.example'], 2],
    ['a region without a bucket', () => ['--profiles', 'profiles', '--store-region', 'eu'], 2],
    ['a store with credentials in its address', () => ['--profiles', 'profiles', '--store', 'https://kim:hunter2@git.acme.example/signing.git'], 2],
    ['a line of no name', () => ['--profiles', 'profiles', '--line', 'iOS Main'], 2],
  ] as const)('%s', async (_what, argv, exit) => {
    apps();
    const before = all();
    const ran = await run('init', 'new/place', ...argv());
    expect(ran).toMatchObject({ exit, stdout: '' });
    expect(ran.stderr).not.toContain('.reseal-init');
    expect(ran.stderr).not.toContain('hunter2');
    expect(all()).toEqual(before);
  }); // prettier-ignore
});

it.skipIf(!existsSync(APPLE))('a Mac of one\'s own and profiles that Apple signed', async () => {
  mkdirSync(join(folder, 'profiles'));
  for (const name of ['e921776a', 'b41c7318']) cpSync(join(APPLE, `${name}.mobileprovision`), join(folder, 'profiles', `${name}.mobileprovision`));
  writeFileSync(join(folder, 'profiles/apps.yaml'), 'apps: { jigx: { com.jigx.test.ios: { role: host, targets: [Jigx] } }, second: { com.jigx.test2: { role: host, targets: [Second] } } }');
  const argv = ['--profiles', 'profiles', '--line', 'jigx', '--node', 'mac-1', '--region', 'eu-west', '--image', 'tahoe-26.1', '--owner', 'ada', '--approver', 'grace', 'alan', '--ticket', 'OPS-12'];
  const begun = await run('init', ...argv);
  expect(begun).toMatchObject({ exit: 0 });
  expect(begun.stdout.match(/expired at 2024-06-29T12:24:39Z/g)).toHaveLength(2);
  expect(await run('topology', 'check')).toMatchObject({ exit: 0 });
  const { topology, policy } = loadConfiguration(join(folder, 'reseal'));
  expect(topology.nodes).toMatchObject([{ name: 'mac-1', environment: 'production', region: 'eu-west', image: 'tahoe-26.1', reach: { kind: 'agent' } }]);
  expect(policy.scan.ticket).toBe('OPS-12');
}); // prettier-ignore
