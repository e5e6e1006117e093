import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import { NO_ORPHANS } from '../setup/no-orphans.js';
import { prepareRotation } from '../../activities/rotation/prepare.js';
import type { PersonId, RotationId, Sha256 } from '../../src/domain/brands.js';
import type { RotationState } from '../../src/domain/rotation/state.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { DeveloperAccount } from '../../src/simulator/app-store-connect/account.js';
import { startAppStoreConnect, type AppStoreConnectStandIn } from '../../src/simulator/app-store-connect/server.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { reseal } from '../cli/terminal.js';
import { PASSPHRASE, TestMatchRepository } from '../profile-source/match-repository.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

let mesh: SimulatedMesh;
let match: TestMatchRepository;
let apple: AppStoreConnectStandIn;
let around: OpenSurroundings;
let folder: string;

const change = (name: string, edit: (document: Record<string, never>) => object): void => {
  const path = join(mesh.folders.config, name);
  writeFileSync(path, stringify(edit(parse(readFileSync(path, 'utf8')) as Record<string, never>)));
};

/** A mesh whose profiles are due, and nothing in its drop folder; its team's match repository and its account at Apple hold what is in use. */
beforeEach(async () => {
  folder = temporaryFolder('reseal-sources');
  mesh = await createMesh({ folder: join(folder, 'mesh'), nodes: simulatedNodes(3), successors: false });
  match = new TestMatchRepository();
  const account = new DeveloperAccount(mesh.apple, mesh.certificate.team, Date.now);
  const certificate = account.addCertificate(mesh.certificate);
  apple = await startAppStoreConnect(account);
  const key = await apple.issueKey('ADMIN');
  writeFileSync(join(folder, 'key.p8'), key.pem, { mode: 0o600 });
  writeFileSync(join(folder, 'passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  change('reseal.yaml', (document) => ({
    ...document,
    sources: {
      match: { kind: 'match', url: match.bare, passphrase: { file: join(folder, 'passphrase') }, writeBack: true },
      apple: {
        kind: 'app-store-connect',
        url: apple.url,
        keyId: key.keyId,
        issuerId: key.issuerId,
        key: { file: join(folder, 'key.p8') },
        successors: 'made',
      },
    },
  }));
  change('topology.yaml', (document) => ({
    ...document,
    lines: { 'ios-main': { ...((document['lines'] as never)['ios-main'] as object), sources: ['match', 'apple'] } },
  }));
  around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  for (const entry of (await inForce()).profiles) {
    const bytes = await around.store('main').profile(entry.profile.sha256);
    await match.pushProfile(`profiles/appstore/AppStore_${entry.bundleId}.mobileprovision`, bytes);
    const bundle = account.addBundleId(entry.bundleId);
    account.addProfile({
      name: entry.profile.name,
      profileType: 'IOS_APP_STORE',
      bundleId: bundle.id,
      certificates: [certificate.id],
      devices: [],
      content: bytes,
    });
  }
});
afterEach(async () => {
  await around.close();
  await apple.stop();
  match.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const inForce = async () => parseManifest(await around.store('main').manifest(mesh.manifest), 'manifest');
const request = () => ({
  id: 'ios-main-1' as RotationId,
  line: mesh.line,
  trigger: { kind: 'person' as const, by: 'rita' as PersonId, ticket: 'CHG-7' },
  offset: 0,
});

const CONTEXT = { rotation: 'ios-main-1', ticket: 'CHG-7' };
const ended = (k: number, plan: { readonly from: Sha256; readonly to: Sha256 }): RotationState =>
  ({ k, id: `${mesh.line}-${k}`, line: mesh.line, phase: 'completed', plan, trigger: request().trigger }) as unknown as RotationState;
const uuidsIn = async (digest: Sha256) =>
  parseManifest(await around.store('main').manifest(digest), 'manifest')
    .profiles.map(({ profile }) => profile.uuid as string)
    .sort();

async function advance({ to }: { readonly to: Sha256 }): Promise<void> {
  const head = await around.store('main').head(mesh.line);
  const move = { line: mesh.line, expectedSeq: head!.seq, to, id: 'ios-main-1' as RotationId, ticket: 'CHG-7' };
  expect(await createRotationActivities(around, NO_ORPHANS).advanceHead(move)).toMatchObject({ moved: true });
}

/** A manifest whose profiles are new ones again. */
async function moreOf(digest: Sha256): Promise<Sha256> {
  const store = around.store('main');
  const manifest = parseManifest(await store.manifest(digest), 'manifest');
  const profiles = [];
  for (const [at, entry] of manifest.profiles.entries()) {
    const uuid = `${String(at).repeat(8)}-2222-4333-8444-555555555555`;
    const bytes = mesh.apple.makeProfile({
      uuid,
      name: `${entry.profile.name} again`,
      team: mesh.certificate.team,
      bundleId: entry.bundleId,
      kind: 'app-store',
      certificates: [mesh.certificate],
      createdAt: new Date(Math.floor(Date.now() / 1000) * 1000),
      expiresAt: mesh.certificate.notAfter,
    });
    const { profile } = around.profiles.verify(bytes);
    await store.putProfile(bytes, 'ines', CONTEXT);
    profiles.push({
      ...entry,
      profile: {
        ...entry.profile,
        uuid: profile.uuid,
        name: profile.name,
        sha256: profile.sha256,
        createdAt: profile.createdAt,
        fileName: `${profile.uuid}.mobileprovision`,
      },
    });
  }
  return store.putManifest(freezeManifest({ ...manifest, profiles }).bytes, CONTEXT);
}

describe('a rotation whose successors come from App Store Connect, in a team that uses fastlane match (R1, S16)', () => {
  it('has them made once, prepares with them, and writes them back when it has completed', async () => {
    const activities = createRotationActivities(around, NO_ORPHANS);
    expect(await activities.findSuccessors(request())).toMatchObject({ missing: [] });
    expect(await activities.findSuccessors(request())).toMatchObject({ missing: [] });
    const old = await inForce();
    expect(apple.log.filter(({ method }) => method === 'POST')).toHaveLength(old.profiles.length);
    expect(apple.log.filter(({ method }) => method !== 'GET' && method !== 'POST')).toEqual([]);

    const { plan, reasons } = await prepareRotation(around, request());
    expect(reasons).toEqual([]);
    const to = parseManifest(await around.store('main').manifest(plan!.to), 'manifest');
    const next = to.profiles.map((entry) => entry.profile.uuid).sort();
    expect(next).not.toEqual(old.profiles.map((entry) => entry.profile.uuid).sort());
    expect(await around.store('main').importer(to.profiles[0]!.profile.sha256)).toBe('source:apple');

    const state: RotationState = { ...ended(1, plan!), phase: 'rolled-back' };
    await advance(plan!);
    await activities.closeRotation(state);
    expect(await inMatch()).not.toEqual(next);
    expect(await activities.closeRotation({ ...state, phase: 'completed' })).toEqual({
      writtenBack: { taken: ['match'], notTaken: [], rest: 'none' },
    });
    expect(await inMatch()).toEqual(next);
    await activities.closeRotation({ ...state, phase: 'completed' });
    expect(
      match
        .bareGit('log', '--format=%s', 'master')
        .split('\n')
        .filter((subject) => subject.startsWith('reseal: ')),
    ).toHaveLength(1);
  });

  it('says what is missing and which source is away, and does not begin again for that alone', async () => {
    await apple.stop();
    const { missing } = await createRotationActivities(around, NO_ORPHANS).findSuccessors(request());
    expect(missing).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^no successor for /),
        expect.stringMatching(/^App Store Connect \(source apple\) cannot be reached/),
      ]),
    );
    await expect(prepareRotation(around, request())).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
  });

  it('goes on with what one source has while the other is away', async () => {
    await createRotationActivities(around, NO_ORPHANS).findSuccessors(request());
    rmSync(match.bare, { recursive: true });
    expect((await prepareRotation(around, request())).reasons).toEqual([]);
  });

  it('closes although the repository does not take them, and says so', async () => {
    const activities = createRotationActivities(around, NO_ORPHANS);
    await activities.findSuccessors(request());
    const { plan } = await prepareRotation(around, request());
    await advance(plan!);
    rmSync(match.bare, { recursive: true });
    expect(await activities.closeRotation(ended(1, plan!))).toEqual({
      writtenBack: {
        taken: [],
        notTaken: [{ source: 'match', reason: expect.stringMatching(/source match cannot be used/) }],
        rest: 'none',
      },
    });
    expect(await around.store('main').record('ios-main-1')).not.toBeNull();
  });

  it('a source whose secret is not there any more keeps no rotation open, and no error is kept from people', async () => {
    const activities = createRotationActivities(around, NO_ORPHANS);
    await activities.findSuccessors(request());
    const { plan } = await prepareRotation(around, request());
    await advance(plan!);
    rmSync(join(folder, 'passphrase'));
    expect(await activities.closeRotation(ended(1, plan!))).toEqual({
      writtenBack: { taken: [], notTaken: [{ source: 'match', reason: expect.stringMatching(/passphrase/) }], rest: 'none' },
    });
  });

  it('what is not in force is not written back; what was written nowhere when it was replaced is replaced later (S16)', async () => {
    const activities = createRotationActivities(around, NO_ORPHANS);
    await activities.findSuccessors(request());
    const { plan: first } = await prepareRotation(around, request());
    const before = await inMatch();
    await advance(first!);
    await around.store('main').putRecord('ios-main-1', { schemaVersion: 1, state: ended(1, first!) }, CONTEXT);
    const again = { line: mesh.line, id: 'ios-main-1' as RotationId, ticket: 'CHG-7', from: first!.from, to: first!.to };

    // A second rotation is at work, and may yet return.
    const second = { from: first!.to, to: await moreOf(first!.to) };
    await advance(second);
    expect(await activities.writeBackSuccessors(again)).toEqual({ taken: [], notTaken: [], rest: 'later' });
    expect(await inMatch()).toEqual(before);

    // It completes: the repository still has what the first one replaced.
    expect(await activities.closeRotation(ended(2, second))).toEqual({ writtenBack: { taken: ['match'], notTaken: [], rest: 'none' } });
    expect(await inMatch()).toEqual(await uuidsIn(second.to));
    expect(await activities.writeBackSuccessors(again)).toEqual({ taken: [], notTaken: [], rest: 'never' });
    expect(await inMatch()).toEqual(await uuidsIn(second.to));
  });

  it('what was undone meanwhile is not written back', async () => {
    const activities = createRotationActivities(around, NO_ORPHANS);
    await activities.findSuccessors(request());
    const { plan } = await prepareRotation(around, request());
    await advance(plan!);
    const store = around.store('main');
    await store.putRecord('ios-main-1', { schemaVersion: 1, state: ended(1, plan!) }, CONTEXT);
    await activities.returnHead({ line: mesh.line, from: plan!.from, to: plan!.to, id: 'ios-main-2' as RotationId, ticket: 'INC-1' });
    const undone = { ...ended(2, { from: plan!.from, to: plan!.to }), phase: 'rolled-back', undoes: 'ios-main-1' };
    await store.putRecord('ios-main-2', { schemaVersion: 1, state: undone }, CONTEXT);
    const before = await inMatch();
    expect(
      await activities.writeBackSuccessors({
        line: mesh.line,
        id: 'ios-main-1' as RotationId,
        ticket: 'CHG-7',
        from: plan!.from,
        to: plan!.to,
      }),
    ).toEqual({ taken: [], notTaken: [], rest: 'never' });
    expect(await inMatch()).toEqual(before);
  });

  it('makes nothing in a rehearsal at another date', async () => {
    const { missing } = await createRotationActivities(around, NO_ORPHANS).findSuccessors({ ...request(), offset: 86_400_000 });
    expect(missing.length).toBeGreaterThan(0);
    expect(apple.log.some(({ method }) => method === 'POST')).toBe(false);
  });

  it('doctor looks at both, and tells a source that does not let it in from one that is away', async () => {
    const doctor = async () => {
      const ran = await reseal(['--config', mesh.folders.config, '--home', join(folder, 'home'), 'doctor', '--json'], {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
      });
      expect(ran.stdout).not.toContain(PASSPHRASE);
      const { checks } = JSON.parse(ran.stdout) as { checks: { check: string; verdict: string; reason: string }[] };
      return Object.fromEntries(
        checks.filter(({ check }) => check.startsWith('source ')).map((one) => [one.check, `${one.verdict}: ${one.reason}`]),
      );
    };
    const count = (await inForce()).profiles.length;
    expect(await doctor()).toEqual({
      'source match': `pass: ${match.bare}: ${count} profiles, 0 passed over`,
      'source apple': `pass: ${apple.url}: ${count} profiles, 0 passed over`,
    });
    writeFileSync(join(folder, 'passphrase'), 'wrong-secret');
    await apple.stop();
    const found = await doctor();
    expect(found['source match']).toMatch(/^fail: .*its passphrase opens none of its profiles/);
    expect(found['source apple']).toMatch(/^away: .*cannot be reached/);
  });
});

async function inMatch(): Promise<readonly string[]> {
  const { candidates } = await around.source('match').list();
  return candidates.map(({ profile }) => profile.uuid as string).sort();
}
