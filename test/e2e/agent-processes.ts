import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import type { AgentProcessArguments } from './agent-process.js';
import type { GatewayProcessArguments } from './gateway-process.js';
import type { RotatingMesh } from './rotating-mesh.js';

const AGENT = fileURLToPath(new URL('agent-process.ts', import.meta.url));
const GATEWAY = fileURLToPath(new URL('gateway-process.ts', import.meta.url));

/** Declares nodes of a mesh, all by default, with an agent on them, and with the paths that they have on this machine. */
export async function behindAgents(mesh: SimulatedMesh, fits: (node: string) => boolean = () => true): Promise<void> {
  const file = join(mesh.folders.config, 'topology.yaml');
  const topology = parse(readFileSync(file, 'utf8')) as { nodes: { name: string }[] };
  const nodes = topology.nodes.map((node) => {
    if (!fits(node.name)) return node;
    const base = join(mesh.folders.nodes, node.name, 'usr/local/var/reseal');
    return { ...node, mount: join(base, 'mount'), state: join(base, 'state'), reach: { kind: 'agent' } };
  });
  writeFileSync(file, stringify({ ...topology, nodes }));
  return Promise.resolve();
}

/** Agents of a mesh, and gateways, a process each. */
export class AgentProcesses {
  private readonly running = new Map<string, ChildProcess>();
  private readonly said: string[] = [];

  constructor(private readonly mesh: RotatingMesh) {}

  async start(node: string, change: Pick<AgentProcessArguments, 'dieBefore' | 'lies'> = {}): Promise<void> {
    const given: AgentProcessArguments = { ...this.installation(), node, home: this.mesh.home(node), ...change };
    await this.run(node, AGENT, given);
  }

  /** What reaches the hosts of a region. */
  async startGateway(region: string): Promise<void> {
    const given: GatewayProcessArguments = { ...this.installation(), region, home: this.mesh.mesh.folders.root };
    await this.run(`gateway of ${region}`, GATEWAY, given);
  }

  private installation(): Pick<AgentProcessArguments, 'folder' | 'address' | 'namespace' | 'taskQueue'> {
    const { mesh } = this;
    const { address, namespace } = mesh.temporal;
    return { folder: mesh.mesh.folders.config, address, namespace, taskQueue: mesh.taskQueue };
  }

  private async run(name: string, program: string, given: object): Promise<void> {
    const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(given)], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.running.set(name, child);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => this.said.push(chunk.toString()));
    child.stderr.pipe(process.stderr, { end: false });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => { throw new Error(`${name} ended`); })]); // prettier-ignore
  }

  /** Everything that they have said so far, which is what launchd writes to their logs. */
  logs(): string {
    return this.said.join('');
  }

  /** Resolves when the agent of a node has ended, in whatever way. */
  async gone(node: string): Promise<void> {
    const child = this.running.get(node);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await once(child, 'exit');
  }

  /** As launchd does it. */
  async stop(node: string): Promise<number | null> {
    this.running.get(node)?.kill('SIGTERM');
    await this.gone(node);
    return this.running.get(node)?.exitCode ?? null;
  }

  async stopAll(): Promise<void> {
    for (const node of this.running.keys()) {
      this.running.get(node)?.kill('SIGKILL');
      await this.gone(node);
    }
  }
}
