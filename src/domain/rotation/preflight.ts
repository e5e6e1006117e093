import type { Duration, Instant, NodeName, Sha1 } from '../brands.js';
import { describeDuration } from '../duration.js';
import { windowOf } from '../groups.js';
import type { ManifestEntry, Method } from '../manifest.js';
import type { Gateways } from '../node/routes.js';
import type { Policy } from '../policy.js';
import { publishingReasons } from '../published-volume.js';
import { someOf } from '../some-of.js';
import { CERTIFICATE_LIMIT } from '../topology-review/keys.js';
import type { LineDeclaration, NodeDeclaration } from '../topology.js';
import { approvalsNeeded } from './emergency.js';
import type { Emergency } from './state.js';
import { arithmetic, policyFits, type Arithmetic, type MeshSize } from './timeline.js';

/** What preflight knows when successors and their comparison are settled. */
export interface PreflightFacts {
  readonly nodes: readonly NodeDeclaration[];
  readonly policy: Policy;
  readonly line: LineDeclaration;
  readonly offset: Duration;
  /** The line's clock. */
  readonly now: Instant;
  readonly horizon: Instant;
  readonly mesh: MeshSize;
  readonly approvers: readonly string[];
  /** Persons who may not approve this rotation, with the reason. */
  readonly excluded: ReadonlyMap<string, string>;
  readonly methods: readonly Method[];
  /** New identities that have to be brought to nodes. */
  readonly deliveries: readonly Delivery[];
  /** The entries of the manifest that would come into force. */
  readonly after: readonly Pick<ManifestEntry, 'team' | 'method' | 'identity'>[];
  /** The line's publisher; null where it names none that there is. */
  readonly publisher: NodeDeclaration | null;
  readonly gateways: Gateways;
  /** Nodes for which the manifest has entries of their own. */
  readonly holders: readonly NodeName[];
  /** Missing: it is planned. */
  readonly emergency?: Pick<Emergency, 'revoked'>;
}

/** An identity that a node does not sign with yet, and what stands in the way of bringing it there. */
export interface Delivery {
  readonly node: NodeDeclaration;
  readonly identity: Sha1;
  readonly missing: 'nothing' | 'delivery-key' | 'sealed-copy';
}

type Check = (facts: PreflightFacts) => readonly string[];

const CHECKS: readonly Check[] = [
  meshIsThere,
  topologyIsServed,
  publishingReasons,
  offsetIsForRehearsals,
  approvalsCanBeGiven,
  identitiesAreAtHand,
  certificatesArePermitted,
  timeSuffices,
];

/** Every reason why a rotation must not begin; empty when it may. */
export const refusals = (facts: PreflightFacts): readonly string[] => CHECKS.flatMap((check) => check(facts));

const some = (nodes: readonly NodeDeclaration[]): string => someOf(nodes.map((node) => node.name));

function meshIsThere({ nodes }: PreflightFacts): readonly string[] {
  return nodes.length === 0 ? ['no node of the topology needs a profile of this line'] : [];
}

/** A sidecar is asked over a socket, by what runs on the machine where that is. */
function topologyIsServed({ line, nodes }: PreflightFacts): readonly string[] {
  if (line.identity !== 'sidecar') return [];
  const distant = nodes.filter((node) => node.reach.kind === 'ssh');
  return distant.length === 0
    ? []
    : [
        `a signing sidecar is asked from the machine that its socket is on, and not over SSH; run an agent on ${some(distant)}, or use another identity`,
      ];
}

function offsetIsForRehearsals({ nodes, offset }: PreflightFacts): readonly string[] {
  const real = nodes.filter((node) => node.environment === 'production');
  return offset === 0 || real.length === 0
    ? []
    : [`another date (--at) is for staging and simulated nodes; ${some(real)} ${real.length === 1 ? 'is' : 'are'} in production`];
}

function approvalsCanBeGiven({ policy, approvers, excluded, ...facts }: PreflightFacts): readonly string[] {
  const needed = approvalsNeeded({ policy, ...facts });
  const eligible = approvers.filter((person) => !excluded.has(person));
  if (eligible.length >= needed) return [];
  const not = approvers.filter((person) => excluded.has(person)).map((person) => `${person} ${excluded.get(person) ?? ''}`);
  const because = not.length > 0 ? ` (not: ${not.join(', ')})` : '';
  return [`${needed} approvals are needed and ${eligible.length === 0 ? 'nobody' : eligible.join(', ')} may give one${because}`];
}

/** A new certificate must have its way to every node that signs with it, before any node is touched. */
function identitiesAreAtHand({ deliveries, line }: PreflightFacts): readonly string[] {
  if (deliveries.length === 0) return [];
  const without = (missing: Delivery['missing']): readonly Delivery[] => deliveries.filter((one) => one.missing === missing);
  const keyless = without('delivery-key').map(({ node }) => node);
  const unsealed = [...new Set(without('sealed-copy').map(({ identity }) => identity))];
  return [
    ...(line.keychains?.password === undefined
      ? ['the successors bring a new certificate, and the line declares no keychains.password with which its keychain could be made']
      : []),
    ...(keyless.length === 0
      ? []
      : [
          `the successors bring a new certificate, and ${some(keyless)} ${keyless.length === 1 ? 'declares' : 'declare'} no deliveryKey; see reseal node delivery-key`,
        ]),
    ...unsealed.map((identity) => {
      const nodes = without('sealed-copy').flatMap((one) => (one.identity === identity ? [one.node] : []));
      return `nobody has sealed the new identity ${identity.slice(0, 8)} for ${some(nodes)}; take it in with reseal certificate import`;
    }),
  ];
}

/** With an identity per node each node's certificate counts against what Apple lets its team have; one that is not permitted is revoked by somebody, and its node stops. */
function certificatesArePermitted({ line, after }: PreflightFacts): readonly string[] {
  if (line.identity !== 'per-node') return [];
  const distribution = after.filter((entry) => entry.method !== 'development');
  return [...new Set(distribution.map((entry) => entry.team))].flatMap((team) => {
    const own = distribution.filter((entry) => entry.team === team);
    const limit = own.some((entry) => entry.method === 'enterprise') ? CERTIFICATE_LIMIT.enterprise : CERTIFICATE_LIMIT.program;
    const needed = new Set(own.map((entry) => entry.identity)).size;
    return needed <= limit
      ? []
      : [
          `team ${team} would sign with ${needed} distribution certificates at once, and Apple permits ${limit}; hold keys on fewer nodes, or use identity: signers`,
        ];
  });
}

/** The arithmetic in one sentence: every part, the sum, and what there is. */
export const arithmeticInWords = (sum: Arithmetic): string =>
  `${sum.parts
    .filter((part) => part.duration > 0)
    .map((part) => `${part.name} ${describeDuration(part.duration)}`)
    .join(' + ')} = ${describeDuration(sum.needed)}, and there are ${describeDuration(Math.max(0, sum.available))}`;

function timeSuffices({ now, horizon, mesh, policy, methods, emergency }: PreflightFacts): readonly string[] {
  // There is no way back that would need time.
  if (emergency !== undefined) return [];
  const window = Math.min(...methods.map((method) => windowOf(method, policy)));
  const byPolicy = policyFits(window, mesh, policy);
  if (!byPolicy.feasible) return [`the policy does not fit its own window: ${arithmeticInWords(byPolicy)}`];
  const sum = arithmetic(now, horizon, mesh, policy);
  return sum.feasible ? [] : [`too late to rotate and still be able to roll back: ${arithmeticInWords(sum)} until the old assets expire`];
}
