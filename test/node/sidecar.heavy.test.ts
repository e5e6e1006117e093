import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LineDeclaration } from '../../src/domain/topology.js';
import type { NodeReport, NodeResult } from '../../src/domain/node/report.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import type { RunningSidecar } from '../../src/sidecar/server.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { installMac, setClock } from '../../src/simulator/mac/install.js';
import { request } from '../profile/support.js';
import { SidecarWorld } from '../sidecar/sidecar-world.js';
import { NOW, POLICY, world, type World } from './mesh.js';

const needsRcodesign = it.skipIf(findRcodesign() === null);
const SOCKET = '/usr/local/var/reseal/sidecar/socket';
const LINE: Partial<LineDeclaration> = { identity: 'sidecar', sidecar: { socket: SOCKET } };

let keys: SidecarWorld;
let identity: DistributionCertificate;
let alias: string;
let running: RunningSidecar;
let mesh: World;

beforeEach(async () => {
  keys = await SidecarWorld.make();
  identity = await keys.issue({ notAfter: new Date(NOW + 400 * 86_400_000) });
  alias = `ios-main-${identity.sha1.slice(0, 8)}`;
  keys.declare({ [alias]: keys.keep('main', identity) });
});
afterEach(async () => {
  await mesh.remove();
  await keys.dispose();
});

/** A production Mac without a key, whose sidecar is reached by a link. */
async function nodeOnMac(): Promise<void> {
  running = await keys.start();
  const home = keys.at('mac');
  await mkdir(join(home, dirname(dirname(SOCKET))), { recursive: true });
  await symlink(keys.at('run'), join(home, dirname(SOCKET)));
  await installMac(home, { roots: [keys.apple.rootPem], intermediates: [keys.apple.wwdrPem], loginPassword: 'login' });
  await setClock(home, new Date(NOW));
  mesh = await world({
    home,
    node: { environment: 'production', keys: 'forbidden', roles: ['signer'] },
    identity: identity.sha1,
    line: LINE,
    policy: { probe: { ...POLICY.probe, passes: 2, checkTimeout: 20_000, inconclusiveFor: 1 } },
    profiles: ({ bundleId, profile }) =>
      keys.apple.makeProfile(
        request({
          certificates: [identity],
          uuid: profile.uuid,
          name: profile.name,
          bundleId,
          createdAt: new Date(profile.createdAt),
          expiresAt: new Date(profile.expiresAt),
        }),
      ),
    manifest: (manifest) => ({
      ...manifest,
      certificates: Object.fromEntries(
        Object.entries(manifest.certificates).map(([sha1, one]) => [sha1, { ...one, commonName: identity.commonName }]),
      ),
    }),
  });
  await mesh.activities().stageNode({ ...mesh.order(1, 'stage'), rotation: 'ios-main-0', to: mesh.from });
}

const switched = (): Promise<NodeResult> => mesh.activities().switchNode({ ...mesh.order(2, 'switch'), target: mesh.from, revertTo: null });
const inspected = (): Promise<NodeReport> =>
  mesh.activities().inspectNode({ ...mesh.order(3, 'inspect'), manifest: mesh.from, everyCheck: true });
const checkOf = (report: NodeReport, name: string) => report.checks?.find((one) => one.check === name);

describe('a Mac without a key, whose line has a sidecar', () => {
  needsRcodesign('has it sign the canary, and its own codesign shows team, chain, seal and profile (S4)', async () => {
    await nodeOnMac();
    expect(await switched()).toMatchObject({ outcome: 'done' });
    expect(keys.records().map((one) => [one['by'], one['identifier'], one['alias']])).toEqual([
      ['canary of ams-build-1 in ios-main-1', 'com.acme.courier', alias],
      ['canary of ams-build-1 in ios-main-1', 'com.acme.courier.notify', alias],
    ]);
    const report = await inspected();
    expect(checkOf(report, 'sidecar')).toMatchObject({ verdict: 'pass' });
    expect(checkOf(report, 'key-files')).toMatchObject({ verdict: 'pass' });
    expect(checkOf(report, 'identities')).toMatchObject({ verdict: 'pass' });
  });

  needsRcodesign('does not pass with another key behind the alias, and is told which', async () => {
    await nodeOnMac();
    const other = await keys.issue();
    keys.declare({ [alias]: keys.keep('other', other) });
    expect(await switched()).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining(`is of certificate ${other.sha1}`) as string,
    });
    expect(checkOf(await inspected(), 'sidecar')).toMatchObject({ verdict: 'fail' });
  });

  needsRcodesign('is not judged while the sidecar is away, or its folder is not its owner’s alone', async () => {
    await nodeOnMac();
    await running.stop();
    expect(checkOf(await inspected(), 'sidecar')).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('the signing sidecar is not there') as string }); // prettier-ignore
    expect(await switched()).toMatchObject({ outcome: 'inconclusive' });
    running = await keys.start();
    await chmod(keys.at('run'), 0o777);
    expect(checkOf(await inspected(), 'sidecar')).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('others than its owner may write') as string }); // prettier-ignore
    await chmod(keys.at('run'), 0o750);
    await rm(keys.at('mac/bin/codesign'));
    expect(await switched()).toMatchObject({ outcome: 'inconclusive', reason: expect.stringContaining('it has no `codesign` to read back') as string }); // prettier-ignore
  });
});
