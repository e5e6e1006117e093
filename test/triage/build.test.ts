import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'plist';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellWords } from '../../src/domain/triage/words.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { HOST, HOST_NEW, SHARE_NEW, SHARE_OLD, TriageWorld } from './world.js';

let world: TriageWorld;
beforeAll(async () => {
  world = await TriageWorld.make();
});
afterAll(() => world.dispose());

const step = (product: string, uuid: string, sha1: string): string =>
  [
    `CodeSign /Users/ci/Build/${product} (in target 'X' from project 'Courier')`,
    '    cd /Users/ci/courier',
    '    ',
    '    Signing Identity:     "Apple Distribution: Acme GmbH (9QK4T7XW2B)"',
    '    Provisioning Profile: "Some Name"',
    `                          (${uuid})`,
    '    ',
    `    /usr/bin/codesign --force --sign ${sha1.toUpperCase()} --entitlements /x/y.xcent --generate-entitlement-der /Users/ci/Build/${product}`,
    '',
  ].join('\n');

it('command lines are taken apart as a shell does it', () => {
  expect(shellWords(`xcodebuild -scheme "Courier App" NAME='a b'c X=a\\ b Y="q\\"q" 'open`)).toEqual([
    'xcodebuild',
    '-scheme',
    'Courier App',
    'NAME=a bc',
    'X=a b',
    'Y=q"q',
    'open',
  ]);
});

describe('build arguments (S3, S14)', () => {
  it.each([
    [`-allowProvisioningUpdates CODE_SIGN_STYLE=Manual`, ['fail provisioning-updates command line']],
    [`CODE_SIGN_STYLE=Automatic`, ['warn automatic-style command line']],
    [`CODE_SIGN_STYLE=Automatic PROVISIONING_PROFILE_SPECIFIER=${HOST_NEW}`, ['fail mixed-signing command line']],
    [`PROVISIONING_PROFILE_SPECIFIER="Courier App Store"`, ['fail specifier-by-name command line']],
    [`CODE_SIGN_IDENTITY="Apple Distribution"`, ['warn identity-by-name command line']],
    [`CODE_SIGN_STYLE=Manual PROVISIONING_PROFILE_SPECIFIER=${HOST_NEW} PROVISIONING_PROFILE=$(X)`, []],
  ])('%s', async (words, expected) => {
    expect(await world.found('--build-args', words)).toEqual(expected);
  });

  it('a profile that the manifest does not have is a fault, whoever asks for it and whatever was built (R12)', async () => {
    world.writeManifest();
    const old = await world.triage(['--build-args', `PROVISIONING_PROFILE_SPECIFIER=${SHARE_OLD}`, '--manifest', './profiles.json']);
    expect(old.exit).toBe(1);
    expect(old.out).toContain(`${SHARE_OLD} is asked for, and the manifest has no such profile`);
    for (const setting of ['PROVISIONING_PROFILE_SPECIFIER', 'PROVISIONING_PROFILE'])
      expect(await world.found('--build-args', `${setting}=${SHARE_OLD.toUpperCase()}`, '--manifest', './profiles.json')).toEqual([
        'fail not-of-manifest command line',
      ]);
    const fresh = ['--build-args', `PROVISIONING_PROFILE_SPECIFIER=${SHARE_NEW}`, '--manifest', './profiles.json'];
    expect((await world.triage(fresh)).exit).toBe(0);
  });

  it('so is one that a log says a target was signed with, by target (R12)', async () => {
    world.writeManifest();
    const log = world.write(
      'old.log',
      step('Courier.app', HOST_NEW, world.identity.sha1) + step('Share.appex', SHARE_OLD, world.identity.sha1),
    );
    expect(await world.found('--build-log', log, '--manifest', './profiles.json')).toEqual(['fail not-of-manifest Share']);
  });

  it('exit 0 where nothing is wrong, 1 where something is', async () => {
    expect((await world.triage(['--build-args', 'CODE_SIGN_STYLE=Manual'])).exit).toBe(0);
    expect((await world.triage(['--build-args', '-allowProvisioningUpdates'])).exit).toBe(1);
  });
});

