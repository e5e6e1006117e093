import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId, Sha1, TeamId } from '../../../src/domain/brands.js';
import type { Method } from '../../../src/domain/manifest.js';
import type { Policy } from '../../../src/domain/policy.js';
import { refusals, type Delivery, type PreflightFacts } from '../../../src/domain/rotation/preflight.js';
import type { LineDeclaration, NodeDeclaration } from '../../../src/domain/topology.js';
import { PolicySchema } from '../../../src/schema/policy.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-23T06:00:00Z');

/** The policy that nobody has changed. */
const POLICY: Policy = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' } });

const LINE: LineDeclaration = {
  identity: 'signers',
  distribution: 'copy',
  profilesOn: ['signer', 'compile'],
  store: 'main',
  sources: ['drop'],
  successorOwner: 'rita' as PersonId,
};

const node = (name: string, over: Partial<NodeDeclaration> = {}): NodeDeclaration => ({
  name: name as NodeName,
  region: 'eu',
  environment: 'simulated',
  lines: ['ios-main' as LineName],
  pool: 'main',
  roles: ['compile'],
  keys: 'forbidden',
  image: 'a',
  profileFolders: ['xcode16'],
  mount: '/usr/local/var/reseal/mount',
  state: '/usr/local/var/reseal/state',
  hardware: 'mac-mini',
  reach: { kind: 'local', home: `/nodes/${name}` },
  ...over,
});

/** A rotation of three nodes that may begin, six days before the old assets die. */
const facts = (over: Partial<PreflightFacts> = {}): PreflightFacts => ({
  nodes: [node('ams-1'), node('ams-2'), node('iad-1')],
  policy: POLICY,
  line: LINE,
  offset: 0,
  now: NOW,
  horizon: NOW + 6 * DAY,
  mesh: { nodes: 3, waves: [1, 1, 1], maxUnavailable: 1 },
  approvers: ['ada', 'grace'],
  excluded: new Map([['rita', 'asked for the rotation']]),
  methods: ['app-store'],
  deliveries: [],
  after: [],
  publisher: null,
  gateways: 'shared',
  holders: [],
  ...over,
});

const changed = (change: (policy: Policy) => Partial<Policy>): Policy => ({ ...POLICY, ...change(POLICY) });

describe('preflight lets a rotation begin', () => {
  it('that fits, with the policy as it comes, six days before the old assets die (R1)', () => {
    expect(refusals(facts())).toEqual([]);
  });

  it('in the very millisecond in which the time still suffices, and not one later (invariant 9)', () => {
    const [late = ''] = refusals(facts({ horizon: NOW + HOUR }));
    expect(late).toContain('too late to rotate');
    const exactly = NOW + sumOf(facts());
    expect(refusals(facts({ horizon: exactly }))).toEqual([]);
    expect(refusals(facts({ horizon: exactly - 1 }))).toHaveLength(1);
  });
});

/** What the default policy needs for three nodes, one at a time: written out, so that nobody changes it by accident. */
const sumOf = ({ mesh, policy }: PreflightFacts): number => {
  const each = policy.rollback.nodeTime + 2 * policy.probe.interval;
  return 2 * MINUTE + mesh.nodes * each + DAY + DAY + 4 * HOUR + policy.rollback.headTime + mesh.nodes * policy.rollback.nodeTime + DAY;
};

