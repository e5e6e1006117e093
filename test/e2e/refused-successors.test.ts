import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/manifest/parse.js';
import { openAppleHierarchy, type ProfileRequest } from '../../src/simulator/apple-hierarchy.js';
import { stableUuid, successorProfiles } from '../../src/simulator/mesh/create.js';
import { TEAM } from '../../src/simulator/mesh/spec.js';
import { until } from '../setup/until.js';
import { meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

const DAY = 86_400_000;
const wholeSecond = (at: number): Date => new Date(Math.floor(at / 1000) * 1000);

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({
    nodes: 3,
    successors: false,
    policy: { successor: { minLifeBeyondWindow: '14d', askEvery: '700ms', pageWhenLeft: ['5d', '3d', '2d', '1d'] } },
  });
});
afterAll(() => scenario.end());

const drop = (name: string, bytes: Uint8Array): void =>
  writeFileSync(join(scenario.mesh.mesh.folders.drop, `${name}.mobileprovision`), bytes);
const remove = (name: string): void => rmSync(join(scenario.mesh.mesh.folders.drop, `${name}.mobileprovision`));

/** A good successor of the host app, but for what is changed. */
function courier(name: string, change: Partial<ProfileRequest> = {}): ProfileRequest {
  const { certificate } = scenario.mesh.mesh;
  return {
    uuid: stableUuid(`${scenario.mesh.folder} ${name}`),
    name: `Courier ${name}`,
    team: TEAM,
    bundleId: 'com.acme.courier',
    kind: 'app-store',
    certificates: [certificate],
    createdAt: wholeSecond(Date.now() - DAY / 24),
    expiresAt: certificate.notAfter,
    ...change,
  };
}

const profile = (name: string, change: Partial<ProfileRequest> = {}): Uint8Array =>
  scenario.mesh.mesh.apple.makeProfile(courier(name, change));

async function dropEveryBadOne(): Promise<void> {
  const { mesh } = scenario;
  const manifest = parseManifest(await mesh.around.store('main').manifest(mesh.mesh.manifest), 'manifest');
  const inForce = manifest.profiles.find((entry) => entry.bundleId === 'com.acme.courier');
  const folder = mkdtempSync(join(tmpdir(), 'reseal-other-apple-'));
  const stranger = await openAppleHierarchy(join(folder, 'apple'));
  drop('expired', profile('expired', { createdAt: wholeSecond(Date.now() - 400 * DAY), expiresAt: wholeSecond(Date.now() - DAY) }));
  drop('short-lived', profile('short-lived', { expiresAt: wholeSecond(Date.now() + 10 * DAY) }));
  drop('other-team', profile('other-team', { team: 'ZZ11YY22XX' }));
  drop('other-bundle', profile('other-bundle', { bundleId: 'com.acme.elsewhere' }));
  drop('other-kind', profile('other-kind', { kind: 'development', devices: ['00008110-000A11112222801E'] }));
  drop('managed', profile('managed', { xcodeManaged: true }));
  drop('same-uuid', profile('same-uuid', { uuid: inForce?.profile.uuid ?? '' }));
  drop('unpinned', stranger.makeProfile(courier('unpinned')));
  const good = Buffer.from(profile('tampered'));
  good[good.indexOf('com.acme.courier')] = 'k'.charCodeAt(0);
  drop('tampered', good);
  drop('unsigned', plistOf(profile('unsigned')));
  drop('login-page', Buffer.from('<!DOCTYPE html><html><body>Sign in</body></html>'));
  drop('empty', new Uint8Array());
  rmSync(folder, { recursive: true });
}

/** The property list inside a signed profile, bare. */
function plistOf(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const start = text.indexOf('<?xml');
  return Buffer.from(text.slice(start, text.indexOf('</plist>') + '</plist>'.length), 'latin1');
}

describe('successors that will not do', () => {
  it('are listed with a reason each, while the rotation waits and says what is missing (R2, R3)', async () => {
    const { mesh, before } = scenario;
    await dropEveryBadOne();
    await mesh.rotate();
    const status = await mesh.untilStatus(
      (one) => one.phase === 'awaiting-successor' && one.missing.length > 0,
      'a list of what is missing',
    );
    expect(status.missing).toHaveLength(4);
    for (const bundle of ['com.acme.courier', 'com.acme.courier.notify', 'com.acme.courier.share', 'com.acme.depot']) {
      expect(status.missing.some((one) => one.startsWith(`no successor for ${TEAM} ${bundle} app-store (now `))).toBe(true);
    }
    const reasonOf = (name: string): string =>
      status.ignored.find((one) => one.startsWith(`drop/${name}.mobileprovision: `)) ?? `${name} is not listed`;
    expect(reasonOf('expired')).toContain('it expired');
    expect(reasonOf('short-lived')).toContain('10.0 d from now; more than 21.0 d of life are needed');
    expect(reasonOf('other-team')).toContain('team is ZZ11YY22XX');
    expect(reasonOf('other-bundle')).toContain('com.acme.elsewhere');
    expect(reasonOf('other-kind')).toContain('kind is development');
    expect(reasonOf('managed')).toContain('managed by Xcode');
    expect(reasonOf('same-uuid')).toContain('its UUID is in use already with other bytes');
    expect(reasonOf('unpinned')).toMatch(/root|trust/i);
    expect(reasonOf('tampered')).toMatch(/signature|digest|tampered|changed/i);
    expect(reasonOf('unsigned')).toContain('without a signature');
    expect(reasonOf('login-page')).toContain('an HTML page');
    expect(reasonOf('empty')).toContain('an empty file');
    expect(meshTruth(mesh)).toEqual(before);
  });

  it('two that both fit and one that is narrower are refused together, by name; nothing was changed (R3)', async () => {
    const { mesh, before } = scenario;
    for (const { uuid, bytes } of successorProfiles(mesh.mesh)) {
      // The extension's successor comes narrower instead.
      if (Buffer.from(bytes).includes('com.acme.courier.notify')) continue;
      drop(uuid, bytes);
    }
    const entitlements = { 'application-identifier': `${TEAM}.com.acme.courier.notify`, 'com.apple.developer.team-identifier': TEAM };
    drop('narrower', profile('narrower', { bundleId: 'com.acme.courier.notify', entitlements }));
    drop('second', profile('second'));
    const { outcome, reasons } = await mesh.result();
    expect(outcome).toBe('refused');
    expect(reasons.some((one) => one.includes('second.mobileprovision') && one.includes('com.acme.courier app-store'))).toBe(true);
    expect(reasons.some((one) => one.startsWith('drop/narrower.mobileprovision for') && one.includes('entitlements'))).toBe(true);
    expect(meshTruth(mesh)).toEqual(before);
    expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 1 });
  });

  it('a file that is dropped in at last starts the rotation that waits for it (R2)', async () => {
    const { mesh } = scenario;
    remove('narrower');
    remove('second');
    await mesh.rotate();
    const waiting = await mesh.untilStatus(
      (one) => one.phase === 'awaiting-successor' && one.missing.length > 0,
      'a list of what is missing',
    );
    expect(waiting.missing).toEqual([expect.stringContaining('com.acme.courier.notify')]);
    for (const { uuid, bytes } of successorProfiles(mesh.mesh))
      if (Buffer.from(bytes).includes('com.acme.courier.notify')) drop(uuid, bytes);
    await mesh.approve('ada', 'grace');
    expect(await mesh.result()).toMatchObject({ id: 'ios-main-2', outcome: 'completed' });
    await until(async () => (await mesh.ledger.rotations({ line: mesh.mesh.line })).length === 2);
  });
});
