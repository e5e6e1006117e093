import { appendFile, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeReport } from '../../src/domain/node/report.js';
import type { NodeName } from '../../src/domain/brands.js';
import { declaration as declared, LEGACY, NODE, visible, world, XCODE16, type World, nodesAreLocal } from './mesh.js';

let mesh: World;
beforeEach(async () => {
  mesh = await world();
  await mesh.settled();
});
afterEach(() => mesh.remove());

const inspect = (more: { readonly offset?: number } = {}): Promise<NodeReport> =>
  mesh.activities().inspectNode({ ...mesh.order(), ...more, manifest: mesh.from });
const profileAt = (index: number, folder = LEGACY): string =>
  join(mesh.home, folder, mesh.manifests.from.profiles[index]!.profile.fileName);
const line = (...names: string[]): string => join(mesh.home, 'usr/local/var/reseal/mount/ios-main', ...names);
async function flip(path: string, at = 100): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = bytes[at]! ^ 1;
  await rm(path);
  await writeFile(path, bytes);
}

describe('node truth (R4)', () => {
  it('of a whole node: pass, with digests, epoch and no problems', async () => {
    expect(await inspect()).toEqual({
      node: NODE,
      at: mesh.now,
      protocol: 1,
      version: '0.1.0',
      image: 'tahoe-26.1-b4',
      active: mesh.from,
      accepted: [mesh.from],
      epoch: 1,
      // This node is files only; test/node/keys.test.ts has one with the tools of a Mac.
      identities: null,
      pins: { pipelines: [], held: [] },
      verdict: 'pass',
      problems: [],
      findings: [],
    });
  });

  it('tells the epoch of the newest order, however long the journal has become', async () => {
    const path = join(mesh.home, 'usr/local/var/reseal/state/journal');
    const result = (await readFile(path, 'utf8')).split('\n').find((entry) => entry.includes('"phase":"result"'));
    await appendFile(path, `${result}\n`.repeat(500));
    for (const epoch of [2000, 3000]) {
      await mesh.activities().stageNode({ ...mesh.order(epoch, `op-${epoch}`), to: mesh.to });
      for (let again = 0; again < 2; again++) expect((await inspect()).epoch).toBe(epoch);
    }
    expect((await readFile(path)).length).toBeGreaterThan(64 * 1024);
  });

  it('is read without changing anything, even on a node that reseal never touched', async () => {
    const fresh = await world();
    try {
      const report = await fresh.activities().inspectNode({ ...fresh.order(), manifest: fresh.from });
      expect(report).toMatchObject({ verdict: 'fail', active: null, accepted: [], epoch: 0 });
      expect(await visible(fresh.home)).toEqual([]);
    } finally {
      await fresh.remove();
    }
  });

  it.each([XCODE16, LEGACY])('a flipped byte is found, with node and file named: %s (S2, S3)', async (folder) => {
    await flip(profileAt(2, folder));
    const report = await inspect();
    expect(report.verdict).toBe('fail');
    expect(report.problems.map((one) => one.check)).toEqual(['profile-files']);
    expect(report.problems[0]!.reason).toContain(NODE);
    expect(report.problems[0]!.reason).toContain(`~/${folder}/${mesh.manifests.from.profiles[2]!.profile.fileName}`);
  });

  it('a flipped byte fails the switch too, which goes back (R4)', async () => {
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    const path = join(mesh.home, XCODE16, mesh.manifests.to.profiles[0]!.profile.fileName);
    const activities = mesh.activities({
      hooks: { afterStep: (step) => (step.do === 'activate' && step.manifest === mesh.to ? flip(path) : undefined) },
    });
    const result = await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from });
    expect(result).toMatchObject({ outcome: 'failed', active: mesh.from });
    expect(result.reason).toContain(mesh.manifests.to.profiles[0]!.profile.fileName);
  });

  it('a missing file, a link and a folder in its place are told apart', async () => {
    await unlink(profileAt(0));
    expect((await inspect()).problems[0]!.reason).toContain('is missing');
    await symlink(profileAt(0, XCODE16), profileAt(0));
    expect((await inspect()).problems[0]!.reason).toContain('is a symbolic link');
  });

  it('damaged settings, a damaged frozen manifest and a foreign active one are found (R12)', async () => {
    await flip(line('settings', mesh.from, 'app-store', 'ExportOptions.plist'));
    expect((await inspect()).problems.map((one) => one.check)).toEqual(['settings']);
    await flip(line('profiles.json'));
    expect((await inspect()).problems.map((one) => one.check)).toEqual(['active-manifest', 'settings']);
  });

  it('expiry is judged by the clock plus the rehearsal’s offset (R8)', async () => {
    expect((await inspect({ offset: 300 * 86_400_000 })).problems.map((one) => one.check)).toEqual(['expiry']);
    expect((await inspect({ offset: 200 * 86_400_000 })).verdict).toBe('pass');
    const later = await inspect({ offset: 400 * 86_400_000 });
    expect(later.problems[0]!.evidence).toEqual({ problems: 5 });
  });

  it('a profile whose inside says something else than the manifest is found (S3, T5)', async () => {
    const { sha256, uuid, expiresAt } = mesh.manifests.from.profiles[0]!.profile;
    const valid = { status: 'valid', reason: '', uuid, team: '9QK4T7XW2B', expiresAt: Date.parse(expiresAt) } as const;
    for (const [change, text] of [
      [{ uuid: 'other' }, 'holds UUID other'],
      [{ team: 'AAAAAAAAAA' }, 'of team AAAAAAAAAA'],
      [{ expiresAt: 0 }, 'expires 1970'],
    ] as const) {
      mesh.verifier.verdicts.set(sha256, { ...valid, ...change });
      expect((await inspect()).problems[0]).toMatchObject({
        check: 'profile-signatures',
        verdict: 'fail',
        reason: expect.stringContaining(text),
      });
    }
    mesh.verifier.verdicts.set(sha256, new Error('out of memory'));
    expect(await inspect()).toMatchObject({ verdict: 'inconclusive' });
  });

  it('old and stray copies are a finding, not a failure', async () => {
    await writeFile(join(mesh.home, LEGACY, 'Downloaded.mobileprovision'), 'x');
    const report = await inspect();
    expect(report.verdict).toBe('pass');
    expect(report.findings).toEqual([
      '1 profile files that no accepted manifest names: ~/Library/MobileDevice/Provisioning Profiles/Downloaded.mobileprovision',
    ]);
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    expect((await inspect()).findings).toHaveLength(1);
  });

  it('a clock that is further off than the policy allows is a failure', async () => {
    const at = (skew: number): Promise<NodeReport> =>
      mesh.activities().inspectNode({ ...mesh.order(), sentAt: mesh.now + skew, manifest: mesh.from });
    expect((await at(59_000)).problems).toEqual([]);
    expect((await at(61_000)).problems).toMatchObject([
      { check: 'clock', verdict: 'fail', reason: `Node ${NODE}: its clock is -61 s off, allowed are 60 s.`, evidence: { skewMs: -61_000 } },
    ]);
  });

  it('mount or state in a tree that cleaners wipe is a failure (S13)', async () => {
    const bad = await world({ node: { state: '~/Library/Caches/reseal' } });
    try {
      await bad.settled().catch(() => undefined);
      const report = await bad.activities().inspectNode({ ...bad.order(), manifest: bad.from });
      expect(report.problems.map((one) => one.check)).toContain('wipeable');
    } finally {
      await bad.remove();
    }
  });
});

describe('probing many nodes at once (soak)', () => {
  it.runIf(nodesAreLocal())('an unreachable node is an outcome, the others are judged', async () => {
    const gone = 'iad-build-1' as NodeName;
    const order = mesh.order();
    const digest = mesh.store.put(
      Buffer.from(
        JSON.stringify({
          ...((await mesh.store.frozen(order.topology)) as object),
          nodes: [mesh.home, '/nowhere'].map((home, index) => ({
            ...declared(mesh.home),
            name: index === 0 ? NODE : gone,
            reach: { kind: 'local', home },
          })),
        }),
      ),
    );
    const results = await mesh.activities().probeNodes({ ...order, topology: digest, nodes: [NODE, gone], manifest: mesh.from });
    expect(results).toEqual([
      { node: NODE, outcome: 'done', active: mesh.from, reason: '', pins: { pipelines: [], manifests: [] } },
      { node: gone, outcome: 'unreachable', active: null, reason: expect.stringContaining('/nowhere') },
    ]);
    expect(mesh.beats.at(-1)).toEqual({ probed: 2, of: 2 });
  });
});
