import type { Configuration } from '../../configuration/load.js';
import { describeDuration } from '../../domain/duration.js';
import { agentQueue, gatewayQueue, routeOf } from '../../domain/node/routes.js';
import { parseIdentity } from '../../temporal/worker-identity.js';
import { SILENCE } from '../../temporal/agent/only-one.js';
import { pollersOf, type Poller, type QueueReader } from '../../temporal/agent/pollers.js';
import { TASK_QUEUE } from '../../temporal/task-queue.js';

/** Somebody besides the installation's own workers whom nodes depend on. */
export interface Server {
  /** As the check is called: `agent ams-build-1`, `gateway eu-west`. */
  readonly check: string;
  readonly taskQueue: string;
  readonly remedy: string;
}

/** Every agent that topology.yaml declares, and the gateway of every region that has hosts where they are per region. */
export function serversOf({ topology, reseal }: Configuration, own: string = TASK_QUEUE): readonly Server[] {
  const servers = new Map<string, Server>();
  for (const node of topology.nodes) {
    const route = routeOf(node, reseal.ssh.gateways);
    if (route === null) continue;
    const server: Server =
      route.by === 'agent'
        ? {
            check: `agent ${node.name}`,
            taskQueue: agentQueue(own, node.name),
            remedy: `See on that Mac whether \`reseal agent run --node ${node.name}\` runs, and reaches Temporal (docs/agents.md).`,
          }
        : {
            check: `gateway ${route.region}`,
            taskQueue: gatewayQueue(own, route.region),
            remedy: `Run \`reseal worker --gateway ${route.region}\` where the hosts of ${route.region} are reached (docs/ssh.md).`,
          };
    servers.set(server.taskQueue, server);
  }
  return [...servers.values()];
}

/** Who serves a queue, in words. A poll lasts a minute, so whoever was not heard of for longer than `SILENCE` is away. */
export function presenceOf(pollers: readonly Poller[], now: number): { readonly there: boolean; readonly reason: string } {
  const [latest] = [...pollers].sort((a, b) => b.seenAt - a.seenAt);
  if (latest === undefined) return { there: false, reason: 'nobody takes up its work, and nobody has for at least 5 minutes' };
  const heard = `last heard of ${describeDuration(Math.max(0, Math.floor((now - latest.seenAt) / 1000) * 1000))} ago`;
  if (now - latest.seenAt > SILENCE) return { there: false, reason: `nobody takes up its work: ${nameOf(latest)} was ${heard}` };
  const others = pollers.filter((one) => one !== latest && now - one.seenAt <= SILENCE).map(nameOf);
  return { there: true, reason: [`${nameOf(latest)}, ${heard}`, ...others.map((one) => `also ${one}`)].join('\n') };
}

function nameOf({ identity }: Poller): string {
  const known = parseIdentity(identity);
  if (known === null) return `a worker that calls itself ${identity}`;
  const since = `${new Date(known.startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `reseal ${known.version ?? 'of unknown version'} as process ${known.pid} on ${known.host}, since ${since}`;
}

/** Questions to the server that are under way at once. */
const AT_ONCE = 20;

/** Presence of each server, in their order. @throws ResealError TEMPORAL_UNREACHABLE */
export async function presences(
  reader: QueueReader,
  namespace: string,
  servers: readonly Server[],
  now: () => number,
): Promise<readonly ReturnType<typeof presenceOf>[]> {
  const found: ReturnType<typeof presenceOf>[] = [];
  for (let begin = 0; begin < servers.length; begin += AT_ONCE) {
    const some = servers.slice(begin, begin + AT_ONCE);
    found.push(...(await Promise.all(some.map(async ({ taskQueue }) => presenceOf(await pollersOf(reader, namespace, taskQueue), now())))));
  }
  return found;
}
