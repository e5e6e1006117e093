import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { startHost, type TestHost } from '../setup/sshd.js';

/**
 * Declares nodes of a mesh as hosts with an sshd of their own. @param settings further ones of `ssh` in reseal.yaml
 * @param fits which nodes; all by default
 */
export async function behindSsh(
  mesh: SimulatedMesh,
  servers: TestHost[],
  settings: object = {},
  fits: (node: string) => boolean = () => true,
): Promise<void> {
  const topologyFile = join(mesh.folders.config, 'topology.yaml');
  const topology = parse(readFileSync(topologyFile, 'utf8')) as { nodes: Record<string, unknown>[] };
  const nodes: Record<string, unknown>[] = [];
  for (const node of topology.nodes) {
    const name = node['name'] as string;
    if (!fits(name)) {
      nodes.push(node);
      continue;
    }
    const home = join(mesh.folders.nodes, name);
    const base = join(home, 'usr/local/var/reseal');
    const server = await startHost({
      folder: join(mesh.folders.root, 'sshd', name),
      home,
      roots: [base],
      ...(existsSync(join(home, 'bin')) ? { bin: join(home, 'bin') } : {}),
    });
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
  writeFileSync(resealFile, stringify({ ...reseal, ssh: { knownHosts: 'known_hosts', config: 'ssh_config', ...settings } }));
}
