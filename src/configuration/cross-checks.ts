import type { NodeDeclaration, ProfileFolder, Topology } from '../domain/topology.js';
import type { Policy } from '../domain/policy.js';
import type { Roster } from '../domain/roster.js';
import { bucketEndpoint, type BucketEndpoint } from '../domain/bucket-endpoint.js';
import { storeAddress, type StoreAddress } from '../domain/store-address.js';
import { antiPatterns } from '../domain/topology-review/anti-patterns.js';
import { wipeableTreeOf } from '../domain/wipeable.js';
import type { ResealConfiguration, StoreDeclaration } from '../schema/reseal.js';
import type { Path } from './finding.js';

/** What one file says that another one, or another place in it, does not bear out. */
export interface Mismatch {
  readonly path: Path;
  readonly found: string;
  readonly expected: string;
}

const quoted = (text: string): string => JSON.stringify(text);
const oneOf = (what: string, names: readonly string[]): string =>
  names.length === 0 ? `${what}, but none is declared` : `${what}: ${names.join(', ')}`;

/** Where Xcode reads profiles, newest first; Apple's own folders (mac-tools.md). */
const PROFILE_FOLDERS: Readonly<Record<ProfileFolder, string>> = {
  xcode16: '~/Library/Developer/Xcode/UserData/Provisioning Profiles',
  legacy: '~/Library/MobileDevice/Provisioning Profiles',
};

/** Positions of items whose name an earlier one has. */
function repeated<T>(items: readonly T[], nameOf: (item: T) => string): number[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const again = seen.has(nameOf(item));
    seen.add(nameOf(item));
    return again ? [index] : [];
  });
}

/** Lines, stores, sources, persons and publishers that a topology names. */
export function checkLines(topology: Topology, reseal: ResealConfiguration | null, roster: Roster | null): Mismatch[] {
  return Object.entries(topology.lines).flatMap(([name, line]) => {
    const at = (...path: Path): Path => ['lines', name, ...path];
    const mismatches: Mismatch[] = [];
    if (reseal !== null && !(line.store in reseal.stores)) {
      mismatches.push({
        path: at('store'),
        found: quoted(line.store),
        expected: oneOf('a store of reseal.yaml', Object.keys(reseal.stores)),
      });
    }
    line.sources.forEach((source, index) => {
      if (reseal !== null && !(source in reseal.sources)) {
        mismatches.push({
          path: at('sources', index),
          found: quoted(source),
          expected: oneOf('a source of reseal.yaml', Object.keys(reseal.sources)),
        });
      }
    });
    if (roster !== null && !roster.persons.some((person) => person.id === line.successorOwner)) {
      mismatches.push({ path: at('successorOwner'), found: quoted(line.successorOwner), expected: 'the id of a person of roster.yaml' });
    }
    if (line.publisher !== undefined && !topology.nodes.some((node) => node.name === line.publisher)) {
      mismatches.push({ path: at('publisher'), found: quoted(line.publisher), expected: 'the name of a node' });
    }
    if (line.distribution === 'mount' && line.publisher === undefined) {
      mismatches.push({
        path: at('publisher'),
        found: 'nothing',
        expected: 'the node that publishes the volume, since distribution is mount',
      });
    }
    if (line.identity === 'sidecar' && line.sidecar === undefined) {
      mismatches.push({
        path: at('sidecar'),
        found: 'nothing',
        expected: 'sidecar: {socket: PATH}, where nodes reach the keys, since identity is sidecar',
      });
    }
    if (line.identity !== 'sidecar' && line.sidecar !== undefined) {
      mismatches.push({ path: at('sidecar'), found: 'a sidecar', expected: `none, since identity is ${line.identity}` });
    }
    return mismatches;
  });
}

/** Addresses of stores that could not be used, or that would show a credential. */
export function checkStores(reseal: ResealConfiguration): Mismatch[] {
  return Object.entries(reseal.stores).flatMap(([name, store]) => {
    const { field, address } = addressOf(store);
    return address.kind === 'refused' ? [{ path: ['stores', name, field], found: address.found, expected: address.expected }] : [];
  });
}

