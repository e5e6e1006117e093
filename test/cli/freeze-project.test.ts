import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Manifest } from '../../src/domain/manifest.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { writeProject, type WrittenTarget } from '../xcode-project/project.js';
import { reseal, type Ran } from './terminal.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

let mesh: SimulatedMesh;
let apart: string;
beforeAll(async () => {
  mesh = await createMesh({ folder: temporaryFolder('reseal-freeze-project'), nodes: simulatedNodes(2) });
});
afterAll(() => rmSync(mesh.folders.root, { recursive: true, force: true }));
const appsYaml = (): string => join(mesh.folders.profiles, 'apps.yaml');
beforeEach(() => {
  apart = temporaryFolder('reseal-freeze-apart');
  renameSync(appsYaml(), join(apart, 'apps.yaml'));
});
afterEach(() => {
  renameSync(join(apart, 'apps.yaml'), appsYaml());
  rmSync(apart, { recursive: true });
});

const run = (...argv: string[]): Promise<Ran> =>
  reseal(argv, { cwd: mesh.folders.root, env: { PATH: process.env['PATH'], XDG_STATE_HOME: mesh.folders.root, RESEAL_CONFIG: mesh.folders.config }, now: Date.now() }); // prettier-ignore
const freeze = (...argv: string[]): Promise<Ran> =>
  run('manifest', 'freeze', mesh.folders.profiles, '--line', mesh.line, '--as', 'rita', '--ticket', 'CHG-1', ...argv);

const MANUAL = { CODE_SIGN_STYLE: 'Manual', DEVELOPMENT_TEAM: '9QK4T7XW2B' };
const bundle = (suffix: string): Record<string, string> => ({ ...MANUAL, PRODUCT_BUNDLE_IDENTIFIER: `com.acme.${suffix}` });
const TARGETS: readonly WrittenTarget[] = [
  { name: 'Courier', type: 'application', settings: bundle('courier'), carries: ['CourierNotify', 'CourierShare'] },
  { name: 'CourierNotify', type: 'app-extension', settings: bundle('courier.notify') },
  { name: 'CourierShare', type: 'app-extension', settings: bundle('courier.share') },
  { name: 'Depot', type: 'application', settings: bundle('depot') },
];
const changed = (name: string, change: Partial<WrittenTarget>): readonly WrittenTarget[] =>
  TARGETS.map((target) => (target.name === name ? { ...target, ...change } : target));
const projectOf = (targets: readonly WrittenTarget[]): string => writeProject({ targets }, temporaryFolder('reseal-xcode'));
const exportOptions = (entries: string): string => {
  const path = join(apart, 'ExportOptions.plist');
  writeFileSync(path, `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict>${entries}</dict></plist>`);
  return path;
};

interface FrozenView {
  readonly sha256: string;
  readonly signing: readonly { readonly check: string; readonly verdict: string; readonly target: string | null }[];
  readonly warnings: readonly string[];
}
async function frozen(...argv: string[]): Promise<{ readonly view: FrozenView; readonly manifest: Manifest }> {
  const ran = await freeze(...argv, '--json');
  expect(ran).toMatchObject({ exit: 0 });
  const view = JSON.parse(ran.stdout) as FrozenView;
  const shown = JSON.parse((await run('manifest', 'show', view.sha256, '--json')).stdout) as { manifest: Manifest } & Manifest;
  return { view, manifest: (shown as { manifest?: Manifest }).manifest ?? shown };
}

