import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ResealError } from '../domain/errors.js';
import type { Policy } from '../domain/policy.js';
import type { Roster } from '../domain/roster.js';
import { storeAddress } from '../domain/store-address.js';
import type { Topology } from '../domain/topology.js';
import { PolicySchema } from '../schema/policy.js';
import { ResealSchema, type ResealConfiguration, type SourceDeclaration, type CodecDeclaration } from '../schema/reseal.js';
import { RosterSchema } from '../schema/roster.js';
import { TopologySchema } from '../schema/topology.js';
import {
  checkApi,
  checkCodec,
  checkFloors,
  checkLines,
  checkNodes,
  checkPolicy,
  checkRoster,
  checkSinks,
  checkSources,
  checkStores,
  checkWipeable,
  observations,
  type Mismatch,
} from './cross-checks.js';
import { findingAt, readSource, validate, type ReadSource, type SourceFile } from './document.js';
import { describeFinding, type Finding } from './finding.js';

export interface Configuration {
  readonly topology: Topology;
  readonly policy: Policy;
  readonly roster: Roster;
  /** Paths of local files and folders are absolute. */
  readonly reseal: ResealConfiguration;
  readonly paths: { readonly folder: string } & Readonly<Record<FileKey, string>>;
  /** Allowed, and worth saying: sentences. */
  readonly observations: readonly string[];
}

type FileKey = 'topology' | 'policy' | 'roster' | 'reseal';
const FILES = ['topology', 'policy', 'roster', 'reseal'] as const satisfies readonly FileKey[];

/** `--config DIR`, else `RESEAL_CONFIG`, else `./reseal`; absolute. */
export function configurationFolder(flag: string | undefined, env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): string {
  const named = flag ?? (env['RESEAL_CONFIG'] === '' ? undefined : env['RESEAL_CONFIG']);
  return resolve(cwd, named ?? 'reseal');
}

function absolute(path: string, folder: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(folder, path);
}

/** A secret that a file holds. */
const absoluteSecret = <S extends object>(from: S, folder: string): S =>
  'file' in from ? { ...from, file: absolute(String(from.file), folder) } : from;

function withAbsoluteKeys(codec: Exclude<CodecDeclaration, 'none'>, folder: string): CodecDeclaration {
  const { control, nodes } = codec;
  return {
    ...codec,
    ...(control === undefined ? {} : { control: absoluteSecret(control, folder) }),
    ...(nodes === undefined ? {} : { nodes: absoluteSecret(nodes, folder) }),
  };
}

/** Paths of a source: its folder, its repository where that is on this machine, the file of its secret. */
function withAbsoluteSource(source: SourceDeclaration, folder: string): SourceDeclaration {
  const secret = <S extends object>(from: S): S => absoluteSecret(from, folder);
  switch (source.kind) {
    case 'drop':
      return { ...source, path: absolute(source.path, folder) };
    case 'match': {
      const url = storeAddress(source.url).kind === 'path' ? absolute(source.url, folder) : source.url;
      return { ...source, url, passphrase: secret(source.passphrase) };
    }
    case 'app-store-connect':
      return { ...source, key: secret(source.key) };
  }
}

function withAbsoluteApi(api: ResealConfiguration['api'], folder: string): ResealConfiguration['api'] {
  const { tls, oidc, client } = api;
  const orNull = (path: string | null): string | null => (path === null ? null : absolute(path, folder));
  return {
    ...api,
    ...(tls === undefined ? {} : { tls: { certificate: absolute(tls.certificate, folder), key: absolute(tls.key, folder) } }),
    ...(oidc === undefined ? {} : { oidc: { ...oidc, ca: orNull(oidc.ca) } }),
    ...(client === undefined ? {} : { client: { ...client, ca: orNull(client.ca), token: absoluteSecret(client.token, folder) } }),
  };
}

function withAbsolutePaths(reseal: ResealConfiguration, folder: string): ResealConfiguration {
  const mapValues = <V>(record: Readonly<Record<string, V>>, change: (value: V) => V): Record<string, V> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
  return {
    ...reseal,
    api: withAbsoluteApi(reseal.api, folder),
    stores: mapValues(reseal.stores, (store) =>
      store.kind === 'git' && storeAddress(store.url).kind === 'path' ? { ...store, url: absolute(store.url, folder) } : store,
    ),
    sources: mapValues(reseal.sources, (source) => withAbsoluteSource(source, folder)),
    ssh: {
      ...reseal.ssh,
      knownHosts: reseal.ssh.knownHosts === null ? null : absolute(reseal.ssh.knownHosts, folder),
      config: reseal.ssh.config === null ? null : absolute(reseal.ssh.config, folder),
    },
    ...(reseal.codec === undefined || reseal.codec === 'none' ? {} : { codec: withAbsoluteKeys(reseal.codec, folder) }),
    ...(reseal.orders === undefined ? {} : { orders: { key: absoluteSecret(reseal.orders.key, folder) } }),
    agent: { canary: reseal.agent.canary === null ? null : absolute(reseal.agent.canary, folder) },
    audit: {
      sinks: mapValues(reseal.audit.sinks, (sink) => (sink.kind === 'file' ? { ...sink, path: absolute(sink.path, folder) } : sink)),
    },
    trust: { extraRoots: reseal.trust.extraRoots.map((path) => absolute(path, folder)) },
    notify: { webhooks: reseal.notify.webhooks.map((webhook) => ({ ...webhook, secretFile: absolute(webhook.secretFile, folder) })) },
  };
}

