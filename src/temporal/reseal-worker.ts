import { Client } from '@temporalio/client';
import { createLedgerActivities } from '../../activities/ledger/index.js';
import type { LedgerWrites } from '../../activities/ledger/contract.js';
import { createNodeActivities, profileVerifier } from '../../activities/node/index.js';
import { temporalContext } from '../../activities/node/temporal-context.js';
import type { NodeActivities } from '../../activities/node/contract.js';
import { createNotifyActivities } from '../../activities/notify/index.js';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import { reachNodes } from '../node-shell/reach.js';
import { alive, patient } from './beating.js';
import { connectWorkers, type TemporalAddress } from './connection.js';
import type { RunningWorker } from './running-worker.js';
import { seated } from './seated-nodes.js';
import { Seats } from './seats.js';
import { openSurroundings } from './surroundings.js';
import { TASK_QUEUE } from './task-queue.js';
import { createResealWorker, resealWorkflows, type WorkflowBundle } from './workers.js';

export interface ResealWorkerRequest {
  readonly folder: string;
  readonly ledger: LedgerWrites;
  readonly temporal: TemporalAddress;
  /** Default: `reseal`. */
  readonly taskQueue?: string;
  readonly workflowBundle?: WorkflowBundle;
  /** Injected faults, for tests. */
  readonly decorate?: (nodes: NodeActivities) => NodeActivities;
}

/** A worker for everything that reseal does: workflows, desk work and local nodes. */
export async function startResealWorker(request: ResealWorkerRequest): Promise<RunningWorker> {
  const around = await openSurroundings(request.folder);
  const { connection, namespace } = await connectWorkers(request.temporal);
  const { limits } = around.configuration().policy;
  const reach = reachNodes(around.configuration().reseal.ssh);
  const nodes = createNodeActivities({
    store: around.content,
    verifier: profileVerifier(around.profiles),
    reach: reach.files,
    ...temporalContext,
  });
  const taskQueue = request.taskQueue ?? TASK_QUEUE;
  const seats = new Seats(new Client({ connection, namespace }), taskQueue);
  const worker = await createResealWorker({
    connection,
    namespace,
    taskQueue,
    workflowBundle: request.workflowBundle ?? (await resealWorkflows()),
    maxActivitiesPerSecond: limits.activitiesPerSecond,
    activities: {
      ...alive(createRotationActivities(around)),
      ...patient(seated(request.decorate?.(nodes) ?? nodes, seats, around.configuration), limits.nodeOfflineAfter),
      ...createLedgerActivities(request.ledger),
      ...createNotifyActivities({ webhooks: around.configuration().reseal.notify.webhooks }),
    },
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
