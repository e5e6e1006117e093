import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { COURIER_UUID, TeamAtApple } from './app-store-connect.js';
import { DISTRIBUTION, TEAM } from '../profile/support.js';

const DAY = 86_400_000;
let team: TeamAtApple;
beforeEach(async () => {
  team = await TeamAtApple.open();
});
afterEach(async () => {
  expect(team.server.log.filter(({ method }) => method !== 'GET' && method !== 'POST')).toEqual([]);
  await team.close();
});

const supply = (over: Parameters<TeamAtApple['source']>[0] = {}, entry = team.entry()): Promise<readonly string[]> => {
  const source = team.source(over);
  if (source.supply === undefined) throw new Error('It makes none.');
  return source.supply([{ entry, outlive: team.now + 21 * DAY }]);
};
const names = (): readonly string[] => team.account.profiles.map(({ name }) => name);

describe('successors made at App Store Connect (S16)', () => {
  it('makes one of what its predecessor is made of, under a name of its own, and offers it', async () => {
    team.place('Courier App Store 2025', team.profile());
    team.account.addBundleId('com.acme.courier.notify');
    expect(await supply()).toEqual([]);
    const [, made] = team.account.profiles;
    expect(made).toMatchObject({
      profileType: 'IOS_APP_STORE',
      bundleId: team.courier.id,
      certificates: [team.certificate.id],
      devices: [],
    });
    expect(made?.name).toMatch(/^reseal com\.acme\.courier app-store [0-9a-f]{8}$/);
    const offered = (await team.source().list()).candidates.find(({ profile }) => profile.uuid === made?.uuid);
    expect(offered?.profile).toMatchObject({ kind: 'app-store', appId: `${TEAM}.com.acme.courier` });
  });

  it('makes nothing twice: not when it is repeated, not when the answer was lost, not when several look at once', async () => {
    team.place('Courier App Store 2025', team.profile());
    team.server.faults.plan('POST', { fault: 'done-and-hung-up' });
    expect(await supply()).toEqual([]);
    expect(await supply()).toEqual([]);
    expect(await Promise.all([supply(), supply()])).toEqual([[], []]);
    expect(team.writes()).toEqual(['POST /v1/profiles 502']);
    expect(names()).toHaveLength(2);
  });

  it('takes the one of a worker that was faster', async () => {
    team.place('Courier App Store 2025', team.profile());
    expect(await Promise.all([supply(), supply(), supply()])).toEqual([[], [], []]);
    expect(names()).toHaveLength(2);
  });

  it('says that an answer was lost when it was not done either, and makes it the next time', async () => {
    team.place('Courier App Store 2025', team.profile());
    team.server.faults.plan('POST', { fault: 'answer', status: 502, body: '' });
    await expect(supply()).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(await supply()).toEqual([]);
    expect(names()).toHaveLength(2);
  });

  it('asks again after 429, for that was not done', async () => {
    team.place('Courier App Store 2025', team.profile());
    team.server.faults.plan('POST', { fault: 'answer', status: 429, body: '{}', headers: { 'retry-after': '0' } });
    expect(await supply()).toEqual([]);
    expect(team.writes()).toEqual(['POST /v1/profiles 429', 'POST /v1/profiles 201']);
  });

  it('takes another name where an expired profile, which is listed nowhere else, or an INVALID one still holds it', async () => {
    team.place('Courier App Store 2025', team.profile());
    await supply();
    const [, made] = team.account.profiles;
    team.account.profiles.pop();
    const name = made?.name ?? '';
    team.place(name, team.profile({ uuid: COURIER_UUID.replace('7', '8'), expiresAt: new Date(team.now - DAY) }));
    team.place(`${name} 2`, team.profile({ uuid: COURIER_UUID.replace('7', '9') }), { certificates: ['gone'] });
    expect((await team.source().list()).candidates.map(({ profile }) => profile.uuid)).toEqual([COURIER_UUID]);
    expect(await supply()).toEqual([]);
    expect(names().at(-1)).toBe(`${name} 3`);
  });

  it('carries the devices of the predecessor over, but for those that were disabled', async () => {
    const [first, second] = [team.account.addDevice('00008110-000A1'), team.account.addDevice('00008110-000A2', 'DISABLED')];
    team.account.addDevice('00008110-000A3');
    const old = team.profile({ kind: 'ad-hoc', devices: [first.udid, second.udid] });
    team.place('Courier Ad Hoc', old, { profileType: 'IOS_APP_ADHOC', devices: [first.id, second.id] });
    expect(await supply({}, team.entry('ad-hoc'))).toEqual([]);
    expect(team.account.profiles[1]).toMatchObject({ profileType: 'IOS_APP_ADHOC', devices: [first.id] });
  });

  it('takes the renewed certificate of the same name where the old one does not live long enough', async () => {
    const dying = await team.apple.issueCertificate({ commonName: DISTRIBUTION, team: TEAM, notAfter: new Date(team.now + 5 * DAY) });
    const old = team.account.addCertificate(dying);
    const stranger = await team.apple.issueCertificate({
      commonName: 'Apple Distribution: Other (9QK4T7XW2B)',
      team: TEAM,
      notAfter: new Date(team.now + 360 * DAY),
    });
    team.account.addCertificate(stranger);
    team.place('Courier App Store 2025', team.profile({ certificates: [dying] }), { certificates: [old.id] });
    expect(await supply()).toEqual([]);
    expect(team.account.profiles[1]?.certificates).toEqual([team.certificate.id]);
  });

  it('knows the certificate by the manifest where the predecessor has been deleted', async () => {
    expect(await supply()).toEqual([]);
    expect(team.account.profiles[0]?.certificates).toEqual([team.certificate.id]);
    expect(await supply({}, team.entry('ad-hoc'))).toEqual([
      expect.stringMatching(/not at App Store Connect any more, and its devices are not known/),
    ]);
  });

  it('says what hinders it, and makes nothing', async () => {
    const entry = team.entry();
    const elsewhere = { ...entry, profile: { ...entry.profile, appId: `${TEAM}.com.acme.other` } };
    expect(await supply({}, elsewhere)).toEqual([expect.stringContaining('App Store Connect has no App ID com.acme.other')]);
    expect(await supply({}, { ...entry, holder: 'ams-sign-1' as NodeName })).toEqual([expect.stringContaining('a holder or a variant')]);
    team.certificate.revoked = true;
    expect(await supply()).toEqual([expect.stringMatching(/no certificate of its kind and name lives beyond.*reseal certificate import/)]);
    expect(team.writes()).toEqual([]);
  });

  it('says which role is needed where the key may only read', async () => {
    team.place('Courier App Store 2025', team.profile());
    team.key = await team.server.issueKey('DEVELOPER');
    await expect(supply()).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringMatching(/403.*role Admin, or App Manager with access/),
    });
    expect(names()).toHaveLength(1);
  });

  it('tells the words of a refusal', async () => {
    team.place('Courier App Store 2025', team.profile());
    const body = JSON.stringify({
      errors: [{ status: '409', code: 'ENTITY_ERROR', title: 'There is a problem', detail: 'The App ID is locked' }],
    });
    team.server.faults.plan('POST', { fault: 'answer', status: 409, body });
    expect(await supply()).toEqual([expect.stringMatching(/\(409\)\. It says: There is a problem The App ID is locked\./)]);
  });

  it('makes nothing where it is only to look', () => {
    expect(team.source({ successors: 'found' }).supply).toBeUndefined();
  });
});
