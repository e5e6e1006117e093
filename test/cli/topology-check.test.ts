import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TopologyCheck, TopologyVerdict } from '../../src/domain/topology-review/finding.js';
import type { TopologyCheckView } from '../../src/presenters/topology.js';
import { reseal } from './terminal.js';

const EXAMPLES = fileURLToPath(new URL('../../examples/topologies/', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-topology-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function check(config: string): Promise<{ exit: number; view: TopologyCheckView }> {
  const ran = await reseal(['topology', 'check', '--config', config, '--json']);
  return { exit: ran.exit, view: JSON.parse(ran.stdout) as TopologyCheckView };
}

type Edit = readonly [from: string | RegExp, to: string, file?: string];

function edited(example: string, edits: readonly Edit[]): string {
  cpSync(join(EXAMPLES, example), folder, { recursive: true });
  for (const [from, to, file = 'topology.yaml'] of edits) {
    const before = readFileSync(join(folder, file), 'utf8');
    const after = before.replace(from, to);
    expect(after, `${String(from)} is in ${file}`).not.toBe(before);
    writeFileSync(join(folder, file), after);
  }
  return folder;
}

describe.each(readdirSync(EXAMPLES))('examples/topologies/%s', (name) => {
  it('has exactly the findings that its README states, none of them an error', async () => {
    const { exit, view } = await check(join(EXAMPLES, name));
    const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
    const [, stated = ''] = readme.split('## What `reseal topology check` finds');
    const findings = [...stated.matchAll(/^- `(\w+)` `([\w-]+)`: .+\.$/gm)].map(([, verdict, code]) => ({ verdict, check: code }));
    expect(view.findings.map(({ verdict, check: code }) => ({ verdict, check: code }))).toEqual(findings);
    expect(stated.trim() === 'Nothing.').toBe(findings.length === 0);
    expect({ exit, verdict: view.verdict, errors: view.errors }).toEqual({ exit: 0, verdict: 'pass', errors: 0 });
  });

  it('has a README whose links lead to what is there', () => {
    const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
    const targets = [...readme.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
    expect(targets.filter((target) => !existsSync(join(EXAMPLES, name, target)))).toEqual([]);
  });
});

interface Case {
  readonly of: string;
  readonly edits: readonly Edit[];
  readonly verdict: TopologyVerdict;
  readonly nodes: readonly string[];
  readonly found: RegExp;
}

/** One case for each check that there is: the compiler asks for the missing ones. */
const CASES: Readonly<Record<TopologyCheck, Case>> = {
  'line-without-nodes': {
    of: 'dedicated-signer',
    edits: [
      [
        'defaults:',
        '  mac-main: { identity: signers, distribution: copy, profilesOn: [signer], store: main, successorOwner: alice }\ndefaults:',
      ],
    ],
    verdict: 'error',
    nodes: [],
    found: /^No node follows line mac-main$/,
  },
  'no-signer': {
    of: 'dedicated-signer',
    edits: [
      ['ams-sign-1, roles: [signer], keys: allowed', 'ams-sign-1'],
      ['ams-sign-2, roles: [signer], keys: allowed', 'ams-sign-2'],
      ['profilesOn: [signer]', 'profilesOn: [compile]'],
    ],
    verdict: 'error',
    nodes: [],
    found: /no node that follows it is a signer: nothing can be signed$/,
  },
  'signer-without-key': {
    of: 'dedicated-signer',
    edits: [['ams-sign-2, roles: [signer], keys: allowed', 'ams-sign-2, roles: [signer]']],
    verdict: 'error',
    nodes: ['ams-sign-2'],
    found: /^ams-sign-2 is a signer of line ios-main and may hold no private key$/,
  },
  'key-without-reason': {
    of: 'dedicated-signer',
    edits: [['name: ams-build-2 }', 'name: ams-build-2, keys: allowed }']],
    verdict: 'error',
    nodes: ['ams-build-2'],
    found: /^ams-build-2 may hold private keys, and no line that it follows puts a key there$/,
  },
  'key-beside-sidecar': {
    of: 'hsm-sidecar',
    edits: [['iad-sign-1, region: us-east,', 'iad-sign-1, region: us-east, keys: allowed,']],
    verdict: 'error',
    nodes: ['iad-sign-1'],
    found: /^iad-sign-1 may hold private keys, though the keys of ios-main live in a sidecar$/,
  },
  'keys-of-several-lines': {
    of: 'isolated-pools',
    edits: [['courier-sign-1, pool: courier, lines: [courier-apps]', 'courier-sign-1, pool: courier, lines: [courier-apps, depot-apps]']],
    verdict: 'warning',
    nodes: ['courier-sign-1'],
    found: /^courier-sign-1 is to hold the keys of 2 lines \(courier-apps and depot-apps\)/,
  },
  sprawl: {
    of: 'dedicated-signer',
    edits: [['identity: signers', 'identity: shared']],
    verdict: 'warning',
    nodes: ['ams-sign-1', 'ams-sign-2'],
    found: /^Line ios-main copies one identity to 2 nodes: revoking it stops 2 nodes, 1 pipeline and 2 bundles at once/,
  },
  'key-on-volume': {
    of: 'controlled-distribution',
    edits: [['identity: signers', 'identity: shared']],
    verdict: 'warning',
    nodes: ['ams-sign-1', 'ams-sign-2', 'iad-sign-1', 'iad-sign-2'],
    found: /still stops 8 nodes, 2 pipelines and 3 bundles at once$/,
  },
  'certificate-limit': {
    of: 'per-runner-identity',
    edits: [['  - { name: ams-run-2 }', '  - { name: ams-run-2 }\n  - { name: ams-run-3 }\n  - { name: ams-run-4 }']],
    verdict: 'error',
    nodes: ['ams-run-1', 'ams-run-2', 'ams-run-3', 'ams-run-4'],
    found: /a certificate on each of 4 nodes; Apple lets a team have 3 active distribution certificates \(2 in the Enterprise Program/,
  },
  'profiles-nowhere': {
    of: 'dedicated-signer',
    edits: [['profilesOn: [signer]', 'profilesOn: [publisher]']],
    verdict: 'error',
    nodes: [],
    found: /^Line ios-main puts profiles on \[publisher\], and no node that follows it has such a role$/,
  },
  'signer-without-profiles': {
    of: 'dedicated-signer',
    edits: [['profilesOn: [signer]', 'profilesOn: [compile]']],
    verdict: 'error',
    nodes: ['ams-sign-1', 'ams-sign-2'],
    found: /its signers ams-sign-1 and ams-sign-2 get none$/,
  },
  'publisher-role': {
    of: 'controlled-distribution',
    edits: [['publisher: ams-publish-1', 'publisher: ams-build-1']],
    verdict: 'error',
    nodes: ['ams-build-1'],
    found: /^ams-build-1 publishes line ios-main, and its roles are \[compile\]$/,
  },
  'publisher-off-line': {
    of: 'controlled-distribution',
    edits: [['roles: [publisher],', 'roles: [publisher], lines: [],']],
    verdict: 'error',
    nodes: ['ams-publish-1'],
    found: /^ams-publish-1 publishes line ios-main and does not follow it$/,
  },
  'publisher-apart': {
    of: 'controlled-distribution',
    edits: [[', reach: { kind: ssh, host: iad-build-2.mesh.acme.example, user: reseal }', '']],
    verdict: 'error',
    nodes: ['iad-build-2'],
    found: /^Line ios-main is mounted, and iad-build-2 is reached by an agent$/,
  },
  'publisher-with-key': {
    of: 'controlled-distribution',
    edits: [['roles: [publisher],', 'roles: [publisher, signer], keys: allowed,']],
    verdict: 'warning',
    nodes: ['ams-publish-1'],
    found: /^ams-publish-1 writes what every node of line ios-main reads, and may hold private keys$/,
  },
  'publisher-unused': {
    of: 'controlled-distribution',
    edits: [['iad-build-2, region: us-east', 'iad-build-2, region: us-east, roles: [publisher]']],
    verdict: 'warning',
    nodes: ['iad-build-2'],
    found: /^iad-build-2 is to publish, and no mounted line names it as publisher$/,
  },
  'cache-time': {
    of: 'controlled-distribution',
    edits: [[/ {4}cacheTime: .*\n/, '']],
    verdict: 'warning',
    nodes: [],
    found: /^Line ios-main is mounted, and does not say how long its mounts cache$/,
  },
  'signer-compiles': {
    of: 'dedicated-signer',
    edits: [['ams-sign-2, roles: [signer]', 'ams-sign-2, roles: [signer, compile]']],
    verdict: 'warning',
    nodes: ['ams-sign-2'],
    found: /^ams-sign-2 is a signer and a compile host: /,
  },
  'laptop-signer': {
    of: 'dedicated-signer',
    edits: [['ams-sign-2, roles: [signer]', 'ams-sign-2, hardware: macbook-pro, roles: [signer]']],
    verdict: 'warning',
    nodes: ['ams-sign-2'],
    found: /^ams-sign-2 is a laptop \(macbook-pro\) and a signer: /,
  },
  'image-moves': {
    of: 'dedicated-signer',
    edits: [['name: ams-build-2', 'name: ams-build-2, image: tahoe-latest']],
    verdict: 'warning',
    nodes: ['ams-build-2'],
    found: /^The image of ams-build-2 is "tahoe-latest", a name that moves$/,
  },
  'image-shared': {
    of: 'dedicated-signer',
    edits: [['ams-sign-1, roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2', 'ams-sign-1, roles: [signer], keys: allowed']],
    verdict: 'note',
    nodes: ['ams-sign-1'],
    found: /^ams-sign-1 of line ios-main is imaged like its build nodes \(tahoe-26\.1-b4\)$/,
  },
  'one-signer': {
    of: 'controlled-distribution',
    edits: [[/ {2}- \{\n {6}name: iad-sign-2,[^}]*\},\n {4}\}\n/, '']],
    verdict: 'warning',
    nodes: ['iad-sign-1'],
    found: /^Line ios-main has one signer in us-east \(iad-sign-1\): .* archives wait or cross regions$/,
  },
  'no-other-signer': {
    of: 'dedicated-signer',
    edits: [[/ {2}- \{ name: ams-sign-2.*\n/, '']],
    verdict: 'warning',
    nodes: ['ams-sign-1'],
    found: /goes to another signer where a keychain cannot be unlocked, and has none but ams-sign-1$/,
  },
  'mixed-environments': {
    of: 'dedicated-signer',
    edits: [['name: ams-build-2', 'name: ams-build-2, environment: staging']],
    verdict: 'warning',
    nodes: ['ams-build-2'],
    found: /followed by production nodes and by 1 node that is none \(ams-build-2\): one rotation moves both$/,
  },
  'node-without-key': {
    of: 'controlled-distribution',
    edits: [['reach: { kind: ssh, host: ams-build-1.mesh.acme.example, user: reseal }', 'reach: { kind: agent }']],
    verdict: 'warning',
    nodes: ['ams-build-1'],
    found:
      /^ams-build-1 is in production with an agent that signs nothing: whoever has the Temporal credentials of one Mac can answer for it$/,
  },
  'node-without-line': {
    of: 'dedicated-signer',
    edits: [['name: ams-build-2', 'name: ams-build-2, lines: []']],
    verdict: 'warning',
    nodes: ['ams-build-2'],
    found: /^ams-build-2 follows no line: no rotation reaches it$/,
  },
  'pools-share-line': {
    of: 'isolated-pools',
    edits: [['depot-build-1, pool: depot, lines: [depot-apps]', 'depot-build-1, pool: depot, lines: [courier-apps]']],
    verdict: 'warning',
    nodes: [],
    found: /^Line courier-apps is followed by 2 pools \(courier and depot\)/,
  },
  'pools-share-source': {
    of: 'isolated-pools',
    edits: [['sources: [depot]', 'sources: [courier]']],
    verdict: 'warning',
    nodes: [],
    found: /^Pools courier and depot have lines of their own and look for successors in one source, courier/,
  },
  'pools-share-store': {
    of: 'isolated-pools',
    edits: [['store: depot', 'store: courier']],
    verdict: 'note',
    nodes: [],
    found: /^Pools courier and depot keep their manifests and profiles in one store, courier/,
  },
  'pools-share-approvers': {
    of: 'isolated-pools',
    edits: [
      ['id: bogdan, name: Bogdan Iliev, roles: [approver, incident]', 'id: bogdan, name: Bogdan Iliev, roles: [incident]', 'roster.yaml'],
    ],
    verdict: 'warning',
    nodes: [],
    found: /one roster, for a folder has one: chiara may approve for each of them$/,
  },
  'wipeable-place': {
    of: 'dedicated-signer',
    edits: [['/usr/local/var/reseal/drop', '/private/tmp/drop', 'reseal.yaml']],
    verdict: 'warning',
    nodes: [],
    found: /^The source drop lies in \/tmp, which cleaners empty$/,
  },
};

describe('topology check finds', () => {
  it.each(Object.entries(CASES))('%s', async (code, { of, edits, verdict, nodes, found }) => {
    const same = ({ check: one, found: what }: { check: string; found: string }) => one === code && found.test(what);
    expect((await check(join(EXAMPLES, of))).view.findings.filter(same)).toEqual([]);
    const { exit, view } = await check(edited(of, edits));
    const [finding, ...more] = view.findings.filter(same);
    expect(finding, JSON.stringify(view.findings, null, 2)).toMatchObject({ verdict, nodes });
    expect(more).toEqual([]);
    for (const sentence of [finding!.found, finding!.expected, finding!.next]) expect(sentence).toMatch(/^\S.*[^.\s]$/);
    expect(exit).toBe(view.findings.some((one) => one.verdict === 'error') ? 1 : 0);
  });

  it('each where it is declared: file and line, errors before warnings before notes', async () => {
    const config = edited('dedicated-signer', [
      ['ams-sign-1, roles: [signer], keys: allowed, image: tahoe-26.1-sign-b2', 'ams-sign-1, roles: [signer], keys: allowed'],
      ['ams-sign-2, roles: [signer]', 'ams-sign-2, roles: [signer, compile]'],
      ['name: ams-build-2 }', 'name: ams-build-2, keys: allowed }'],
    ]);
    const lines = readFileSync(join(config, 'topology.yaml'), 'utf8').split('\n');
    const { view } = await check(config);
    const placed = view.findings.map(
      ({ verdict, at }) => `${verdict} ${lines[Number(at.replace('topology.yaml:', '')) - 1]?.match(/ams-\w+-\d/)?.[0] ?? '?'}`,
    );
    expect(placed).toEqual(['error ams-build-2', 'warning ams-sign-2', 'warning ams-sign-1', 'note ams-sign-1']);
  });

  it('certificates of several lines together above what Apple permits, as a warning, for they may be of several teams', async () => {
    const config = edited('per-runner-identity', [
      [
        'defaults:',
        '  mac-main: { identity: per-node, distribution: copy, profilesOn: [signer], store: main, successorOwner: alice }\ndefaults:',
      ],
      [
        '  - { name: ams-run-2 }',
        '  - { name: ams-run-2 }\n  - { name: mac-run-1, lines: [mac-main] }\n  - { name: mac-run-2, lines: [mac-main] }',
      ],
    ]);
    const limits = (await check(config)).view.findings.filter((one) => one.check === 'certificate-limit');
    expect(limits.map(({ verdict, lines }) => ({ verdict, lines }))).toEqual([
      { verdict: 'warning', lines: ['ios-main', 'mac-main'] },
      { verdict: 'note', lines: ['ios-main'] },
      { verdict: 'note', lines: ['mac-main'] },
    ]);
  });

  it('signers without keys and lines without signers of simulated nodes as notes: nothing is signed there', async () => {
    const simulated: Edit = ['defaults: { lines: [ios-main],', 'defaults: { environment: simulated, lines: [ios-main],'];
    const keyless = await check(edited('dedicated-signer', [simulated, [/, keys: allowed/g, '']]));
    expect(keyless).toMatchObject({ exit: 0, view: { findings: [{ verdict: 'note', check: 'signer-without-key' }] } });
    const unsigned = await check(
      edited('dedicated-signer', [simulated, [/ {2}- \{ name: ams-sign.*\n/g, ''], ['profilesOn: [signer]', 'profilesOn: [compile]']]),
    );
    expect(unsigned).toMatchObject({ exit: 0, view: { findings: [{ verdict: 'note', check: 'no-signer' }] } });
  });

  it('nothing shared between pools of one line, beside a pool that is apart', async () => {
    const config = edited('isolated-pools', [['courier-build-1, pool: courier,', 'courier-build-1, pool: courier-build,']]);
    const pools = (await check(config)).view.findings.map((one) => `${one.check} ${one.lines.join(' ')}`);
    expect(pools.toSorted()).toEqual([
      'node-without-key courier-apps depot-apps',
      'pools-share-approvers courier-apps depot-apps',
      'pools-share-line courier-apps',
    ]);
  });

  it('a publisher of a line that copies, and names six of many nodes in words, all of them in the document', async () => {
    const config = edited('dedicated-signer', [
      ['distribution: copy', 'distribution: copy\n    publisher: ams-build-1'],
      ['pipelines:', `${Array.from({ length: 8 }, (_, index) => `  - { name: idle-${index + 1}, lines: [] }\n`).join('')}pipelines:`],
    ]);
    expect((await check(config)).view.findings).toMatchObject([
      { verdict: 'warning', check: 'publisher-unused', found: 'Line ios-main names a publisher, and copies profiles to each node' },
      {
        check: 'node-without-line',
        found: expect.stringMatching(/^idle-1, idle-2, idle-3, idle-4, idle-5, idle-6 and 2 more follow no line/),
      },
      { check: 'node-without-key' },
    ]);
    expect((await check(config)).view.findings[1]?.nodes).toHaveLength(8);
  });

  it('a region without a signer, which is a note', async () => {
    const config = edited('controlled-distribution', [
      [/ {2}- \{\n {6}name: iad-sign-1,[^}]*\},\n {4}\}\n {2}- \{\n {6}name: iad-sign-2,[^}]*\},\n {4}\}\n/, ''],
    ]);
    expect((await check(config)).view.findings).toMatchObject([
      { verdict: 'note', check: 'one-signer', nodes: ['iad-build-1', 'iad-build-2'] },
    ]);
  });
});

