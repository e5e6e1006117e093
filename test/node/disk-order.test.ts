import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseJournal } from '../../activities/node/index.js';
import type { NodeStep } from '../../src/domain/node/steps.js';
import { realFileSystem, type FileSystem } from '../../src/node-shell/file-system.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { world, XCODE16, type World } from './mesh.js';

let mesh: World;
beforeEach(async () => {
  mesh = await world();
  await mesh.settled();
});
afterEach(() => mesh.remove());

/** Sees what goes to the disk, and takes only what was synced for being there: the rest a power failure may take. */
class Disk {
  /** What a power failure could have made of it. */
  readonly problems: string[] = [];
  readonly kinds: string[] = [];
  /** Files with bytes, and folders with changes, that are not on disk yet. */
  readonly unsynced = new Set<string>();
  private readonly made = new Set<string>();
  private readonly open = new Map<number, string>();
  private readonly journal = join(mesh.home, 'usr/local/var/reseal/state/journal');
  private journalOnDisk = '';
  private opId = '';
  private step: NodeStep | null = null;

  /** Before an effect: what another kind of step did is on disk. */
  readonly begin = (step: NodeStep): void => {
    if (step.do !== this.step?.do) {
      this.kinds.push(step.do);
      if (this.unsynced.size > 0) this.problems.push(`${step.do} before ${[...this.unsynced].join(', ')}`);
    }
    this.step = step;
  };

  operation(opId: string): void {
    this.opId = opId;
    this.step = null;
  }

  readonly files: FileSystem = {
    ...realFileSystem,
    open: (path, flags, mode) => {
      const fd = realFileSystem.open(path, flags, mode);
      this.open.set(fd, path);
      return fd;
    },
    write: (fd, bytes, offset, length) => {
      this.unsynced.add(this.open.get(fd) ?? '');
      return realFileSystem.write(fd, bytes, offset, length);
    },
    fsync: async (fd) => {
      const path = this.open.get(fd) ?? '';
      const text = path === this.journal ? readFileSync(path, 'utf8') : null;
      await realFileSystem.fsync(fd);
      this.journalOnDisk = text ?? this.journalOnDisk;
      this.unsynced.delete(path);
    },
    mkdir: (path, mode) => {
      this.intended(path);
      realFileSystem.mkdir(path, mode);
      this.made.add(path);
      this.unsynced.add(dirname(path));
    },
    rmdir: (path) => {
      realFileSystem.rmdir(path);
      this.unsynced.add(dirname(path));
    },
    rename: (from, to) => {
      this.intended(to);
      if (this.unsynced.has(from)) this.problems.push(`${to} has bytes that are not on disk`);
      for (const folder of this.made)
        if (to.startsWith(`${folder}/`) && this.unsynced.has(dirname(folder)))
          this.problems.push(`${to} is in a folder that is not on disk`);
      realFileSystem.rename(from, to);
      for (const path of [from, to]) this.unsynced.add(dirname(path));
    },
  };

  /** The admission, and within a step its intent, are on disk before anything that can be seen. */
  private intended(path: string): void {
    const intents = parseJournal(this.journalOnDisk).filter(({ opId, phase }) => opId === this.opId && phase === 'intent');
    if (!intents.some(({ token }) => token !== undefined)) this.problems.push(`${path} before the admission`);
    const { step } = this;
    if (step === null || !('placement' in step || 'manifest' in step)) return;
    const subject = 'placement' in step ? `${step.placement.folder}/${step.placement.fileName}` : step.manifest;
    if (!intents.some((intent) => intent.do === step.do && intent.subject === subject)) this.problems.push(`${path} before its intent`);
  }
}

it('admission, intents, bytes, folders and each kind of step are on disk before what builds on them (invariants 7 and 10)', async () => {
  const disk = new Disk();
  const nodes = mesh.activities({ reach: (node) => new LocalNode(node.name, mesh.home, disk.files), hooks: { beforeEffect: disk.begin } });
  // Bytes that are in the way go to quarantine, a folder that the stage makes.
  await mkdir(join(mesh.home, XCODE16), { recursive: true });
  await writeFile(join(mesh.home, XCODE16, mesh.manifests.to.profiles[0]!.profile.fileName), 'in the way');
  const { from, to } = mesh;
  const operations = [
    () => nodes.stageNode({ ...mesh.order(1000, 'op-0'), to }),
    () => nodes.switchNode({ ...mesh.order(1000, 'op-1'), target: to, revertTo: from }),
    () => nodes.retireNode({ ...mesh.order(1000, 'op-2'), old: from, keep: to }),
    () => nodes.restoreNode({ ...mesh.order(1001, 'op-3'), manifest: from }),
    () => nodes.switchNode({ ...mesh.order(1001, 'op-4'), target: from, revertTo: null }),
    () => nodes.unstageNode({ ...mesh.order(1001, 'op-5'), remove: to, keep: from }),
  ];
  for (const [index, operation] of operations.entries()) {
    disk.operation(`op-${index}`);
    expect(await operation()).toMatchObject({ outcome: 'done' });
    expect([...disk.unsynced]).toEqual([]);
  }
  expect(disk.problems).toEqual([]);
  const staging = ['put-profile', 'put-manifest', 'accept'];
  const removing = ['un-accept', 'quarantine-profile', 'quarantine-manifest'];
  expect(disk.kinds).toEqual([...staging, 'activate', ...removing, ...staging, 'activate', ...removing]);
});