function withAbsoluteHomes(topology: Topology, folder: string): Topology {
  const nodes = topology.nodes.map((node) =>
    node.reach.kind === 'local' ? { ...node, reach: { ...node.reach, home: absolute(node.reach.home, folder) } } : node,
  );
  return { ...topology, nodes };
}

function readAll(folder: string): Readonly<Record<FileKey, ReadSource>> {
  const read = FILES.map((key) => ({ key, source: readSource(`${key}.yaml`, join(folder, `${key}.yaml`)) }));
  const missing = read.filter(({ source }) => source === null).map(({ key }) => `${key}.yaml`);
  if (missing.length > 0) {
    const what = missing.length === FILES.length ? 'no configuration' : `no ${missing.join(', no ')}`;
    throw new ResealError(
      'CONFIG_MISSING',
      `There is ${what} in ${folder}. Name its folder with --config or RESEAL_CONFIG; docs/operating.md shows one.`,
    );
  }
  return Object.fromEntries(read.map(({ key, source }) => [key, source])) as Record<FileKey, ReadSource>;
}

/**
 * Reads and checks the four files of a configuration folder. Throws CONFIG_MISSING, or CONFIG_INVALID whose details name every finding
 * at once: file, line, field, what was found and what was expected.
 */
export function loadConfiguration(folder: string): Configuration {
  return checkConfiguration(readAll(folder), folder);
}

/** As `loadConfiguration`, of files that were read. */
export function checkConfiguration(read: Readonly<Record<FileKey, ReadSource>>, folder: string): Configuration {
  const findings = FILES.flatMap((key) => [...read[key].findings]);
  const sources = Object.fromEntries(FILES.map((key) => [key, read[key].file])) as Record<FileKey, SourceFile>;
  const valid = <T>(key: FileKey, result: { readonly value: T } | { readonly findings: readonly Finding[] }): T | null => {
    if ('value' in result) return result.value;
    // A file that is no YAML has been reported as that; that it is also not of the right form says nothing more.
    if (!findings.some((finding) => finding.file === sources[key].name)) findings.push(...result.findings);
    return null;
  };
  const written = valid('topology', validate(sources.topology, TopologySchema));
  const policy = valid('policy', validate(sources.policy, PolicySchema));
  const roster = valid('roster', validate(sources.roster, RosterSchema));
  const reseal = valid('reseal', validate(sources.reseal, ResealSchema));
  const topology = written === null ? null : withAbsoluteHomes(written, folder);

  const report = (key: FileKey, mismatches: readonly Mismatch[]): void => {
    findings.push(...mismatches.map(({ path, found, expected }) => findingAt(sources[key], path, found, expected)));
  };
  if (topology !== null) {
    report('topology', [
      ...checkLines(topology, reseal, roster),
      ...checkNodes(topology),
      ...checkWipeable(topology, policy?.wipeable ?? []),
    ]);
  }
  if (policy !== null) report('policy', checkPolicy(policy, roster));
  if (policy !== null && topology !== null) report('policy', checkFloors(policy, topology));
  if (roster !== null) report('roster', checkRoster(roster));
  if (reseal !== null)
    report('reseal', [...checkStores(reseal), ...checkSources(reseal), ...checkSinks(reseal), ...checkCodec(reseal), ...checkApi(reseal)]);

  if (findings.length > 0 || topology === null || policy === null || roster === null || reseal === null) {
    const count = `${findings.length} ${findings.length === 1 ? 'thing is' : 'things are'} wrong`;
    throw new ResealError('CONFIG_INVALID', `${count} in the configuration in ${folder}.`, { details: findings.map(describeFinding) });
  }
  const path = (key: FileKey): string => join(folder, `${key}.yaml`);
  return {
    topology,
    policy,
    roster,
    reseal: withAbsolutePaths(reseal, folder),
    paths: { folder, topology: path('topology'), policy: path('policy'), roster: path('roster'), reseal: path('reseal') },
    observations: observations(topology),
  };
}