/** The same of copies of the audit log in buckets; and those in the ledger need one that is elsewhere. */
export function checkSinks({ audit, database }: ResealConfiguration): Mismatch[] {
  return Object.entries(audit.sinks).flatMap(([name, sink]) => {
    // It lies in the home, beside the chains that it would be a copy of, and one process alone may open it.
    if (sink.kind === 'ledger' && database === 'embedded')
      return [{ path: ['audit', 'sinks', name, 'kind'], found: 'ledger, and database: embedded', expected: 'a database of its own, database: env:NAME, or a sink of another kind' }]; // prettier-ignore
    if (sink.kind !== 'bucket' || sink.endpoint === null) return [];
    const endpoint = bucketEndpoint(sink.endpoint);
    return endpoint.kind === 'refused'
      ? [{ path: ['audit', 'sinks', name, 'endpoint'], found: endpoint.found, expected: endpoint.expected }]
      : [];
  });
}

/** The same of sources that are repositories. */
export function checkSources(reseal: ResealConfiguration): Mismatch[] {
  return Object.entries(reseal.sources).flatMap(([name, source]) => {
    const address = source.kind === 'match' ? storeAddress(source.url) : null;
    return address?.kind === 'refused' ? [{ path: ['sources', name, 'url'], found: address.found, expected: address.expected }] : [];
  });
}

function addressOf(store: StoreDeclaration): { readonly field: string; readonly address: StoreAddress | BucketEndpoint } {
  switch (store.kind) {
    case 'git':
      return { field: 'url', address: storeAddress(store.url) };
    case 'bucket':
      return { field: 'endpoint', address: store.endpoint === null ? AMAZON : bucketEndpoint(store.endpoint) };
  }
}

const AMAZON: BucketEndpoint = { kind: 'endpoint', url: '' };

/** What a node has and an earlier one has as well, where each has to have its own. @param field of the node, with dots */
function ownedTwice(
  nodes: readonly NodeDeclaration[],
  field: string,
  what: string,
  owned: (node: NodeDeclaration) => readonly string[],
): Mismatch[] {
  const owners = new Map<string, string>();
  for (const node of nodes) for (const one of owned(node)) if (!owners.has(one)) owners.set(one, node.name);
  return nodes.flatMap((node, index) =>
    owned(node).flatMap((one) => {
      const owner = owners.get(one);
      if (owner === undefined || owner === node.name) return [];
      return [{ path: ['nodes', index, ...field.split('.')], found: quoted(one), expected: `${what} of its own; ${owner} has that one` }];
    }),
  );
}

/** Lines no node of which may be in the canary: no rotation of theirs could begin. */
function linesWithoutCanary({ lines, nodes }: Topology): Mismatch[] {
  return Object.keys(lines).flatMap((line) => {
    const positions = nodes.flatMap((node, index) => (node.lines.some((one) => one === line) ? [index] : []));
    if (positions.length === 0 || positions.some((index) => nodes[index]?.canary !== 'forbidden')) return [];
    const expected = `at least one node of ${line} that may be in the canary; all of them forbid it`;
    return [{ path: ['nodes', positions[0] ?? 0, 'canary'], found: 'forbidden', expected }];
  });
}

