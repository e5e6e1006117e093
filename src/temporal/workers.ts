import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { type ActivityInterceptorsFactory, bundleWorkflowCode, DefaultLogger, type NativeConnection, Worker } from '@temporalio/worker';
import { dataConverter, FAILURE_CONVERTER } from './data-converter.js';
import { quietFailures } from './quiet-failures.js';

/** `{codePath}`: a bundle on disk; `{code}`: one made in this process. */
export type WorkflowBundle = { readonly codePath: string } | { readonly code: string };

export interface ResealWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** How payloads are read and written. Default: plainly. */
  readonly dataConverter?: DataConverter;
  /** Absent: the worker runs activities only. */
  readonly workflowBundle?: WorkflowBundle;
  /** Absent: the worker runs workflows only. */
  readonly activities?: object;
  /** Around every activity, the first one outermost, within what keeps secrets out of failures. Default: none. */
  readonly around?: readonly ActivityInterceptorsFactory[];
  /** Milliseconds that activities get to end once the worker is asked to. The SDK's default is none. Default: 10 s. */
  readonly shutdownGraceTime?: number;
  /** Milliseconds after which the worker ends whatever still runs. Default: never. */
  readonly shutdownForceTime?: number;
  /** Shown among the pollers of its task queue. Default: the SDK's, `pid@host`. */
  readonly identity?: string;
  /** Default: 100. */
  readonly maxConcurrentActivities?: number;
  /** Activities per second of the whole task queue, whatever the number of workers. Default: no limit. */
  readonly maxActivitiesPerSecond?: number;
  /** One is enough for a node's own queue. Default: the SDK's. */
  readonly activityPollers?: number;
  /** Default: the SDK's (40). */
  readonly maxConcurrentWorkflowTasks?: number;
}

/** A worker of reseal: the options below and the SDK's defaults. The caller runs it and shuts it down. */
export async function createResealWorker(options: ResealWorkerOptions): Promise<Worker> {
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    dataConverter: options.dataConverter ?? dataConverter(null),
    shutdownGraceTime: options.shutdownGraceTime ?? 10_000,
    ...(options.shutdownForceTime === undefined ? {} : { shutdownForceTime: options.shutdownForceTime }),
    ...(options.identity === undefined ? {} : { identity: options.identity }),
    maxConcurrentActivityTaskExecutions: options.maxConcurrentActivities ?? 100,
    ...(options.workflowBundle === undefined ? {} : { workflowBundle: options.workflowBundle }),
    ...(options.activities === undefined ? {} : { activities: options.activities }),
    interceptors: { activity: [quietFailures, ...(options.around ?? [])] },
    ...(options.maxActivitiesPerSecond === undefined ? {} : { maxTaskQueueActivitiesPerSecond: options.maxActivitiesPerSecond }),
    ...(options.activityPollers === undefined ? {} : { maxConcurrentActivityTaskPolls: options.activityPollers }),
    ...(options.maxConcurrentWorkflowTasks === undefined
      ? {}
      : { maxConcurrentWorkflowTaskExecutions: options.maxConcurrentWorkflowTasks }),
  });
}

const PREBUILT = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
const COMPILED = fileURLToPath(new URL('../../workflows/index.js', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));

/** What every bundle has beside its workflows: failures encoded, the ids of activities that say whom they are for, and the heads of audit chains. */
const BUNDLED = {
  failureConverterPath: FAILURE_CONVERTER,
  workflowInterceptorModules: ['audience', 'audit'].map((name) =>
    join(dirname(existsSync(COMPILED) ? COMPILED : SOURCE), 'interceptors', `${name}.${existsSync(COMPILED) ? 'js' : 'ts'}`),
  ),
};

/** Bundles workflows with webpack, 2 to 4 s: once per process at most. */
export async function bundleWorkflows(workflowsPath: string): Promise<{ readonly code: string }> {
  return bundleWorkflowCode({ workflowsPath, ...BUNDLED, logger: new DefaultLogger('WARN') });
}

let own: Promise<WorkflowBundle> | undefined;

/** reseal's own workflows: the bundle that the build made, else (run from TypeScript) one built now, once. */
export function resealWorkflows(): Promise<WorkflowBundle> {
  own ??= existsSync(PREBUILT) ? Promise.resolve({ codePath: PREBUILT }) : bundleWorkflows(existsSync(COMPILED) ? COMPILED : SOURCE);
  return own;
}

/** The code of a bundle, for checks. */
export function bundleCode(bundle: WorkflowBundle): string {
  return 'code' in bundle ? bundle.code : readFileSync(bundle.codePath, 'utf8');
}
