import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { loadConfiguration, type Configuration } from '../configuration/load.js';
import { ResealError } from '../domain/errors.js';
import { databaseUrl } from '../ledger/database-url.js';
import { openLedger, type Ledger, type LedgerPlace } from '../ledger/open.js';
import { controlEncoding } from '../temporal/codec/declared.js';
import { openChain } from '../temporal/audit/worker-log.js';
import { connectClient } from '../temporal/connection.js';
import { startEmbeddedServer } from '../temporal/embedded-server.js';
import { startResealWorker, type ResealWorkerRequest } from '../temporal/reseal-worker.js';
import type { RunningWorker } from '../temporal/running-worker.js';
import { openSurroundings } from '../temporal/surroundings.js';
import { TASK_QUEUE } from '../temporal/task-queue.js';
import { quietRuntime } from '../temporal/quiet-runtime.js';
import { registerSearchAttributes } from '../temporal/search-attributes.js';
import { Denials } from './denials.js';
import { OidcTokens } from './oidc.js';
import { forgetEndedExports } from './exports.js';
import type { RotationDesk } from './rotations.js';
import { createApi, listen } from './server.js';
import { ServedIdentity, type TlsIdentity } from './tls.js';
import { newToken } from './token.js';

export interface ServiceRequest {
  /** Configuration folder. */
  readonly folder: string;
  readonly home: string;
  /** What runs here: the whole (`up`), the control API (`server`) or a worker alone (`worker`). */
  readonly parts: readonly ('api' | 'worker')[];
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress: (line: string) => void;
  /** What goes wrong while it runs, in sentences. Default: `onProgress`. */
  readonly onTrouble?: (sentence: string) => void;
  /** Faults of a demo. */
  readonly decorate?: ResealWorkerRequest['decorate'];
}

interface RunningApi {
  readonly url: string;
  readonly tokenFile: string;
  /** A file with the certificate that it proves itself with now; null: plain HTTP. */
  readonly certificate: string | null;
}

export interface RunningService {
  readonly api: RunningApi | null;
  readonly temporal: { readonly address: string; readonly namespace: string; readonly uiUrl: string | null; readonly adopted: boolean };
  readonly client: Client;
  readonly ledger: Ledger;
  readonly desk: RotationDesk;
  /** What cannot be used though everything runs, each in a sentence: a store that is away. */
  readonly troubles: readonly string[];
  /** Rejects when the worker fails. */
  readonly ended: Promise<void>;
  /** Ends everything that was started here, in the reverse order. */
  stop(): Promise<void>;
}

/** Where the ledger is, by reseal.yaml. @throws ResealError CONFIG_INVALID for a variable that is not set */
export function ledgerPlace(configuration: Configuration, home: string, env: NodeJS.ProcessEnv): LedgerPlace {
  const url = databaseUrl(configuration.reseal, env);
  return url === null ? { kind: 'embedded', folder: join(home, 'database') } : { kind: 'url', url };
}

