import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realFileSystem, type FileSystem } from '../../src/node-shell/file-system.js';
import { LocalNode } from '../../src/node-shell/local.js';
import type { SealedFor } from '../../activities/manifest-store/contract.js';
import type { Sha256 } from '../../src/domain/brands.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { LEGACY, NODE, tree, visible, world, XCODE16, type World } from './mesh.js';

let mesh: World;
const mounted: string[] = [];
beforeEach(async () => {
  mesh = await world();
});
afterEach(async () => {
  for (const path of mounted.splice(0).reverse()) execFileSync('umount', [path]);
  await mesh.remove();
});

/** Whether this account may mount; elsewhere the same failures are put in at the file-system seam. */
const mayMount = ((): boolean => {
  try {
    const path = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path], { stdio: 'ignore' });
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  }
})();
function mount(path: string, options: readonly string[]): void {
  execFileSync('mount', [...options, path]);
  mounted.push(path);
}
const failing = (changes: Partial<FileSystem>): World['deps'] extends (more?: infer More) => unknown ? More : never => ({
  reach: (node) => new LocalNode(node.name, mesh.home, { ...realFileSystem, ...changes }),
});
const error = (code: string): Error => Object.assign(new Error(code), { code });
const stage = (): Promise<unknown> => mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });

describe('a node that cannot be written', () => {
  it.runIf(mayMount)('disk full: NODE_WRITE_FAILED naming node and path, retryable, nothing half written', async () => {
    await mesh.settled();
    const folder = join(mesh.home, LEGACY);
    const kept = await tree(folder);
    const aside = await mkdtemp(join(tmpdir(), 'reseal-aside-'));
    execFileSync('cp', ['-a', `${folder}/.`, aside]);
    mount(folder, ['-t', 'tmpfs', '-o', 'size=112k', 'tmpfs']);
    execFileSync('cp', ['-a', `${aside}/.`, folder]);
    const before = await visible(mesh.home);
    await expect(stage()).rejects.toMatchObject({
      type: 'NODE_WRITE_FAILED',
      nonRetryable: false,
      message: expect.stringMatching(new RegExp(`Node ${NODE}: cannot write ~/${LEGACY}/.*disk is full`)),
    });
    expect((await visible(mesh.home)).filter((line) => !line.includes('/ 755'))).toEqual(before.filter((line) => !line.includes('/ 755')));
    await mesh.activities().unstageNode({ ...mesh.order(1000, 'op-2'), remove: mesh.to, keep: mesh.from });
    expect(await visible(mesh.home)).toEqual(before);
    execFileSync('mount', ['-o', 'remount,size=1m', folder]);
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect((await tree(folder)).length).toBe(kept.length * 2);
    await rm(aside, { recursive: true });
  });

  it.runIf(mayMount)('read-only volume: NODE_WRITE_FAILED, and done when it is writable again (R6)', async () => {
    await mesh.settled();
    const folder = join(mesh.home, XCODE16);
    mount(folder, ['--bind', folder]);
    execFileSync('mount', ['-o', 'remount,bind,ro', folder]);
    await expect(stage()).rejects.toMatchObject({ type: 'NODE_WRITE_FAILED', message: expect.stringContaining('read-only') });
    execFileSync('mount', ['-o', 'remount,bind,rw', folder]);
    expect(await stage()).toMatchObject({ outcome: 'done' });
  });

  it.runIf(mayMount)('state on a volume of its own: quarantine copies, verifies, and restores (R9)', async () => {
    await mkdir(join(mesh.home, 'usr/local/var/reseal/state'), { recursive: true });
    mount(join(mesh.home, 'usr/local/var/reseal/state'), ['-t', 'tmpfs', 'tmpfs']);
    await mesh.settled();
    await stage();
    await mesh.activities().switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: null });
    const before = await visible(mesh.home);
    await mesh.activities().retireNode({ ...mesh.order(1000, 'op-3'), old: mesh.from, keep: mesh.to });
    const quarantine = (await tree(join(mesh.home, 'usr/local/var/reseal/state/quarantine'))).join('\n');
    for (const { profile } of mesh.manifests.from.profiles) expect(quarantine).toContain(profile.sha256);
    await mesh.activities().restoreNode({ ...mesh.order(1001, 'op-4'), manifest: mesh.from });
    expect(await visible(mesh.home)).toEqual(before);
  });

  it('a file in place of a folder: NODE_WRITE_FAILED saying so', async () => {
    await mkdir(dirname(join(mesh.home, LEGACY)), { recursive: true });
    await writeFile(join(mesh.home, LEGACY), 'x');
    await expect(stage()).rejects.toMatchObject({
      type: 'NODE_WRITE_FAILED',
      message: expect.stringContaining('a file where a folder should be'),
    });
  });

  it.each([
    ['open', 'EACCES', 'may not write there'],
    ['open', 'ENOSPC', 'disk is full'],
    ['write', 'ENOSPC', 'disk is full'],
    ['rename', 'EPERM', 'does not allow it'],
    ['fsync', 'EIO', 'EIO'],
  ] as const)('%s answering %s leaves nothing behind and says why', async (call, code, text) => {
    await mesh.settled();
    const before = await visible(mesh.home);
    const fail = (...args: readonly unknown[]): never | number => {
      if (call === 'open' && !(typeof args[0] === 'string' && args[0].includes(LEGACY) && ((args[1] as number) & 64) !== 0))
        return realFileSystem.open(...(args as Parameters<FileSystem['open']>));
      if (call === 'rename' && !(args[1] as string).includes(LEGACY))
        return realFileSystem.rename(...(args as Parameters<FileSystem['rename']>)) as never;
      throw error(code);
    };
    const change = call === 'fsync' ? { fsync: async () => Promise.reject(error(code)) } : { [call]: fail };
    await expect(mesh.activities(failing(change)).stageNode({ ...mesh.order(), to: mesh.to })).rejects.toMatchObject({
      type: 'NODE_WRITE_FAILED',
      nonRetryable: false,
      message: expect.stringContaining(text),
    });
    if (call !== 'rename')
      expect((await visible(mesh.home)).filter((line) => line.startsWith('Library'))).toEqual(
        before.filter((line) => line.startsWith('Library')),
      );
    expect((await tree(mesh.home)).join('\n')).not.toMatch(/\.tmp|state\/lock/);
    expect(await stage()).toMatchObject({ outcome: 'done' });
  });
});