describe('preflight refuses', () => {
  it('a policy that cannot fit its own window, with the whole arithmetic (R1)', () => {
    const policy = changed(({ soak }) => ({ soak: { ...soak, duration: 6 * DAY } }));
    expect(refusals(facts({ policy, horizon: NOW + 300 * DAY }))).toEqual([
      'the policy does not fit its own window: staging 2 minutes + canary 2 minutes 20 seconds + signoff at its longest 1 day + ' +
        'rolling 4 minutes 40 seconds + soak 6 days + builds that still run 4 hours + rollback of every node 6 minutes 30 seconds + safety margin 1 day = ' +
        '8 days 4 hours, and there are 7 days',
    ]);
  });

  it('by the shortest window of what is due: an ad hoc profile has more time than an App Store one', () => {
    const policy = changed(({ soak }) => ({ soak: { ...soak, duration: 6 * DAY } }));
    const horizon = NOW + 300 * DAY;
    expect(refusals(facts({ policy, horizon, methods: ['ad-hoc'] }))).toEqual([]);
    expect(refusals(facts({ policy, horizon, methods: ['ad-hoc', 'app-store'] }))).toHaveLength(1);
  });

  it('a rotation that is too late to be rolled back in time, with its arithmetic (R6)', () => {
    const [reason = '', ...others] = refusals(facts({ horizon: NOW + 2 * DAY }));
    expect(others).toEqual([]);
    expect(reason).toMatch(
      /^too late to rotate and still be able to roll back: staging 2 minutes \+ .* = 3 days 4 hours, and there are 2 days/,
    );
    const [dead = ''] = refusals(facts({ horizon: NOW - HOUR }));
    expect(dead).toContain('and there are 0 seconds');
  });

  it('with fewer eligible approvers than needed, naming who is not and why (R5, invariant 4)', () => {
    const excluded = new Map([
      ['grace', 'imported a successor'],
      ['ada', 'asked for the rotation'],
    ]);
    expect(refusals(facts({ excluded }))).toEqual([
      '2 approvals are needed and nobody may give one (not: ada asked for the rotation, grace imported a successor)',
    ]);
    expect(refusals(facts({ approvers: ['ada'] }))).toEqual(['2 approvals are needed and ada may give one']);
  });

  it('a mesh on which no node needs the line', () => {
    expect(refusals(facts({ nodes: [], mesh: { nodes: 0, waves: [], maxUnavailable: 1 } }))).toEqual([
      'no node of the topology needs a profile of this line',
    ]);
  });

  it('a signing sidecar whose nodes are reached over SSH, by name (S4)', () => {
    const line = { ...LINE, identity: 'sidecar' as const, sidecar: { socket: '/usr/local/var/reseal/sidecar/socket' } };
    expect(refusals(facts({ line }))).toEqual([]);
    const [first, ...others] = facts({}).nodes;
    if (first === undefined) throw new Error('there are nodes');
    const distant = { ...first, reach: { kind: 'ssh' as const, host: 'mac', port: 22, user: 'ci' } };
    expect(refusals(facts({ line, nodes: [distant, ...others] }))).toEqual([
      `a signing sidecar is asked from the machine that its socket is on, and not over SSH; run an agent on ${first.name}, or use another identity`,
    ]);
  });

  it('with an identity per node more distribution certificates of one team than Apple permits (S4)', () => {
    const entries = (count: number, method: Method, team = '9QK4T7XW2B'): PreflightFacts['after'] =>
      Array.from({ length: count }, (_, index) => ({ team: team as TeamId, method, identity: `${index}`.repeat(40) as Sha1 }));
    const perNode = { ...LINE, identity: 'per-node' as const };
    const reasons = (after: PreflightFacts['after'], line: LineDeclaration = perNode) => refusals(facts({ line, after }));
    const sentence = (needed: number, limit: number): string =>
      `team 9QK4T7XW2B would sign with ${needed} distribution certificates at once, and Apple permits ${limit}; hold keys on fewer nodes, or use identity: signers`;
    expect(reasons(entries(4, 'app-store'))).toEqual([sentence(4, 3)]);
    expect(reasons(entries(3, 'enterprise'))).toEqual([sentence(3, 2)]);
    // As many as there may be, several profiles of each, those of another team and of developers apart.
    const permitted = [
      ...entries(3, 'app-store'),
      ...entries(3, 'ad-hoc'),
      ...entries(3, 'app-store', 'AAAAAAAAAA'),
      ...entries(9, 'development'),
    ];
    expect(reasons(permitted)).toEqual([]);
    expect(reasons(entries(2, 'enterprise'))).toEqual([]);
    expect(reasons(entries(4, 'app-store'), LINE)).toEqual([]);
  });

  describe('a published volume', () => {
    const line: LineDeclaration = { ...LINE, distribution: 'mount', publisher: 'pub-1' as NodeName, cacheTime: 30_000 };
    const publisher = node('pub-1', { roles: ['publisher'] });
    const ssh = (name: string, region: string): NodeDeclaration =>
      node(name, { region, reach: { kind: 'ssh', host: name, port: 22, user: 'reseal' } });
    const told = (over: Partial<PreflightFacts> = {}): readonly string[] =>
      refusals(facts({ line, publisher, nodes: [publisher, node('ams-1')], ...over }));

    it('begins where one worker reaches publisher and nodes, and the waits for mounts have their time', () => {
      expect(told()).toEqual([]);
      const [pub, near] = [ssh('pub-1', 'eu'), ssh('ams-1', 'eu')];
      expect(told({ publisher: pub, nodes: [pub, near], gateways: 'per-region' })).toEqual([]);
      expect(told({ publisher: pub, nodes: [pub, node('ams-1')] })).toEqual([]);
    });

    it('is refused without a publisher, and with one that does not follow the line', () => {
      expect(told({ publisher: null })).toEqual([
        'distribution: mount needs a publisher, and the topology has no node of the name that the line gives',
      ]);
      expect(told({ nodes: [node('ams-1')] })).toEqual(['the publisher pub-1 does not follow the line; add the line to its lines']);
    });

    it('is refused where another worker than the publisher’s serves a node, by name', () => {
      const agent = node('pub-1', { reach: { kind: 'agent' } });
      expect(told({ publisher: agent, nodes: [agent, node('ams-1')] })).toEqual([
        'the publisher pub-1 is reached by its agent, which serves no other node; reach it over SSH, by the worker that reaches the nodes',
      ]);
      const apart = 'is not reached by the worker that serves iad-1; one worker moves a node\'s pointer on the volume and proves it on the node, so neither an agent nor another region\'s gateway can'; // prettier-ignore
      expect(told({ nodes: [publisher, node('iad-1', { reach: { kind: 'agent' } })] })).toEqual([`the publisher pub-1 ${apart}`]);
      const pub = ssh('pub-1', 'eu');
      expect(told({ publisher: pub, nodes: [pub, ssh('ams-1', 'eu'), ssh('iad-1', 'us')], gateways: 'per-region' })).toEqual([
        `the publisher pub-1 ${apart}`,
      ]);
    });

    it('is refused for entries of single holders, without a cache time, and with one that the policy has no time for', () => {
      expect(told({ holders: ['ams-1' as NodeName] })).toEqual([
        'a published volume has the same settings for all nodes, and the manifest has entries for ams-1 alone; distribute the line by copies',
      ]);
      const { cacheTime: _, ...unmeasured } = line;
      expect(told({ line: unmeasured })).toEqual([
        'the line is mounted and declares no cacheTime, so nobody knows how long a node may still read what was there before',
      ]);
      expect(told({ line: { ...line, cacheTime: 60_000 } })).toEqual([
        'a switch waits up to 3 minutes for its mount (cacheTime 1 minute and 3 passes no closer than that), and rollback.nodeTime is 2 minutes; raise it',
      ]);
      expect(told({ line: { ...line, cacheTime: 40_000 } })).toEqual([]);
      expect(told({ line: { ...line, cacheTime: 40_001 } })).toHaveLength(1);
    });
  });

  it('another date where a node is in production (R8)', () => {
    const nodes = [node('ams-1'), node('iad-1', { environment: 'production' })];
    expect(refusals(facts({ nodes }))).toEqual([]);
    expect(refusals(facts({ nodes, offset: -DAY }))).toEqual([
      'another date (--at) is for staging and simulated nodes; iad-1 is in production',
    ]);
    const staging = [node('ams-1', { environment: 'staging' })];
    expect(refusals(facts({ nodes: staging, offset: DAY }))).toEqual([]);
    const many = Array.from({ length: 7 }, (_, index) => node(`n${index}`, { environment: 'production' }));
    expect(refusals(facts({ nodes: many, offset: DAY }))).toEqual([
      'another date (--at) is for staging and simulated nodes; n0, n1, n2, n3, n4 and 2 more are in production',
    ]);
  });

  it('a new certificate without a way to every node that signs with it (R1)', () => {
    const [one, two] = [node('ams-1', { keys: 'allowed', roles: ['signer'] }), node('ams-2', { keys: 'allowed', roles: ['signer'] })];
    const identity = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31' as Sha1;
    const line: LineDeclaration = {
      ...LINE,
      keychains: { unlockWindows: [], onUnlockFailure: [], password: { file: '/etc/reseal/keychain' } },
    };
    const told = (missing: Delivery['missing'], over: Partial<PreflightFacts> = {}): readonly string[] =>
      refusals(facts({ line, deliveries: [one, two].map((node) => ({ node, identity, missing })), ...over }));
    expect(told('delivery-key')).toEqual([
      'the successors bring a new certificate, and ams-1, ams-2 declare no deliveryKey; see reseal node delivery-key',
    ]);
    expect(told('sealed-copy')).toEqual([
      'nobody has sealed the new identity 97134e8c for ams-1, ams-2; take it in with reseal certificate import',
    ]);
    expect(told('nothing', { line: LINE })).toEqual([
      'the successors bring a new certificate, and the line declares no keychains.password with which its keychain could be made',
    ]);
    expect(told('nothing')).toEqual([]);
    expect(refusals(facts({ deliveries: [] }))).toEqual([]);
  });

  it('with every reason at once', () => {
    const nodes = [node('ams-1', { reach: { kind: 'agent' }, environment: 'production', keys: 'allowed' })];
    const line: LineDeclaration = { ...LINE, distribution: 'mount' };
    expect(
      refusals(
        facts({
          nodes,
          line,
          offset: DAY,
          deliveries: [{ node: nodes[0] as NodeDeclaration, identity: 'a' as Sha1, missing: 'sealed-copy' }],
          approvers: [],
          horizon: NOW,
        }),
      ),
    ).toHaveLength(6);
  });
});
