import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitEnvironment } from '../../activities/git/command.js';
import { GitMirror } from '../../activities/git/mirror.js';
import { until } from '../setup/until.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reseal-mirror-'));
  git('init', '--quiet', '--bare', '-b', 'main', served());
  const tree = git('--git-dir', served(), 'mktree').trim();
  const commit = git('--git-dir', served(), '-c', 'user.name=match', '-c', 'user.email=m@x', 'commit-tree', '-m', 'first', tree).trim();
  git('--git-dir', served(), 'update-ref', 'refs/heads/main', commit);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const served = (): string => join(root, 'served.git');
const folder = (): string => join(root, 'clone');
const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { encoding: 'utf8', input: '', env: gitEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
const tip = (): string => git('--git-dir', served(), 'rev-parse', 'main').trim();
const mirror = (): GitMirror =>
  new GitMirror({ url: `file://${served()}`, branch: 'main', folder: folder() }, { protocol: 'file', timeout: 15_000, ssh: 'ssh' });
const change = { files: new Map([['a', Buffer.from('a')]]), subject: 'reseal: a', context: {} };

describe('the clone of a repository that others own', () => {
  it('is made once, however many begin with it at the same moment: what one is about to push lies in it', async () => {
    const first = mirror();
    await first.tip();
    rmSync(first.repository, { recursive: true });
    const seen = new Set<bigint>();
    const watcher = watch(folder(), () => {
      const there = statSync(first.repository, { bigint: true, throwIfNoEntry: false });
      if (there !== undefined) seen.add(there.ino);
    });
    try {
      const tips = await Promise.all(Array.from({ length: 6 }, () => mirror().tip()));
      expect(new Set(tips)).toEqual(new Set([tip()]));
      await until(() => seen.size > 0, { what: 'a clone that is seen' });
    } finally {
      watcher.close();
    }
    expect(seen.size).toBe(1);
    expect(readdirSync(folder())).toEqual(['mirror.git']);
  });

  it('a push whose clone goes meanwhile is to be made once more, and is then', async () => {
    const one = mirror();
    const before = await one.tip();
    const pushing = one.push(before ?? '', change);
    await until(() => readdirSync(join(one.repository, 'refs/reseal/pending')).length > 0, {
      every: 1,
      what: 'a commit that waits for its push',
    });
    rmSync(one.repository, { recursive: true, force: true });
    const { outcome } = await pushing;
    if (outcome !== 'landed') {
      expect(outcome).toBe('moved');
      expect(await one.push((await one.tip()) ?? '', change)).toEqual({ outcome: 'landed' });
    }
    expect(git('--git-dir', served(), 'log', '--format=%s', 'main')).toBe('reseal: a\nfirst\n');
    expect(await mirror().tip()).toBe(tip());
  });

  it('follows a branch that its owners rewrite, and finds none where there is none', async () => {
    const one = mirror();
    await one.tip();
    const tree = git('--git-dir', served(), 'rev-parse', 'main^{tree}').trim();
    const other = git('--git-dir', served(), '-c', 'user.name=match', '-c', 'user.email=m@x', 'commit-tree', '-m', 'nuked', tree).trim();
    git('--git-dir', served(), 'update-ref', 'refs/heads/main', other);
    expect(await one.tip()).toBe(other);
    git('--git-dir', served(), 'update-ref', '-d', 'refs/heads/main');
    expect(await one.tip()).toBeNull();
  });
});