describe('a log of xcodebuild', () => {
  it('gives its command line, how each product was signed, and what it complains of', async () => {
    const log = [
      'Command line invocation:',
      '    /Applications/Xcode.app/Contents/Developer/usr/bin/xcodebuild archive -scheme "Courier App" -allowProvisioningUpdates',
      '',
      'Build settings from command line:',
      '    CODE_SIGN_STYLE = Automatic',
      `    PROVISIONING_PROFILE_SPECIFIER = ${HOST_NEW}`,
      '',
      step('Courier.app/PlugIns/Share.appex', SHARE_OLD, world.identity.sha1),
      step('Courier.app', HOST_NEW, world.identity.sha1),
      '/Users/ci/Build/Courier.app: errSecInternalComponent',
      'error: Provisioning profile "Courier" doesn\'t include signing certificate "Apple Distribution: Acme GmbH".',
    ].join('\r\n');
    const view = await world.view('--build-log', world.write('build.log', log));
    expect(view.stages[1]?.findings.map((one) => [one.check, one.evidence])).toEqual(
      expect.arrayContaining([
        ['internal-component', 'the log says: /Users/ci/Build/Courier.app: errSecInternalComponent'],
        ['certificate-not-in-profile', expect.stringContaining("doesn't include signing certificate")],
      ]),
    );
    const settings = view.stages[2]?.findings.map((one) => [one.verdict, one.check, one.subject]);
    expect(settings).toEqual([
      ['fail', 'provisioning-updates', 'command line'],
      ['fail', 'mixed-signing', 'command line'],
      ['ok', 'target', 'Share'],
      ['ok', 'target', 'Courier'],
    ]);
    expect(view.stages[2]?.findings[2]?.evidence).toContain(`${SHARE_OLD} "Some Name", signed with ${world.identity.sha1.slice(0, 8)}`);
  });

  it('of 10 MB is read in seconds, its one step found', async () => {
    const noise = `    /usr/bin/clang -x objective-c -c ${'/Users/ci/courier/Sources/File.m '.repeat(20)}\n`;
    const log = noise.repeat(8_000) + step('Courier.app', HOST_NEW, world.identity.sha1) + noise.repeat(8_000);
    expect(log.length).toBeGreaterThan(10_000_000);
    const view = await world.view('--build-log', world.write('large.log', log));
    expect(view.stages[2]?.findings.map((one) => one.subject)).toEqual(['command line', 'Courier']);
  });

  it('that is not there, or a folder: exit 2', async () => {
    expect(await world.triage(['--build-log', 'no.log'])).toMatchObject({ exit: 2, err: expect.stringContaining('no.log cannot be read') });
    expect(await world.triage(['--build-log', 'reseal'])).toMatchObject({ exit: 2, err: expect.stringContaining('no regular file') });
  });
});

describe('CI files (S14)', () => {
  it.each([
    ['run: xcodebuild archive -allowProvisioningUpdates', ['fail provisioning-updates ci:1']],
    ['# xcodebuild -allowProvisioningUpdates', []],
    ['match(type: "appstore")', ['fail match-not-read-only ci:1']],
    ['match(\n  type: "appstore",\n  readonly: true\n)', []],
    ['match(type: "appstore", readonly: is_ci)', []],
    ['match(type: "appstore", readonly: false)', ['fail match-not-read-only ci:1']],
    ['match(type: "appstore", readonly: ENV["X"])', ['warn match-not-read-only ci:1']],
    ['  - bundle exec fastlane match appstore', ['fail match-not-read-only ci:1']],
    ['  - fastlane match appstore --readonly', []],
    ['get_provisioning_profile(app_identifier: "x")', ['fail match-not-read-only ci:1']],
    ['if text.match(/x/)', []],
    ['- name: match the version', []],
    ['CODE_SIGN_STYLE=Automatic', ['warn automatic-style ci:1']],
    [`A\nCODE_SIGN_STYLE: Automatic\nPROVISIONING_PROFILE_SPECIFIER: ${HOST_NEW}`, ['fail mixed-signing ci:2']],
    ['CODE_SIGN_STYLE=Automatic PROVISIONING_PROFILE_SPECIFIER=$PROFILE', ['fail mixed-signing ci:1']],
    ['PROVISIONING_PROFILE_SPECIFIER="Courier App Store"', ['fail specifier-by-name ci:1']],
    [`PROVISIONING_PROFILE_SPECIFIER=${HOST_NEW}`, []],
  ])('%s', async (text, expected) => {
    expect(await world.found('--ci', world.write('ci', text))).toEqual(expected);
  });

  it('that is not there: exit 2', async () => {
    expect(await world.triage(['--ci', 'no.yml'])).toMatchObject({ exit: 2, err: expect.stringContaining('There is no no.yml') });
  });
});

