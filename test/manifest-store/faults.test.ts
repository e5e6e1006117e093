import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { startTimeOf } from '../../src/temporal/process-identity.js';
import { until } from '../setup/until.js';

const LINE = 'ios-main' as LineName;
const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;
const MINUTE = 60_000;

let root: string;
let path: string;
let store: GitManifestStore;
const undo: (() => void)[] = [];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'reseal-store-faults-'));
  undo.push(() => rmSync(root, { recursive: true, force: true }));
  path = join(root, 'store.git');
  store = await GitManifestStore.open({ name: 'main', path, patience: 300 });
  await store.create();
  await store.advance(LINE, 0, digest('a'), {});
});
afterEach(async () => {
  await store.close();
  for (const step of undo.splice(0).reverse()) step();
});

const git = (...args: string[]): string => execFileSync('git', ['--git-dir', path, ...args], { encoding: 'utf8' });
const files = (): string[] => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
async function failureOf(work: Promise<unknown>): Promise<ResealError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ResealError)) throw new Error(`expected a ResealError, found ${String(error)}`);
  return error;
}

describe('a lock that a killed git has left over', () => {
  const lock = (): string => join(path, 'refs/heads/main.lock');
  function leaveLock(age: number): void {
    writeFileSync(lock(), '');
    const then = new Date(Date.now() - age);
    utimesSync(lock(), then, then);
  }
  /** What `ps` answers, for a machine whose other processes are not this test's. */
  function processesAre(rows: readonly string[]): void {
    const bin = join(root, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'ps'), `#!/bin/sh\ncat <<'END'\n${rows.join('\n')}\nEND\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${bin}:${before ?? ''}`;
    undo.push(() => (process.env['PATH'] = before));
  }

  it('ends the waiting with its name, its age, that no git is at work, and what to do; the head stays, and it works once the lock is gone', async () => {
    leaveLock(14 * MINUTE);
    processesAre(['  1 /sbin/init', ` 77 git -c gc.auto=0 --git-dir=${path} cat-file --batch`, ' 99 vim git', ' 98 [git] <defunct>']);
    const began = performance.now();
    const failure = await failureOf(store.advance(LINE, 1, digest('b'), {}));
    // One try, which waits 2 s for the lock by itself; room for a busy machine.
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(failure.code).toBe('STORE_UNREACHABLE');
    expect(failure.message).toMatch(
      new RegExp(
        `^The store main \\(${path}\\) takes no change: the lock ${lock()} has been there for 14 min.*No git of this machine is writing: one was killed, and its lock is left over. Remove that file, unless another machine writes this store.$`,
      ),
    );
    expect(existsSync(lock())).toBe(true);
    expect((await store.head(LINE))?.seq).toBe(1);
    rmSync(lock());
    expect((await store.advance(LINE, 1, digest('b'), {})).moved).toBe(true);
  });

  it('names the git that may still hold it', async () => {
    leaveLock(2 * MINUTE);
    processesAre([' 4711 /usr/lib/git-core/git -C /srv/store.git gc --auto']);
    const { message } = await failureOf(store.allot(LINE, 'k', {}));
    expect(message).toContain('Look whether git gc (process 4711) still works on this store.');
  });

  it('finds a git of this machine by asking the machine', async () => {
    const other: ChildProcess = spawn('git', ['--git-dir', path, 'fast-import', '--quiet'], { stdio: ['pipe', 'ignore', 'ignore'] });
    undo.push(() => other.kill('SIGKILL'));
    await new Promise((resolve) => other.once('spawn', resolve));
    leaveLock(2 * MINUTE);
    const { message } = await failureOf(store.allot(LINE, 'k', {}));
    expect(message).toContain(`git fast-import (process ${other.pid ?? 0})`);
  });

  it('is not said of a lock that is young: writers take turns', async () => {
    leaveLock(-MINUTE);
    expect((await failureOf(store.allot(LINE, 'k', {}))).message).toContain('was being written by others whenever this change was tried');
  });
});

