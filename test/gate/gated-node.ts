import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeReport } from '../../src/domain/node/report.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { setClock } from '../../src/simulator/mac/install.js';
import { LINE, NODE, NOW, world, XCODE16, LEGACY, type World } from '../node/mesh.js';
import { request } from '../profile/support.js';
import type { Mac } from '../simulator/mac/support.js';

export const GATE = fileURLToPath(new URL('../../scripts/assert-signing-context.mjs', import.meta.url));
export const REGION = 'eu-west';

export interface Answer {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The line for the log index. */
  readonly log: {
    readonly verdict: string;
    readonly manifest: string | null;
    readonly active: string;
    readonly parallel: boolean;
    readonly node: string;
    readonly region: string | null;
    readonly image: string | null;
    readonly identities: { readonly raw: string; readonly sorted: string; readonly usable: number } | null;
    readonly profiles: number;
    readonly pin: { readonly manifest: string; readonly expires: string } | null;
    readonly released: number;
    readonly findings: readonly string[];
    readonly reasons: readonly {
      readonly check: string;
      readonly message: string;
      readonly expected: string;
      readonly found: string;
      readonly next: string;
    }[];
  };
}

/** A process to its end, its standard output and error apart. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Omit<Answer, 'log'>> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString('utf8')));
    child.on('error', failed);
    child.on('close', (exit) => done({ exit, stdout, stderr }));
  });
}

/** What of the node is reseal's. */
const KEPT = ['usr/local/var/reseal', XCODE16, LEGACY];

/** A signer with two identities that follow each other, as a job of the account that builds sees it. */
export class GatedNode {
  private constructor(
    readonly mac: Mac,
    readonly mesh: World,
  ) {}

  /** On a Mac that has had a node before, its mount, state and profiles are made anew; keychains stay. */
  static async settled(
    mac: Mac,
    old: DistributionCertificate,
    fresh: DistributionCertificate,
    node: Partial<NodeDeclaration> = {},
  ): Promise<GatedNode> {
    await setClock(mac.home, new Date(NOW));
    rmSync(mac.path('settled'), { recursive: true, force: true });
    for (const folder of KEPT) rmSync(join(mac.home, folder), { recursive: true, force: true });
    const mesh = await world({
      home: mac.home,
      node: { environment: 'simulated', keys: 'allowed', roles: ['signer'], region: REGION, ...node },
      identity: old.sha1,
      newIdentity: fresh.sha1,
      profiles: ({ bundleId, identity, profile }) =>
        mac.apple.makeProfile(
          request({
            certificates: [identity === old.sha1 ? old : fresh],
            uuid: profile.uuid,
            name: profile.name,
            bundleId,
            createdAt: new Date(profile.createdAt),
            expiresAt: new Date(profile.expiresAt),
          }),
        ),
      manifest: (manifest) => ({
        ...manifest,
        certificates: Object.fromEntries(
          Object.entries(manifest.certificates).map(([sha1, one]) => [sha1, { ...one, commonName: fresh.commonName }]),
        ),
      }),
    });
    await mesh.settled();
    const settled = new GatedNode(mac, mesh);
    for (const folder of KEPT) cpSync(join(mac.home, folder), join(settled.copy, folder), { recursive: true });
    return settled;
  }

  private get copy(): string {
    return this.mac.path('settled');
  }

  /** Mount, state and profiles as they were when the node was settled. */
  reset(): void {
    for (const folder of KEPT) {
      rmSync(join(this.mac.home, folder), { recursive: true, force: true });
      cpSync(join(this.copy, folder), join(this.mac.home, folder), { recursive: true });
    }
  }

  readonly base = 'usr/local/var/reseal';
  get mount(): string {
    return join(this.mac.home, this.base, 'mount');
  }
  get state(): string {
    return join(this.mac.home, this.base, 'state');
  }
  get pointer(): string {
    return join(this.mount, LINE, 'profiles.json');
  }

  /** What a job's environment says on this node; the programs of the Mac come first. */
  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
      PATH: `${join(this.mac.home, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: this.mac.home,
      RESEAL_MOUNT: this.mount,
      RESEAL_STATE: this.state,
      RESEAL_NODE: NODE,
      IMAGE_ID: 'tahoe-26.1-b4',
      ...more,
    };
  }

  /** Where a job works; nothing of reseal is there. */
  get workspace(): string {
    const folder = join(this.mac.home, 'workspace');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** A shell line of a job. */
  async shell(line: string, env: NodeJS.ProcessEnv = {}, cwd = this.workspace): Promise<Answer> {
    return this.answered(await run('/bin/sh', ['-c', line], this.env(env), cwd));
  }

  async gate(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    return this.answered(await run(process.execPath, [GATE, ...args], this.env(env), this.workspace));
  }

  private answered(ran: Omit<Answer, 'log'>): Answer {
    const lines = ran.stdout.trimEnd().split('\n');
    if (lines.length !== 1) throw new Error(`one line was expected: ${ran.stdout}\n${ran.stderr}`);
    return { ...ran, log: JSON.parse(ran.stdout) as Answer['log'] };
  }

  /** The gate with what this node has now, as `security` prints it. */
  async asExpected(more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    return this.gate([...this.expecting(), ...more], env);
  }

  expecting(change: { readonly manifest?: string; readonly signing?: string; readonly region?: string } = {}): readonly string[] {
    const { manifest = this.mesh.from, signing = this.summary(), region = REGION } = change;
    return ['--expect-manifest', manifest, '--expect-signing', signing, '--region', region];
  }

  /** As `shasum` of the runbook: SHA-1 of what is printed. */
  summary(): string {
    return this.mac.run('sh', ['-c', 'security find-identity -v -p codesigning | shasum']).stdout.split(' ')[0] ?? '';
  }

  /** What reseal itself reports of the node. */
  inspect(manifest = this.mesh.from): Promise<NodeReport> {
    return this.mesh.activities().inspectNode({ ...this.mesh.order(), manifest, everyCheck: true });
  }

  accepted(): readonly string[] {
    return (JSON.parse(readFileSync(join(this.state, 'accepted.json'), 'utf8')) as Record<string, readonly string[]>)[LINE] ?? [];
  }
}