describe.skipIf(findRcodesign() === null)('host and extension, target by target', () => {
  it("a log and rendered settings say what each bundle should embed; the host is fine, the extension has the log's old one", async () => {
    const app = world.app({ share: { profile: world.oldShare() } });
    const log = world.write(
      'b.log',
      step('Courier.app', HOST_NEW, world.identity.sha1) + step('Share.appex', SHARE_OLD, world.identity.sha1),
    );
    expect(await world.found('--app', app, '--build-log', log)).toEqual([]);
    const style = (name: string, uuid: string): string => `RESEAL_PROFILE_${name} = ${uuid}\nRESEAL_STYLE_${name} = Manual\n`;
    world.write('reseal.xcconfig', style('Courier', HOST_NEW) + style('Share', SHARE_NEW));
    const view = await world.view('--app', app, '--build-args', 'archive -xcconfig reseal.xcconfig');
    expect(view.stages[0]?.findings.map((one) => [one.verdict, one.check, one.violates])).toEqual([
      ['ok', 'profile', []],
      ['fail', 'other-profile', ['R12']],
    ]);
  });

  it('the export directory: several .ipa, names in place of UUIDs, a bundle that the options leave out', async () => {
    mkdirSync(world.at('export'));
    for (const name of ['A.ipa', 'B.ipa']) writeFileSync(world.at(join('export', name)), 'x');
    writeFileSync(
      world.at('export/ExportOptions.plist'),
      build({ method: 'app-store-connect', signingStyle: 'automatic', provisioningProfiles: { [HOST]: `${HOST} App Store` } }),
    );
    const found = await world.found('--app', world.app(), '--export', 'export');
    expect(found).toEqual([
      'warn export-wipeable export',
      'warn export-several export',
      'fail mixed-signing export/ExportOptions.plist',
      'fail specifier-by-name export/ExportOptions.plist',
      'fail bundle-not-in-options Courier.app/PlugIns/Share.appex',
    ]);
  });
});

it.skipIf(findRcodesign() === null)(
  'with --public triage shows no whole fingerprint, serial number or digest, as text or as a document (S8)',
  async () => {
    const ipa = await world.ipa(world.app());
    const args = ['--app', ipa, '--manifest', world.writeManifest(), '--build-args', `PROVISIONING_PROFILE_SPECIFIER=${SHARE_OLD}`];
    const { sha1, serial } = world.identity;
    const planted = [sha1, serial, 'a'.repeat(64)];
    const told = async (...more: readonly string[]) => {
      const { out, err } = await world.triage([...args, ...more]);
      return `${out}${err}`.toLowerCase();
    };
    const whole = `${await told()}${await told('--json')}`;
    for (const form of [[], ['--json']]) {
      const text = await told(...form, '--public');
      expect(text).toContain(HOST);
      expect([form, planted.filter((one) => text.includes(one.toLowerCase()))]).toEqual([form, []]);
    }
    expect(planted.some((one) => whole.includes(one.toLowerCase()))).toBe(true);
  },
);
