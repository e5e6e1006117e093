import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodePins } from '../../src/domain/node/pins.js';
import { pin, unpin } from '../gate/job.js';
import { LINE, NODE, visible, world, type World } from './mesh.js';

let mesh: World;
beforeEach(async () => {
  mesh = await world();
  await mesh.settled();
});
afterEach(() => mesh.remove());

const place = () => ({ home: mesh.home, node: NODE });
const pins = async (): Promise<NodePins | undefined> =>
  (await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from })).pins;
const state = 'usr/local/var/reseal/state';

describe('inspect reports what builds have pinned on a node (rotation.md, "Pins")', () => {
  it('a lease with job, pipeline, bundles and manifest, until it is given back; a node without any is unknown, and then it is zero', async () => {
    expect(await pins()).toEqual({ pipelines: [], held: [] });
    await pin(place(), 'courier #7', mesh.from, ['--pipeline', 'courier-release', '--pin-for', '2h']);
    const seen = await pins();
    expect(seen?.pipelines).toEqual(['courier-release']);
    expect(seen?.held).toMatchObject([
      {
        job: 'courier #7',
        pipeline: 'courier-release',
        manifest: mesh.from,
        bundles: mesh.manifests.from.profiles.map((one) => one.bundleId).sort(),
      },
    ]);
    await unpin(place(), 'courier #7');
    // The pipeline is known from now on, so that none is none.
    expect(await pins()).toEqual({ pipelines: ['courier-release'], held: [] });
  });
});

describe('what a build holds does not go (R9, invariant 2)', () => {
  const retire = (opId: string, more: { readonly pins?: 'ignore' } = {}, hooks = {}) =>
    mesh.activities({ hooks }).retireNode({ ...mesh.order(1000, opId), old: mesh.from, keep: mesh.to, ...more });
  beforeEach(async () => {
    await mesh.activities().stageNode({ ...mesh.order(1000, 'op-1'), to: mesh.to });
    await mesh.activities().switchNode({ ...mesh.order(1000, 'op-2'), target: mesh.to, revertTo: null });
  });

  it('a node keeps it, says who holds it, and lets it go when it is given back, or when the order says so', async () => {
    await pin(place(), 'courier #7', mesh.from);
    const before = await visible(mesh.home);
    const held = await retire('op-3');
    expect(held).toMatchObject({
      outcome: 'pinned',
      active: mesh.to,
      pins: { manifests: [{ manifest: mesh.from, builds: 1, jobs: ['courier #7'] }] },
    });
    expect(held.reason).toBe(`1 build on it holds manifest ${mesh.from}: courier #7`);
    expect(await visible(mesh.home)).toEqual(before);
    // For a job that comes now it is as accepted as before.
    await pin(place(), 'courier #8', mesh.from);
    for (const job of ['courier #7', 'courier #8']) await unpin(place(), job);
    expect((await retire('op-4')).outcome).toBe('done');
    expect((await visible(mesh.home)).join('\n')).not.toContain(mesh.from);
  });

  it('with pins: ignore it goes, whoever holds it', async () => {
    await pin(place(), 'courier #7', mesh.from);
    expect((await retire('op-3', { pins: 'ignore' })).outcome).toBe('done');
    expect((await visible(mesh.home)).join('\n')).not.toContain(mesh.from);
  });

  it('a build that pins it in the very moment in which it is to go keeps it', async () => {
    const before = await visible(mesh.home);
    const result = await retire(
      'op-3',
      {},
      {
        beforeEffect: async (step: { readonly do: string }) => {
          if (step.do === 'un-accept') await pin(place(), 'courier #7', mesh.from);
        },
      },
    );
    expect(result.outcome).toBe('pinned');
    expect(await visible(mesh.home)).toEqual(before);
    await pin(place(), 'courier #8', mesh.from);
  });
});

describe('a folder that builds write is not trusted', () => {
  it('what is no pin is passed over: no JSON, another line, a link, a folder, gigabytes, control characters, drafts', async () => {
    await pin(place(), 'good', mesh.from);
    const folder = join(mesh.home, state, 'pins');
    const { at: _at, ...good } = JSON.parse(await readFile(join(folder, (await leaseOf(folder, 'good'))!), 'utf8')) as Record<
      string,
      unknown
    >;
    const name = (letter: string, line: string = LINE): string => `${letter.repeat(32)}.${line}.json`;
    const write = (file: string, value: unknown): Promise<void> => writeFile(join(folder, file), JSON.stringify(value));
    await writeFile(join(folder, name('0')), '{');
    await write(name('1'), good);
    await write(name('2'), { ...good, at: new Date().toISOString(), job: 'a\nb' });
    await write(name('3'), { ...good, at: new Date().toISOString(), manifest: '../x' });
    await write(name('4', 'tv-main'), { ...good, at: new Date().toISOString() });
    await write('notes.json', { ...good, at: new Date().toISOString() });
    await symlink('/etc/passwd', join(folder, name('5')));
    await mkdir(join(folder, name('6')));
    await writeFile(join(folder, name('7')), '');
    await truncate(join(folder, name('7')), 2 ** 34);
    expect((await pins())?.held.map((one) => one.job)).toEqual(['good']);
  });
});

async function leaseOf(folder: string, job: string): Promise<string | undefined> {
  for (const one of await readdir(folder)) if ((await readFile(join(folder, one), 'utf8')).includes(`"job": "${job}"`)) return one;
  return undefined;
}
