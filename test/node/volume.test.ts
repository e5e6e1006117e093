import { createHash } from 'node:crypto';
import { cp, lstat, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdmittedAttempt } from '../../activities/node/fence.js';
import { VolumePaths } from '../../activities/node/paths.js';
import type { NodeName } from '../../src/domain/brands.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import { realFileSystem, type FileSystem } from '../../src/node-shell/file-system.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { withLock } from '../../src/node-shell/lock.js';
import { withVolumes } from '../../src/node-shell/simulated-volumes.js';
import { CACHE_TIME, declaration, LINE, MOUNT, NODE, PUBLISHER, tree, visible, world, XCODE16, type World } from './mesh.js';

const SECOND = 'ams-build-2' as NodeName;
const STATE = 'usr/local/var/reseal/state';

let mesh: World;
beforeEach(async () => {
  mesh = await world({ volume: { more: [SECOND] } });
  await mesh.settled();
});
afterEach(() => mesh.remove());

const volume = (...names: string[]): string => join(mesh.publisher, MOUNT, LINE, ...names);
const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
const pointer = (node: string): Promise<string> => digestOf(volume('nodes', node, 'profiles.json'));
const manifests = (): Promise<readonly string[]> => readdir(volume('manifests')).then((names) => names.sort());
const accepted = async (): Promise<unknown> => JSON.parse(await readFile(join(mesh.home, STATE, 'accepted.json'), 'utf8'));
/** What builds see of the node and of the volume. */
const seen = async (): Promise<unknown> => ({ node: await visible(mesh.home), volume: await tree(volume()) });

const stage = (node: NodeName = NODE, epoch = 1000): Promise<unknown> =>
  mesh.activities().stageNode({ ...mesh.order(epoch, `stage-${epoch}`, node), to: mesh.to });
const switchTo = (node: NodeName = NODE, epoch = 1000): ReturnType<ReturnType<World['activities']>['switchNode']> =>
  mesh.activities().switchNode({ ...mesh.order(epoch, `switch-${epoch}`, node), target: mesh.to, revertTo: mesh.from });

