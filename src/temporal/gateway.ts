import { hostname } from 'node:os';
import { gatewayAudience } from '../domain/codec/audience.js';
import { ResealError } from '../domain/errors.js';
import { gatewayQueue } from '../domain/node/routes.js';
import { gatewayFolder } from '../identity/enrolled-keys.js';
import { reachRegion } from '../node-shell/reach.js';
import { identityText, newIdentity } from './worker-identity.js';
import { audited } from './audit/audited.js';
import { nodeLog } from './audit/node-log.js';
import { audienceEncoding } from './codec/declared.js';
import { connectWorkers, type TemporalAddress } from './connection.js';
import { nodeService } from './node-service.js';
import { exchangingSigned } from './signed-exchange.js';
import { runWorker, type RunningWorker } from './running-worker.js';
import { openNodeSurroundings } from './node-surroundings.js';
import { TASK_QUEUE } from './task-queue.js';
import { createResealWorker } from './workers.js';

export interface GatewayRequest {
  /** Configuration folder. */
  readonly folder: string;
  /** Of reseal on this machine: clones of stores lie there. */
  readonly home: string;
  readonly region: string;
  readonly temporal: TemporalAddress;
  /** The installation's task queue. Default: `reseal`. */
  readonly taskQueue?: string;
  /** Where codec keys may come from. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A worker for the hosts of one region and nothing else: it needs Temporal, the stores and SSH, neither database nor sources.
 * @throws ResealError CONFIG_INVALID where nothing would ever be sent to it
 */
export async function startGateway(request: GatewayRequest): Promise<RunningWorker> {
  const around = await openNodeSurroundings(request.folder, request.home);
  const { reseal, topology, policy } = around.configuration();
  const { region } = request;
  refuseIdleGateway(region, reseal.ssh.gateways, topology.nodes);
  const { dataConverter, ring } = await audienceEncoding(around.configuration(), gatewayAudience(region), request.env ?? process.env);
  const { connection, namespace } = await connectWorkers(request.temporal);
  const reach = reachRegion(region, reseal.ssh);
  const taskQueue = request.taskQueue ?? TASK_QUEUE;
  const folder = gatewayFolder(request.home, region);
  const audit = nodeLog({ kind: 'gateway', name: region }, folder);
  const worker = await createResealWorker({
    connection,
    namespace,
    taskQueue: gatewayQueue(taskQueue, region),
    dataConverter,
    identity: identityText(newIdentity(hostname(), ring?.roots)),
    maxActivitiesPerSecond: policy.limits.activitiesPerSecond,
    around: [audited(audit.log)],
    activities: exchangingSigned(nodeService({ around, connection, namespace, dataConverter, taskQueue, reach }), folder, around.content),
  });
  return runWorker(worker, async () => {
    await audit.close();
    await connection.close();
    reach.close();
    await around.close();
  });
}

function refuseIdleGateway(
  region: string,
  gateways: 'shared' | 'per-region',
  nodes: readonly { readonly region: string; readonly reach: { readonly kind: string } }[],
): void {
  if (gateways === 'shared')
    throw new ResealError('CONFIG_INVALID', 'A gateway gets no work: reseal.yaml lets every worker reach all hosts. Set ssh.gateways to per-region.'); // prettier-ignore
  const regions = [...new Set(nodes.filter((node) => node.reach.kind === 'ssh').map((node) => node.region))];
  if (!regions.includes(region))
    throw new ResealError(
      'NOT_FOUND',
      `topology.yaml declares no host (reach: ssh) in region ${region}; those with hosts are: ${regions.join(', ') || 'none'}.`,
    );
}
