import { appendFile, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../activities/node/index.js';
import { LINE, lasting, tree, visible, world, type World } from './mesh.js';

let mesh: World;
beforeEach(async () => {
  mesh = await world();
  await mesh.settled();
});
afterEach(() => mesh.remove());

const state = (...names: string[]): string => join(mesh.home, 'usr/local/var/reseal/state', ...names);
/** Admissions so far, the last one last. */
const admissions = async (): Promise<readonly JournalEntry[]> => (await mesh.journal()).filter(({ token }) => token !== undefined);

/** The activities in the attempt of that number. */
const attempt = (number: number): ReturnType<World['activities']> => mesh.activities({ attempt: () => ({ number, startedAt: null }) });

/** Another process has admitted the order of a rollback, as the node's journal tells. */
async function admitRollback(): Promise<void> {
  const journal = await mesh.journal();
  const admission: JournalEntry = {
    ...{ seq: journal.length + 1, at: mesh.now, line: LINE, rotation: 'ios-main-1', epoch: 1001, opId: 'rollback', attempt: 1 },
    ...{ do: 'unstage', subject: mesh.to, phase: 'intent', changed: false, token: 'theirs' },
  };
  await appendFile(state('journal'), `${JSON.stringify(admission)}\n`);
}

describe('fencing (invariant 6)', () => {
  it('refuses a lower epoch for good, and changes nothing for it', async () => {
    await mesh.activities().stageNode({ ...mesh.order(2000), to: mesh.to });
    const before = await lasting(mesh.home);
    const stale = mesh.activities().switchNode({ ...mesh.order(1999, 'op-2'), target: mesh.to, revertTo: null });
    await expect(stale).rejects.toMatchObject({ type: 'STALE_EPOCH', nonRetryable: true, message: expect.stringContaining('epoch 2000') });
    expect(await lasting(mesh.home)).toEqual(before);
    expect((await admissions()).at(-1)?.epoch).toBe(2000);
  });

  it('refuses an order whose time is over, and one from a clock that is off', async () => {
    const before = await visible(mesh.home);
    const late = { ...mesh.order(), notAfter: mesh.now - 1, to: mesh.to };
    await expect(mesh.activities().stageNode(late)).rejects.toMatchObject({ type: 'ORDER_EXPIRED', nonRetryable: true });
    const skewed = { ...mesh.order(), sentAt: mesh.now + 61_000, to: mesh.to };
    await expect(mesh.activities().stageNode(skewed)).rejects.toMatchObject({
      type: 'CLOCK_SKEW',
      nonRetryable: true,
      message: expect.stringContaining('61 s behind'),
    });
    const ahead = mesh.activities({ attempt: () => ({ number: 1, startedAt: mesh.now - 90_000 }) });
    await expect(ahead.stageNode({ ...mesh.order(), to: mesh.to })).rejects.toMatchObject({
      type: 'CLOCK_SKEW',
      message: expect.stringContaining('90 s ahead'),
    });
    expect(await visible(mesh.home)).toEqual(before);
    const inspected = await mesh.activities().inspectNode({ ...mesh.order(), sentAt: mesh.now + 61_000, manifest: mesh.from });
    expect(inspected.problems.map((one) => one.check)).toEqual(['clock']);
  });

  it('an order that waited in a queue is no clock that is off', async () => {
    const order = { ...mesh.order(), to: mesh.to };
    mesh.now += 120_000;
    expect((await mesh.activities({ attempt: () => ({ number: 3, startedAt: null }) }).stageNode(order)).outcome).toBe('done');
  });

  it('an attempt that wakes up between fence and rename after a rollback changes nothing', async () => {
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    const before = await visible(mesh.home);
    const sleeper = mesh.activities({
      hooks: {
        // It slept so long that its lock was broken and the rollback's order was admitted meanwhile.
        beforeEffect: admitRollback,
      },
    });
    const woken = sleeper.switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: null });
    await expect(woken).rejects.toMatchObject({ type: 'STALE_EPOCH', message: expect.stringContaining('rollback at epoch 1001') });
    expect(await visible(mesh.home)).toEqual(before);
  });

  it.each(['put-profile', 'put-manifest', 'accept', 'quarantine-profile', 'un-accept', 'quarantine-manifest'] as const)(
    '%s asks again right before its rename',
    async (kind) => {
      const removing = kind === 'quarantine-profile' || kind === 'un-accept' || kind === 'quarantine-manifest';
      if (removing) await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
      let before: readonly string[] = [];
      const sleeper = mesh.activities({
        hooks: {
          beforeEffect: async (step) => {
            if (step.do !== kind || before.length > 0) return;
            await admitRollback();
            before = (await lasting(mesh.home)).filter((line) => !/\.tmp |state\/lock /.test(line));
          },
        },
      });
      const woken = removing
        ? sleeper.unstageNode({ ...mesh.order(1000, 'op-2'), remove: mesh.to, keep: mesh.from })
        : sleeper.stageNode({ ...mesh.order(1000, 'op-2'), to: mesh.to });
      await expect(woken).rejects.toMatchObject({ type: 'STALE_EPOCH' });
      expect(before.length).toBeGreaterThan(0);
      expect(await lasting(mesh.home)).toEqual(before);
    },
  );

  it('a retry takes the line over from an earlier attempt of the same operation, which does not go back behind its back', async () => {
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    const order = { ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from };
    let retried: unknown = null;
    const first = mesh.activities({
      // While it waits between two probes it has timed out for Temporal, but is still there.
      sleep: async () => {
        retried ??= await mesh.activities().switchNode(order);
        mesh.verifier.verdicts.delete(mesh.manifests.to.profiles[0]!.profile.sha256);
      },
    });
    await expect(first.switchNode(order)).rejects.toMatchObject({ type: 'STALE_EPOCH' });
    expect(retried).toMatchObject({ outcome: 'done', active: mesh.to });
    expect((await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.to })).active).toBe(mesh.to);
  });

  it('an attempt that is late to be admitted is refused by its number, and changes nothing', async () => {
    const order = { ...mesh.order(), to: mesh.to };
    await attempt(2).stageNode(order);
    await attempt(1).unstageNode({ ...mesh.order(1000, 'op-2'), sentAt: order.sentAt + 1, remove: mesh.to, keep: mesh.from });
    await attempt(3).stageNode({ ...order, sentAt: order.sentAt + 2 });
    const before = await tree(mesh.home);
    await expect(attempt(2).stageNode({ ...order, sentAt: order.sentAt + 2 })).rejects.toMatchObject({
      type: 'STALE_EPOCH',
      nonRetryable: true,
      message: expect.stringContaining('this is attempt 2, the node has already followed attempt 3 of op-1'),
    });
    expect(await tree(mesh.home)).toEqual(before);
  });

  it('an order that is late to be admitted is refused by when it was sent, whichever attempt it is, and changes nothing', async () => {
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    const forward = { ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from };
    await mesh.activities().switchNode(forward);
    // The canary returns while the gate is silent: a later order of the same epoch.
    mesh.now += 1_000;
    await mesh.activities().switchNode({ ...mesh.order(1000, 'op-3'), target: mesh.from, revertTo: null });
    const before = await tree(mesh.home);
    for (const number of [1, 2])
      await expect(attempt(number).switchNode(forward)).rejects.toMatchObject({
        type: 'STALE_EPOCH',
        nonRetryable: true,
        message: expect.stringMatching(
          /refuses op-2 on ios-main: the order was sent at 2026-\S+Z, the node has already followed op-3 sent at 2026-/,
        ),
      });
    expect(await tree(mesh.home)).toEqual(before);
  });

  it('a retry goes on where the attempt before was cut off, and so does a first attempt at a later order of the same epoch', async () => {
    const dying = mesh.activities({
      hooks: {
        beforeEffect: () => {
          throw new Error('the worker died');
        },
      },
    });
    await expect(dying.stageNode({ ...mesh.order(), to: mesh.to })).rejects.toThrow('the worker died');
    expect(await attempt(2).stageNode({ ...mesh.order(), to: mesh.to })).toMatchObject({ outcome: 'done' });
    mesh.now += 1;
    const switched = mesh.activities().switchNode({ ...mesh.order(), target: mesh.to, revertTo: mesh.from });
    await expect(switched).resolves.toMatchObject({ outcome: 'done', active: mesh.to });
  });

  it('a journal that does not say when its orders were sent still tells their epoch, and admits every order of that', async () => {
    await attempt(2).stageNode({ ...mesh.order(2000), to: mesh.to });
    const entries = (await mesh.journal()).map(({ sentAt: _sentAt, ...entry }) => entry);
    await writeFile(state('journal'), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    expect(await readFile(state('journal'), 'utf8')).not.toContain('sentAt');
    const stale = mesh.activities().unstageNode({ ...mesh.order(1999, 'op-2'), remove: mesh.to, keep: mesh.from });
    await expect(stale).rejects.toMatchObject({ type: 'STALE_EPOCH', message: expect.stringContaining('epoch 2000') });
    const next = { ...mesh.order(2000, 'op-3'), target: mesh.to, revertTo: null };
    await expect(mesh.activities().switchNode(next)).resolves.toMatchObject({ outcome: 'done', active: mesh.to });
    const journal = await mesh.journal();
    expect(journal.map((entry) => entry.seq)).toEqual(journal.map((_, index) => index + 1));
    expect((await admissions()).at(-1)).toMatchObject({ opId: 'op-3', sentAt: next.sentAt, attempt: 1 });
  });

  it('an order whose time runs out while it proves does not go back behind the rollback’s back', async () => {
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    mesh.verifier.verdicts.set(mesh.manifests.to.profiles[0]!.profile.sha256, new Error('unclear'));
    const order = { ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: mesh.from, notAfter: mesh.now + 5_000 };
    await expect(mesh.activities().switchNode(order)).rejects.toMatchObject({ type: 'ORDER_EXPIRED' });
  });

  it('lines of one node do not fence each other', async () => {
    const two = await world({ home: mesh.home, node: { lines: [LINE, 'other' as never] } });
    await two.activities().stageNode({ ...two.order(5000), to: two.to });
    const other = two.activities().inspectNode({ ...two.order(1), line: 'other' as never, manifest: two.from });
    await expect(other).resolves.toMatchObject({ epoch: 0 });
    expect([...new Set((await admissions()).map(({ line }) => line))]).toEqual([LINE]);
  });
});

