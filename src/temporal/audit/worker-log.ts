import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { bucketCopy } from '../../../activities/audit/bucket-store.js';
import { chainEnd } from '../../../activities/audit/chain-end.js';
import { chainsIn } from '../../../activities/audit/chains-in.js';
import type { ChainWriter } from '../../../activities/audit/chain-writer.js';
import { Copies, type ChainCopy, type KeptCopy } from '../../../activities/audit/copies.js';
import { FileCopy } from '../../../activities/audit/file-copy.js';
import { AuditLog } from '../../../activities/audit/log.js';
import { PieceCopy } from '../../../activities/audit/piece-copy.js';
import type { BucketPlace } from '../../../activities/manifest-store/bucket/place.js';
import type { Configuration } from '../../configuration/load.js';
import type { AuditHead, AuditWriter } from '../../domain/audit/record.js';
import { enroll, enrolledKeysIn } from '../../identity/enrolled-keys.js';
import { LedgerPieces } from '../../ledger/audit-pieces.js';
import { databaseUrl } from '../../ledger/database-url.js';
import type { AuditSinkDeclaration, BucketSinkDeclaration, ResealConfiguration } from '../../schema/reseal.js';
import { auditFolder, holdChain, type HeldChain } from './hold-chain.js';

export interface OpenAuditLog {
  readonly log: AuditLog;
  /** Of the chain. */
  readonly folder: string;
  close(): Promise<void>;
}

interface OpenChain {
  readonly writer: ChainWriter;
  readonly log: AuditLog;
  close(): Promise<void>;
}

/**
 * The chain of a process of the installation, under a key of its home's own, and its copies.
 * @param env where the address of the ledger's database may come from
 * @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE, CONFIG_INVALID
 */
export async function openChain(
  kind: 'worker' | 'api',
  home: string,
  { reseal }: Pick<Configuration, 'reseal'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<OpenChain> {
  const held = await takeChain(home, kind);
  const copies = await Copies.keep(held.writer, copiesOf(reseal, env)).catch(async (error: unknown) => {
    await held.release();
    throw error;
  });
  return {
    writer: held.writer,
    log: new AuditLog(held.writer, copies),
    close: async () => {
      await held.writer.close();
      await copies.close();
      await held.release();
    },
  };
}

/** More chains than any home has in use; those that were set aside are no chain's end. */
const MOST_BESIDE = 50;

/** Where the other chains of a home end now: those of its API, and of what people did there without a worker. What cannot be read is left out: nothing waits for an anchor. */
export async function headsBeside(home: string, own: string): Promise<readonly AuditHead[]> {
  try {
    const others = (await chainsIn(auditFolder(home))).filter(({ folder }) => folder !== own).slice(0, MOST_BESIDE);
    const ends = await Promise.all(others.map(({ folder }) => chainEnd(folder).catch(() => null)));
    return ends.flatMap((end) => (end?.kind === 'end' ? [end.head] : []));
  } catch {
    return [];
  }
}

/** The chain of a worker of the installation. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE, CONFIG_INVALID */
export async function openWorkerLog(
  home: string,
  configuration: Pick<Configuration, 'reseal'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<OpenAuditLog> {
  const { writer, log, close } = await openChain('worker', home, configuration, env);
  return { log, folder: writer.folder, close };
}

/** How long what a person does on the spot waits for the copies of its chain, in milliseconds: the chain itself is there, and goes over with the next one. */
const COPIED_WITHIN = 10_000;

/** The chain of what people do where no worker is asked: of the same home, and under the same key. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE */
export async function openBreakGlassLog(
  home: string,
  { reseal }: Pick<Configuration, 'reseal'>,
  env: NodeJS.ProcessEnv,
): Promise<OpenAuditLog> {
  const held = await takeChain(home, 'break-glass');
  return {
    log: new AuditLog(held.writer, { mustBeOpen: () => undefined }),
    folder: held.writer.folder,
    close: async () => {
      await held.writer.close();
      const patience = new AbortController();
      const copied = Copies.keep(held.writer, copiesOf(reseal, env)).then((copies) => copies.close());
      await Promise.race([copied.catch(() => undefined), setTimeout(COPIED_WITHIN, undefined, { signal: patience.signal })]).finally(() =>
        patience.abort(),
      );
      await held.release();
    },
  };
}

async function takeChain(home: string, kind: AuditWriter['kind']): Promise<HeldChain> {
  const folder = auditFolder(home);
  await enroll(folder, [], 'keep');
  return holdChain(folder, { kind, name: hostname() }, async () => (await enrolledKeysIn(folder))[0] ?? null);
}

const copiesOf = (reseal: Configuration['reseal'], env: NodeJS.ProcessEnv): readonly KeptCopy[] =>
  Object.entries(reseal.audit.sinks).map(([name, sink]) => ({ copy: copyOf(name, sink, reseal, env), whenDown: sink.whenDown }));

/** The copy that a sink of reseal.yaml declares. */
export function copyOf(
  name: string,
  sink: AuditSinkDeclaration,
  reseal: Pick<ResealConfiguration, 'database'>,
  env: NodeJS.ProcessEnv,
): ChainCopy {
  switch (sink.kind) {
    case 'file':
      return new FileCopy(name, sink.path);
    case 'bucket':
      return bucketCopy(name, {
        place: placeOf(sink),
        lock: sink.lock === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
        retainFor: sink.retainFor,
      });
    case 'ledger':
      return new PieceCopy(name, ledgerPieces(reseal, env));
  }
}

/** Copies in the database of reseal.yaml, which is no embedded one (src/configuration/cross-checks.ts). */
export const ledgerPieces = (reseal: Pick<ResealConfiguration, 'database'>, env: NodeJS.ProcessEnv): LedgerPieces =>
  new LedgerPieces(() => databaseUrl(reseal, env) ?? '');

/** Where a sink's bucket is. */
export function placeOf({ bucket, prefix, region, endpoint, addressing, timeout }: BucketSinkDeclaration): BucketPlace {
  return { bucket, prefix, region, endpoint, addressing: addressing ?? (endpoint === null ? 'host' : 'path'), timeout };
}
