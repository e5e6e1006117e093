import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NodeActivities } from '../../activities/node/contract.js';
import { lasting, nodesAreLocal, tree, visible, world, type World } from './mesh.js';

/** Runs one operation of a whole rotation; the world is ready for it. */
type Operation = (mesh: World, activities: NodeActivities) => Promise<unknown>;

const OPERATIONS: Readonly<Record<string, { readonly before: readonly string[]; readonly run: Operation }>> = {
  stage: { before: [], run: (mesh, on) => on.stageNode({ ...mesh.order(1000, 'stage'), to: mesh.to }) },
  switch: { before: ['stage'], run: (mesh, on) => on.switchNode({ ...mesh.order(1000, 'switch'), target: mesh.to, revertTo: mesh.from }) },
  retire: {
    before: ['stage', 'switch'],
    run: (mesh, on) => on.retireNode({ ...mesh.order(1000, 'retire'), old: mesh.from, keep: mesh.to }),
  },
  restore: {
    before: ['stage', 'switch', 'retire'],
    run: (mesh, on) => on.restoreNode({ ...mesh.order(1001, 'restore'), manifest: mesh.from }),
  },
  unstage: { before: ['stage'], run: (mesh, on) => on.unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from }) },
};

async function ready(operation: string): Promise<World> {
  const mesh = await world();
  await mesh.settled();
  for (const before of OPERATIONS[operation]!.before) await OPERATIONS[before]!.run(mesh, mesh.onItsDisk());
  return mesh;
}

/** Where it is cut off is decided on this side, and so at every step for a local node; over another way every fifth one shows that the way keeps its promises. */
const STRIDE = nodesAreLocal() ? 1 : 5;

class Crash extends Error {}

/** Runs it with a crash after so many steps or before so many effects; answers whether it came to that. */
async function cutOff(mesh: World, operation: string, point: 'afterStep' | 'beforeEffect', count: number): Promise<boolean> {
  let left = count;
  const hook = (): void => {
    left -= 1;
    if (left < 0) throw new Crash('cut off');
  };
  try {
    await OPERATIONS[operation]!.run(mesh, mesh.activities({ hooks: { [point]: hook } }));
    return false;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    return true;
  }
}

describe.each(Object.keys(OPERATIONS))('%s, cut off anywhere and repeated (invariant 7)', (operation) => {
  it.each(['afterStep', 'beforeEffect'] as const)('ends in the same state, whichever step it was cut off at: %s', async (point) => {
    const whole = await ready(operation);
    await OPERATIONS[operation]!.run(whole, whole.activities());
    const wanted = await lasting(whole.home);
    await whole.remove();
    for (let count = 0; ; count += STRIDE) {
      const mesh = await ready(operation);
      const cut = await cutOff(mesh, operation, point, count);
      // What builds read is never less than whole: every accepted manifest and the active one can be used (invariant 1).
      const active = (await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from })).active;
      const report = await mesh.activities().inspectNode({ ...mesh.order(), manifest: active! });
      expect(report.problems).toEqual([]);
      await OPERATIONS[operation]!.run(mesh, mesh.activities());
      expect(await lasting(mesh.home)).toEqual(wanted);
      await mesh.remove();
      if (!cut) break;
    }
  });
});

describe('a whole rotation', () => {
  it('ends in the same state after any crashes on its way', async () => {
    const way = ['stage', 'switch', 'retire', 'restore'];
    const plain = await world();
    await plain.settled();
    for (const operation of way) await OPERATIONS[operation]!.run(plain, plain.activities());
    const wanted = await lasting(plain.home);
    await plain.remove();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ point: fc.constantFrom('afterStep' as const, 'beforeEffect' as const), count: fc.nat({ max: 14 }) }), {
          minLength: way.length * 2,
          maxLength: way.length * 2,
        }),
        async (crashes) => {
          const mesh = await world();
          try {
            await mesh.settled();
            for (const [index, operation] of way.entries()) {
              for (const crash of crashes.slice(index * 2, index * 2 + 2)) await cutOff(mesh, operation, crash.point, crash.count);
              await OPERATIONS[operation]!.run(mesh, mesh.activities());
            }
            expect(await lasting(mesh.home)).toEqual(wanted);
          } finally {
            await mesh.remove();
          }
        },
      ),
      { numRuns: nodesAreLocal() ? 8 : 3 },
    );
  });

  it('whose restore is cut off before it accepts is switched back all the same: what is active is accepted (invariant 7)', async () => {
    const mesh = await ready('restore');
    const dying = mesh.activities({
      hooks: {
        beforeEffect: (step) => {
          if (step.do === 'accept') throw new Crash('cut off');
        },
      },
    });
    await expect(OPERATIONS['restore']!.run(mesh, dying)).rejects.toThrow(Crash);
    const back = mesh.activities().switchNode({ ...mesh.order(1001, 'return'), target: mesh.from, revertTo: null });
    await expect(back).resolves.toMatchObject({ outcome: 'done', active: mesh.from });
    const report = await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from });
    expect(report).toMatchObject({ verdict: 'pass', accepted: [mesh.to, mesh.from] });
    await mesh.remove();
  });

  it('cut off while staging and then unstaged, leaves what builds read as it was', async () => {
    for (const count of nodesAreLocal() ? [0, 3, 8, 9, 11] : [3, 9]) {
      const mesh = await world();
      await mesh.settled();
      const before = await visible(mesh.home);
      await cutOff(mesh, 'stage', 'beforeEffect', count);
      await OPERATIONS['unstage']!.run(mesh, mesh.activities());
      expect(await visible(mesh.home)).toEqual(before);
      await mesh.remove();
    }
  });
});

describe('killed for real (SIGKILL)', () => {
  const runner = fileURLToPath(new URL('./runner.ts', import.meta.url));
  it.each([
    ['stage', 'put-profile'],
    ['stage', 'put-manifest'],
    ['stage', 'accept'],
    ['unstage', 'quarantine-profile'],
  ])('%s before %s: the next attempt ends as if nothing had happened, without leftovers', async (what, step) => {
    const mesh = await ready(what);
    const other = await ready(what);
    try {
      const killed = spawnSync(process.execPath, ['--import', 'tsx', runner, mesh.home, what, '1001', 'op-9', '1', 'die-before', step]);
      expect(killed.signal).toBe('SIGKILL');
      for (const one of [mesh, other]) {
        const order = one.order(1001, 'op-9');
        await (what === 'stage'
          ? one.activities().stageNode({ ...order, to: one.to })
          : one.activities().unstageNode({ ...order, remove: one.to, keep: one.from }));
      }
      expect(await lasting(mesh.home)).toEqual(await lasting(other.home));
      expect((await tree(mesh.home)).join('\n')).not.toMatch(/\.tmp|state\/lock/);
      const journal = await mesh.journal();
      expect(journal.map((entry) => entry.seq)).toEqual(journal.map((_, index) => index + 1));
      expect(journal.some((entry) => entry.do === step && entry.phase === 'intent')).toBe(true);
    } finally {
      await mesh.remove();
      await other.remove();
    }
  });
});
