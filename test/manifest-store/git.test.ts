import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { sha256Of } from '../../src/manifest/digest.js';

/** `pid command` of every child process. */
function childrenOf(pid: number): string[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'ppid=,pid=,args='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(([parent]) => Number(parent) === pid)
    .map(([, ...rest]) => rest.join(' '));
}

const LINE = 'ios-main' as LineName;
const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;
let root: string;
let path: string;
let store: GitManifestStore;
const opened: GitManifestStore[] = [];

async function open(): Promise<GitManifestStore> {
  const one = await GitManifestStore.open({ path, clock: () => Date.parse('2026-03-01T09:00:00Z') });
  opened.push(one);
  return one;
}
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reseal-git-'));
  path = join(root, 'store.git');
  store = await open();
  await store.create();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await rm(root, { recursive: true, force: true });
});

/** git as a person would run it, with an environment and input of its own. */
function git(args: readonly string[], input = ''): string {
  const result = spawnSync('git', ['--git-dir', path, ...args], {
    input,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x' },
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout;
}
/** Puts bytes at a path behind reseal's back. */
function plant(file: string, content: string): void {
  const blob = git(['hash-object', '-w', '--stdin'], content).trim();
  git(['read-tree', 'main']);
  git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`]);
  git(['update-ref', 'refs/heads/main', git(['commit-tree', git(['write-tree']).trim(), '-p', 'main', '-m', 'planted']).trim()]);
}

describe('the head of a line (invariant 6)', () => {
  it('is null before the first move, and moves by compare-and-swap only', async () => {
    expect(await store.head(LINE)).toBeNull();
    expect(await store.advance(LINE, 0, digest('a'), {})).toEqual({ moved: true, head: { line: LINE, seq: 1, digest: digest('a') } });
    expect(await store.advance(LINE, 0, digest('b'), {})).toEqual({ moved: false, head: { line: LINE, seq: 1, digest: digest('a') } });
    expect(await store.advance(LINE, 1, digest('b'), {})).toMatchObject({ moved: true });
    expect(await store.head(LINE)).toEqual({ line: LINE, seq: 2, digest: digest('b') });
  });

  it('answers a repeated move as the first time, also after others have moved on', async () => {
    await store.advance(LINE, 0, digest('a'), {});
    const first = await store.advance(LINE, 1, digest('b'), {});
    expect(await store.advance(LINE, 1, digest('b'), {})).toEqual(first);
    await store.advance(LINE, 2, digest('c'), {});
    const commit = await store.currentCommit();
    expect(await store.advance(LINE, 1, digest('b'), {})).toEqual(first);
    expect(await store.advance(LINE, 1, digest('d'), {})).toEqual({ moved: false, head: { line: LINE, seq: 3, digest: digest('c') } });
    expect(await store.currentCommit()).toBe(commit);
  });

  it('of one line does not touch that of another', async () => {
    await store.advance(LINE, 0, digest('a'), {});
    await store.advance('ios-beta' as LineName, 0, digest('b'), {});
    expect((await store.head(LINE))?.digest).toBe(digest('a'));
  });

  it('lets exactly one of many concurrent moves win, within one process', async () => {
    const other = await open();
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((letter, index) => (index % 2 === 0 ? store : other).advance(LINE, 0, digest(letter), {})),
    );
    expect(answers.filter((one) => one.moved)).toHaveLength(1);
    expect((await store.head(LINE))?.seq).toBe(1);
  });

  it('never loses a move or a number between processes that race', async () => {
    const racer = fileURLToPath(new URL('./racer.ts', import.meta.url));
    const run = promisify(execFile);
    const runs = await Promise.all(
      ['ann', 'ben', 'cem'].map((name) => run(process.execPath, ['--import', 'tsx', racer, JSON.stringify({ path }), LINE, name, '6'])),
    );
    const answers = runs.map(({ stdout }) => JSON.parse(stdout) as { allotted: number[]; moved: number[] });
    const allotted = answers.flatMap((one) => one.allotted).sort((a, b) => a - b);
    expect(allotted).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
    const moved = answers.flatMap((one) => one.moved).sort((a, b) => a - b);
    expect(moved).toEqual(Array.from({ length: moved.length }, (_, index) => index + 1));
    expect((await store.head(LINE))?.seq).toBe(moved.length);
    expect(await store.frozen(sha256Of(Buffer.from(canonicalJson({ name: 'ben', turn: 5 }))))).toEqual({ name: 'ben', turn: 5 });
    expect(git(['fsck', '--strict', '--no-dangling'])).toBe('');
  });
});

describe('rotation numbers (invariant 6)', () => {
  it('count from 1, and the same key always gets the same number', async () => {
    expect(await store.allot(LINE, 'run-a', {})).toBe(1);
    expect(await store.allot(LINE, 'run-b', {})).toBe(2);
    expect(await store.allot(LINE, 'run-a', {})).toBe(1);
    expect(await store.allot(LINE, 'toString', {})).toBe(3);
    expect(await (await open()).allot(LINE, 'run-b', {})).toBe(2);
    expect(await store.allot('ios-beta' as LineName, 'run-a', {})).toBe(1);
  });
});

describe('content by digest (S1, S3)', () => {
  it('comes back byte for byte, whatever the bytes', async () => {
    const bytes = Buffer.from([0, 13, 10, 255, 10, 10, 0, 26]);
    const profile = await store.putProfile(bytes, 'alice', {});
    expect(Buffer.from(await (await open()).profile(profile))).toEqual(bytes);
    const empty = await store.putManifest(Buffer.alloc(0), {});
    expect((await (await open()).manifest(empty)).length).toBe(0);
    const large = Buffer.alloc(300_000, 7);
    expect(Buffer.from(await (await open()).manifest(await store.putManifest(large, {})))).toEqual(large);
  });

  it('written again changes nothing, and the first importer stays', async () => {
    const profile = await store.putProfile(Buffer.from('p'), 'alice', {});
    const commit = await store.currentCommit();
    expect(await store.putProfile(Buffer.from('p'), 'bogdan', {})).toBe(profile);
    expect(await store.currentCommit()).toBe(commit);
    expect(await store.importer(profile)).toBe('alice');
    expect(await store.importer(digest('0'))).toBeNull();
  });

  it('goes into one commit by putMany, however much it is', async () => {
    const items = Array.from({ length: 8 }, (_, index) => ({
      kind: 'profile' as const,
      bytes: Buffer.from(`profile ${index}`),
      importedBy: 'alice',
    }));
    const digests = await store.putMany(
      [...items, { kind: 'manifest', bytes: Buffer.from('manifest') }, { kind: 'frozen', document: { b: 1, a: 2 } }],
      { ticket: 'CHG-7', by: 'alice' },
    );
    expect(digests).toHaveLength(10);
    expect(git(['rev-list', '--count', 'main']).trim()).toBe('1');
    expect(git(['log', '-1', '--format=%s'])).toBe('Add 8 profiles, 1 manifest, 1 frozen document\n');
    expect(await store.frozen(digests[9]!)).toEqual({ a: 2, b: 1 });
  });

  it('that is not what its name says is refused, naming the file', async () => {
    await store.advance(LINE, 0, digest('a'), {});
    plant(`profiles/${digest('b')}.mobileprovision`, 'something else');
    await expect(store.profile(digest('b'))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`profiles/${digest('b')}.mobileprovision`),
    });
  });

  it('whose object is damaged on disk is refused, naming the file', async () => {
    const manifest = await store.putManifest(randomBytes(2_000), {});
    const object = git(['rev-parse', `main:manifests/${manifest}.json`]).trim();
    const file = join(path, 'objects', object.slice(0, 2), object.slice(2));
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 0xff;
    await chmod(file, 0o644);
    await writeFile(file, bytes);
    await expect((await open()).manifest(manifest)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(manifest),
    });
  });

  it('that is not there is NOT_FOUND, saying where it was looked for', async () => {
    await expect(store.manifest(digest('c'))).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(path) });
  });

  it('written by another process is seen at once, packed or not', async () => {
    await store.head(LINE);
    const other = await open();
    const first = await other.putManifest(Buffer.from('one'), {});
    expect(Buffer.from(await store.manifest(first)).toString()).toBe('one');
    const second = await other.putManifest(Buffer.from('two'), {});
    git(['gc', '--quiet', '--prune=now']);
    expect(Buffer.from(await store.manifest(second)).toString()).toBe('two');
    expect(await store.currentCommit()).toBe(git(['rev-parse', 'main']).trim());
  });

  it('that is gone from under its reader is out of reach, never empty (invariant 6)', async () => {
    const first = await store.putManifest(Buffer.from('one'), {});
    await store.advance(LINE, 0, first, {});
    expect((await store.head(LINE))?.seq).toBe(1);
    const { rename } = await import('node:fs/promises');
    await rename(path, `${path}.away`);
    await expect(store.head(LINE)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining('gone') as string });
    await expect(store.advance(LINE, 1, first, {})).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await rename(`${path}.away`, path);
    expect((await store.head(LINE))?.seq).toBe(1);
  });

  it('is read a thousand times through one child process', async () => {
    const documents = await store.putMany(
      Array.from({ length: 1_000 }, (_, index) => ({ kind: 'frozen' as const, document: { index } })),
      {},
    );
    const fresh = await open();
    const readers = (): string[] => childrenOf(process.pid).filter((command) => command.includes('cat-file --batch'));
    await fresh.frozen(documents[0] as Sha256);
    const before = readers();
    for (const one of documents) await fresh.frozen(one);
    expect(readers()).toEqual(before);
  });
});

describe('closing records', () => {
  it('are listed oldest first, by line, and replaced when written again', async () => {
    for (const id of ['ios-main-10', 'ios-main-2', 'ios-main-beta-1', 'ios-main-1'])
      await store.putRecord(id, { id, outcome: 'completed' }, {});
    await store.putRecord('ios-main-2', { outcome: 'rolled-back' }, {});
    expect(await store.records(LINE)).toEqual(['ios-main-1', 'ios-main-2', 'ios-main-10']);
    expect(await store.record('ios-main-2')).toEqual({ outcome: 'rolled-back' });
    expect(await store.record('ios-main-3')).toBeNull();
    expect(await store.records('ios-main-beta' as LineName)).toEqual(['ios-main-beta-1']);
  });
});

describe("the store's own history", () => {
  it('says what happened, with rotation, ticket and person as trailers', async () => {
    await store.advance(LINE, 0, digest('a'), { rotation: 'ios-main-3', ticket: 'CHG-42', by: 'bogdan' });
    expect(git(['log', '-1', '--format=%an%n%B', 'main'])).toBe(
      `bogdan\nMove ios-main to manifest aaaaaaaaaaaa (seq 1, the first manifest)\n\nRotation: ios-main-3\nTicket: CHG-42\nBy: bogdan\n\n`,
    );
    expect(git(['log', '-1', '--format=%(trailers:key=Ticket,valueonly)']).trim()).toBe('CHG-42');
  });

  it('does not let a name add trailers of its own', async () => {
    await store.allot(LINE, 'k', { by: 'mallory\nTicket: CHG-1' });
    expect(git(['log', '-1', '--format=%(trailers:key=Ticket,valueonly)']).trim()).toBe('');
  });

  it('holds no control character, whoever handed one in: a NUL would end the message there', async () => {
    await store.allot(LINE, 'k', { by: 'rita\0\u001b[31m', ticket: 'CHG-1\0\u0085x' });
    const commit = execFileSync('git', ['--git-dir', path, 'cat-file', 'commit', 'main'], { encoding: 'utf8' });
    expect(commit).toContain('\nTicket: CHG-1 x\nBy: rita [31m\n');
    expect(commit.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(git(['fsck', '--strict', '--no-dangling'])).toBe('');
  });

  it('does not depend on anybody’s git configuration', async () => {
    const before = { ...process.env };
    process.env['GIT_DIR'] = '/nowhere';
    process.env['GIT_CONFIG_GLOBAL'] = join(root, 'gitconfig');
    await writeFile(
      join(root, 'gitconfig'),
      '[user]\n  useConfigOnly = true\n[commit]\n  gpgsign = true\n[core]\n  hooksPath = /bin\n  autocrlf = true\n',
    );
    try {
      const bytes = Buffer.from('a\r\nb\r\n');
      const manifest = await store.putManifest(bytes, {});
      expect(Buffer.from(await (await open()).manifest(manifest))).toEqual(bytes);
    } finally {
      process.env = before;
    }
  });
});

describe('a store that cannot be used', () => {
  it('that is not there is never made by using it: every use says which store, where, and what to do (invariant 6)', async () => {
    path = join(root, 'disk', 'store.git');
    const away = await GitManifestStore.open({ name: 'main', path });
    const said = {
      code: 'STORE_UNREACHABLE',
      message: `The store main (${path}) cannot be used: it is gone, or has never been there. Bring it back (is its disk mounted? is its place in reseal.yaml right?); nothing is decided without it. Where there has never been one, a line's first manifest makes it: reseal manifest freeze DIR --line LINE --first.`,
    };
    await expect(away.head(LINE)).rejects.toMatchObject(said);
    await expect(away.advance(LINE, 0, digest('a'), {})).rejects.toMatchObject(said);
    await expect(away.allot(LINE, 'k', {})).rejects.toMatchObject(said);
    await expect(away.putManifest(Buffer.from('m'), {})).rejects.toMatchObject(said);
    await expect(away.manifest(digest('a'))).rejects.toMatchObject(said);
    await expect(away.records(LINE)).rejects.toMatchObject(said);
    expect(await away.isThere()).toBe(false);
    expect(await readdir(root)).toEqual(['store.git']);
    await away.close();
  });

  it('whose place is an empty folder is away too, and is not made over it: its disk may only not be mounted', async () => {
    path = join(root, 'mount-point');
    await mkdir(path);
    const away = await open();
    const said = { code: 'STORE_UNREACHABLE', message: expect.stringContaining('there is an empty folder in its place') };
    await expect(away.head(LINE)).rejects.toMatchObject(said);
    await expect(away.create()).rejects.toMatchObject(said);
    expect(await away.isThere()).toBe(false);
    expect(await readdir(path)).toEqual([]);
  });

  it('works as soon as it is there, without being opened anew', async () => {
    path = join(root, 'later.git');
    const first = await open();
    await expect(first.head(LINE)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(await (await open()).create()).toBe(true);
    expect(await first.head(LINE)).toBeNull();
    expect(await first.create()).toBe(false);
  });

  it('is created where there is none, bare, on main', async () => {
    expect(git(['rev-parse', '--is-bare-repository']).trim()).toBe('true');
    expect(git(['symbolic-ref', 'HEAD']).trim()).toBe('refs/heads/main');
    expect((await readdir(root)).filter((name) => name.startsWith('.reseal'))).toEqual([]);
    expect(await store.currentCommit()).toBeNull();
  });

  it('is created by many at once, and only one of them did it', async () => {
    path = join(root, 'deep', 'er', 'store.git');
    const stores = await Promise.all(Array.from({ length: 5 }, open));
    const created = await Promise.all(stores.map((one) => one.create()));
    expect(created.filter(Boolean)).toHaveLength(1);
    await Promise.all(stores.map((one, index) => one.allot(LINE, `${index}`, {})));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('says that what is there is no repository', async () => {
    await writeFile(join(root, 'file'), '');
    path = join(root, 'file');
    const said = { code: 'STORE_UNREACHABLE', message: expect.stringContaining('is not a git repository') };
    await expect((await open()).currentCommit()).rejects.toMatchObject(said);
    await expect((await open()).create()).rejects.toMatchObject(said);
    path = join(root, 'file', 'store.git');
    await expect((await open()).create()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });

  it('that went away is unreachable, and works again when it is back', async () => {
    await store.advance(LINE, 0, digest('a'), {});
    await store.close();
    const { rename } = await import('node:fs/promises');
    await rename(path, `${path}.away`);
    await expect(store.head(LINE)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await expect(store.advance(LINE, 1, digest('b'), {})).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await rename(`${path}.away`, path);
    expect((await store.advance(LINE, 1, digest('b'), {})).moved).toBe(true);
  });

  it('whose reader was killed answers the next read', async () => {
    await store.advance(LINE, 0, digest('a'), {});
    await store.close();
    await store.close();
    expect((await store.head(LINE))?.seq).toBe(1);
  });
});