describe('a published volume', () => {
  it('has one pointer per node, and manifests and settings once; the node keeps nothing of its own there', async () => {
    expect((await readdir(volume('nodes'))).sort()).toEqual([NODE, SECOND, PUBLISHER].sort());
    expect(await manifests()).toEqual([`${mesh.from}.json`]);
    expect(await readdir(volume('settings'))).toEqual([mesh.from]);
    for (const node of [NODE, SECOND, PUBLISHER]) expect(await pointer(node)).toBe(mesh.from);
    expect(await readdir(join(mesh.home, XCODE16))).toHaveLength(4);
    expect((await readdir(join(mesh.home, STATE))).sort()).toEqual(['accepted.json', 'folders.json', 'journal', 'node.json']);
    expect((await lstat(join(mesh.home, MOUNT))).isSymbolicLink()).toBe(true);
  });

  it('is switched node by node: the pointer of one moves, that of the other does not', async () => {
    await stage();
    expect(await manifests()).toEqual([`${mesh.from}.json`, `${mesh.to}.json`].sort());
    expect(await pointer(NODE)).toBe(mesh.from);
    expect(await switchTo()).toEqual({ node: NODE, outcome: 'done', active: mesh.to, passes: 3, reason: '' });
    expect(await pointer(NODE)).toBe(mesh.to);
    expect(await pointer(SECOND)).toBe(mesh.from);
    expect((await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.to })).verdict).toBe('pass');
  });

  it('writes the intent of a change into the lane of the node at the publisher before it, and the result after it', async () => {
    await stage();
    await switchTo();
    const journal = await readFile(join(mesh.publisher, STATE, 'published', LINE, 'nodes', NODE, 'journal'), 'utf8');
    const entries = journal
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { do: string; phase: string; rotation: string });
    expect(entries.filter((one) => one.rotation === 'ios-main-1').map((one) => `${one.do} ${one.phase}`)).toEqual([
      'stage intent',
      'put-manifest intent',
      'put-manifest result',
      'stage result',
      'switch intent',
      'activate intent',
      'activate result',
      'switch result',
    ]);
  });

  it('loses a manifest with the last node that needs it, and has it back with the first', async () => {
    const all = [NODE, SECOND, PUBLISHER];
    for (const node of all) await stage(node);
    for (const node of all) await switchTo(node);
    const before = await seen();
    const retire = (node: NodeName): Promise<{ outcome: string }> =>
      mesh.activities().retireNode({ ...mesh.order(1000, 'retire', node), old: mesh.from, keep: mesh.to });
    for (const node of [NODE, PUBLISHER]) {
      expect((await retire(node)).outcome).toBe('done');
      expect(await manifests()).toContain(`${mesh.from}.json`);
    }
    await retire(SECOND);
    expect(await manifests()).toEqual([`${mesh.to}.json`]);
    expect(await readdir(volume('settings'))).toEqual([mesh.to]);
    expect(await readdir(join(mesh.publisher, STATE, 'quarantine/ios-main-1'))).toContain(`${LINE}.${mesh.from}.json`);
    for (const node of all) await mesh.activities().restoreNode({ ...mesh.order(1001, 'restore', node), manifest: mesh.from });
    expect(await seen()).toEqual(before);
  });

  it('is as it was after unstaging, and a second time changes nothing', async () => {
    const before = await seen();
    await stage();
    await stage(SECOND);
    const unstage = (node: NodeName): Promise<unknown> =>
      mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage', node), remove: mesh.to, keep: mesh.from });
    await unstage(NODE);
    expect(await manifests()).toContain(`${mesh.to}.json`);
    await unstage(SECOND);
    expect(await seen()).toEqual(before);
    await unstage(SECOND);
    expect(await seen()).toEqual(before);
  });

  it('moves pointers of nodes side by side: neither the lane of another node nor the lock of the volume is waited for', async () => {
    await stage();
    const files = new LocalNode(PUBLISHER, mesh.publisher);
    const paths = (node: NodeName): VolumePaths => new VolumePaths(declaration(mesh.publisher, { name: PUBLISHER }), LINE, node);
    const result = await withLock(files, paths(NODE).lock, () => withLock(files, paths(SECOND).lane.stateFile('lock'), () => switchTo()));
    expect(result.outcome).toBe('done');
  });

  it('is brought for all and taken away for all by one of the nodes that come at once', async () => {
    const all = [NODE, SECOND, PUBLISHER];
    const before = await seen();
    const counted = { changes: 0 };
    const activities = mesh.activities({ reach: reachWith(breakingAt(Number.POSITIVE_INFINITY, counted)) });
    await Promise.all(all.map((node) => activities.stageNode({ ...mesh.order(1000, 'stage', node), to: mesh.to })));
    expect(await manifests()).toContain(`${mesh.to}.json`);
    await Promise.all(
      all.map((node) => activities.unstageNode({ ...mesh.order(1001, 'unstage', node), remove: mesh.to, keep: mesh.from })),
    );
    expect(counted.changes).toBeGreaterThan(0);
    expect(await seen()).toEqual(before);
    const quarantined = await readdir(join(mesh.publisher, STATE, 'quarantine/ios-main-1'));
    expect(quarantined.sort()).toEqual([`${LINE}.${mesh.to}.json`, `${LINE}.${mesh.to}.settings`]);
  });

  it('keeps a manifest that a node comes to need in the very moment in which the last one leaves it', async () => {
    await stage();
    const moment = { staged: false };
    const activities = mesh.activities({
      reach: (node) => {
        const shell = reachWith(realFileSystem)(node);
        const removeEmptyFolder = shell.removeEmptyFolder.bind(shell);
        shell.removeEmptyFolder = async (folder) => {
          if (folder.includes('/needed/') && !moment.staged) {
            moment.staged = true;
            await stage(SECOND);
          }
          await removeEmptyFolder(folder);
        };
        return shell;
      },
    });
    await activities.unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    expect(moment.staged).toBe(true);
    expect(await manifests()).toContain(`${mesh.to}.json`);
    expect(await switchTo(SECOND)).toMatchObject({ outcome: 'done', active: mesh.to });
  });

  it('keeps what a node was switched to without having staged it', async () => {
    await stage();
    await stage(SECOND);
    await rm(join(mesh.publisher, STATE, 'published', LINE, 'needed', mesh.to, NODE));
    expect(await switchTo()).toMatchObject({ outcome: 'done' });
    expect((await readdir(join(mesh.publisher, STATE, 'published', LINE, 'needed', mesh.to))).sort()).toEqual([NODE, SECOND]);
  });

  it('refuses to lose what a node reads', async () => {
    const result = await mesh.activities().retireNode({ ...mesh.order(), old: mesh.from, keep: mesh.from });
    expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(mesh.from) as string });
    // Nor does it lose what a pointer names that nobody has noted.
    await rm(join(mesh.publisher, STATE, 'published', LINE, 'needed'), { recursive: true });
    await stage();
    await switchTo();
    await mesh.activities().retireNode({ ...mesh.order(1000, 'retire'), old: mesh.from, keep: mesh.to });
    expect(await manifests()).toContain(`${mesh.from}.json`);
  });
});

