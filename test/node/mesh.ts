import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNodeActivities,
  parseJournal,
  type JournalEntry,
  type NodeActivityDeps,
  type ProfileVerdict,
  type ProfileVerifier,
} from '../../activities/node/index.js';
import type { SealedFor, SealedIdentity } from '../../activities/manifest-store/contract.js';
import type { LineName, NodeName, Sha1, Sha256, TeamId, Uuid } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import type { Policy } from '../../src/domain/policy.js';
import type { KeychainPolicy, LineDeclaration, NodeDeclaration, Topology } from '../../src/domain/topology.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { thisMac } from '../../src/node-shell/place.js';
import { reachOnly } from '../../src/node-shell/reach.js';
import { SshNode } from '../../src/node-shell/ssh/node.js';
import { SshSessions } from '../../src/node-shell/ssh/sessions.js';
import { mountVolume } from '../../src/simulator/mesh/volume.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { startHost, type TestHostRequest } from '../setup/sshd.js';

export const LINE = 'ios-main' as LineName;
export const NODE = 'ams-build-1' as NodeName;
export const PUBLISHER = 'ams-publish-1' as NodeName;
/** How long the mounts of a published line may show what was there before. */
export const CACHE_TIME = 60_000;
export const MOUNT = '/usr/local/var/reseal/mount';
export const TEAM = '9QK4T7XW2B' as TeamId;
export const IDENTITY = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31' as Sha1;
export const NOW = Date.parse('2026-03-01T09:00:00Z');
export const XCODE16 = 'Library/Developer/Xcode/UserData/Provisioning Profiles';
export const LEGACY = 'Library/MobileDevice/Provisioning Profiles';
const BUNDLES = ['com.acme.courier', 'com.acme.courier.notify', 'com.acme.courier.share', 'com.acme.courier.widget'];

export function uuidOf(name: string): Uuid {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-') as Uuid;
}

/** Bytes that stand for a profile here: what they mean is the verifier's business. */
export const profileBytes = (name: string): Uint8Array => Buffer.from(`profile ${name}\n`.repeat(500));

export function entry(bundleId: string, generation: string, more: Partial<ManifestEntry> = {}, identity = IDENTITY): ManifestEntry {
  const name = `${bundleId} ${generation}`;
  const uuid = uuidOf(name);
  return {
    app: 'courier',
    role: bundleId === BUNDLES[0] ? 'host' : 'extension',
    team: TEAM,
    bundleId,
    method: 'app-store',
    targets: [bundleId.split('.').at(-1)!],
    identity,
    profile: {
      uuid,
      fileName: `${uuid}.mobileprovision`,
      sha256: sha256Of(profileBytes(name)),
      name,
      appId: `${TEAM}.${bundleId}`,
      platforms: ['iOS'],
      certificates: [identity],
      createdAt: '2025-11-29T09:24:31Z',
      expiresAt: '2026-11-29T09:14:07Z',
    },
    ...more,
  };
}

/** Makes the real profile of an entry; without it the bytes only stand for one. */
export type ProfileMaker = (entry: ManifestEntry) => Uint8Array;

export function withProfiles(manifest: Manifest, make: ProfileMaker): Manifest {
  const profiles = manifest.profiles.map((one) => ({ ...one, profile: { ...one.profile, sha256: sha256Of(make(one)) } }));
  return { ...manifest, profiles };
}

export function manifestOf(generation: string, bundles: readonly string[] = BUNDLES, line = LINE, identity = IDENTITY): Manifest {
  const certificate = {
    commonName: 'Apple Distribution: Acme GmbH (9QK4T7XW2B)',
    team: TEAM,
    serial: '5F2C9A1E77B04D33',
    expiresAt: '2027-03-02T11:40:12Z',
  };
  return {
    schemaVersion: 1,
    line,
    certificates: { [identity]: certificate },
    profiles: bundles.map((bundle) => entry(bundle, generation, {}, identity)),
  };
}

/** A store in memory, for nodes: content by digest, and a switch to make it unreachable. */
export class MemoryStore {
  reachable = true;
  readonly reads: string[] = [];
  private readonly content = new Map<string, Uint8Array>();

