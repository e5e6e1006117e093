import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEGACY, manifestOf, NODE, visible, world, XCODE16, type World } from './mesh.js';

let mesh: World;
beforeEach(async () => {
  mesh = await world();
});
afterEach(() => mesh.remove());

const mount = 'usr/local/var/reseal/mount/ios-main';

describe('a rotation on one node (R2, R3, R9)', () => {
  it('stages the successor beside the old one, in both folders that Xcode reads, and accepts it last', async () => {
    await mesh.settled();
    const result = await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    expect(result).toEqual({ node: NODE, outcome: 'done', active: mesh.from, reason: '' });
    const names = (await visible(mesh.home)).map((line) => line.split(' ').slice(0, -1).join(' '));
    for (const manifest of [mesh.manifests.from, mesh.manifests.to]) {
      for (const { profile } of manifest.profiles) {
        for (const folder of [XCODE16, LEGACY]) expect(names).toContain(`${folder}/${profile.fileName} 644`);
      }
    }
    expect(names).toContain(`${mount}/manifests/${mesh.to}.json 444`);
    expect(names).toContain(`${mount}/settings/${mesh.to}/app-store/reseal.xcconfig 444`);
    expect(JSON.parse(await readFile(join(mesh.home, 'usr/local/var/reseal/state/accepted.json'), 'utf8'))).toEqual({
      'ios-main': [mesh.from, mesh.to],
    });
  });

  it('activates the frozen bytes and needs three passes in a row, the first probe at once (R4, invariant 3)', async () => {
    await mesh.settled();
    mesh.sleeps.length = 0;
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    const result = await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from });
    expect(result).toEqual({ node: NODE, outcome: 'done', active: mesh.to, passes: 3, reason: '' });
    expect(mesh.sleeps).toEqual([10_000, 10_000]);
    expect(mesh.beats.length).toBeGreaterThanOrEqual(3);
  });

  it('retires the old profiles into quarantine and restores them byte for byte (R9, R7)', async () => {
    await mesh.settled();
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from });
    const before = await visible(mesh.home);
    await activities.retireNode({ ...mesh.order(1000, 'op-3'), old: mesh.from, keep: mesh.to });
    const retired = (await visible(mesh.home)).join('\n');
    for (const { profile } of mesh.manifests.from.profiles) expect(retired).not.toContain(profile.fileName);
    expect(retired).not.toContain(mesh.from);
    expect((await activities.restoreNode({ ...mesh.order(1001, 'op-4'), manifest: mesh.from })).outcome).toBe('done');
    expect(await visible(mesh.home)).toEqual(before);
  });

  it('restores from quarantine while the store is out of reach (R6)', async () => {
    await mesh.settled();
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    await mesh.activities().switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: null });
    await mesh.activities().retireNode({ ...mesh.order(1000, 'op-3'), old: mesh.from, keep: mesh.to });
    const fresh = mesh.activities({
      store: {
        manifest: (digest) => ((mesh.store.reachable = false), mesh.store.manifest(digest)),
        profile: (digest) => mesh.store.profile(digest),
        frozen: (digest) => ((mesh.store.reachable = true), mesh.store.frozen(digest)),
        sealedIdentity: (sealed) => mesh.store.sealedIdentity(sealed),
      },
    });
    expect((await fresh.restoreNode({ ...mesh.order(1001, 'op-4'), manifest: mesh.from })).outcome).toBe('done');
  });

  it('unstaging a rejected rotation leaves what builds read exactly as it was (R5, R6)', async () => {
    await mesh.settled();
    const before = await visible(mesh.home);
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    await activities.unstageNode({ ...mesh.order(1001, 'op-2'), remove: mesh.to, keep: mesh.from });
    expect(await visible(mesh.home)).toEqual(before);
  });

  it('takes along the folders that it made, and leaves those that were there', async () => {
    const empty = mesh.store.putManifest(manifestOf('2025', []), '2025');
    await mkdir(join(mesh.home, 'Library/MobileDevice'), { recursive: true });
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(1, 'settle'), to: empty });
    await activities.switchNode({ ...mesh.order(1, 'settle-2'), target: empty, revertTo: null });
    const before = await visible(mesh.home);
    expect(before.join('\n')).not.toContain('Provisioning Profiles');
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    expect((await visible(mesh.home)).join('\n')).toContain(XCODE16);
    await activities.unstageNode({ ...mesh.order(1001, 'op-2'), remove: mesh.to, keep: empty });
    expect(await visible(mesh.home)).toEqual(before);
    // A folder that somebody uses by now stays.
    await activities.stageNode({ ...mesh.order(1001, 'op-3'), to: mesh.to });
    await writeFile(join(mesh.home, LEGACY, 'somebody-elses.mobileprovision'), 'x');
    await activities.unstageNode({ ...mesh.order(1002, 'op-4'), remove: mesh.to, keep: empty });
    const after = await visible(mesh.home);
    expect(after.filter((line) => line.startsWith(LEGACY))).toHaveLength(2);
    expect(after.join('\n')).not.toContain(XCODE16);
  });

  it('refuses to take the active manifest away, and says so as an outcome', async () => {
    await mesh.settled();
    const before = await visible(mesh.home);
    const result = await mesh.activities().retireNode({ ...mesh.order(), old: mesh.from, keep: mesh.from });
    expect(result.outcome).toBe('failed');
    expect(result.reason).toContain(mesh.from);
    expect(await visible(mesh.home)).toEqual(before);
  });
});

