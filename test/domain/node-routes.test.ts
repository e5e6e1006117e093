import { describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { byHandout, handoutOf, nobodyThere, routesAmong, routesOf, type Routes } from '../../src/domain/node/routes.js';
import type { NodeDeclaration, Reach } from '../../src/domain/topology.js';

const name = (text: string): NodeName => text as NodeName;
const node = (text: string, region: string, reach: Reach): NodeDeclaration => ({ name: name(text), region, reach }) as NodeDeclaration;
const ssh = (host: string): Reach => ({ kind: 'ssh', host, port: 22, user: 'reseal' });

const LIMITS = { nodeOfflineAfter: 120_000, nodeOperationTimeout: 300_000 };
const SHARED = { ssh: { gateways: 'shared', gatewayKeys: {} } } as const;
const PER_REGION = { ssh: { gateways: 'per-region', gatewayKeys: {} } } as const;
const NODES = [
  node('local-1', 'eu-west', { kind: 'local', home: '/x' }),
  node('agent-1', 'eu-west', { kind: 'agent' }),
  node('ssh-eu-1', 'eu-west', ssh('10.0.0.1')),
  node('ssh-eu-2', 'eu-west', ssh('10.0.0.2')),
  node('ssh-us-1', 'us-east', ssh('10.0.0.3')),
];

describe('who serves a node', () => {
  it('is its agent where it has one, and the installation’s own workers for all others, unless gateways stand in the regions', () => {
    expect(routesOf(NODES, SHARED)).toEqual({ 'agent-1': { by: 'agent' } });
    expect(routesOf(NODES, PER_REGION)).toEqual({
      'agent-1': { by: 'agent' },
      'ssh-eu-1': { by: 'gateway', region: 'eu-west' },
      'ssh-eu-2': { by: 'gateway', region: 'eu-west' },
      'ssh-us-1': { by: 'gateway', region: 'us-east' },
    });
  });

  it('is told of the nodes that are asked about, and of no other', () => {
    expect(routesAmong([name('local-1'), name('ssh-us-1')], routesOf(NODES, PER_REGION))).toEqual({
      'ssh-us-1': { by: 'gateway', region: 'us-east' },
    });
  });

  it('says which task queue its work goes to, and how long it may lie there', () => {
    const routes = routesOf(NODES, PER_REGION);
    const of = (text: string) => handoutOf('reseal', name(text), routes, LIMITS);
    expect(of('local-1')).toBeNull();
    expect(of('agent-1')).toEqual({ taskQueue: 'reseal/node/agent-1', patience: 120_000, keys: [], orders: 'plain' });
    expect(of('ssh-eu-2')).toEqual({ taskQueue: 'reseal/gateway/eu-west', patience: 300_000, keys: [], orders: 'plain' });
    expect(handoutOf('reseal', name('ssh-eu-2'), routes, { ...LIMITS, nodeOfflineAfter: 900_000 })?.patience).toBe(900_000);
  });

  it('says whether the installation signs what it orders there; what its own workers do is no order to anybody (T2)', () => {
    const routes = routesOf(NODES, { ...PER_REGION, orders: { key: { file: '/etc/reseal/order.key' } } });
    expect(routes['local-1' as NodeName]).toBeUndefined();
    for (const one of ['agent-1', 'ssh-eu-1']) {
      expect(routes[name(one)]).toMatchObject({ signedOrders: true });
      expect(handoutOf('reseal', name(one), routes, LIMITS)).toMatchObject({ orders: 'signed' });
    }
  });

  it('divides a soak among those who reach the nodes, so that nobody gets a node that it does not reach', () => {
    const routes = routesOf(NODES, PER_REGION);
    const names = NODES.map((one) => one.name);
    const batches = byHandout(names, (one) => handoutOf('reseal', one, routes, LIMITS));
    expect(batches.map((batch) => [batch.handout?.taskQueue ?? null, batch.nodes])).toEqual([
      [null, ['local-1']],
      ['reseal/node/agent-1', ['agent-1']],
      ['reseal/gateway/eu-west', ['ssh-eu-1', 'ssh-eu-2']],
      ['reseal/gateway/us-east', ['ssh-us-1']],
    ]);
  });

  it('names who is away, and what to start where', () => {
    const routes: Routes = routesOf(NODES, PER_REGION);
    expect(nobodyThere(name('agent-1'), routes, 120_000)).toBe(
      'the agent of agent-1 took up no work within 120 s; see on that Mac whether `reseal agent run --node agent-1` runs, and reaches Temporal',
    );
    expect(nobodyThere(name('ssh-us-1'), routes, 300_000)).toBe(
      'no gateway of region us-east, which reaches ssh-us-1, took up its work within 300 s; run `reseal worker --gateway us-east` there',
    );
  });
});