  put(bytes: Uint8Array): Sha256 {
    const digest = sha256Of(bytes);
    this.content.set(digest, bytes);
    return digest;
  }
  corrupt(digest: Sha256): void {
    this.content.set(digest, Buffer.from('something else'));
  }
  putManifest(manifest: Manifest, generation: string): Sha256 {
    for (const one of manifest.profiles) this.put(profileBytes(`${one.bundleId} ${generation}`));
    return this.put(freezeManifest(manifest).bytes);
  }
  private async get(digest: Sha256): Promise<Uint8Array> {
    this.reads.push(digest);
    if (!this.reachable) throw new ResealError('STORE_UNREACHABLE', 'The store is out of reach.');
    const bytes = this.content.get(digest);
    if (bytes === undefined) throw new ResealError('NOT_FOUND', `The store has no ${digest}.`);
    return bytes;
  }
  manifest = (digest: Sha256): Promise<Uint8Array> => this.get(digest);
  profile = (digest: Sha256): Promise<Uint8Array> => this.get(digest);
  readonly sealed = new Map<string, Uint8Array>();
  sealedIdentity = async ({ identity, node, recipient }: SealedFor): Promise<SealedIdentity | null> => {
    if (!this.reachable) throw new ResealError('STORE_UNREACHABLE', 'The store is out of reach.');
    const bytes = this.sealed.get(`${identity} ${node} ${recipient}`);
    return bytes === undefined ? null : { bytes, sha256: sha256Of(bytes), importedBy: 'alice' };
  };
  frozen = async (digest: Sha256): Promise<unknown> => JSON.parse(Buffer.from(await this.get(digest)).toString('utf8'));
}

/** Says `valid` of every profile that the manifests describe, and what a test tells it to say of others. */
export class RecordedVerifier implements ProfileVerifier {
  calls = 0;
  readonly verdicts = new Map<Sha256, ProfileVerdict | Error>();
  constructor(manifests: readonly Manifest[]) {
    for (const { profile, team } of manifests.flatMap((manifest) => manifest.profiles)) {
      this.verdicts.set(profile.sha256, {
        status: 'valid',
        reason: '',
        uuid: profile.uuid,
        team,
        expiresAt: Date.parse(profile.expiresAt),
      });
    }
  }
  async verify(_bytes: Uint8Array, sha256: Sha256): Promise<ProfileVerdict> {
    this.calls += 1;
    const verdict = this.verdicts.get(sha256);
    if (verdict === undefined) return { status: 'untrusted', reason: 'no such signer', uuid: null, team: null, expiresAt: null };
    if (verdict instanceof Error) throw verdict;
    return verdict;
  }
}

export const POLICY = {
  schemaVersion: 1,
  wipeable: [],
  probe: { passes: 3, interval: 10_000, checkTimeout: 60_000, inconclusiveFor: 25_000 },
  clock: { maxSkew: 60_000 },
  specifiers: 'uuid-only',
  retirement: { secondGate: false, maxBuildDuration: 14_400_000, overduePinPageEvery: 14_400_000 },
  limits: { nodeOperationTimeout: 300_000 },
} as unknown as Policy;

export interface World {
  readonly home: string;
  readonly store: MemoryStore;
  readonly verifier: RecordedVerifier;
  readonly from: Sha256;
  readonly to: Sha256;
  readonly manifests: { readonly from: Manifest; readonly to: Manifest };
  /** Home of the publisher of the line's volume; empty where there is none. */
  readonly publisher: string;
  now: number;
  readonly sleeps: number[];
  readonly beats: unknown[];
  order(epoch?: number, opId?: string, node?: NodeName): NodeOrder;
  deps(more?: Partial<NodeActivityDeps>): NodeActivityDeps;
  activities(more?: Partial<NodeActivityDeps>): ReturnType<typeof createNodeActivities>;
  /** The same on the node's own disk, however it is reached: for what only makes it ready, which is not what a test is about. */
  onItsDisk(): ReturnType<typeof createNodeActivities>;
  journal(): Promise<readonly JournalEntry[]>;
  /** Staged `from`, and active. */
  settled(): Promise<void>;
  remove(): Promise<void>;
}

export function declaration(home: string, more: Partial<NodeDeclaration> = {}): NodeDeclaration {
  return {
    name: NODE,
    region: 'eu-west',
    environment: 'simulated',
    lines: [LINE],
    pool: 'main',
    roles: ['compile'],
    keys: 'forbidden',
    image: 'tahoe-26.1-b4',
    profileFolders: ['xcode16', 'legacy'],
    mount: '/usr/local/var/reseal/mount',
    state: '/usr/local/var/reseal/state',
    hardware: 'mac-mini',
    reach: { kind: 'local', home },
    ...more,
  };
}

/** How the nodes of this test file are reached: the very same tests run over each. */
let over: 'local' | 'ssh' | 'agent' = 'local';
let hostIs: Partial<TestHostRequest> = {};
export function reachNodesOver(kind: typeof over, host: Partial<TestHostRequest> = {}): void {
  over = kind;
  hostIs = host;
}
/** For tests that put themselves in between on this machine. */
export const nodesAreLocal = (): boolean => over === 'local';

