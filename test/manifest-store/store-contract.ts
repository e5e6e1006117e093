import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GitManifestStore, GitStoreOptions } from '../../activities/manifest-store/git.js';
import type { KeptRevocation } from '../../src/domain/revocations.js';
import type { LineName, NodeName, Sha1, Sha256 } from '../../src/domain/brands.js';
import { keptImport, type KeptImport } from '../../src/domain/imports/kept.js';
import type { ManifestStore, OpenStore } from '../../activities/manifest-store/contract.js';
import { until } from '../setup/until.js';
import type { Served } from './served.js';
import { cloneOf, ServedStore, type Way } from './served-store.js';

const LINE = 'ios-main' as LineName;
const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;
const run = promisify(execFile);
const RACER = fileURLToPath(new URL('./racer.ts', import.meta.url));
const UNREACHABLE = (said: string): object => ({ code: 'STORE_UNREACHABLE', message: expect.stringContaining(said) as string });

/** What every store does, however it is reached. */
export function contractOf(way: string, start: () => Promise<Served>): void {
  describe(`a store by ${way}`, () => {
    let served: Served;
    let store: OpenStore;
    beforeEach(async () => {
      served = await start();
      await served.prepare();
      store = await served.open();
    });
    afterEach(() => served.stop());

    it('is begun by create alone, once, and is away before it: nothing else makes it (invariant 6)', async () => {
      expect(await store.isThere()).toBe(false);
      await expect(store.head(LINE)).rejects.toMatchObject(UNREACHABLE(served.notBegun));
      await expect(store.advance(LINE, 0, digest('a'), {})).rejects.toMatchObject(UNREACHABLE('manifest freeze DIR --line LINE --first'));
      await expect(store.allot(LINE, 'k', {})).rejects.toMatchObject(UNREACHABLE(served.notBegun));
      await expect(store.putManifest(Buffer.from('m'), {})).rejects.toMatchObject(UNREACHABLE(served.notBegun));
      await expect(store.putRecord('ios-main-1', {}, {})).rejects.toMatchObject(UNREACHABLE(served.notBegun));
      await expect(store.manifest(digest('a'))).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      await expect(store.records(LINE)).rejects.toMatchObject(UNREACHABLE(served.notBegun));
      await expect(store.record('ios-main-1')).rejects.toMatchObject(UNREACHABLE(served.notBegun));
      expect(await store.trouble()).toMatchObject(UNREACHABLE(served.notBegun));
      expect(served.isUntouched()).toBe(true);
      expect(await store.create()).toBe(true);
      expect([await store.create(), await (await served.open()).create()]).toEqual([false, false]);
      expect([await store.isThere(), await store.head(LINE)]).toEqual([true, null]);
    });

    it('moves heads by compare-and-swap, which every machine sees at once (invariant 6)', async () => {
      await store.create();
      const other = await served.open();
      expect(await store.advance(LINE, 0, digest('a'), {})).toMatchObject({ moved: true });
      expect(await other.head(LINE)).toEqual({ line: LINE, seq: 1, digest: digest('a') });
      expect(await other.advance(LINE, 0, digest('b'), {})).toEqual({ moved: false, head: { line: LINE, seq: 1, digest: digest('a') } });
      expect(await other.advance(LINE, 1, digest('b'), {})).toMatchObject({ moved: true });
      // Repeated after others have moved on: as the first time.
      expect(await store.advance(LINE, 0, digest('a'), {})).toMatchObject({ moved: true, head: { seq: 1 } });
      expect(await store.head(LINE)).toEqual({ line: LINE, seq: 2, digest: digest('b') });
    });

    it('is begun once by many who begin it at the same time', async () => {
      const stores = await Promise.all(Array.from({ length: 4 }, () => served.open()));
      const created = await Promise.all(stores.map((one) => one.create()));
      expect(created).toContain(true);
      const numbers = await Promise.all(stores.map((one, index) => one.allot(LINE, `${index}`, {})));
      expect(numbers.sort()).toEqual([1, 2, 3, 4]);
    });

    it('gives a signed statement one number, whoever brings it along again, and takes back none (T2)', async () => {
      await store.create();
      expect([await store.allot(LINE, 'run-a', {}, 'n-1'), await store.allot(LINE, 'run-a', {}, 'n-1')]).toEqual([1, 1]);
      await expect(store.allot(LINE, 'run-b', {}, 'n-1')).rejects.toMatchObject({
        code: 'ALREADY_DECIDED',
        message: `A signed statement counts once, and this one has counted, for ${LINE}-1. Sign anew.`,
      });
      expect([await store.allot(LINE, 'run-b', {}, 'n-2'), await store.allot(LINE, 'n-1', {}), await store.allot(LINE, 'run-a', {})]).toEqual([2, 3, 1]); // prettier-ignore
      expect([await store.allottedTo(LINE, 'run-b'), await store.allottedTo(LINE, 'run-c'), await store.allottedTo(LINE, 'toString')]).toEqual([2, null, null]); // prettier-ignore
    });

    it('answers a repeated move as the first time, also after others have moved on, and tells a move that was never made from it', async () => {
      await store.create();
      await store.advance(LINE, 0, digest('a'), {});
      const first = await store.advance(LINE, 1, digest('b'), {});
      expect(await store.advance(LINE, 1, digest('b'), {})).toEqual(first);
      await store.advance(LINE, 2, digest('c'), {});
      await store.advance(LINE, 3, digest('b'), {});
      const present = { line: LINE, seq: 4, digest: digest('b') };
      expect(await store.advance(LINE, 1, digest('b'), {})).toEqual(first);
      expect(await (await served.open()).advance(LINE, 2, digest('c'), {})).toEqual({
        moved: true,
        head: { line: LINE, seq: 3, digest: digest('c') },
      });
      expect(await store.advance(LINE, 1, digest('d'), {})).toEqual({ moved: false, head: present });
      expect(await store.advance(LINE, 7, digest('d'), {})).toEqual({ moved: false, head: present });
      expect(await store.advance('ios-beta' as LineName, 3, digest('d'), {})).toEqual({ moved: false, head: null });
      expect(await store.head(LINE)).toEqual(present);
    });

    it('keeps the lines apart, and the first importer of a profile that is written again', async () => {
      await store.create();
      const other = 'ios-main-beta' as LineName;
      expect([await store.allot(LINE, 'toString', {}), await store.allot(other, 'toString', {})]).toEqual([1, 1]);
      await store.advance(LINE, 0, digest('a'), {});
      expect(await store.head(other)).toBeNull();
      const profile = await store.putProfile(Buffer.from('p'), 'alice', {});
      expect(await store.putProfile(Buffer.from('p'), 'bogdan', {})).toBe(profile);
      expect(await store.importer(profile)).toBe('alice');
      for (const id of ['ios-main-10', 'ios-main-2', 'ios-main-beta-1', 'ios-main-1'])
        await store.putRecord(id, { id, outcome: 'completed' }, {});
      await store.putRecord('ios-main-2', { outcome: 'rolled-back' }, {});
      expect(await store.records(LINE)).toEqual(['ios-main-1', 'ios-main-2', 'ios-main-10']);
      expect(await store.records(other)).toEqual(['ios-main-beta-1']);
      expect([await store.record('ios-main-2'), await store.record('ios-main-3')]).toEqual([{ outcome: 'rolled-back' }, null]);
    });

    it('keeps by whom a manifest was approved, the last time, and says of others that it knows nothing (T2)', async () => {
      await store.create();
      const other = await served.open();
      expect(await other.approvals(digest('a'))).toBeNull();
      for (const person of ['ada', 'grace']) await store.putApprovals(digest('a'), { approvals: [person] }, { ticket: 'CHG-1' });
      expect([await other.approvals(digest('a')), await other.approvals(digest('b'))]).toEqual([{ approvals: ['grace'] }, null]);
    });

    it('keeps the rosters of an installation, and loses none of two that are adopted at once (T2)', async () => {
      await store.create();
      const other = await served.open();
      expect(await other.rosters('acme-demo')).toBeNull();
      const adopt = (who: ManifestStore, person: string): Promise<void> =>
        who.changeRosters('acme-demo', (kept) => ({ steps: [...((kept as { steps?: string[] } | null)?.steps ?? []), person] }), {
          by: person,
          ticket: 'CHG-1',
        });
      await Promise.all([adopt(store, 'ada'), adopt(other, 'grace')]);
      const { steps } = (await other.rosters('acme-demo')) as { readonly steps: readonly string[] };
      expect([...steps].sort()).toEqual(['ada', 'grace']);
      expect(await store.rosters('acme')).toBeNull();
      await other.changeRosters('acme-demo', () => null, {});
      expect(await store.rosters('acme-demo')).toEqual({ steps });
    });

    it('keeps who has taken something in, each time, and loses none by another who takes it in again (T2)', async () => {
      await store.create();
      const other = await served.open();
      const sha1 = 'a'.repeat(40) as Sha1;
      expect(await other.imports(digest('a'))).toEqual([]);
      for (const by of ['ada', 'grace', 'ada'])
        await store.putMany([{ kind: 'import', of: [digest('a'), sha1], document: keptImport(by) }], { by });
      const kept = (await other.imports(digest('a'))) as readonly KeptImport[];
      expect(kept.map(({ by }) => by).sort()).toEqual(['ada', 'grace']);
      expect(await other.imports(sha1)).toEqual(kept);
      expect([await other.imports(digest('b')), await other.imports('b'.repeat(40) as Sha1)]).toEqual([[], []]);
    });

    it('keeps everything that was recorded of revoked certificates, and replaces nothing of it (R11)', async () => {
      await store.create();
      const other = await served.open();
      expect(await other.revocations()).toEqual([]);
      const word = (reason: string): KeptRevocation => ({
        kind: 'revocation',
        schemaVersion: 1,
        statement: { reason } as never,
        signature: null,
      });
      for (const reason of ['stolen', 'mistaken', 'stolen'])
        await store.putMany([{ kind: 'revocation', document: word(reason) }], { by: 'ada', ticket: 'INC-1' });
      await other.putMany([{ kind: 'revocation', document: word('stolen after all') }], { by: 'grace', ticket: 'INC-1' });
      const kept = (await store.revocations()) as readonly KeptRevocation[];
      expect(kept.map(({ statement }) => statement.reason).sort()).toEqual(['mistaken', 'stolen', 'stolen after all']);
    });

    it('gives a node the identity that was sealed for it last, and only for the key that it has (T1)', async () => {
      await store.create();
      const sealed = { identity: 'a'.repeat(40) as Sha1, node: 'ams-sign-1' as NodeName, recipient: 'age1first' };
      const other = await served.open();
      expect(await other.sealedIdentity(sealed)).toBeNull();
      for (const text of ['one', 'two']) {
        await store.putMany([{ kind: 'sealed-identity', ...sealed, bytes: Buffer.from(text), importedBy: 'alice' }], { by: 'alice' });
        const found = await other.sealedIdentity(sealed);
        expect([Buffer.from(found?.bytes ?? []).toString(), found?.importedBy]).toEqual([text, 'alice']);
      }
      expect(await other.sealedIdentity({ ...sealed, recipient: 'age1second' })).toBeNull();
    });

    it('keeps content, numbers and records alike', async () => {
      await store.create();
      const other = await served.open();
      const bytes = randomBytes(20_000);
      const [profile, manifest, frozen] = await store.putMany(
        [
          { kind: 'profile', bytes, importedBy: 'alice' },
          { kind: 'manifest', bytes: Buffer.from('m') },
          { kind: 'frozen', document: { b: 1, a: 2 } },
        ],
        { by: 'alice' },
      );
      expect(Buffer.from(await other.profile(profile!)).equals(bytes)).toBe(true);
      expect([await other.importer(profile!), await other.importer(digest('0'))]).toEqual(['alice', null]);
      expect(Buffer.from(await other.manifest(manifest!)).toString()).toBe('m');
      expect(await other.frozen(frozen!)).toEqual({ a: 2, b: 1 });
      await expect(other.manifest(digest('c'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect([await store.allot(LINE, 'k', {}), await other.allot(LINE, 'l', {}), await other.allot(LINE, 'k', {})]).toEqual([1, 2, 1]);
      await other.putRecord('ios-main-1', { outcome: 'completed' }, {});
      expect([await store.records(LINE), await store.record('ios-main-1')]).toEqual([['ios-main-1'], { outcome: 'completed' }]);
    });

    it('loses no move and no number between processes of several machines that race (invariant 6)', async () => {
      await store.create();
      const machines = [served.options(), served.options()];
      const racers = [machines[0], machines[0], machines[1]].map((machine, index) =>
        run(process.execPath, ['--import', 'tsx', RACER, JSON.stringify(machine), LINE, `racer${index}`, '3']),
      );
      const answers = (await Promise.all(racers)).map(({ stdout }) => JSON.parse(stdout) as { allotted: number[]; moved: number[] });
      expect(answers.flatMap((one) => one.allotted).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const moved = answers.flatMap((one) => one.moved).sort((a, b) => a - b);
      expect(moved).toEqual(Array.from({ length: moved.length }, (_, index) => index + 1));
      expect((await store.head(LINE))?.seq).toBe(moved.length);
      expect(served.damage()).toBe('');
    });

    it('that goes away is out of reach, never empty, and goes on where it was once it is back (invariant 6)', async () => {
      await store.create();
      await store.advance(LINE, 0, digest('a'), {});
      await served.goAway();
      await expect(store.head(LINE)).rejects.toMatchObject(UNREACHABLE(`The store main (${served.address}) cannot be used: `));
      await expect(store.advance(LINE, 1, digest('b'), {})).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      expect(await store.isThere()).toBe(false);
      expect(await store.trouble()).toMatchObject({ code: 'STORE_UNREACHABLE' });
      await served.comeBack();
      expect(await store.advance(LINE, 1, digest('b'), {})).toMatchObject({ moved: true });
      expect(await store.trouble()).toBeNull();
    });
  });
}

/** What a store by URL does besides. */
export function remoteContractOf(way: Exclude<Way, 'path'>): void {
  describe(`the clone of a store by ${way}`, () => {
    let served: ServedStore;
    let store: GitManifestStore;
    let options: GitStoreOptions;
    beforeAll(async () => {
      served = await ServedStore.start(way);
    });
    beforeEach(async () => {
      rmSync(served.repository, { recursive: true, force: true });
      await served.prepare();
      options = served.options();
      store = await served.open(options);
      await store.create();
      await store.advance(LINE, 0, digest('a'), {});
    });
    afterAll(() => served.stop());

    it('answers content that it has while the store is away, and no head', async () => {
      const manifest = await store.putManifest(Buffer.from('m'), {});
      const fresh = await served.open(options);
      await served.goAway();
      expect(Buffer.from(await fresh.manifest(manifest)).toString()).toBe('m');
      await expect(fresh.head(LINE)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      await expect(fresh.manifest(digest('c'))).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      await served.comeBack();
    });

    it('is readable by its account alone, and nothing is left of a push', async () => {
      const { stdout } = await run('git', ['--git-dir', cloneOf(options), 'for-each-ref', '--format=%(refname)']);
      expect(stdout).toBe('refs/heads/main\n');
      expect(readdirSync(join(cloneOf(options), '..')).sort()).toEqual(['known.json', 'store.git']);
    });

    it('is made once, however many begin with it at the same moment: what one is about to push lies in it', async () => {
      await store.close();
      const clone = cloneOf(options);
      const folder = join(clone, '..');
      rmSync(clone, { recursive: true });
      const seen = new Set<bigint>();
      const watcher = watch(folder, () => {
        const there = statSync(clone, { bigint: true, throwIfNoEntry: false });
        if (there !== undefined) seen.add(there.ino);
      });
      try {
        const stores = await Promise.all(Array.from({ length: 6 }, () => served.open(options)));
        const heads = await Promise.all(stores.map((one) => one.head(LINE)));
        expect(heads.map((head) => head?.seq)).toEqual(Array.from({ length: 6 }, () => 1));
        await until(() => seen.size > 0, { what: 'a clone that is seen' });
      } finally {
        watcher.close();
      }
      expect(seen.size).toBe(1);
      expect(readdirSync(folder).sort()).toEqual(['known.json', 'store.git']);
    });

    it('a push whose clone another process replaces meanwhile is made once more, on the new one', async () => {
      const moving = store.advance(LINE, 1, digest('b'), {});
      // The commit that is to be pushed lies in this clone; the next one has never heard of it.
      await until(() => readdirSync(join(cloneOf(options), 'refs/reseal/pending')).length > 0, {
        every: 1,
        what: 'a commit that waits for its push',
      });
      rmSync(cloneOf(options), { recursive: true, force: true });
      expect(await moving).toMatchObject({ moved: true, head: { seq: 2, digest: digest('b') } });
      expect(served.git('fsck', '--strict', '--no-dangling')).toBe('');
    });

    it('a push whose answer was lost is found done when it is tried again', async () => {
      // The branch has moved when the hook runs; it kills the receiver, so that no answer comes.
      served.hook('post-update', ['kill -9 $PPID']);
      const first = await store.advance(LINE, 1, digest('b'), {}).catch((error: unknown) => error);
      expect(first).toMatchObject({ code: 'STORE_UNREACHABLE' });
      served.removeHook('post-update');
      expect(await store.advance(LINE, 1, digest('b'), {})).toEqual({ moved: true, head: { line: LINE, seq: 2, digest: digest('b') } });
      expect(served.git('rev-list', '--count', 'main').trim()).toBe('3');
    });

    it('a receiver that dies before it has moved the branch leaves the head where it was', async () => {
      served.hook('pre-receive', ['kill -9 $PPID']);
      await expect(store.advance(LINE, 1, digest('b'), {})).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      served.removeHook('pre-receive');
      expect(await store.head(LINE)).toMatchObject({ seq: 1 });
      expect(await store.advance(LINE, 1, digest('c'), {})).toMatchObject({ moved: true });
    });

    it("a hook's refusal reaches whoever asked, in its own words, and changes nothing", async () => {
      served.hook('pre-receive', ['printf "\\033[31msigning store is frozen until monday\\033[0m\\n" >&2', 'exit 1']);
      const refusal = await store.advance(LINE, 1, digest('b'), {}).catch((error: unknown) => error);
      expect(refusal).toMatchObject(UNREACHABLE('signing store is frozen until monday'));
      expect(refusal).toMatchObject(UNREACHABLE('it refused the change: [remote rejected] (pre-receive hook declined)'));
      expect((refusal as Error).message).not.toMatch(/\p{Cc}/u);
      served.removeHook('pre-receive');
      expect(await store.head(LINE)).toMatchObject({ seq: 1 });
    });

    it('that does not answer in time is away, and what was under way is ended', async () => {
      const slow = await served.open({ ...options, remote: { ...options.remote!, timeout: 2_000 } });
      served.hook('pre-receive', ['sleep 60']);
      const began = performance.now();
      await expect(slow.advance(LINE, 1, digest('b'), {})).rejects.toMatchObject(UNREACHABLE('it has not answered for 2'));
      expect(performance.now() - began).toBeLessThan(20_000);
      served.removeHook('pre-receive');
      expect(await slow.head(LINE)).toMatchObject({ seq: 1 });
    });

    it.each([
      ['of which commits were taken off', (): string => served.git('rev-parse', 'main~1').trim()],
      ['that is another one', (): string => served.git('commit-tree', served.git('rev-parse', 'main^{tree}').trim(), '-m', 'new').trim()],
    ])('refuses a history %s, for reading and writing, and says where the old one still is', async (_, commit) => {
      served.git('update-ref', 'refs/heads/main', commit());
      const said = 'somebody has rewritten its history: the branch main was at';
      await expect(store.head(LINE)).rejects.toMatchObject(UNREACHABLE(said));
      await expect(store.advance(LINE, 1, digest('b'), {})).rejects.toMatchObject(UNREACHABLE(cloneOf(options)));
      // A clone made anew is held to what the lost one had seen.
      rmSync(cloneOf(options), { recursive: true });
      await expect((await served.open(options)).head(LINE)).rejects.toMatchObject(UNREACHABLE(said));
      expect(existsSync(cloneOf(options))).toBe(false);
      expect(await (await served.open()).currentCommit()).toBe(served.git('rev-parse', 'main').trim());
    });

    it('refuses a branch that is gone: it had one', async () => {
      const tip = served.git('rev-parse', 'main').trim();
      served.git('update-ref', '-d', 'refs/heads/main');
      await expect(store.head(LINE)).rejects.toMatchObject(UNREACHABLE('there is no such branch now'));
      served.git('update-ref', 'refs/heads/main', tip);
      expect(await store.head(LINE)).toMatchObject({ seq: 1 });
    });

    it.each([
      ['without its HEAD', (clone: string): void => rmSync(join(clone, 'HEAD'))],
      ['that is gone', (clone: string): void => rmSync(clone, { recursive: true })],
      ['whose branch is garbage', (clone: string): void => writeFileSync(join(clone, 'refs/heads/main'), 'garbage\n')],
      ['whose branch is empty, as after a power cut', (clone: string): void => writeFileSync(join(clone, 'refs/heads/main'), '')],
      ['without objects', (clone: string): void => rmSync(join(clone, 'objects'), { recursive: true })],
      ['with flipped bits in every object', flipObjects],
    ])('%s is made anew, and answers the same', async (_, damage) => {
      const manifest = await store.putManifest(randomBytes(3_000), {});
      const bytes = Buffer.from(await store.manifest(manifest));
      await store.close();
      damage(cloneOf(options));
      const fresh = await served.open(options);
      expect(Buffer.from(await fresh.manifest(manifest)).equals(bytes)).toBe(true);
      expect(await fresh.head(LINE)).toEqual({ line: LINE, seq: 1, digest: digest('a') });
      expect(await fresh.advance(LINE, 1, digest('b'), {})).toMatchObject({ moved: true });
      expect((await run('git', ['--git-dir', cloneOf(options), 'fsck', '--no-dangling'])).stdout).toBe('');
    });

    it('a head whose objects the clone has lost is never taken for one that was not set (invariant 6)', async () => {
      await store.head(LINE);
      await store.close();
      const clone = cloneOf(options);
      const tree = (await run('git', ['--git-dir', clone, 'rev-parse', 'main:lines'])).stdout.trim();
      rmSync(join(clone, 'objects', tree.slice(0, 2), tree.slice(2)));
      expect(await store.head(LINE)).toMatchObject({ seq: 1 });
    });
  });
}

function flipObjects(clone: string): void {
  const objects = join(clone, 'objects');
  for (const name of readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((one) => /^[0-9a-f]{2}\/[0-9a-f]{38}$/.test(one))) {
    const path = join(objects, name);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 0xff;
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
  }
}
