import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type PlistValue } from 'plist';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DistributionCertificate } from '../../../src/simulator/apple-hierarchy.js';
import { makeApp } from '../../../src/simulator/mac/app-bundle.js';
import { installMac, setRevoked } from '../../../src/simulator/mac/install.js';
import { findRcodesign } from '../../../src/mac/rcodesign.js';
import { request } from '../../profile/support.js';
import { NAME, PASSWORD, quoted, simulatedMac, TEAM, type Ended, type Mac } from './support.js';

const APP = { uuid: '753bad01-23c2-521a-b90e-d56f6e4bb7e8', name: 'Courier App Store 2026', bundleId: 'com.acme.courier' };
const SHARE = { uuid: '11111111-23c2-521a-b90e-d56f6e4bb7e8', name: 'Courier Share App Store 2026', bundleId: 'com.acme.courier.share' };
const UNZIP = spawnSync('sh', ['-c', 'command -v unzip']).status === 0;

let mac: Mac;
let identity: DistributionCertificate;
let archive: string;
let folder: string;

beforeAll(async () => {
  mac = await simulatedMac({ xcode: { version: '15.4', build: '15F31d' } });
  identity = await mac.issue();
  mac.importReady(identity);
  archive = mac.path('Courier.xcarchive');
  await makeApp(join(archive, 'Products/Applications'), {
    name: 'Courier',
    bundleId: APP.bundleId,
    extensions: [{ name: 'Share', bundleId: SHARE.bundleId }],
  });
});
afterAll(() => mac.dispose());
beforeEach(() => {
  folder = mac.path('export');
  rmSync(folder, { recursive: true, force: true });
  rmSync(profiles(), { recursive: true, force: true });
  install(APP);
  install(SHARE, {}, 'Library/MobileDevice/Provisioning Profiles');
});

const profiles = (): string => join(mac.home, 'Library/Developer/Xcode/UserData/Provisioning Profiles');

/** Installs a profile for an App Store under its UUID. */
function install(
  one: typeof APP,
  over: Partial<Parameters<typeof request>[0]> = {},
  where = 'Library/Developer/Xcode/UserData/Provisioning Profiles',
): void {
  mkdirSync(join(mac.home, where), { recursive: true });
  const wanted = request({ certificates: [identity], ...one, expiresAt: new Date('2098-01-02T03:04:05Z'), ...over });
  writeFileSync(join(mac.home, where, `${one.uuid}.mobileprovision`), mac.apple.makeProfile(wanted));
}

const OPTIONS: Record<string, PlistValue> = {
  method: 'app-store-connect',
  teamID: TEAM,
  signingStyle: 'manual',
  signingCertificate: 'Apple Distribution',
  provisioningProfiles: { [APP.bundleId]: APP.uuid, [SHARE.bundleId]: SHARE.uuid },
};

function exportArchive(over: Record<string, PlistValue> = {}, from = archive): Ended {
  const options = mac.path('ExportOptions.plist');
  writeFileSync(options, build({ ...OPTIONS, ...over }));
  return mac.run('xcodebuild', ['-exportArchive', '-archivePath', from, '-exportOptionsPlist', options, '-exportPath', folder]);
}

const refused = (...sentences: readonly string[]): Ended => ({
  stdout: '',
  stderr: `${sentences.map((sentence) => `error: exportArchive: ${sentence}\n\n`).join('')}** EXPORT FAILED **\n\n`,
  code: 70,
});
const profile = `Provisioning profile "${APP.name}"`;

it('tells its version', () => {
  expect(mac.run('xcodebuild', ['-version'])).toEqual({ stdout: 'Xcode 15.4\nBuild version 15F31d\n', stderr: '', code: 0 });
  expect(mac.run('xcodebuild', ['-exportArchive']).code).toBe(64);
});

