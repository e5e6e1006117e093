import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { flipped } from '../profile/support.js';
import { HOST, HOST_NEW, SHARE, SHARE_NEW, SHARE_OLD, TEAM, TriageWorld } from './world.js';

const SHARE_PATH = 'Courier.app/PlugIns/Share.appex';

describe.skipIf(findRcodesign() === null)('embedded profiles against what the build was asked for (S10)', () => {
  let world: TriageWorld;
  let other: DistributionCertificate;
  beforeAll(async () => {
    world = await TriageWorld.make();
    other = await world.issue({ notAfter: new Date('2027-03-01T00:00:00Z') });
    world.writeManifest();
  });
  afterAll(() => world.dispose());

  it('the classic: the host was renewed, its extension embeds the old UUID still', async () => {
    const app = world.app({ share: { profile: world.oldShare() } });
    // The command line names the host's new profile, so that whoever looks at the host alone sees nothing wrong.
    const asked = ['--app', app, '--build-args', `CODE_SIGN_STYLE=Manual PROVISIONING_PROFILE_SPECIFIER=${HOST_NEW}`];
    const alone = await world.view(...asked);
    expect(alone.verdict).toBe('warn');
    const profiles = alone.stages[0]?.findings ?? [];
    expect(profiles.map((one) => [one.verdict, one.check, one.subject])).toEqual([
      ['warn', 'one-profile-for-all', ''],
      ['ok', 'profile', 'Courier.app'],
      ['warn', 'older-than-host', SHARE_PATH],
    ]);
    const { exit, out } = await world.triage([...asked, '--manifest', './profiles.json']);
    expect(exit).toBe(1);
    expect(out).toContain(
      `FAIL  ${SHARE_PATH}  embeds ${SHARE_OLD} "Courier Share 2025", and the manifest names ${SHARE_NEW} "${SHARE} App Store", while Courier.app has the one that the manifest names for it`,
    );
    expect(out).toContain('Name the profile for Share too: each target has its own, by UUID (reseal manifest settings) (S2, S3)');
    expect(out.indexOf('Courier.app ')).toBeLessThan(out.indexOf(SHARE_PATH));
  });

  it('nothing is wrong where everything is as the manifest has it; exit 0', async () => {
    const app = world.app();
    const { exit, out } = await world.triage(['--app', app, '--manifest', './profiles.json']);
    expect(out).toContain('Nothing wrong was found.');
    expect(out).toContain(
      `ok    Courier.app                      ${HOST_NEW} "${HOST} App Store" until 2027-01-01, as the manifest names it`,
    );
    expect(out).toContain(
      `Team ${TEAM}, Authority Apple Distribution: Acme GmbH (${TEAM}) > Apple Worldwide Developer Relations Certification Authority > Simulated Apple Root CA, `,
    );
    expect(exit).toBe(0);
  });

  it.each([
    ['no profile', { profile: null }, ['fail profile-missing Courier.app']],
    ['an HTML page in its place', { profile: Buffer.from('<!DOCTYPE html><html>Sign in</html>') }, ['fail not-a-profile Courier.app']],
    ['an empty file in its place', { profile: Buffer.alloc(0) }, ['fail not-a-profile Courier.app']],
  ])('%s', async (_, host, expected) => {
    expect(await world.found('--app', world.app({ host }))).toEqual(expected);
  });

  it('an HTML page is called one', async () => {
    const app = world.app({ host: { profile: Buffer.from('<!DOCTYPE html><html>Sign in</html>') } });
    expect((await world.triage(['--app', app])).out).toContain('embedded.mobileprovision is no profile. Found an HTML page.');
  });

  it.each([
    [
      'an expired profile',
      () => world.profile(HOST_NEW, HOST, { createdAt: new Date('2025-05-01T00:00:00Z'), expiresAt: new Date('2026-05-30T00:00:00Z') }),
      ['fail profile-expired Courier.app'],
    ],
    ['a profile that was tampered with', () => flipped(world.profile(HOST_NEW, HOST), 900), ['fail profile-untrusted Courier.app']],
    ['a wildcard profile', () => world.profile(HOST_NEW, 'com.acme.*'), ['warn wildcard-profile Courier.app']],
    [
      'a profile of another bundle',
      () => world.profile(HOST_NEW, 'com.acme.other'),
      ['fail other-bundle Courier.app', 'fail entitlement-beyond-profile Courier.app'],
    ],
    [
      "one that Xcode's automatic signing made",
      () => world.profile(HOST_NEW, HOST, { xcodeManaged: true }),
      ['fail xcode-managed Courier.app'],
    ],
    [
      'a profile that does not hold the signing certificate',
      () => world.profile(HOST_NEW, HOST, { certificates: [other] }),
      ['fail certificate-not-in-profile Courier.app'],
    ],
  ])('%s', async (_, profile, expected) => {
    expect(await world.found('--app', world.app({ host: { profile: profile() } }))).toEqual(expected);
  });

  it('a profile of another team, for the extension', async () => {
    const profile = world.profile(SHARE_NEW, SHARE, { team: 'ZZZZZ99999', prefix: TEAM });
    expect(await world.found('--app', world.app({ share: { profile } }))).toEqual([
      `fail other-team ${SHARE_PATH}`,
      `fail other-team ${SHARE_PATH}`,
      `fail entitlement-beyond-profile ${SHARE_PATH}`,
    ]);
  });

  it('entitlements beyond the profile, each by name; what is claimed as not had needs no grant', async () => {
    const entitlements = {
      'get-task-allow': false,
      'keychain-access-groups': [`${TEAM}.shared`],
      'com.apple.developer.healthkit': true,
      'com.apple.security.application-groups': ['group.com.acme'],
    };
    const { out } = await world.triage(['--app', world.app({ host: { entitlements } })]);
    expect(out).toContain('it claims com.apple.developer.healthkit true, and the profile does not grant it');
    expect(out).toContain('it claims com.apple.security.application-groups ["group.com.acme"], and the profile does not grant it');
    expect(out.match(/FAIL/g)).toHaveLength(2);
  });

  it('a profile that was put there after signing', async () => {
    const app = world.app();
    writeFileSync(join(app, 'PlugIns/Share.appex/embedded.mobileprovision'), world.oldShare());
    expect(await world.found('--app', app)).toEqual([`warn older-than-host ${SHARE_PATH}`, `fail profile-replaced ${SHARE_PATH}`]);
  });

  it('code that was changed after signing, signed ad hoc or not at all', async () => {
    const app = world.app({ share: { signer: null } });
    expect(await world.found('--app', app)).toEqual([`fail not-signed ${SHARE_PATH}`]);
    const host = join(app, 'Courier');
    const bytes = readFileSync(host);
    writeFileSync(host, flipped(bytes, bytes.indexOf(HOST, bytes.length - 40_000, 'utf8')));
    expect(await world.found('--app', app)).toEqual([
      'fail signature-broken Courier.app',
      'fail other-identifier Courier.app',
      `fail not-signed ${SHARE_PATH}`,
    ]);
  });

  it('an .xcarchive and an .appex are read as well', async () => {
    const app = world.app({ share: { profile: world.oldShare() } });
    mkdirSync(world.at('C.xcarchive/Products/Applications'), { recursive: true });
    cpSync(app, world.at('C.xcarchive/Products/Applications/Courier.app'), { recursive: true });
    expect(await world.found('--app', 'C.xcarchive', '--manifest', './profiles.json')).toEqual([`fail other-profile ${SHARE_PATH}`]);
    expect(await world.found('--app', join(app, 'PlugIns/Share.appex'), '--manifest', './profiles.json')).toEqual([
      'fail other-profile Share.appex',
    ]);
  });
});
