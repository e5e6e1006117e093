import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, startHost, type TestHost } from '../setup/sshd.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

/** Declares every node of a mesh as a host with an sshd of its own. */
async function behindSsh(mesh: SimulatedMesh, servers: TestHost[]): Promise<void> {
  const topologyFile = join(mesh.folders.config, 'topology.yaml');
  const topology = parse(readFileSync(topologyFile, 'utf8')) as { nodes: Record<string, unknown>[] };
  const nodes: Record<string, unknown>[] = [];
  for (const node of topology.nodes) {
    const home = join(mesh.folders.nodes, node['name'] as string);
    const base = join(home, 'usr/local/var/reseal');
    const server = await startHost({ folder: join(mesh.folders.root, 'sshd', node['name'] as string), home, roots: [base] });
    servers.push(server);
    const { host, port, user } = server;
    nodes.push({ ...node, mount: join(base, 'mount'), state: join(base, 'state'), reach: { kind: 'ssh', host, port, user } });
  }
  writeFileSync(topologyFile, stringify({ ...topology, nodes }));
  const all = (of: (server: TestHost) => string | null): string => servers.map((server) => readFileSync(of(server) ?? '', 'utf8')).join('');
  writeFileSync(
    join(mesh.folders.config, 'known_hosts'),
    all(({ settings }) => settings.knownHosts),
  );
  writeFileSync(
    join(mesh.folders.config, 'ssh_config'),
    all(({ settings }) => settings.config),
  );
  const resealFile = join(mesh.folders.config, 'reseal.yaml');
  const reseal = parse(readFileSync(resealFile, 'utf8')) as object;
  writeFileSync(resealFile, stringify({ ...reseal, ssh: { knownHosts: 'known_hosts', config: 'ssh_config' } }));
}

describe.skipIf(sshdMissing !== null)(`a mesh of six hosts over sshd${sshdMissing === null ? '' : ` (${sshdMissing})`}`, () => {
  let scenario: Scenario;
  const servers: TestHost[] = [];
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(hostsFolder(), 'mesh-'));
    scenario = await startScenario({ folder, changed: (mesh) => behindSsh(mesh, servers) });
  });
  afterAll(async () => {
    await scenario.end();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('rotates, is brought back from the gate byte for byte, and rotates again while a host is away for a moment; builds notice nothing (R2, R3, R6, R12)', async () => {
    const { mesh, before, interference } = scenario;
    await mesh.rotate();
    await mesh.untilGate();
    await mesh.tell('reject', 'ada');
    expect((await mesh.result()).outcome).toBe('rolled-back');
    expect(meshTruth(mesh)).toEqual(before);

    const held = interference.hold('switch', (_, target) => target !== mesh.mesh.manifest);
    await mesh.rotate();
    const name = await held.node();
    const server = servers[mesh.mesh.nodes.findIndex((node) => node.name === name)];
    if (server === undefined) throw new Error(`no host ${name}`);
    await server.stop();
    await server.cut();
    held.release();
    await server.restart();
    await mesh.approve('ada', 'grace');
    const end = await mesh.result();
    expect(end).toEqual({ id: 'ios-main-2', outcome: 'completed', reasons: [] });
    const head = await mesh.around.store('main').head(mesh.mesh.line);
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([head?.digest]));
  });
});
