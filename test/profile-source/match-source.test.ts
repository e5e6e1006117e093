import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encryptMatch } from '../../activities/profile-source/match/encryption.js';
import type { AppleHierarchy, DistributionCertificate, ProfileRequest } from '../../src/simulator/apple-hierarchy.js';
import { DISTRIBUTION, request, TEAM, strangeHierarchy, temporaryHierarchy } from '../profile/support.js';
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

const profile = (over: Partial<ProfileRequest> = {}): Uint8Array => apple.makeProfile(request({ certificates: [certificate], ...over }));
const COURIER = 'profiles/appstore/AppStore_com.acme.courier.mobileprovision';
const NOTIFY = 'profiles/appstore/AppStore_com.acme.courier.notify.mobileprovision';
const NOTIFY_UUID = '11111111-2222-4333-8444-555555555555';

describe('a fastlane match repository as a source (S16)', () => {
  it('lists the profiles of both formats, and reads neither keys nor certificates', async () => {
    await match.pushProfile(COURIER, profile(), { version: 'v1', digest: 'md5' });
    await match.pushProfile(NOTIFY, profile({ uuid: NOTIFY_UUID, bundleId: 'com.acme.courier.notify' }), V2);
    await match.pushProfile('profiles/enterprise/InHouse_com.acme.tool.mobileprovision', profile({ bundleId: 'com.acme.tool' }), {
      version: 'v1',
      digest: 'sha256',
    });
    const { candidates, ignored } = await match.source(apple).list();
    expect(candidates.map((one) => [one.origin.path, one.profile.bundleId])).toEqual([
      [`match/${COURIER}`, 'com.acme.courier'],
      [`match/${NOTIFY}`, 'com.acme.courier.notify'],
      ['match/profiles/enterprise/InHouse_com.acme.tool.mobileprovision', 'com.acme.tool'],
    ]);
    expect(candidates[1]).toMatchObject({ profile: { uuid: NOTIFY_UUID }, origin: { source: 'match' } });
    expect(ignored).toEqual([]);
  });

  it.each(['path', 'address'])('sees at the next look what somebody pushed, or rewrote, meanwhile: by %s', async (by) => {
    const source = match.source(apple, { url: by === 'path' ? match.bare : pathToFileURL(match.bare).href });
    expect((await source.list()).candidates).toEqual([]);
    await match.pushProfile(COURIER, profile());
    expect((await source.list()).candidates).toHaveLength(1);
    match.git('reset', '--quiet', '--hard', 'HEAD~1');
    match.push({ 'README.md': 'begun anew' }, '--force');
    expect((await source.list()).candidates).toEqual([]);
  });

  it('makes its clone anew when it is broken, and shares it with others', async () => {
    await match.pushProfile(COURIER, profile());
    const source = match.source(apple);
    await source.list();
    const [clone = ''] = cloneOf(match);
    writeFileSync(join(clone, 'HEAD'), 'garbage');
    expect((await source.list()).candidates).toHaveLength(1);
    rmSync(clone, { recursive: true });
    const all = await Promise.all([source.list(), match.source(apple).list(), source.list()]);
    expect(all.map((one) => one.candidates.length)).toEqual([1, 1, 1]);
  });

  it('says in one sentence that the passphrase opens nothing, without saying it', async () => {
    for (const format of [V2, { version: 'v1', digest: 'md5' } as const]) {
      await match.pushProfile(COURIER, profile(), format);
      const refused = await match
        .source(apple, { passphrase: 'hunter2-wrong' })
        .list()
        .catch((error: unknown) => error);
      // Of v1, a wrong passphrase opens one file in 128 to nonsense: then the file is ignored.
      if (!(refused instanceof Error)) continue;
      expect(refused).toMatchObject({ code: 'SOURCE_REFUSED' });
      expect(refused.message).toMatch(/its passphrase opens none of its profiles.*MATCH_PASSWORD.*sources\.match\.passphrase/);
      expect(JSON.stringify(refused) + refused.message).not.toContain('hunter2-wrong');
    }
  });

  it('passes over single files that are no use, each with its reason', async () => {
    await match.pushProfile(COURIER, profile());
    const other = await encryptMatch(profile(), 'another passphrase', V2);
    const changed = Buffer.from(Buffer.from(await encryptMatch(profile(), PASSPHRASE, V2)).toString('latin1'), 'base64');
    changed[40] = (changed[40] ?? 0) ^ 1;
    match.push({
      'profiles/appstore/AppStore_changed.mobileprovision': changed.toString('base64'),
      'profiles/appstore/AppStore_html.mobileprovision': '<!DOCTYPE html><html>Sign in</html>',
      'profiles/appstore/AppStore_open.mobileprovision': profile(),
      'profiles/appstore/AppStore_other.mobileprovision': other,
      'profiles/appstore/AppStore_page.mobileprovision': await encryptMatch(Buffer.from('<html>Sign in</html>'), PASSPHRASE, V2),
      'profiles/appstore/AppStore_short.mobileprovision': other.subarray(0, 40),
      'profiles/appstore/notes.txt': 'remember the milk',
      'profiles/appstore/AppStore_huge.mobileprovision': Buffer.alloc(9 * 1024 * 1024, 'A'),
    });
    const { candidates, ignored } = await match.source(apple).list();
    expect(candidates).toHaveLength(1);
    const reasons = Object.fromEntries(ignored.map((one) => [one.path.replace('match/profiles/appstore/', ''), one.reasons.join()]));
    expect(reasons).toEqual({
      'AppStore_changed.mobileprovision': expect.stringContaining('its tag does not fit'),
      'AppStore_html.mobileprovision': expect.stringMatching(/is not encrypted.*an HTML page/),
      'AppStore_open.mobileprovision': expect.stringMatching(/is not encrypted.*fastlane match import/),
      'AppStore_other.mobileprovision': expect.stringContaining('the passphrase does not open it'),
      'AppStore_page.mobileprovision': expect.stringContaining('an HTML page'),
      'AppStore_short.mobileprovision': expect.stringContaining('cut off'),
      'notes.txt': expect.stringContaining('.mobileprovision'),
      'AppStore_huge.mobileprovision': expect.stringContaining('larger than any profile'),
    });
  });

  it('refuses a profile that a stranger signed, whoever encrypted it', async () => {
    const stranger = await strangeHierarchy();
    try {
      await match.pushProfile(COURIER, stranger.apple.makeProfile(request({ certificates: [certificate] })));
      const { candidates, ignored } = await match.source(apple).list();
      expect(candidates).toEqual([]);
      expect(ignored).toHaveLength(1);
    } finally {
      stranger.dispose();
    }
  });

  it('says what is wrong with branch and address', async () => {
    await expect(match.source(apple, { branch: 'main' }).list()).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringMatching(/has no branch main\. Correct sources\.match\.branch/),
    });
    await expect(match.source(apple, { url: join(match.folder, 'nowhere.git') }).list()).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringMatching(
        /The match repository .*nowhere\.git of source match cannot be used: there is no repository at that address/,
      ),
    });
    expect(() => match.source(apple, { url: 'https://alice:geheim@example.com/x.git' })).toThrow(/credentials in it/);
  });
});

function cloneOf({ clones }: TestMatchRepository): string[] {
  return readdirSync(clones).map((name) => join(clones, name, 'mirror.git'));
}