describe('a node that has lost its way', () => {
  it('finds the line taken at the publisher, though not at itself, and moves no pointer', async () => {
    await stage();
    const publisher = declaration(mesh.publisher, { name: PUBLISHER });
    const files = new LocalNode(PUBLISHER, mesh.publisher);
    const newer = { ...mesh.order(1001, 'newer'), sentAt: mesh.now + 1 };
    const activities = mesh.activities({
      hooks: {
        beforeEffect: async ({ do: what }) => {
          if (what !== 'activate') return;
          const { lane } = new VolumePaths(publisher, LINE, NODE);
          await AdmittedAttempt.admit(
            files,
            lane,
            newer,
            1,
            () => mesh.now,
            { do: 'switch', subject: mesh.from },
            ({ journal }) => journal.pause(),
          );
        },
      },
    });
    await expect(activities.switchNode({ ...mesh.order(1000, 'old'), target: mesh.to, revertTo: null })).rejects.toMatchObject({
      type: 'STALE_EPOCH',
      message: expect.stringContaining(PUBLISHER) as string,
    });
    expect(await pointer(NODE)).toBe(mesh.from);
  });

  it('is told which publisher is away; nothing on the node is changed', async () => {
    const before = await visible(mesh.home);
    await rename(mesh.publisher, `${mesh.publisher}.away`);
    await expect(stage()).rejects.toMatchObject({
      type: 'NODE_UNREACHABLE',
      message: expect.stringContaining(`Node ${PUBLISHER} is not reachable`) as string,
    });
    await rename(`${mesh.publisher}.away`, mesh.publisher);
    expect(await visible(mesh.home)).toEqual(before);
  });
});

/** Puts a copy in the place of the node's mount, which shows what is published only when it is told to. */
async function lateMount(): Promise<{ show(): Promise<void> }> {
  const place = join(mesh.home, MOUNT);
  const show = async (): Promise<void> => {
    await rm(place, { recursive: true, force: true });
    await cp(join(mesh.publisher, MOUNT), place, { recursive: true });
  };
  await show();
  return { show };
}

