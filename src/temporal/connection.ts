import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { ResealError } from '../domain/errors.js';

/** Where a Temporal server is. What is not given comes from @temporalio/envconfig: TEMPORAL_ADDRESS, TEMPORAL_TLS…, TEMPORAL_API_KEY, or its profile file. */
export interface TemporalAddress {
  /** `host:port` */
  readonly address?: string;
  readonly namespace?: string;
}

interface Settled {
  readonly options: NativeConnectionOptions;
  readonly address: string;
  readonly namespace: string;
}

/** Seconds that a person is kept waiting before being told that Temporal does not answer. */
const PATIENCE = 10_000;

function settle(where: TemporalAddress): Settled {
  let fromEnvironment;
  try {
    fromEnvironment = loadClientConnectConfig();
  } catch (error) {
    throw new ResealError(
      'CONFIG_INVALID',
      `The Temporal client configuration (TEMPORAL_… variables or its profile file) cannot be read: ${reasonOf(error)}.`,
      { cause: error },
    );
  }
  const address = where.address ?? fromEnvironment.connectionOptions.address ?? '127.0.0.1:7233';
  return {
    options: withoutUndefined({ ...fromEnvironment.connectionOptions, address }),
    address,
    namespace: where.namespace ?? fromEnvironment.namespace ?? 'default',
  };
}

/** envconfig writes `undefined` for what is not set; the SDK's types (and its TLS default) want it absent. */
function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');

function unreachable(address: string, error: unknown): ResealError {
  const sentence = `Temporal at ${address} does not answer (${reasonOf(error).split('\n')[0]}). Check that the server runs there and that \`temporal.address\` in reseal.yaml, TLS and API key are right.`;
  return new ResealError('TEMPORAL_UNREACHABLE', sentence, { cause: error });
}

export interface TemporalClientConnection {
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
}

/** A client connection that answered once. Throws TEMPORAL_UNREACHABLE within 10 s. The caller closes it. */
export async function connectClient(where: TemporalAddress): Promise<TemporalClientConnection> {
  const { options, address, namespace } = settle(where);
  const connection = Connection.lazy({ ...(options as ConnectionOptions), connectTimeout: PATIENCE });
  try {
    await connection.withDeadline(Date.now() + PATIENCE, () => connection.workflowService.getSystemInfo({}));
    return { connection, address, namespace };
  } catch (error) {
    await connection.close().catch(() => undefined);
    throw unreachable(address, error);
  }
}

export interface TemporalWorkerConnection {
  readonly connection: NativeConnection;
  readonly address: string;
  readonly namespace: string;
}

/** A connection for workers. Throws TEMPORAL_UNREACHABLE within 10 s. The caller closes it when its workers have ended. */
export async function connectWorkers(where: TemporalAddress): Promise<TemporalWorkerConnection> {
  const { options, address, namespace } = settle(where);
  const connecting = NativeConnection.connect(options);
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE / 1000} s`)), PATIENCE);
  });
  try {
    return { connection: await Promise.race([connecting, limit]), address, namespace };
  } catch (error) {
    // One that comes up after all is not kept.
    connecting.then((late) => late.close()).catch(() => undefined);
    throw unreachable(address, error);
  } finally {
    clearTimeout(timer);
  }
}