/** Hosts whose world nobody has removed. */
const hosts = new Set<() => Promise<void>>();
export async function stopHosts(): Promise<void> {
  for (const stop of hosts) await stop();
  hosts.clear();
}

interface Reached {
  readonly node: Partial<NodeDeclaration>;
  readonly deps: Partial<NodeActivityDeps>;
  /** From this machine, where the home is. */
  readonly onItsDisk: Partial<NodeActivityDeps>;
  stop(): Promise<void>;
}

/** The paths of the node are those of this machine. */
function diskOf(home: string): Partial<NodeActivityDeps> {
  const bin = join(home, 'bin');
  const place = thisMac(home, existsSync(bin) ? `${bin}:/usr/bin:/bin` : '/nonexistent');
  return { reach: (node) => new LocalNode(node.name, place) };
}

/** This machine is the node, with the paths that it has here, as for an agent. */
function agentFor(home: string): Reached {
  const base = join(home, 'usr/local/var/reseal');
  const place = thisMac(home, '/nonexistent');
  return {
    node: { mount: join(base, 'mount'), state: join(base, 'state'), reach: { kind: 'agent' } },
    deps: { reach: (node) => reachOnly(node.name, place).files(node) },
    onItsDisk: diskOf(home),
    stop: () => Promise.resolve(),
  };
}