describe('a node that is not there', () => {
  it('is NODE_UNREACHABLE, and is never created', async () => {
    await rm(mesh.home, { recursive: true });
    await expect(stage()).rejects.toMatchObject({
      type: 'NODE_UNREACHABLE',
      nonRetryable: false,
      message: expect.stringContaining(mesh.home),
    });
    await expect(mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from })).rejects.toMatchObject({
      type: 'NODE_UNREACHABLE',
    });
    await expect(stat(mesh.home)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each(['put-profile', 'put-manifest', 'accept'] as const)(
    'that vanishes in the middle of a step (%s) is NODE_UNREACHABLE; back again, the step is finished',
    async (kind) => {
      await mesh.settled();
      let gone = false;
      const vanishing = mesh.activities({
        hooks: {
          beforeEffect: async (step) => {
            if (step.do !== kind || gone) return;
            gone = true;
            await rename(mesh.home, `${mesh.home}.away`);
          },
        },
      });
      await expect(vanishing.stageNode({ ...mesh.order(), to: mesh.to })).rejects.toMatchObject({ type: 'NODE_UNREACHABLE' });
      await expect(stat(mesh.home)).rejects.toMatchObject({ code: 'ENOENT' });
      await rename(`${mesh.home}.away`, mesh.home);
      expect(await stage()).toMatchObject({ outcome: 'done' });
      expect((await tree(mesh.home)).join('\n')).not.toMatch(/\.tmp|state\/lock/);
    },
  );
});

describe('what others put on a node', () => {
  it('a file of a successor’s name with other bytes is replaced, and kept in quarantine', async () => {
    await mesh.settled();
    const { fileName, sha256 } = mesh.manifests.to.profiles[0]!.profile;
    const path = join(mesh.home, XCODE16, fileName);
    await writeFile(path, 'stray');
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect(sha256Of(await readFile(path))).toBe(sha256);
    const quarantine = await tree(join(mesh.home, 'usr/local/var/reseal/state/quarantine'));
    expect(quarantine.join('\n')).toContain(`stray.xcode16.${fileName}`);
    expect(quarantine.join('\n')).toContain(sha256Of(Buffer.from('stray')));
    expect(
      (await mesh.journal()).filter(
        (entry) =>
          entry.do === 'put-profile' && entry.changed && entry.subject === `xcode16/${fileName}` && entry.rotation === 'ios-main-1',
      ),
    ).toHaveLength(1);
  });

  it('a symbolic link in place of a profile is replaced, never followed', async () => {
    await mesh.settled();
    const outside = join(mesh.home, 'outside');
    await writeFile(outside, 'not yours');
    const path = join(mesh.home, LEGACY, mesh.manifests.to.profiles[1]!.profile.fileName);
    await symlink(outside, path);
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect(await readFile(outside, 'utf8')).toBe('not yours');
    expect(sha256Of(await readFile(path))).toBe(mesh.manifests.to.profiles[1]!.profile.sha256);
  });

  it('a folder in place of a profile goes to quarantine whole', async () => {
    await mesh.settled();
    const path = join(mesh.home, LEGACY, mesh.manifests.to.profiles[1]!.profile.fileName);
    await mkdir(path);
    await writeFile(join(path, 'inside'), 'x');
    expect(await stage()).toMatchObject({ outcome: 'done' });
  });

  it('a profile that another line of the node needs stays when this line retires it (invariant 1)', async () => {
    const other = 'other' as never;
    const both = await world({ home: mesh.home, node: { lines: ['ios-main' as never, other] } });
    await both.settled();
    // The other line follows a manifest with the same profiles.
    const digest = both.store.putManifest({ ...both.manifests.from, line: other }, '2025');
    await both.activities().stageNode({ ...both.order(1, 'other'), line: other, to: digest });
    await both.activities().stageNode({ ...both.order(), to: both.to });
    await both.activities().switchNode({ ...both.order(1000, 'op-2'), target: both.to, revertTo: null });
    await both.activities().retireNode({ ...both.order(1000, 'op-3'), old: both.from, keep: both.to });
    for (const { profile } of both.manifests.from.profiles)
      expect((await stat(join(mesh.home, LEGACY, profile.fileName))).isFile()).toBe(true);
  });

  it('the store answering other bytes than it was asked for stops everything (invariant 3)', async () => {
    await mesh.settled();
    mesh.store.corrupt(mesh.manifests.to.profiles[3]!.profile.sha256);
    await expect(stage()).rejects.toMatchObject({
      type: 'DIGEST_MISMATCH',
      nonRetryable: true,
      message: expect.stringContaining(mesh.manifests.to.profiles[3]!.profile.sha256),
    });
  });

  it('a store that never answers holds up its own order, and not the rollback of the node (invariant 7)', async () => {
    await mesh.settled();
    const asked = new Promise<void>((resolve) => {
      const manifest = (): Promise<never> => {
        resolve();
        return new Promise(() => undefined);
      };
      const store = {
        manifest,
        profile: (digest: Sha256) => mesh.store.profile(digest),
        frozen: (digest: Sha256) => mesh.store.frozen(digest),
        sealedIdentity: (sealed: SealedFor) => mesh.store.sealedIdentity(sealed),
      };
      void mesh.activities({ store }).stageNode({ ...mesh.order(), to: mesh.to });
    });
    await asked;
    const restored = await mesh.activities().restoreNode({ ...mesh.order(1001, 'back'), manifest: mesh.from });
    expect(restored).toMatchObject({ outcome: 'done', active: mesh.from });
  });

  it('profile bytes travel once per worker, however many nodes and folders', async () => {
    const activities = mesh.activities();
    mesh.store.reads.length = 0;
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    await activities.stageNode({ ...mesh.order(), to: mesh.to });
    for (const { profile } of mesh.manifests.to.profiles) expect(mesh.store.reads.filter((one) => one === profile.sha256)).toHaveLength(1);
    expect(mesh.store.reads.filter((one) => one === mesh.to)).toHaveLength(1);
  });
});