describe('a git fast-import that fails', () => {
  it('leaves no crash report, and its reason with the command that failed is told', async () => {
    const names = (): string[] => files().filter((name) => !/^objects\/[0-9a-f]{2}/.test(name));
    const before = names();
    const failure = await failureOf(store.advance('a//b' as LineName, 0, digest('b'), {}));
    expect(failure.message).toMatch(
      /git says: fatal: Empty path component found in input\n\(at: M 100644 inline lines\/a\/\/b\/head\.json\)/,
    );
    expect(failure.message).not.toContain('crash report');
    expect(names()).toEqual(before);
  });
});

describe('a store whose disk hangs', () => {
  it('is in trouble within seconds, and keeps nobody waiting who only asks whether it is well, or who ends', async () => {
    expect(await store.trouble()).toBeNull();
    await store.close();
    const bin = join(root, 'bin');
    mkdirSync(bin);
    // Neither answers nor ends.
    writeFileSync(join(bin, 'git'), `#!/bin/sh\necho $$ >'${bin}/pid'\nexec sleep 600\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${bin}:${before ?? ''}`;
    undo.push(() => (process.env['PATH'] = before));
    expect(await store.trouble()).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: `The store main (${path}) has not answered for 5 s. Look whether its disk hangs.`,
    });
    const pid = Number(readFileSync(join(bin, 'pid'), 'utf8'));
    const began = performance.now();
    await store.close();
    expect(performance.now() - began).toBeLessThan(15_000);
    await until(() => startTimeOf(pid) === null, { what: 'the end of the git that hung' });
  });
});

/** Whether this account may mount a small disk. */
const mayMount = ((): boolean => {
  const probe = mkdtempSync(join(tmpdir(), 'reseal-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
})();

describe.runIf(mayMount)('a store whose disk is full', () => {
  let disk: string;
  const filler = (): string => join(disk, 'filler');
  beforeEach(async () => {
    await store.close();
    disk = join(root, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    undo.push(() => execFileSync('umount', [disk]));
    path = join(disk, 'store.git');
    store = await GitManifestStore.open({ name: 'main', path });
    await store.create();
    rmSync(join(path, 'hooks'), { recursive: true, force: true });
  });
  function leaveFree(bytes: number): void {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler(), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  }
  const temporary = (): string[] => files().filter((name) => /tmp_|crash|\.lock$/.test(name));

  // How far git comes depends on the room: pack, single objects, index, branch.
  it.each([0, 16, 32, 40, 48, 64, 80, 96])(
    'with %i KiB left loses nothing, writes no half of anything, says so, and works again when there is room (invariant 6)',
    async (kib) => {
      const manifest = await store.putManifest(randomBytes(2_000), {});
      await store.advance(LINE, 0, manifest, {});
      const [head, commit] = [await store.head(LINE), await store.currentCommit()];
      const items = [
        { kind: 'manifest', bytes: randomBytes(8_000) },
        { kind: 'profile', bytes: randomBytes(40_000), importedBy: 'rita' },
      ] as const;
      leaveFree(kib * 1024);
      const failure = await failureOf(store.putMany(items, { by: 'rita' }));
      expect([failure.code, failure.message]).toEqual([
        'STORE_UNREACHABLE',
        `The store main (${path}) cannot be used: its disk is full. Free some space and try again.`,
      ]);
      expect(temporary()).toEqual([]);
      expect([await store.head(LINE), await store.currentCommit()]).toEqual([head, commit]);
      expect((await store.manifest(manifest)).length).toBe(2_000);
      expect(git('fsck', '--strict', '--no-dangling')).toBe('');

      rmSync(filler());
      const [first, second] = await store.putMany(items, { by: 'rita' });
      expect(Buffer.from(await store.manifest(first!)).equals(items[0].bytes)).toBe(true);
      expect(Buffer.from(await store.profile(second!)).equals(items[1].bytes)).toBe(true);
      expect((await store.advance(LINE, 1, first!, {})).moved).toBe(true);
      expect(git('fsck', '--strict', '--no-dangling')).toBe('');
    },
  );

  it('does not grow by being tried again', async () => {
    await store.advance(LINE, 0, digest('a'), {});
    leaveFree(64 * 1024);
    const items = [{ kind: 'profile', bytes: randomBytes(60_000), importedBy: 'rita' }] as const;
    await failureOf(store.putMany(items, {}));
    const after = files();
    for (let tries = 0; tries < 3; tries += 1) await failureOf(store.putMany(items, {}));
    expect(files()).toEqual(after);
  });
});