/** Names and keys that occur twice, lines that no one declared, and homes that two nodes share. */
export function checkNodes(topology: Topology): Mismatch[] {
  const lines = Object.keys(topology.lines);
  return [
    ...repeated(topology.nodes, (node) => node.name).map((index) => ({
      path: ['nodes', index, 'name'],
      found: `${quoted(topology.nodes[index]?.name ?? '')} a second time`,
      expected: 'each node once',
    })),
    ...repeated(topology.pipelines, (pipeline) => pipeline.name).map((index) => ({
      path: ['pipelines', index, 'name'],
      found: `${quoted(topology.pipelines[index]?.name ?? '')} a second time`,
      expected: 'each pipeline once',
    })),
    ...topology.nodes.flatMap((node, index) =>
      node.lines.flatMap((line, position) =>
        lines.includes(line)
          ? []
          : [{ path: ['nodes', index, 'lines', position], found: quoted(line), expected: oneOf('a line of this file', lines) }],
      ),
    ),
    ...linesWithoutCanary(topology),
    ...ownedTwice(topology.nodes, 'nodeKey', 'a key', (node) => node.nodeKeys ?? []),
    ...ownedTwice(topology.nodes, 'reach.home', 'a home', ({ reach }) => (reach.kind === 'local' ? [reach.home] : [])),
    ...ownedTwice(topology.nodes, 'reach.host', 'an account', ({ reach }) => (reach.kind === 'ssh' ? [hostOf(reach)] : [])),
  ];
}

const hostOf = ({ user, host, port }: { readonly user: string; readonly host: string; readonly port: number }): string =>
  `${user}@${host}:${port}`;

function wipeablePaths(
  node: NodeDeclaration,
  more: readonly string[],
): { readonly field: string; readonly path: string; readonly tree: string }[] {
  const paths = [
    { field: 'mount', path: node.mount },
    { field: 'state', path: node.state },
    ...node.profileFolders.map((folder) => ({ field: 'profileFolders', path: PROFILE_FOLDERS[folder] })),
  ];
  return paths.flatMap(({ field, path }) => {
    const tree = wipeableTreeOf(path, more);
    return tree === null ? [] : [{ field, path, tree }];
  });
}

/** Mount, state and profile folders in trees that cleaners empty. `more` is `policy.wipeable`. */
export function checkWipeable(topology: Topology, more: readonly string[]): Mismatch[] {
  return topology.nodes.flatMap((node, index) =>
    wipeablePaths(node, more).map(({ field, path, tree }) => ({
      path: ['nodes', index, field],
      found: `${quoted(path)} on ${node.name}`,
      expected: `a folder that no cleaner empties; this one is in ${tree}`,
    })),
  );
}

/** Names, patterns and order within a policy. */
export function checkPolicy(policy: Policy, roster: Roster | null): Mismatch[] {
  const mismatches: Mismatch[] = [];
  const calendars = Object.keys(policy.calendars);
  if (policy.gate.calendar !== null && !calendars.includes(policy.gate.calendar)) {
    mismatches.push({
      path: ['gate', 'calendar'],
      found: quoted(policy.gate.calendar),
      expected: `${oneOf('a calendar of this file', calendars)}, or none`,
    });
  }
  if (!new RegExp(policy.tickets.pattern, 'u').test(policy.scan.ticket)) {
    mismatches.push({
      path: ['scan', 'ticket'],
      found: quoted(policy.scan.ticket),
      expected: `a ticket that matches ${policy.tickets.pattern}`,
    });
  }
  for (const [name, calendar] of Object.entries(policy.calendars)) {
    if (calendar.from >= calendar.to)
      mismatches.push({ path: ['calendars', name, 'to'], found: quoted(calendar.to), expected: `a time after ${calendar.from}` });
  }
  if (roster === null) return mismatches;
  const known = new Set<string>([...roster.persons.map((person) => person.id), ...Object.keys(roster.roles)]);
  for (const [circle, names] of Object.entries(policy.audience)) {
    names.forEach((name, index) => {
      if (!known.has(name))
        mismatches.push({ path: ['audience', circle, index], found: quoted(name), expected: 'a person or a role of roster.yaml' });
    });
  }
  return mismatches;
}

const HOUR = 3_600_000;

