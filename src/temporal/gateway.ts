import { Client } from '@temporalio/client';
import { createNodeActivities, profileVerifier } from '../../activities/node/index.js';
import { temporalContext } from '../../activities/node/temporal-context.js';
import { ResealError } from '../domain/errors.js';
import { gatewayQueue } from '../domain/node/routes.js';
import { reachRegion } from '../node-shell/reach.js';
import { patient } from './beating.js';
import { connectWorkers, type TemporalAddress } from './connection.js';
import type { RunningWorker } from './running-worker.js';
import { seated } from './seated-nodes.js';
import { Seats } from './seats.js';
import { openSurroundings } from './surroundings.js';
import { TASK_QUEUE } from './task-queue.js';
import { createResealWorker } from './workers.js';

export interface GatewayRequest {
  /** Configuration folder. */
  readonly folder: string;
  readonly region: string;
  readonly temporal: TemporalAddress;
  /** The installation's task queue. Default: `reseal`. */
  readonly taskQueue?: string;
}

/**
 * A worker for the hosts of one region and nothing else: it needs Temporal, the stores and SSH, neither database nor sources.
 * @throws ResealError CONFIG_INVALID where nothing would ever be sent to it
 */
export async function startGateway(request: GatewayRequest): Promise<RunningWorker> {
  const around = await openSurroundings(request.folder);
  const { reseal, topology, policy } = around.configuration();
  const { region } = request;
  refuseIdleGateway(region, reseal.ssh.gateways, topology.nodes);
  const { connection, namespace } = await connectWorkers(request.temporal);
  const reach = reachRegion(region, reseal.ssh);
  const nodes = createNodeActivities({ store: around.content, verifier: profileVerifier(around.profiles), reach: reach.files, ...temporalContext }); // prettier-ignore
  const taskQueue = request.taskQueue ?? TASK_QUEUE;
  const seats = new Seats(new Client({ connection, namespace }), taskQueue);
  const worker = await createResealWorker({
    connection,
    namespace,
    taskQueue: gatewayQueue(taskQueue, region),
    maxActivitiesPerSecond: policy.limits.activitiesPerSecond,
    activities: patient(seated(nodes, seats, around.configuration), policy.limits.nodeOfflineAfter),
  });
  const ended = worker.run().finally(async () => {
    await connection.close();
    reach.close();
    await around.close();
  });
  ended.catch(() => undefined);
  return {
    worker,
    ended,
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
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