describe('a second time (idempotence)', () => {
  it('staging twice has no effect the second time, by the journal', async () => {
    await mesh.settled();
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    const first = await mesh.journal();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    const second = (await mesh.journal()).slice(first.length);
    expect(second.filter((entry) => entry.changed)).toEqual([]);
    expect(second.map((entry) => `${entry.do} ${entry.phase}`)).toEqual(['stage intent', 'stage result']);
    expect(first.filter((entry) => entry.do === 'stage' && entry.phase === 'result' && entry.changed)).toHaveLength(2);
  });

  it('every effect has an intent before it and a result after it, numbered without a gap (invariant 10)', async () => {
    await mesh.settled();
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: null });
    await activities.retireNode({ ...mesh.order(1000, 'op-3'), old: mesh.from, keep: mesh.to });
    const journal = await mesh.journal();
    expect(journal.map((entry) => entry.seq)).toEqual(journal.map((_, index) => index + 1));
    const open = new Map<string, number>();
    for (const entry of journal) {
      const key = `${entry.opId} ${entry.do} ${entry.subject}`;
      const count = (open.get(key) ?? 0) + (entry.phase === 'intent' ? 1 : -1);
      expect(count).toBeGreaterThanOrEqual(0);
      open.set(key, count);
    }
    expect([...open.values()].every((count) => count === 0)).toBe(true);
  });
});

describe('a switch that does not prove itself', () => {
  it('goes back to from by itself at the first failure, and says which file was at fault (R4, R6)', async () => {
    await mesh.settled();
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    const bad = mesh.manifests.to.profiles[1]!.profile;
    mesh.verifier.verdicts.set(bad.sha256, {
      status: 'untrusted',
      reason: 'the chain ends at an unknown root',
      uuid: null,
      team: null,
      expiresAt: null,
    });
    const result = await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from });
    expect(result).toMatchObject({ outcome: 'failed', active: mesh.from, passes: 0 });
    expect(result.reason).toContain(bad.fileName);
    expect(result.reason).toContain(NODE);
    expect(mesh.sleeps.filter((one) => one === 10_000)).toHaveLength(2);
  });

  it('without a manifest to go back to it stays, and says failed (R11)', async () => {
    await mesh.settled();
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    mesh.verifier.verdicts.clear();
    const result = await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: null });
    expect(result).toMatchObject({ outcome: 'failed', active: mesh.to });
  });

  it('inconclusive never counts as a pass: after the policy’s patience the node goes back (R4)', async () => {
    await mesh.settled();
    const activities = mesh.activities();
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    const sha256 = mesh.manifests.to.profiles[0]!.profile.sha256;
    mesh.verifier.verdicts.set(sha256, new Error('the verifier is out of memory'));
    const result = await activities.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from });
    expect(result).toMatchObject({ outcome: 'inconclusive', active: mesh.from });
    expect(result.reason).toContain('out of memory');
  });

  it('never activates a manifest that is not staged whole (invariant 1)', async () => {
    await mesh.settled();
    const before = await visible(mesh.home);
    await expect(mesh.activities().switchNode({ ...mesh.order(), target: mesh.to, revertTo: mesh.from })).rejects.toMatchObject({
      type: 'READ_BACK_FAILED',
      nonRetryable: false,
    });
    expect(await visible(mesh.home)).toEqual(before);
  });
});