/** Starts Temporal and database where they are embedded, then the parts asked for. What was started is ended again when a later part fails. */
export async function startService(request: ServiceRequest): Promise<RunningService> {
  const { home, folder, onProgress } = request;
  const configuration = loadConfiguration(folder);
  refuseToShareEmbedded(configuration, request.parts);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  quietRuntime();
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const temporal = await reachTemporal(configuration, home, onProgress, undo);
    const { connection } = await connectClient(temporal);
    undo.push(() => connection.close());
    await registerSearchAttributes(connection, temporal.namespace);
    const ledger = await openLedger(ledgerPlace(configuration, home, request.env));
    undo.push(() => ledger.close());
    const around = await openSurroundings(folder, home);
    undo.push(() => around.close());
    const encoding = await controlEncoding({ configuration: around.configuration, home, env: request.env, now: around.clock() });
    const client = new Client({ connection, namespace: temporal.namespace, dataConverter: encoding.dataConverter });

    const desk: RotationDesk = { client, ledger, around, taskQueue: TASK_QUEUE, home };
    if (request.parts.includes('api')) forgetKeysInTime(desk, undo);
    const api = request.parts.includes('api') ? await startApi(request, configuration, desk, undo) : null;
    const worker = request.parts.includes('worker')
      ? await startWorker(
          {
            folder,
            home,
            ledger,
            temporal,
            encoding,
            env: request.env,
            ...(request.decorate === undefined ? {} : { decorate: request.decorate }),
          },
          undo,
        )
      : null;
    const troubles = await around.storeTroubles();
    return { api, temporal, client, ledger, desk, troubles, ended: worker?.ended ?? new Promise(() => undefined), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One process owns what is embedded: parts that run apart meet at servers of their own. */
function refuseToShareEmbedded({ reseal }: Configuration, parts: ServiceRequest['parts']): void {
  if (parts.length > 1) return;
  const embedded = [
    ...(reseal.temporal.address === 'embedded' ? ['temporal.address (host:7233)'] : []),
    ...(reseal.database === 'embedded' ? ['database (env:RESEAL_DATABASE_URL)'] : []),
  ];
  if (embedded.length === 0) return;
  const command = parts.includes('api') ? 'server' : 'worker';
  throw new ResealError(
    'CONFIG_INVALID',
    `\`reseal ${command}\` runs one part alone and needs servers that others reach too: set ${embedded.join(' and ')} in reseal.yaml. \`reseal up\` runs everything in one process and embeds both.`,
  );
}

async function reachTemporal(
  configuration: Configuration,
  home: string,
  onProgress: (line: string) => void,
  undo: (() => Promise<void>)[],
): Promise<RunningService['temporal']> {
  const { address, namespace } = configuration.reseal.temporal;
  if (address !== 'embedded') return { address, namespace, uiUrl: null, adopted: false };
  const server = await startEmbeddedServer({ home, dbFile: join(home, 'temporal.db'), namespace, onProgress });
  undo.push(() => server.stop());
  return server;
}

async function startApi(
  { home, env, onProgress, onTrouble = onProgress }: ServiceRequest,
  { reseal }: Configuration,
  desk: RotationDesk,
  undo: (() => Promise<void>)[],
): Promise<RunningApi> {
  const token = newToken();
  const tokenFile = join(home, 'token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  const { tls } = reseal.api;
  const certificate = tls === undefined ? null : join(home, 'certificate.pem');
  const publish = ({ options }: TlsIdentity): void => {
    if (certificate !== null) writeFileSync(certificate, options.cert, { mode: 0o600 });
  };
  const identity = tls === undefined ? undefined : new ServedIdentity(tls, { onTrouble, onRenewed: publish });
  if (identity !== undefined) publish(identity.current);
  const chain = await openChain('api', home, { reseal }, env);
  undo.push(() => chain.close());
  const denials = new Denials(chain.writer);
  undo.push(() => denials.close());
  const { limits, oidc } = reseal.api;
  const options = {
    desk,
    token,
    limits,
    denials,
    audit: chain.log,
    overTls: tls !== undefined,
    ...(oidc === undefined ? {} : { oidc: new OidcTokens(oidc) }),
  };
  const running = await listen(createApi(options), reseal.api.listen, identity);
  undo.push(() => running.stop());
  return { url: running.url, tokenFile, certificate };
}

async function startWorker(request: ResealWorkerRequest, undo: (() => Promise<void>)[]): Promise<RunningWorker> {
  const worker = await startResealWorker(request);
  undo.push(() => worker.stop());
  return worker;
}

/** Between two looks for one-time keys that nobody can need any more, in milliseconds: an export that expires at night is closed for good without anybody's asking. */
const FORGET_EVERY = 60_000;

function forgetKeysInTime(desk: RotationDesk, undo: (() => Promise<void>)[]): void {
  // What cannot be told now is looked at again.
  const look = (): void => void forgetEndedExports(desk).catch(() => undefined);
  const timer = setInterval(look, FORGET_EVERY);
  timer.unref();
  look();
  undo.push(() => {
    clearInterval(timer);
    return Promise.resolve();
  });
}