describe('a mount that shows for a while what was there before', () => {
  /** The mount catches up after so many looks at it; what each of them waited. */
  function catchingUp(
    mount: { show(): Promise<void> },
    after: number,
  ): { activities: ReturnType<World['activities']>; waits: number[]; locked: boolean[] } {
    const waits: number[] = [];
    const locked: boolean[] = [];
    const activities = mesh.activities({
      sleep: async (milliseconds) => {
        waits.push(milliseconds);
        mesh.now += milliseconds;
        locked.push(
          await lstat(join(mesh.home, STATE, 'lock')).then(
            () => true,
            () => false,
          ),
        );
        if (waits.length === after) await mount.show();
      },
    });
    return { activities, waits, locked };
  }

  it('is waited for without the lock, and probes are no closer than its cache time', async () => {
    const mount = await lateMount();
    const staging = catchingUp(mount, 5);
    expect(await staging.activities.stageNode({ ...mesh.order(), to: mesh.to })).toMatchObject({ outcome: 'done' });
    expect(staging.waits).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(await accepted()).toEqual({ [LINE]: [mesh.from, mesh.to] });
    const switching = catchingUp(mount, 3);
    const result = await switching.activities.switchNode({ ...mesh.order(1000, 'switch'), target: mesh.to, revertTo: mesh.from });
    expect(result).toEqual({ node: NODE, outcome: 'done', active: mesh.to, passes: 3, reason: '' });
    expect(switching.waits).toEqual([1_000, 1_000, 1_000, CACHE_TIME, CACHE_TIME]);
    expect([...staging.locked, ...switching.locked]).not.toContain(true);
  });

  it('fails the stage of a node that never sees the manifest, which it then does not accept', async () => {
    const { activities, waits } = catchingUp(await lateMount(), Number.POSITIVE_INFINITY);
    const result = await activities.stageNode({ ...mesh.order(), to: mesh.to });
    expect(result.outcome).toBe('failed');
    expect(result.reason).toMatch(
      /^Node ams-build-1: \S+manifests\/\w+\.json is missing, expected SHA-256 \w+, 1 minute \(cacheTime\) after ams-publish-1 had published it on the volume of ios-main\. See that/,
    );
    expect(waits.reduce((sum, one) => sum + one, 0)).toBe(CACHE_TIME);
    expect(await accepted()).toEqual({ [LINE]: [mesh.from] });
  });

  it('fails the switch of a node that never sees its pointer move, and moves it back', async () => {
    const mount = await lateMount();
    await stage(SECOND);
    await mount.show();
    await stage();
    const { activities } = catchingUp(mount, Number.POSITIVE_INFINITY);
    const result = await activities.switchNode({ ...mesh.order(1000, 'switch'), target: mesh.to, revertTo: mesh.from });
    expect(result).toMatchObject({ outcome: 'failed', active: mesh.from });
    expect(result.reason).toContain(`has ${mesh.from}, expected ${mesh.to}, 1 minute (cacheTime) after ams-publish-1`);
    expect(result.reason).toContain(`The node is back on manifest ${mesh.from}.`);
    expect(await pointer(NODE)).toBe(mesh.from);
  });
});

/** Breaks down for good at the given change of the publisher's files. */
function breakingAt(change: number, reached: { changes: number }): FileSystem {
  const next =
    <A extends readonly unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      reached.changes += 1;
      if (reached.changes > change) throw Object.assign(new Error('the publisher broke down'), { code: 'EIO' });
      return call(...args);
    };
  const { rename: move, unlink, mkdir, rmdir, symlink } = realFileSystem;
  return { ...realFileSystem, rename: next(move), unlink: next(unlink), mkdir: next(mkdir), rmdir: next(rmdir), symlink: next(symlink) };
}

const reachWith =
  (publisherFiles: FileSystem) =>
  (node: NodeDeclaration): LocalNode => {
    const home = node.reach.kind === 'local' ? node.reach.home : '';
    return new LocalNode(node.name, home, node.name === PUBLISHER ? publisherFiles : withVolumes(home, realFileSystem));
  };

it(
  'a publisher that breaks down at any change is mended by the next attempt, and reads whole all the time',
  { timeout: 240_000 },
  async () => {
    const expected: unknown[] = [];
    for (let change = 0, ended = false; !ended; change += 1) {
      const reached = { changes: 0 };
      const broken = mesh.activities({ reach: reachWith(breakingAt(change, reached)) });
      const epoch = 1000 + change;
      const work = async (activities: ReturnType<World['activities']>): Promise<void> => {
        await activities.stageNode({ ...mesh.order(epoch, 'stage'), to: mesh.to });
        await activities.switchNode({ ...mesh.order(epoch, 'switch'), target: mesh.to, revertTo: null });
        await activities.switchNode({ ...mesh.order(epoch, 'return'), target: mesh.from, revertTo: null });
        await activities.unstageNode({ ...mesh.order(epoch, 'unstage'), remove: mesh.to, keep: mesh.from });
      };
      ended = await work(broken).then(
        () => true,
        () => false,
      );
      const active = await pointer(NODE);
      expect([mesh.from, mesh.to]).toContain(active);
      expect(await digestOf(volume('manifests', `${active}.json`))).toBe(active);
      await work(mesh.activities());
      expected.push(await seen());
      expect(expected.at(-1)).toEqual(expected[0]);
      mesh.now += 1_000;
    }
    // Locks, folders, notes, pointer and moves into quarantine.
    expect(expected.length).toBeGreaterThan(20);
  },
);