describe('a project says what apps.yaml would: apps, roles, targets, by bundle id', () => {
  it('and the manifest is the same as by an apps.yaml that says so', async () => {
    const { manifest, view } = await frozen('--project', projectOf(TARGETS));
    expect(manifest.profiles.map(({ app, role, bundleId, method, targets }) => [app, role, bundleId, method, targets]).sort()).toEqual([
      ['Courier', 'extension', 'com.acme.courier.notify', 'app-store', ['CourierNotify']],
      ['Courier', 'extension', 'com.acme.courier.share', 'app-store', ['CourierShare']],
      ['Courier', 'host', 'com.acme.courier', 'app-store', ['Courier']],
      ['Depot', 'host', 'com.acme.depot', 'app-store', ['Depot']],
    ]);
    expect(view).toMatchObject({ signing: [], warnings: [] });
  });

  it('and with an apps.yaml beside it, where both agree, names of apps are those of the file', async () => {
    renameSync(join(apart, 'apps.yaml'), appsYaml());
    try {
      const { manifest } = await frozen('--project', projectOf(TARGETS));
      expect([...new Set(manifest.profiles.map(({ app }) => app))].sort()).toEqual(['courier', 'depot']);
    } finally {
      renameSync(appsYaml(), join(apart, 'apps.yaml'));
    }
  });

  it('and where they do not, every place is named', async () => {
    const entry = (role: string, target: string) => ({ role, targets: [target] });
    const apps = {
      courier: { 'com.acme.courier': entry('host', 'Courier'), 'com.acme.courier.notify': entry('watch', 'CourierNotify') },
      depot: {
        'com.acme.depot': entry('host', 'Depo'),
        'com.acme.courier.share': entry('extension', 'CourierShare'),
        'com.acme.more': entry('host', 'More'),
      },
    };
    writeFileSync(appsYaml(), stringify({ apps }));
    const ran = await freeze('--project', projectOf(TARGETS), '--json');
    rmSync(appsYaml());
    expect(ran.exit).toBe(2);
    expect((JSON.parse(ran.stdout) as { error: { details: string[] } }).error.details).toEqual([
      'com.acme.courier.notify: apps.yaml says role watch, Courier.xcodeproj extension',
      'com.acme.depot: apps.yaml says targets Depo, Courier.xcodeproj Depot',
      'com.acme.courier.share: apps.yaml puts it into depot, Courier.xcodeproj into Courier, which apps.yaml calls courier',
      'apps.yaml names com.acme.more, and no target of Courier.xcodeproj has that bundle id',
    ]);
  });
});

describe('what does not fit is refused, by target, setting, file and line', () => {
  it.each([
    ['a profile that no target is for', TARGETS.slice(0, 3), /is for com\.acme\.depot, which Courier\.xcodeproj \(Release\) does not name/],
    ['an extension without a profile', [...changed('Courier', { carries: ['CourierNotify', 'CourierShare', 'New'] }), { name: 'New', type: 'app-extension', settings: bundle('courier.new') }], /no profile is for com\.acme\.courier\.new \(Courier\)/],
    ['a team other than that of the profile', changed('Depot', { settings: { ...bundle('depot'), DEVELOPMENT_TEAM: 'ABCDEFGHIJ' } }), /target Depot \(Release\): DEVELOPMENT_TEAM is ABCDEFGHIJ \(Courier\.xcodeproj\/project\.pbxproj:\d+\), and profile \S+ for com\.acme\.depot is of team 9QK4T7XW2B/],
    ['a bundle id that nothing sets', changed('CourierShare', { settings: MANUAL }), /target CourierShare \(Release\): PRODUCT_BUNDLE_IDENTIFIER is not set \(Courier\.xcodeproj\/project\.pbxproj:\d+\)/],
    ['a bundle id that is open', changed('CourierShare', { settings: bundle('$(WHO)') }), /target CourierShare \(Release\): PRODUCT_BUNDLE_IDENTIFIER refers to WHO, which nothing sets \(Courier\.xcodeproj\/project\.pbxproj:\d+\)/],
  ] as const)('%s', async (_what, targets, message) => {
    expect(await freeze('--project', projectOf(targets))).toMatchObject({ exit: 2, stderr: expect.stringMatching(message) });
  }); // prettier-ignore

  it('a configuration that the project does not have, and one without a project', async () => {
    expect(await freeze('--project', projectOf(TARGETS), '--configuration', 'Relase')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('it has Release'),
    });
    expect(await freeze('--configuration', 'Release')).toMatchObject({ exit: 2, stderr: expect.stringContaining('--project') });
    expect(await freeze()).toMatchObject({ exit: 2, stderr: expect.stringContaining('--project PATH') });
    expect(await freeze('--project', mesh.folders.profiles)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('holds no Xcode project'),
    });
  });

  it('an app that no profile is for is left out and named', async () => {
    const { view } = await frozen(
      '--project',
      projectOf([...TARGETS, { name: 'Sample', type: 'application', settings: bundle('sample') }]),
    );
    expect(view.warnings).toEqual(['app Sample of Courier.xcodeproj is left out: no profile is for it or anything that it carries']);
  });
});