describe("the node's lock", () => {
  const holder =
    "const fs = require('fs'); const s = fs.readFileSync('/proc/self/stat','utf8'); fs.symlinkSync(process.pid + ':' + s.slice(s.lastIndexOf(')')+2).split(' ')[19] + ':x', process.argv[1]); console.log('held'); setInterval(() => {}, 1000)";

  it('of a dead process is taken over', async () => {
    const dead = spawnSync(process.execPath, ['-e', holder.replace('setInterval(() => {}, 1000)', ''), state('lock')]);
    expect(dead.stdout.toString()).toContain('held');
    await expect(mesh.activities().stageNode({ ...mesh.order(), to: mesh.to })).resolves.toMatchObject({ outcome: 'done' });
    await expect(readlink(state('lock'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of a pid that belongs to another process by now is taken over', async () => {
    await symlink(`${process.pid}:1:x`, state('lock'));
    await expect(mesh.activities().stageNode({ ...mesh.order(), to: mesh.to })).resolves.toMatchObject({ outcome: 'done' });
  });

  it('of a living process is waited for, then taken over when that dies; a dead taker does not block', async () => {
    const living = spawn(process.execPath, ['-e', holder, state('lock')]);
    await new Promise((resolve) => living.stdout.once('data', resolve));
    await symlink('999999:1:dead-taker', state('lock.takeover'));
    const staged = mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    const early = await Promise.race([staged.then(() => 'done'), new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))]);
    expect(early).toBe('waiting');
    living.kill('SIGKILL');
    await expect(staged).resolves.toMatchObject({ outcome: 'done' });
  });

  it('keeps two processes that race on one node apart: one wins or both did the same', async () => {
    const runner = fileURLToPath(new URL('./runner.ts', import.meta.url));
    const run = (args: string[]): Promise<string> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, ['--import', 'tsx', runner, mesh.home, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
        let out = '';
        child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
        child.on('close', () => resolve(out.trim()));
      });
    const answers = await Promise.all([
      run(['stage', '1000', 'a', '6']),
      run(['stage', '1000', 'b', '6']),
      run(['unstage', '1000', 'c', '6']),
    ]);
    for (const answer of answers) for (const one of answer.split('\n')) expect(['done', 'STALE_EPOCH', 'READ_BACK_FAILED']).toContain(one);
    const journal = await mesh.journal();
    expect(journal.map((entry) => entry.seq)).toEqual(journal.map((_, index) => index + 1));
    // Whatever came last, one more order settles the node.
    await mesh.activities().stageNode({ ...mesh.order(1001, 'z'), to: mesh.to });
    const report = await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from });
    expect(report).toMatchObject({ verdict: 'pass', accepted: [mesh.from, mesh.to] });
    expect((await visible(mesh.home)).join('\n')).not.toContain('.tmp');
  });
});

describe('leftovers', () => {
  it('of attempts that died are removed by the next operation', async () => {
    const folder = join(mesh.home, 'Library/MobileDevice/Provisioning Profiles');
    const settings = join(mesh.home, 'usr/local/var/reseal/mount/ios-main/settings', mesh.to, 'app-store');
    await mkdir(settings, { recursive: true });
    await writeFile(join(folder, '.reseal-op-0-abc.tmp'), 'half');
    await writeFile(join(settings, '.reseal-op-0-abc.tmp'), 'half');
    await writeFile(state('.reseal-op-0-def.tmp'), 'half');
    // Of another process, whose last word in the journal was cut off too.
    await appendFile(state('journal'), '{"seq":99,"at":17');
    await mesh.activities().stageNode({ ...mesh.order(), to: mesh.to });
    expect((await lasting(mesh.home)).join('\n')).not.toContain('.tmp');
  });
});