describe('-exportArchive', () => {
  it.skipIf(findRcodesign() === null || !UNZIP)('signs app and extension with their profiles and packs them', () => {
    expect(exportArchive()).toEqual({ stdout: `Exported Courier to: ${folder}\n** EXPORT SUCCEEDED **\n\n`, stderr: '', code: 0 });
    expect(spawnSync('unzip', ['-q', join(folder, 'Courier.ipa'), '-d', mac.path('unpacked')], { encoding: 'utf8' })).toMatchObject({
      stderr: '',
      status: 0,
    });
    const app = mac.path('unpacked/Payload/Courier.app');
    expect(mac.run('codesign', ['--verify', '-vv', app])).toMatchObject({
      stderr: expect.stringContaining('valid on disk') as string,
      code: 0,
    });
    for (const [path, one, where] of [
      [app, APP, profiles()],
      [join(app, 'PlugIns/Share.appex'), SHARE, join(mac.home, 'Library/MobileDevice/Provisioning Profiles')],
    ] as const) {
      const installed = readFileSync(join(where, `${one.uuid}.mobileprovision`));
      expect(readFileSync(join(path, 'embedded.mobileprovision')).equals(installed)).toBe(true);
      expect(mac.run('codesign', ['-d', '--entitlements', ':-', path]).stdout).toContain(`<string>${TEAM}.${one.bundleId}</string>`);
      expect(mac.run('codesign', ['-dvv', path]).stderr).toContain(`\nAuthority=${NAME}\n`);
    }
    expect(existsSync(join(archive, 'Products/Applications/Courier.app/embedded.mobileprovision'))).toBe(false);
  });

  it('takes a profile by its name, and a certificate by its SHA-1', () => {
    const named = { [APP.bundleId]: APP.name, [SHARE.bundleId]: SHARE.name };
    expect(exportArchive({ provisioningProfiles: named, signingCertificate: identity.sha1 }).code).toBe(0);
  });

  it('a profile that is not installed, for one bundle or for all', () => {
    rmSync(profiles(), { recursive: true });
    expect(exportArchive()).toEqual(refused(`No profiles for '${APP.bundleId}' were found`));
    const unknown = { [APP.bundleId]: 'Nothing', [SHARE.bundleId]: 'Nothing' };
    expect(exportArchive({ provisioningProfiles: unknown })).toEqual(
      refused(`No profiles for '${SHARE.bundleId}' were found`, `No profiles for '${APP.bundleId}' were found`),
    );
    expect(existsSync(folder)).toBe(false);
  });

  it('a bundle that the options name no profile for', () => {
    expect(exportArchive({ provisioningProfiles: { [APP.bundleId]: APP.uuid } })).toEqual(
      refused('"Share.appex" requires a provisioning profile.'),
    );
  });

  it('automatic signing has no account', () => {
    expect(exportArchive({ signingStyle: 'automatic' })).toEqual(
      refused('No Accounts', `No profiles for '${SHARE.bundleId}' were found`, `No profiles for '${APP.bundleId}' were found`),
    );
  });

  it('a profile for another bundle, of another kind, team, or time', () => {
    install(APP, { bundleId: 'com.acme.other' });
    expect(exportArchive()).toEqual(
      refused(`${profile} has app ID "com.acme.other", which does not match the bundle ID "${APP.bundleId}".`),
    );
    install(APP, { kind: 'ad-hoc', devices: ['00008110-000A'] });
    expect(exportArchive()).toEqual(refused(`${profile} is not an "iOS App Store" profile.`));
    install(APP, { team: 'ABCDE12345' });
    expect(exportArchive()).toEqual(refused(`No profile for team '${TEAM}' matching '${APP.name}' found`));
    install(APP, { expiresAt: new Date('2026-02-03T12:00:00Z') });
    expect(exportArchive()).toEqual(refused(`${profile} expired on Feb 3, 2026.`));
  });

  it('a pattern fits, and what is no profile is passed over', () => {
    install(APP, { bundleId: 'com.acme.*' });
    writeFileSync(join(profiles(), 'page.mobileprovision'), '<html></html>');
    expect(exportArchive().code).toBe(0);
  });

  it('a profile of another certificate than the one that there is', async () => {
    const other = await mac.issue();
    install(APP, { certificates: [other] });
    expect(exportArchive()).toEqual(refused(`${profile} doesn't include signing certificate "${NAME}".`));
  });

  it('no valid identity: revoked, or of another name', async () => {
    const none = (wanted: string): Ended => {
      const sentence = `No signing certificate "${wanted}" found: No "${wanted}" signing certificate matching team ID "${TEAM}" with a private key was found.`;
      return refused(sentence, sentence);
    };
    expect(exportArchive({ signingCertificate: 'iPhone Distribution' })).toEqual(none('iPhone Distribution'));
    await setRevoked(mac.home, [identity.sha1]);
    expect(exportArchive()).toEqual(none('Apple Distribution'));
    await setRevoked(mac.home, []);
  });

  it('a key that cannot be used', () => {
    mac.security('lock-keychain', 'login.keychain');
    const { stderr, code } = exportArchive();
    mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
    expect(stderr).toMatch(
      /^error: exportArchive: codesign command failed \(.*Share\.appex: errSecInternalComponent\)\n\n\*\* EXPORT FAILED \*\*\n\n$/,
    );
    expect({ code, exported: existsSync(folder) }).toEqual({ code: 70, exported: false });
  });

  it('where rcodesign is missing, every bundle that is not signed is named', async () => {
    await installMac(mac.home, { ...mac.options, rcodesign: null });
    const { stderr, code } = exportArchive();
    await installMac(mac.home, mac.options);
    const lines = stderr.replaceAll(/^.*\/Payload\//gm, '').split('\n');
    const warning = 'warning: not signed: rcodesign is not there, so this is a stand-in without a signature';
    expect(lines).toEqual([`Courier.app/PlugIns/Share.appex: ${warning}`, `Courier.app: ${warning}`, '']);
    expect(code).toBe(0);
  });

  it('no archive, no options', () => {
    expect(exportArchive({}, '/nowhere/A.xcarchive')).toMatchObject({
      stderr: expect.stringContaining("archive not found at path '/nowhere/A.xcarchive'") as string,
      code: 70,
    });
    expect(exportArchive({ method: 'nonsense' }).code).toBe(70);
  });
});
