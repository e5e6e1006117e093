import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { DemoExample, expectCompleted, keychainOf, unpacked } from './demo-example.js';
import { built, cleanEnv, ROOT } from './processes.js';

// One example to its end, from the package as it is installed; the others are in demo-examples.heavy.test.ts.

const TEAM = '9QK4T7XW2B';

let folder: string;
let demo: DemoExample;
beforeAll(built, 240_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-demo-example-'));
  demo = new DemoExample(join(folder, 'demo'));
});
afterEach(async () => {
  await stopRecorded(demo.home);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('reseal demo --example', () => {
  it('dedicated-signer: a new certificate comes to the signers and to nobody else, the old one is kept for a rollback (S4)', async () => {
    const ran = await demo.run('dedicated-signer');
    expectCompleted(ran, 'ios-main-1');
    const [old = '', fresh = '', ...others] = demo.certificates(TEAM);
    expect(others).toEqual([]);
    expect(demo.nodes).toEqual(['ams-build-1', 'ams-build-2', 'ams-sign-1', 'ams-sign-2']);
    for (const node of ['ams-sign-1', 'ams-sign-2']) {
      expect(demo.identities(node)).toEqual([fresh]);
      expect(demo.searchList(node)).toEqual([keychainOf(fresh)]);
      expect(demo.keychains(node)).toEqual([keychainOf(old), keychainOf(fresh)].sort());
      expect(demo.profiles(node)).toEqual(demo.dropped('drop'));
    }
    // Nodes that only compile have neither keys nor profiles: nothing was ever done to them.
    for (const node of ['ams-build-1', 'ams-build-2']) expect(readdirSync(demo.nodeHome(node))).toEqual([]);

    expect(ran.stdout).toContain('\ndedicated-signer\nTwo Macs sign, all others only compile');
    const rows = (node: string): readonly string[] => ran.stdout.split('\n').filter((line) => line.startsWith(`${node} `));
    const [before = '', , after = ''] = rows('ams-sign-1');
    // Whoever runs this outside the example's unlock window finds keychains locked.
    const open = '(?: \\(locked\\))?';
    expect(before).toMatch(new RegExp(`^ams-sign-1 +signer +allowed +2 +${old.slice(0, 8)} +${keychainOf(old)}${open} +-$`));
    expect(after).toMatch(
      new RegExp(`^ams-sign-1 +signer +allowed +2 +${fresh.slice(0, 8)} +${keychainOf(fresh)}${open} +${keychainOf(old)}$`),
    );
    expect(rows('ams-build-1').map((row) => row.split(/ +/))).toEqual(
      [0, 1].map(() => ['ams-build-1', 'compile', 'forbidden', '-', '-', '-', '-']),
    );
    expect(ran.stdout).toContain('reseal rotation approve ios-main-1 --as chiara --ticket CHG-1\n');
    expect(ran.stdout).toContain(`git -C ${demo.home}/stores/main.git log`);

    // What the example declares is what was rotated.
    const declared = parse(readFileSync(join(ROOT, 'examples/topologies/dedicated-signer/topology.yaml'), 'utf8')) as Written;
    const used = parse(readFileSync(join(demo.home, 'config/topology.yaml'), 'utf8')) as Written;
    const common = (file: Written) => ({
      ...file,
      installation: '',
      lines: Object.entries(file.lines).map(([name, { keychains: _, ...line }]) => ({ name, ...line })),
      defaults: { ...file.defaults, environment: '' },
      nodes: file.nodes.map(({ reach: _reach, deliveryKey: _key, ...node }) => node),
    });
    expect(common(used)).toEqual(common(declared));
  }, 300_000);

  it('knows its names, which are those of the folders, and what does not go together', async () => {
    const names = readdirSync(join(ROOT, 'examples/topologies')).sort();
    const nonsense = await demo.run('nonsense');
    expect([nonsense.exit, nonsense.stderr]).toEqual([2, `--example takes ${names.join(', ')}, not nonsense.\n`]);
    const rolling = await demo.run('dedicated-signer', '--fail', 'rolling');
    expect([rolling.exit, rolling.stderr]).toEqual([2, expect.stringContaining('needs more nodes than an example has')]);
    const real = await demo.run('dedicated-signer', '--real');
    expect([real.exit, real.stderr]).toEqual([2, '--real and --example do not go together.\n']);
    expect(existsSync(demo.home)).toBe(false);
  });

  it('is taken up by the same example alone', async () => {
    const record = { schemaVersion: 1, real: false, fail: null, example: 'isolated-pools', offset: 0 };
    const line = (name: string, outcome: string | null) => ({ line: name, nodes: [], rotation: `${name}-1`, outcome });
    const lines = [line('courier-apps', 'completed'), line('depot-apps', null)];
    mkdirSync(demo.home);
    writeFileSync(join(demo.home, 'demo.json'), JSON.stringify({ ...record, lines }));
    const other = await demo.run('dedicated-signer');
    expect([other.exit, other.stderr]).toEqual([4, expect.stringContaining('(courier-apps-1 and depot-apps-1)')]);
  });

  it('finds its examples in the package as it is installed', async () => {
    const installed = await unpacked(folder);
    // What it says of an example that is missing names where it would be.
    renameSync(join(installed, 'examples/topologies/hsm-sidecar'), join(installed, 'examples/topologies/elsewhere'));
    const ran = await runProcess(process.execPath, [join(installed, 'scripts/reseal.mjs'), 'demo', '--example', 'hsm-sidecar'], {
      timeout: 60_000,
      env: cleanEnv(demo.home),
    });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(join(installed, 'examples/topologies/hsm-sidecar/topology.yaml'))]);
    expect(existsSync(join(installed, 'examples/topologies/dedicated-signer/topology.yaml'))).toBe(true);
    expect(existsSync(join(installed, 'examples/topologies/elsewhere/topology.yaml'))).toBe(true);
  }, 120_000);
});

interface Written {
  readonly installation: string;
  readonly lines: Readonly<Record<string, { readonly keychains?: unknown }>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly nodes: readonly { readonly reach?: unknown; readonly deliveryKey?: unknown }[];
}
