import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MatchFormat } from '../../activities/profile-source/match/encryption.js';
import { decryptMatch, encryptMatch } from '../../activities/profile-source/match/encryption.js';
import type { Succession } from '../../activities/profile-source/contract.js';
import type { AppleHierarchy, DistributionCertificate, ProfileRequest } from '../../src/simulator/apple-hierarchy.js';
import type { ManifestEntry } from '../../src/domain/manifest.js';
import { DISTRIBUTION, request, TEAM, temporaryHierarchy } from '../profile/support.js';
import { PASSPHRASE, TestMatchRepository, V2 } from './match-repository.js';

let hierarchy: Awaited<ReturnType<typeof temporaryHierarchy>>;
let apple: AppleHierarchy;
let certificate: DistributionCertificate;
let match: TestMatchRepository;
beforeAll(async () => {
  hierarchy = await temporaryHierarchy();
  ({ apple } = hierarchy);
  certificate = await apple.issueCertificate({ commonName: DISTRIBUTION, team: TEAM, notAfter: new Date('2027-03-01T00:00:00Z') });
});
afterAll(() => hierarchy.dispose());
beforeEach(() => (match = new TestMatchRepository()));
afterEach(() => match.dispose());

const OLD = '753bad01-23c2-521a-b90e-d56f6e4bb7e8';
const NEW = '11111111-2222-4333-8444-555555555555';
const COURIER = 'profiles/appstore/AppStore_com.acme.courier.mobileprovision';
const FOR = { rotation: 'ios-main-7', ticket: 'CHG-7' };
const profile = (over: Partial<ProfileRequest> = {}): Uint8Array => apple.makeProfile(request({ certificates: [certificate], ...over }));
const succession = (over: Partial<ProfileRequest> = {}, predecessor: string | readonly string[] = OLD): Succession => ({
  bytes: profile({ uuid: NEW, name: 'Courier 2027', ...over }),
  predecessors: [predecessor].flat().map((uuid) => ({ profile: { uuid } }) as ManifestEntry),
});
const write = (...successions: readonly Succession[]): Promise<readonly string[]> => {
  const { writeBack } = match.source(apple);
  if (writeBack === undefined) throw new Error('It writes nothing back.');
  return writeBack(successions, FOR);
};
const stored = (path: string): Buffer => Buffer.from(match.bareGit('show', `master:${path}`), 'latin1');
const commits = (): readonly string[] => match.bareGit('log', '--format=%s', 'master').trim().split('\n');

describe('successors written back into a match repository (S16)', () => {
  it.each<MatchFormat>([{ version: 'v1', digest: 'md5' }, { version: 'v1', digest: 'sha256' }, V2])(
    'take the place and the format of their predecessor, in one commit that names the rotation: $version $digest',
    async (format) => {
      await match.pushProfile(COURIER, profile(), format);
      const { bytes } = succession();
      expect(await write(succession())).toEqual([COURIER]);
      const found = await decryptMatch(stored(COURIER), PASSPHRASE, (plain) => plain[0] === 0x30);
      expect(found).toMatchObject({ outcome: 'decrypted', format });
      expect(found.outcome === 'decrypted' && Buffer.from(found.bytes).equals(Buffer.from(bytes))).toBe(true);
      expect(commits()[0]).toBe(`reseal: ${COURIER}`);
      expect(match.bareGit('log', '-1', '--format=%b', 'master')).toContain('Rotation: ios-main-7\nTicket: CHG-7');
      expect(match.bareGit('diff', '--name-only', 'master~1', 'master').trim()).toBe(COURIER);
    },
  );

  it('are written once, however often it is tried', async () => {
    await match.pushProfile(COURIER, profile());
    await write(succession());
    const before = commits().length;
    expect(await write(succession())).toEqual([]);
    expect(commits()).toHaveLength(before);
  });

  it('get the name that match looks for where the repository has none of them', async () => {
    await match.pushProfile(COURIER, profile());
    const paths = await write(
      succession({ uuid: '22222222-2222-4333-8444-555555555555', bundleId: 'com.acme.*', kind: 'development', devices: ['A'] }, 'unknown'),
      succession({ uuid: '33333333-2222-4333-8444-555555555555', bundleId: 'com.acme.tool', kind: 'enterprise' }, 'unknown'),
      succession(
        { uuid: '44444444-2222-4333-8444-555555555555', bundleId: 'com.acme.tv', platforms: ['tvOS'], kind: 'ad-hoc', devices: ['A'] },
        'unknown',
      ),
    );
    expect(paths).toEqual([
      'profiles/development/Development_com.acme.*.mobileprovision',
      'profiles/enterprise/InHouse_com.acme.tool.mobileprovision',
      'profiles/adhoc/AdHoc_com.acme.tv_tvos.mobileprovision',
    ]);
    expect(commits()[0]).toBe('reseal: 3 profiles');
    expect((await match.source(apple).list()).candidates).toHaveLength(4);
  });

  it('leave alone what match itself has renewed meanwhile, and what cannot be read', async () => {
    await match.pushProfile(COURIER, profile({ uuid: '99999999-2222-4333-8444-555555555555' }));
    const unreadable = 'profiles/enterprise/InHouse_com.acme.tool.mobileprovision';
    match.push({ [unreadable]: await encryptMatch(profile(), 'another passphrase', V2) });
    const before = match.bareGit('rev-parse', 'master');
    expect(await write(succession(), succession({ bundleId: 'com.acme.tool', kind: 'enterprise' }, 'unknown'))).toEqual([]);
    expect(match.bareGit('rev-parse', 'master')).toBe(before);
  });

  it('come after what others push at the same time, and lose nothing of it', async () => {
    await match.pushProfile(COURIER, profile());
    const others = ['a', 'b', 'c'].map((name) =>
      succession({ uuid: `${name.repeat(8)}-2222-4333-8444-555555555555`, bundleId: `com.acme.${name}` }, 'unknown'),
    );
    const written = await Promise.all([write(succession()), ...others.map((one) => write(one))]);
    expect(written.every((paths) => paths.length === 1)).toBe(true);
    expect((await match.source(apple).list()).candidates).toHaveLength(4);
    expect(commits()).toHaveLength(6);
  });

  it('say so where this account may not push', async () => {
    await match.pushProfile(COURIER, profile());
    const hook = join(match.bare, 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho protected >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    await expect(write(succession())).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringMatching(/refused the successors of ios-main-7.*writeBack: false/),
    });
  });
});
