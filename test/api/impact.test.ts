import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { situationOf } from '../../activities/rotation/surroundings.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { parseManifest } from '../../src/manifest/parse.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { ImpactView } from '../../src/presenters/impact.js';
import { COMMANDS } from '../../src/cli/commands.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

let served: ServedMesh;
let manifest: Manifest;
beforeAll(async () => {
  served = await ServedMesh.start();
  const { store } = situationOf(served.mesh.around, 'ios-main' as LineName);
  const head = await store.head('ios-main' as LineName);
  if (head === null) throw new Error('the line has a head');
  manifest = parseManifest(await store.manifest(head.digest), 'head');
});
afterAll(() => served.stop());

const reseal = (...argv: string[]) => served.reseal(argv);

const first = () => {
  const [entry] = manifest.profiles;
  if (entry === undefined) throw new Error('the manifest has profiles');
  return entry;
};
const impact = async (...options: string[]): Promise<ImpactView> =>
  JSON.parse((await reseal('impact', ...options, '--json')).stdout) as ImpactView;

it('a certificate is found by SHA-1, by serial number and by its last six digits, and takes every target of its line with it (S9)', async () => {
  const { identity } = first();
  const serial = manifest.certificates[identity]?.serial ?? '';
  const view = await impact('--certificate', identity.toUpperCase());
  expect(view.of).toMatchObject({ kind: 'certificate', id: identity, serialLast6: serial.slice(-6) });
  expect(view.targets.map((target) => target.bundleId).sort()).toEqual(manifest.profiles.map((entry) => entry.bundleId).sort());
  expect(view.summary.nodes).toBe(3);
  expect(view.pipelines.map((pipeline) => pipeline.name)).toContain('courier-release');
  expect(view.next.join('\n')).toContain('reseal rotation start --line ios-main --as PERSON --ticket TICKET');
  expect(JSON.stringify(view)).not.toContain(serial);
  for (const of of [serial, serial.slice(-6).toLowerCase()]) expect((await impact('--certificate', of)).of.id).toBe(identity);
});

it('in mid-rotation the old profile is told with the nodes that serve it, by what they last said', async () => {
  const { profile, bundleId } = first();
  await served.mesh.rotate();
  await served.mesh.untilGate();
  const old = await impact('--profile', profile.uuid);
  expect(old.targets).toMatchObject([{ bundleId, inForce: true }]);
  expect(old.nodes.every((node) => node.seenAt !== null)).toBe(true);
  expect(old.nodes.map((node) => node.why)).toContain('active');
  const text = await reseal('impact', '--profile', profile.uuid);
  expect(text).toMatchObject({ exit: 0, stderr: '' });
  expect(text.stdout).toMatch(/\n {2}3 nodes, 1 pipeline, 1 bundle, 0 builds in flight\n\nTARGETS\nBUNDLE +ROLE/);
  const csv = (await reseal('impact', '--profile', profile.uuid, '--csv')).stdout.split('\n');
  expect(csv[0]).toBe('kind,name,line,why,detail,builds,seen_at');
  expect(csv.filter((line) => line.startsWith('"node",'))).toHaveLength(3);
});

it.each([
  [[], 'Name one of --certificate, --profile and --node'],
  [['--certificate', 'abcdef', '--node', 'ams-sign-1'], 'Name one of'],
  [['--certificate', 'abcdef'], 'No manifest in force or accepted names a certificate whose serial number ends in abcdef'],
  [['--certificate', 'please'], '--certificate is "please"; it takes a SHA-1'],
  [['--profile', '../x'], 'it takes a profile’s UUID'.replace('’', "'")],
  [['--node', 'nowhere'], 'topology.yaml declares no node nowhere'],
])('is refused in a sentence with %j', async (options, says) => {
  const ran = await reseal('impact', ...options);
  expect(ran).toMatchObject({ exit: 2, stdout: '' });
  expect(ran.stderr).toContain(says);
});