/** Minima that only a mesh of staging and simulated nodes may go below. */
export function checkFloors(policy: Policy, topology: Topology): Mismatch[] {
  if (topology.nodes.every((node) => node.environment !== 'production')) return [];
  const floor = (path: Path, found: number | string, holds: boolean, expected: string): Mismatch[] =>
    holds ? [] : [{ path, found: String(found), expected: `${expected}, unless every node is staging or simulated` }];
  const { gate, emergency, soak } = policy;
  return [
    ...floor(['gate', 'approvals'], gate.approvals, gate.approvals >= 2, 'at least 2 approvals'),
    ...floor(['emergency', 'approvals'], emergency.approvals, emergency.approvals >= 2, 'at least 2 approvals'),
    ...floor(['soak', 'floor'], `${soak.floor / 60_000} minutes`, soak.floor >= HOUR, 'at least 1h'),
    ...floor(['soak', 'duration'], `${soak.duration / 60_000} minutes`, soak.duration >= soak.floor, 'at least soak.floor'),
  ];
}

/** Persons twice, roles that nobody declared, and keys of two persons: persons count, not keys. */
export function checkRoster(roster: Roster): Mismatch[] {
  const roles = Object.keys(roster.roles);
  const owned = roster.persons.flatMap(({ id, keys }, index) =>
    keys.map((key, position) => ({ id, index, position, key: key.public.split(' ')[1] ?? '' })),
  );
  return [
    ...repeated(roster.persons, (person) => person.id).map((index) => ({
      path: ['persons', index, 'id'],
      found: `${quoted(roster.persons[index]?.id ?? '')} a second time`,
      expected: 'each person once',
    })),
    ...repeated(owned, ({ key }) => key).flatMap((at) => {
      const again = owned[at];
      const first = owned.find(({ key }) => key === again?.key);
      if (again === undefined || first === undefined) return [];
      return [
        {
          path: ['persons', again.index, 'keys', again.position, 'public'],
          found: `the key ${again.key.slice(-12)}, which ${first.id} has already`,
          expected: 'each key once: a key that two persons have would let one of them approve twice',
        },
      ];
    }),
    ...roster.persons.flatMap((person, index) =>
      person.roles.flatMap((role, position) =>
        roles.includes(role)
          ? []
          : [{ path: ['persons', index, 'roles', position], found: quoted(role), expected: oneOf('a role of this file', roles) }],
      ),
    ),
    ...checkReceivers(roster),
  ];
}

/** Receivers twice, and persons who may fetch and whom nobody knows. */
function checkReceivers({ persons, receivers = [] }: Roster): Mismatch[] {
  const known = persons.map(({ id }) => id);
  return [
    ...repeated(receivers, ({ id }) => id).map((index) => ({
      path: ['receivers', index, 'id'],
      found: `${quoted(receivers[index]?.id ?? '')} a second time`,
      expected: 'each receiver once',
    })),
    ...receivers.flatMap(({ fetchedBy }, index) =>
      fetchedBy.flatMap((person, position) =>
        known.includes(person)
          ? []
          : [{ path: ['receivers', index, 'fetchedBy', position], found: quoted(person), expected: oneOf('a person of this file', known) }],
      ),
    ),
  ];
}

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\]):/;

/** Tokens, and what they open, go over no network in plain. */
export function checkApi({ api }: ResealConfiguration): Mismatch[] {
  if (api.tls !== undefined || LOOPBACK.test(api.listen)) return [];
  return [
    {
      path: ['api', 'listen'],
      found: `${quoted(api.listen)} without api.tls`,
      expected: 'an address on loopback (127.0.0.1, localhost, [::1]), or api.tls with certificate and key',
    },
  ];
}

/** Keys of the home are those of one process; where several meet at a Temporal server, they have to be told where theirs are. */
export function checkCodec({ codec, temporal }: ResealConfiguration): Mismatch[] {
  if (codec === undefined || codec === 'none' || codec.control !== undefined || temporal.address === 'embedded') return [];
  return [
    {
      path: ['codec'],
      found: `no control, with Temporal at ${temporal.address}`,
      expected: 'codec.control with the key file that API and workers share, or codec: none',
    },
  ];
}

/** What is allowed and worth saying: sentences, none of them an error. */
export const observations = (topology: Topology): string[] => antiPatterns(topology).map((finding) => `${finding.found}.`);
