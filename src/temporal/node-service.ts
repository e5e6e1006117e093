import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import type { NodeActivities } from '../../activities/node/contract.js';
import { createNodeActivities, profileVerifier, type StepHooks } from '../../activities/node/index.js';
import { temporalContext } from '../../activities/node/temporal-context.js';
import type { NodeReach } from '../node-shell/reach.js';
import { patient } from './beating.js';
import { seated } from './seated-nodes.js';
import { Seats } from './seats.js';
import type { NodeSurroundings } from './node-surroundings.js';

export interface NodeService {
  readonly around: NodeSurroundings;
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Of whoever serves the nodes. */
  readonly dataConverter: DataConverter;
  /** The installation's: seats are known by it, whatever queue the worker polls. */
  readonly taskQueue: string;
  readonly reach: Pick<NodeReach, 'files'>;
  readonly hooks?: StepHooks;
  /** Injected faults, for tests. */
  readonly decorate?: (nodes: NodeActivities) => NodeActivities;
}

/** The node activities as every worker runs them, whether of the installation, a gateway or an agent: with a signer's seat, beating, and patient. */
export function nodeService({
  around,
  connection,
  namespace,
  dataConverter,
  taskQueue,
  reach,
  hooks,
  decorate,
}: NodeService): NodeActivities {
  const nodes = createNodeActivities({
    store: around.content,
    verifier: profileVerifier(around.profiles),
    reach: reach.files,
    configuration: around.configuration,
    ...temporalContext,
    ...(hooks === undefined ? {} : { hooks }),
  });
  const seats = new Seats(new Client({ connection, namespace, dataConverter }), taskQueue);
  return patient(seated(decorate?.(nodes) ?? nodes, seats, around.configuration), around.configuration().policy.limits.nodeOfflineAfter);
}