describe('what Xcode may choose by itself is said, and stops nothing (S14)', () => {
  it('automatic style, profiles beside it, mixed styles, specifiers by name', async () => {
    const automatic = { ...bundle('courier.notify'), CODE_SIGN_STYLE: 'Automatic' };
    const both = {
      ...bundle('courier.share'),
      CODE_SIGN_STYLE: 'Automatic',
      PROVISIONING_PROFILE_SPECIFIER: '753bad01-23c2-521a-b90e-d56f6e4bb7e8',
    };
    const byName = { ...bundle('depot'), PROVISIONING_PROFILE_SPECIFIER: 'match AppStore com.acme.depot' };
    const targets = changed('Depot', { settings: byName }).map((target) => ({ CourierNotify: { ...target, settings: automatic }, CourierShare: { ...target, settings: both } })[target.name] ?? target); // prettier-ignore
    const project = projectOf(targets);
    const { view } = await frozen('--project', project);
    expect(view.signing.map(({ check, verdict, target }) => [check, verdict, target])).toEqual([
      ['automatic-style', 'refused', 'CourierNotify'],
      ['automatic-with-profile', 'refused', 'CourierShare'],
      ['specifier-by-name', 'refused', 'Depot'],
      ['mixed-style', 'refused', 'CourierNotify'],
    ]);
    const shown = await freeze('--project', project);
    expect(shown.stdout).toMatch(
      /CourierNotify \(Release\): CODE_SIGN_STYLE = Automatic: Xcode chooses the profile; expected CODE_SIGN_STYLE = Manual \(Courier\.xcodeproj\/project\.pbxproj:\d+\)/,
    );
  });
});

describe('an ExportOptions.plist has to fit', () => {
  const profiles = (courier: string): string =>
    `<key>provisioningProfiles</key><dict>${['courier.notify', 'courier.share', 'depot'].map((id) => `<key>com.acme.${id}</key><string>${{ 'courier.notify': 'CourierNotify', 'courier.share': 'CourierShare', depot: 'Depot' }[id] ?? ''} App Store in force</string>`).join('')}<key>com.acme.courier</key><string>${courier}</string></dict>`;
  const METHOD = '<key>method</key><string>app-store-connect</string>';

  it('names of profiles that are those of the manifest are warned of; a UUID is not', async () => {
    const uuid = (await frozen('--project', projectOf(TARGETS))).manifest.profiles.find(({ bundleId }) => bundleId === 'com.acme.courier')
      ?.profile.uuid;
    const { view } = await frozen('--project', projectOf(TARGETS), '--export-options', exportOptions(METHOD + profiles(uuid ?? '')));
    expect(view.signing.map(({ check, target }) => [check, target])).toEqual(Array(3).fill(['specifier-by-name', null]));
  });

  it.each([
    ['another profile', METHOD + profiles('Old one'), /provisioningProfiles says "Old one" for com\.acme\.courier, and its profile is "Courier App Store in force" \(/],
    ['another team', `${METHOD}<key>teamID</key><string>ABCDEFGHIJ</string>`, /teamID is ABCDEFGHIJ, and profiles are of 9QK4T7XW2B/],
    ['another method', '<key>method</key><string>release-testing</string>', /method is release-testing, and no profile is of that kind; there are app-store/],
    ['no method', '<key>teamID</key><string>9QK4T7XW2B</string>', /is no ExportOptions\.plist: method: found none/],
    ['a bundle left out', `${METHOD}<key>provisioningProfiles</key><dict><key>com.acme.depot</key><string>Depot App Store in force</string></dict>`, /provisioningProfiles does not name com\.acme\.courier/],
  ])('%s is refused', async (_what, entries, message) => {
    const ran = await freeze('--project', projectOf(TARGETS), '--export-options', exportOptions(entries));
    expect(ran).toMatchObject({ exit: 2, stderr: expect.stringMatching(message) });
  }); // prettier-ignore
});

it('profiles that have expired are frozen, and said', async () => {
  expect(readdirSync(mesh.folders.profiles)).toHaveLength(4);
  const later = Date.now() + 30 * 86_400_000;
  const argv = [
    'manifest',
    'freeze',
    mesh.folders.profiles,
    '--line',
    mesh.line,
    '--as',
    'rita',
    '--ticket',
    'CHG-1',
    '--project',
    projectOf(TARGETS),
  ];
  const ran = await reseal(argv, { cwd: mesh.folders.root, env: { PATH: process.env['PATH'], XDG_STATE_HOME: mesh.folders.root, RESEAL_CONFIG: mesh.folders.config }, now: later }); // prettier-ignore
  expect(ran.stdout.match(/expired at/g)).toHaveLength(4);
});