/** A host of its own for each home: its node is declared with the paths that it has there. */
async function hostFor(home: string): Promise<Reached> {
  const base = join(home, 'usr/local/var/reseal');
  const folder = await mkdtemp(join(tmpdir(), 'reseal-sshd-'));
  const bin = join(home, 'bin');
  const server = await startHost({ folder, home, roots: [base], ...(existsSync(bin) ? { bin } : {}), ...hostIs });
  const { host, port, user } = server;
  const sessions = new SshSessions(server.settings);
  const stop = async (): Promise<void> => {
    sessions.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  hosts.add(stop);
  return {
    node: { mount: join(base, 'mount'), state: join(base, 'state'), reach: { kind: 'ssh', host, port, user } },
    deps: { reach: (node) => new SshNode({ node: node.name, host, port, user }, sessions) },
    onItsDisk: diskOf(home),
    stop: async () => {
      hosts.delete(stop);
      await stop();
    },
  };
}

const besides = (home: string, node: NodeName): string => `${home}-${node}`;
const publisherHome = (home: string): string => besides(home, PUBLISHER);

/** The publisher, and nodes that mount its volume, as the one in `home` does. */
async function mountedNodes(home: string, more: readonly NodeName[]): Promise<readonly NodeDeclaration[]> {
  const volume = join(publisherHome(home), MOUNT);
  for (const reader of [home, ...more.map((name) => besides(home, name))]) await mountVolume({ home: reader, volume, mount: MOUNT });
  return [
    declaration(publisherHome(home), { name: PUBLISHER, roles: ['publisher'] }),
    ...more.map((name) => declaration(besides(home, name), { name })),
  ];
}

export async function world(
  options: {
    readonly node?: Partial<NodeDeclaration>;
    readonly policy?: Partial<Policy>;
    readonly home?: string;
    readonly identity?: Sha1;
    /** Of the manifest to rotate to; the same as before by default. */
    readonly newIdentity?: Sha1;
    readonly keychains?: KeychainPolicy;
    readonly profiles?: ProfileMaker;
    /** What the node's line declares otherwise. */
    readonly line?: Partial<LineDeclaration>;
    /** The line is published by `PUBLISHER`, and the node mounts its volume; more nodes than the one that have it. */
    readonly volume?: { readonly more?: readonly NodeName[] };
    /** Changes the manifests before they are frozen. */
    readonly manifest?: (manifest: Manifest) => Manifest;
  } = {},
): Promise<World> {
  const home = options.home ?? (await mkdtemp(join(over === 'local' ? tmpdir() : hostsFolder(), 'reseal-node-')));
  await mkdir(home, { recursive: true });
  const host = over === 'local' ? null : over === 'agent' ? agentFor(home) : await hostFor(home);
  const store = new MemoryStore();
  const made = (generation: string, identity?: Sha1): Manifest => {
    const plain = (options.manifest ?? ((same) => same))(manifestOf(generation, BUNDLES, LINE, identity));
    if (options.profiles === undefined) return plain;
    for (const one of plain.profiles) store.put(options.profiles(one));
    return withProfiles(plain, options.profiles);
  };
  const manifests = { from: made('2025', options.identity), to: made('2026', options.newIdentity ?? options.identity) };
  const from = store.putManifest(manifests.from, '2025');
  const to = store.putManifest(manifests.to, '2026');
  const lines: Topology['lines'] = {
    [LINE]: {
      identity: 'signers',
      distribution: 'copy',
      profilesOn: ['signer', 'compile'],
      store: 'main',
      sources: [],
      successorOwner: 'alice' as never,
      ...(options.volume === undefined ? {} : { distribution: 'mount' as const, publisher: PUBLISHER, cacheTime: CACHE_TIME }),
      ...options.line,
      ...(options.keychains === undefined ? {} : { keychains: options.keychains }),
    },
    ['other' as LineName]: {
      identity: 'signers',
      distribution: 'copy',
      profilesOn: ['compile'],
      store: 'main',
      sources: [],
      successorOwner: 'alice' as never,
    },
  };
  const topology: Topology = {
    schemaVersion: 1,
    installation: 'test',
    lines,
    nodes: [
      declaration(home, { ...host?.node, ...options.node }),
      ...(options.volume === undefined ? [] : await mountedNodes(home, options.volume.more ?? [])),
    ],
    pipelines: [],
  };
  const topologyDigest = store.put(Buffer.from(canonicalJson(topology)));
  const policyDigest = store.put(Buffer.from(canonicalJson({ ...POLICY, ...options.policy })));
  const verifier = new RecordedVerifier([manifests.from, manifests.to]);
  const self: World = {
    home,
    store,
    verifier,
    from,
    to,
    manifests,
    now: NOW,
    sleeps: [],
    beats: [],
    publisher: options.volume === undefined ? '' : publisherHome(home),
    order: (epoch = 1000, opId = 'op-1', node = NODE) => ({
      node,
      line: LINE,
      rotation: 'ios-main-1',
      epoch,
      opId,
      notAfter: self.now + 300_000,
      offset: 0,
      sentAt: self.now,
      topology: topologyDigest,
      policy: policyDigest,
    }),
    deps: (more = {}) => ({
      store,
      verifier,
      clock: () => self.now,
      sleep: async (milliseconds) => {
        self.sleeps.push(milliseconds);
        self.now += milliseconds;
      },
      attempt: () => ({ number: 1, startedAt: null }),
      heartbeat: (details) => self.beats.push(details),
      ...host?.deps,
      ...more,
    }),
    activities: (more) => createNodeActivities(self.deps(more)),
    onItsDisk: () => createNodeActivities(self.deps(host?.onItsDisk)),
    journal: async () => parseJournal(await readFile(join(home, 'usr/local/var/reseal/state/journal'), 'utf8')),
    settled: async () => {
      const activities = self.onItsDisk();
      for (const { name } of topology.nodes) {
        await activities.stageNode({ ...self.order(1, 'settle-stage', name), rotation: 'ios-main-0', to: from });
        await activities.switchNode({ ...self.order(1, 'settle-switch', name), rotation: 'ios-main-0', target: from, revertTo: null });
      }
    },
    remove: async () => {
      await host?.stop();
      for (const one of options.volume === undefined ? [] : [PUBLISHER, ...(options.volume.more ?? [])])
        await rm(besides(home, one), { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    },
  };
  return self;
}

/** Everything below a folder: path, kind, mode, and digest of the bytes. */
export async function tree(root: string, skip: (path: string) => boolean = () => false): Promise<readonly string[]> {
  const lines: string[] = [];
  const walk = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(root, path)).catch(() => [])).sort()) {
      const below = join(path, name);
      if (skip(below)) continue;
      const stat = await lstat(join(root, below));
      const mode = (stat.mode & 0o777).toString(8);
      if (stat.isDirectory()) {
        lines.push(`${below}/ ${mode}`);
        await walk(below);
      } else if (stat.isSymbolicLink()) lines.push(`${below} -> ${await readlink(join(root, below))}`);
      else lines.push(`${below} ${mode} ${sha256Of(await readFile(join(root, below)))}`);
    }
  };
  await walk('');
  return lines;
}

/** What builds see: profile folders and mount, without the agent's own state. */
export const visible = (home: string): Promise<readonly string[]> => tree(home, (path) => path === 'usr/local/var/reseal/state');

/** The node without what differs from run to run: journal and folders. */
export const lasting = (home: string): Promise<readonly string[]> => tree(home, (path) => /state\/(journal|folders\.json)$/.test(path));

export const randomName = (): string => randomBytes(4).toString('hex');
