import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { BucketCopy } from '../../../activities/audit/bucket-copy.js';
import type { ChainWriter } from '../../../activities/audit/chain-writer.js';
import { Copies, type ChainCopy, type KeptCopy } from '../../../activities/audit/copies.js';
import { FileCopy } from '../../../activities/audit/file-copy.js';
import { AuditLog } from '../../../activities/audit/log.js';
import type { BucketPlace } from '../../../activities/manifest-store/bucket/place.js';
import type { Configuration } from '../../configuration/load.js';
import type { AuditWriter } from '../../domain/audit/record.js';
import { enroll, enrolledKeysIn } from '../../identity/enrolled-keys.js';
import type { AuditSinkDeclaration, BucketSinkDeclaration } from '../../schema/reseal.js';
import { auditFolder, holdChain, type HeldChain } from './hold-chain.js';

export interface OpenAuditLog {
  readonly log: AuditLog;
  /** Of the chain. */
  readonly folder: string;
  close(): Promise<void>;
}

interface OpenChain {
  readonly writer: ChainWriter;
  readonly copies: Copies;
  close(): Promise<void>;
}

/**
 * The chain of a process of the installation, under a key of its home's own, and its copies.
 * @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE, CONFIG_INVALID
 */
export async function openChain(kind: 'worker' | 'api', home: string, { reseal }: Pick<Configuration, 'reseal'>): Promise<OpenChain> {
  const held = await takeChain(home, kind);
  const copies = await Copies.keep(held.writer, copiesOf(reseal)).catch(async (error: unknown) => {
    await held.release();
    throw error;
  });
  return {
    writer: held.writer,
    copies,
    close: async () => {
      await held.writer.close();
      await copies.close();
      await held.release();
    },
  };
}

/** The chain of a worker of the installation. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE, CONFIG_INVALID */
export async function openWorkerLog(home: string, configuration: Pick<Configuration, 'reseal'>): Promise<OpenAuditLog> {
  const { writer, copies, close } = await openChain('worker', home, configuration);
  return { log: new AuditLog(writer, copies), folder: writer.folder, close };
}

/** How long what a person does on the spot waits for the copies of its chain, in milliseconds: the chain itself is there, and goes over with the next one. */
const COPIED_WITHIN = 10_000;

/** The chain of what people do where no worker is asked: of the same home, and under the same key. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE */
export async function openBreakGlassLog(home: string, { reseal }: Pick<Configuration, 'reseal'>): Promise<OpenAuditLog> {
  const held = await takeChain(home, 'break-glass');
  return {
    log: new AuditLog(held.writer, { mustBeOpen: () => undefined }),
    folder: held.writer.folder,
    close: async () => {
      await held.writer.close();
      const patience = new AbortController();
      const copied = Copies.keep(held.writer, copiesOf(reseal)).then((copies) => copies.close());
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

const copiesOf = ({ audit }: Configuration['reseal']): readonly KeptCopy[] =>
  Object.entries(audit.sinks).map(([name, sink]) => ({ copy: copyOf(name, sink), whenDown: sink.whenDown }));

/** The copy that a sink of reseal.yaml declares. */
export function copyOf(name: string, sink: AuditSinkDeclaration): ChainCopy {
  switch (sink.kind) {
    case 'file':
      return new FileCopy(name, sink.path);
    case 'bucket':
      return new BucketCopy(name, {
        place: placeOf(sink),
        lock: sink.lock === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
        retainFor: sink.retainFor,
      });
  }
}

/** Where a sink's bucket is. */
export function placeOf({ bucket, prefix, region, endpoint, addressing, timeout }: BucketSinkDeclaration): BucketPlace {
  return { bucket, prefix, region, endpoint, addressing: addressing ?? (endpoint === null ? 'host' : 'path'), timeout };
}
