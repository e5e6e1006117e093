import type { Duration, NodeName } from '../brands.js';
import { gatewayAudience, nodeAudience } from '../codec/audience.js';
import type { NodeDeclaration } from '../topology.js';

/**
 * Who carries out a node's operations where that is not the installation's own workers: the agent on it, or the gateway of its region. `keys`: the public
 * keys enrolled for it, `ssh-ed25519 AAAA…`, with one of which it signs its answers; missing where there is none.
 */
export type Route = ({ readonly by: 'agent' } | { readonly by: 'gateway'; readonly region: string }) & {
  readonly keys?: readonly string[];
};

/** The routes of some nodes; one that is not named is served by the installation's own workers. */
export type Routes = Readonly<Record<NodeName, Route>>;

/** `ssh.gateways` of reseal.yaml: every worker reaches all hosts, or the gateway of a region those of its region. */
export type Gateways = 'shared' | 'per-region';

export function routeOf(node: Pick<NodeDeclaration, 'reach' | 'region'>, gateways: Gateways): Route | null {
  switch (node.reach.kind) {
    case 'local':
      return null;
    case 'ssh':
      return gateways === 'per-region' ? { by: 'gateway', region: node.region } : null;
    case 'agent':
      return { by: 'agent' };
  }
}

/** What of `ssh` in reseal.yaml says who serves hosts. */
export interface GatewaySettings {
  readonly gateways: Gateways;
  /** By region: the public keys of its gateway. */
  readonly gatewayKeys: Readonly<Record<string, readonly string[]>>;
}

export function routesOf(nodes: readonly NodeDeclaration[], { gateways, gatewayKeys }: GatewaySettings): Routes {
  const routes: Record<NodeName, Route> = {};
  for (const node of nodes) {
    const route = routeOf(node, gateways);
    if (route === null) continue;
    const keys = (route.by === 'agent' ? node.nodeKeys : gatewayKeys[route.region]) ?? [];
    routes[node.name] = keys.length === 0 ? route : { ...route, keys };
  }
  return routes;
}

/** Whether one worker serves both nodes, and so can work on both in one operation. An agent serves its own node alone. */
export function servedTogether(
  a: Pick<NodeDeclaration, 'reach' | 'region'>,
  b: Pick<NodeDeclaration, 'reach' | 'region'>,
  gateways: Gateways,
): boolean {
  const [one, other] = [routeOf(a, gateways), routeOf(b, gateways)];
  if (one === null || other === null) return one === other;
  return one.by === 'gateway' && other.by === 'gateway' && one.region === other.region;
}

/** What of `routes` is about these nodes. */
export function routesAmong(nodes: readonly NodeName[], routes: Routes): Routes {
  const among: Record<NodeName, Route> = {};
  for (const node of nodes) {
    const route = routes[node];
    if (route !== undefined) among[node] = route;
  }
  return among;
}

/** The task queue of an agent, beside the one of the installation's own workers. */
export const agentQueue = (own: string, node: NodeName): string => `${own}/${nodeAudience(node)}`;
export const gatewayQueue = (own: string, region: string): string => `${own}/${gatewayAudience(region)}`;

/** How an operation is handed out: to which task queue, and how long it may wait there. */
export interface Handout {
  readonly taskQueue: string;
  /** Milliseconds until nobody is said to be there. */
  readonly patience: Duration;
  /** Who takes it up signs the answer with one of these; none: the answer is believed as it comes. */
  readonly keys: readonly string[];
}

/**
 * Null: by the installation's own workers. An agent takes up one node's work at once or is not there. A gateway has the work of a region before it, so
 * that an operation may wait for as long as one may take.
 * @param own the task queue of the installation's own workers
 */
export function handoutOf(
  own: string,
  node: NodeName,
  routes: Routes,
  limits: { readonly nodeOfflineAfter: Duration; readonly nodeOperationTimeout: Duration },
): Handout | null {
  const route = routes[node];
  if (route === undefined) return null;
  switch (route.by) {
    case 'agent':
      return { taskQueue: agentQueue(own, node), patience: limits.nodeOfflineAfter, keys: route.keys ?? [] };
    case 'gateway':
      return {
        taskQueue: gatewayQueue(own, route.region),
        patience: Math.max(limits.nodeOfflineAfter, limits.nodeOperationTimeout),
        keys: route.keys ?? [],
      };
  }
}

/** Why an operation that nobody took up has left its node untouched, and what to do. */
export function nobodyThere(node: NodeName, routes: Routes, waited: Duration): string {
  const seconds = `${Math.round(waited / 1000)} s`;
  const route = routes[node];
  if (route?.by === 'gateway')
    return `no gateway of region ${route.region}, which reaches ${node}, took up its work within ${seconds}; run \`reseal worker --gateway ${route.region}\` there`;
  return `the agent of ${node} took up no work within ${seconds}; see on that Mac whether \`reseal agent run --node ${node}\` runs, and reaches Temporal`;
}

/** Nodes by who serves them, in the order of their first: what one activity may look at together. */
export function byHandout(
  nodes: readonly NodeName[],
  handout: (node: NodeName) => Handout | null,
): readonly { readonly handout: Handout | null; readonly nodes: readonly NodeName[] }[] {
  const batches = new Map<string, { readonly handout: Handout | null; readonly nodes: NodeName[] }>();
  for (const node of nodes) {
    const to = handout(node);
    const key = to?.taskQueue ?? '';
    const batch = batches.get(key) ?? { handout: to, nodes: [] };
    batch.nodes.push(node);
    batches.set(key, batch);
  }
  return [...batches.values()];
}
