import { hostname } from 'node:os';
import { createApprovalActivities } from '../../activities/approvals/activities.js';
import { Client } from '@temporalio/client';
import { createExportActivities } from '../../activities/exports/activities.js';
import { createMandateActivities } from '../../activities/mandates/activities.js';
import { createLedgerActivities } from '../../activities/ledger/index.js';
import type { LedgerWrites } from '../../activities/ledger/contract.js';
import type { NodeActivities } from '../../activities/node/contract.js';
import { createNotifyActivities } from '../../activities/notify/index.js';
import { createOrderActivities } from '../../activities/orders/activities.js';
import { createReportActivities } from '../../activities/reports/activities.js';
import { createReturningActivities, type ReturningLedger } from '../../activities/returning/activities.js';
import { createRevocationActivities } from '../../activities/revocations/activities.js';
import { createRosterActivities } from '../../activities/roster/activities.js';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import type { Surroundings } from '../../activities/rotation/surroundings.js';
import { ResealError } from '../domain/errors.js';
import { readOrderKey } from '../identity/order-key.js';
import type { SealKey } from '../../activities/imports/seal.js';
import type { MachineKey } from '../statement/machine-key.js';
import { reachNodes } from '../node-shell/reach.js';
import { identityText, newIdentity } from './worker-identity.js';
import { audited } from './audit/audited.js';
import { headsBeside, openWorkerLog } from './audit/worker-log.js';
import { alive } from './beating.js';
import { PLAIN, type Encoding } from './codec/declared.js';
import { connectWorkers, type TemporalAddress } from './connection.js';
import { nodeService } from './node-service.js';
import { runWorker, type RunningWorker } from './running-worker.js';
import { orphansOf } from './orphans.js';
import { rotationsInFlight } from './rotations-in-flight.js';
import { openSurroundings } from './surroundings.js';
import { TASK_QUEUE } from './task-queue.js';
import { createResealWorker, resealWorkflows, type WorkflowBundle } from './workers.js';

export interface ResealWorkerRequest {
  readonly folder: string;
  /** Of reseal on this machine: clones of stores lie there. */
  readonly home: string;
  readonly ledger: LedgerWrites & ReturningLedger;
  readonly temporal: TemporalAddress;
  /** Default: `reseal`. */
  readonly taskQueue?: string;
  readonly workflowBundle?: WorkflowBundle;
  /** How payloads are read and written. Default: plainly. */
  readonly encoding?: Encoding;
  /** Where the key for orders may come from. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Injected faults, for tests. */
  readonly decorate?: (nodes: NodeActivities) => NodeActivities;
}

/**
 * A worker for everything that reseal does: workflows, desk work and local nodes.
 * @throws ResealError SOURCE_REFUSED, IDENTITY_UNAVAILABLE where orders are to be signed and cannot be
 */
export async function startResealWorker(request: ResealWorkerRequest): Promise<RunningWorker> {
  const env = request.env ?? process.env;
  const opened = await openSurroundings(request.folder, request.home);
  const around = { ...opened, sealKey: () => sealKey(opened, env) };
  const configuration = around.configuration();
  const { reseal } = configuration;
  const { limits } = configuration.policy;
  if (reseal.orders !== undefined) await readOrderKey(reseal.orders, env);
  const { connection, namespace } = await connectWorkers(request.temporal);
  const reach = reachNodes(reseal.ssh);
  const audit = await openWorkerLog(request.home, configuration, env);
  const taskQueue = request.taskQueue ?? TASK_QUEUE;
  const { dataConverter, ring } = request.encoding ?? PLAIN;
  const client = new Client({ connection, namespace, dataConverter });
  const orphans = orphansOf({ around, ledger: request.ledger, client, taskQueue });
  const desk = { around, ledger: request.ledger, inFlight: rotationsInFlight(client, orphans) };
  const worker = await createResealWorker({
    connection,
    namespace,
    taskQueue,
    dataConverter,
    identity: identityText(newIdentity(hostname(), ring?.roots)),
    workflowBundle: request.workflowBundle ?? (await resealWorkflows()),
    maxActivitiesPerSecond: limits.activitiesPerSecond,
    around: [audited(audit.log, () => headsBeside(request.home, audit.folder))],
    activities: {
      ...alive(createRotationActivities(around, orphans)),
      ...createApprovalActivities(around),
      ...createExportActivities(around),
      ...createReportActivities(),
      ...createOrderActivities(() => orderKey(around, env)),
      ...alive(createReturningActivities(desk)),
      ...alive(createMandateActivities(desk)),
      ...alive(createRosterActivities(around)),
      ...alive(createRevocationActivities(around)),
      ...nodeService({
        ...{ around, connection, namespace, dataConverter, taskQueue, reach },
        ...(request.decorate === undefined ? {} : { decorate: request.decorate }),
      }),
      ...createLedgerActivities(request.ledger),
      ...createNotifyActivities({ webhooks: reseal.notify.webhooks }),
    },
  });
  return runWorker(worker, async () => {
    await audit.close();
    await connection.close();
    reach.close();
    await around.close();
  });
}

/** The same key, where there is one. */
async function sealKey({ configuration }: Pick<Surroundings, 'configuration'>, env: NodeJS.ProcessEnv): Promise<SealKey> {
  const { orders } = configuration().reseal;
  return orders === undefined ? 'none' : readOrderKey(orders, env);
}

/** Of the configuration of now. */
async function orderKey(around: Pick<Surroundings, 'configuration'>, env: NodeJS.ProcessEnv): Promise<MachineKey> {
  const { orders } = around.configuration().reseal;
  if (orders !== undefined) return readOrderKey(orders, env);
  throw new ResealError(
    'CONFIG_INVALID',
    'reseal.yaml declares no orders.key any more, and a rotation that began with one still signs its orders. Declare it again until that has ended.',
  );
}