describe('topology check', () => {
  it('says how far one revocation of each line reaches', async () => {
    const { view } = await check(join(EXAMPLES, 'controlled-distribution'));
    expect(view.lines).toEqual([
      {
        line: 'ios-main',
        topology: 'controlled distribution',
        identity: 'signers',
        distribution: 'mount',
        nodes: 9,
        mayHoldKeys: ['ams-sign-1', 'ams-sign-2', 'iad-sign-1', 'iad-sign-2'],
        revocation: { nodes: 8, pipelines: 2, bundles: 3, atMost: false },
      },
    ]);
  });

  it('shows each finding as found, expected and next, in aligned text', async () => {
    const config = edited('dedicated-signer', [['name: ams-build-2 }', 'name: ams-build-2, keys: allowed }']]);
    const ran = await reseal(['topology', 'check', '--config', config]);
    expect(ran.exit).toBe(1);
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toMatch(/^ios-main {2}dedicated signer {2}signers +copy +4 +ams-sign-1, ams-sign-2 and ams-build-2/m);
    expect(ran.stdout).toMatch(
      /^error +key-without-reason {2}topology\.yaml:\d+\n {2}found {5}ams-build-2 .*\n {2}expected {2}.*\n {2}next {6}/m,
    );
    expect(ran.stdout).toContain(`${config}: 1 error, 1 warning, 0 notes.`);
  });

  it.each([
    ['a mount without its publisher', / {4}publisher: .*\n/, '', 'lines.ios-main.publisher: found nothing'],
    [
      'state in a tree that is wiped',
      'ams-build-1, region: eu-west',
      'ams-build-1, region: eu-west, state: /tmp/reseal',
      'nodes.3.state: found "/tmp/reseal"',
    ],
  ])('leaves %s to the configuration, which refuses it (exit 2)', async (_what, from, to, detail) => {
    const ran = await reseal(['topology', 'check', '--config', edited('controlled-distribution', [[from, to]])]);
    expect(ran).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining(detail) });
  });
});