it('of what nothing depends on says so', async () => {
  const ran = await reseal('impact', '--profile', '00000000-0000-4000-8000-000000000000');
  expect(ran.stdout).toContain('nothing depends on it: no manifest in force or accepted names it');
});

it('with --public no command shows a full fingerprint, serial number or digest of a profile, as text or as a document (S8)', async () => {
  const { profile, identity } = first();
  const path = join(served.mesh.folder, 'public.json');
  writeFileSync(path, freezeManifest(manifest).bytes);
  const later = join(served.mesh.folder, 'later.json');
  const [changed, ...rest] = manifest.profiles;
  writeFileSync(later, freezeManifest({ ...manifest, profiles: [{ ...first(), profile: { ...first().profile, sha256: 'c'.repeat(64) as Sha256 } }, ...rest] }).bytes);
  expect(changed).toBe(first());
  const planted = manifest.profiles.flatMap((entry) => [entry.identity, entry.profile.sha256, manifest.certificates[entry.identity]?.serial ?? '']);
  const shown = async (...argv: string[]): Promise<readonly string[]> => {
    const { stdout, stderr } = await reseal(...argv);
    expect([argv, stdout]).not.toEqual([argv, '']);
    return planted.filter((one) => `${stdout}${stderr}`.toLowerCase().includes(one.toLowerCase()));
  };
  const node = (await impact('--certificate', identity)).nodes[0]?.node ?? '';
  const commands = [
    ...[['rotation', 'list'], ['rotation', 'status', 'ios-main-1'], ['impact', '--certificate', identity], ['impact', '--profile', profile.uuid], ['impact', '--node', node]],
    ...[['node', 'list'], ['node', 'inspect', node], ['node', 'probe', node], ['node', 'expected', node], ['manifest', 'show', path]],
    ['sbom', '--manifest', path], ['manifest', 'diff', path, later],
  ];
  const found: string[] = [];
  for (const command of commands) {
    for (const form of [[], ['--json']]) {
      found.push(...(await shown(...command, ...form)));
      expect([command, form, await shown(...command, ...form, '--public')]).toEqual([command, form, []]);
    }
  }
  // Else nothing would have been left out.
  expect(new Set(found).size).toBeGreaterThan(2);
}); // prettier-ignore

it('what a person says to a rotation is refused with --public, before anything is asked, signed or sent: it has to be shown whole', async () => {
  const said = ['--as', 'ada', '--ticket', 'CHG-1', '--public'];
  const speaks = COMMANDS.filter(({ path }) => path.startsWith('rotation '));
  const refused: string[] = [];
  for (const entry of speaks) {
    const { command } = await entry.load();
    // What takes a key, a person signs.
    if (!('key' in command.options)) continue;
    const more: Readonly<Record<string, readonly string[]>> = {
      'rotation answer': ['retry', '--question', 'Q1'],
      'rotation exclude': ['--node', 'ams-sign-1'],
      'rotation retry': ['--node', 'ams-sign-1'],
      'rotation start': ['--line', 'ios-main'],
    };
    const words = [...entry.path.split(' '), ...(entry.path === 'rotation start' ? [] : ['ios-main-1']), ...(more[entry.path] ?? [])];
    const spoken = entry.path === 'rotation close' ? ['--as', 'partial', '--by', 'ada', '--ticket', 'CHG-1', '--public'] : said;
    for (const form of [[], ['--json']]) {
      const ran = await reseal(...words, ...spoken, ...form);
      expect([entry.path, ran.exit, `${ran.stdout}${ran.stderr}`]).toEqual([entry.path, 2, expect.stringContaining('Nothing was signed or sent: say it without --public')]); // prettier-ignore
    }
    refused.push(entry.path.replace('rotation ', ''));
  }
  expect(refused.sort()).toEqual([
    'answer',
    'approve',
    'cancel',
    'close',
    'exclude',
    'pause',
    'reject',
    'resume',
    'retry',
    'rollback',
    'start',
    'withdraw',
  ]);
  expect((await served.rotation('ios-main-1')).gate.approvals).toEqual([]);
});
