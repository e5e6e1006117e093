import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ChainWriter } from '../../../activities/audit/chain-writer.js';
import { Copies, type KeptCopy } from '../../../activities/audit/copies.js';
import { FileCopy } from '../../../activities/audit/file-copy.js';
import { AuditLog } from '../../../activities/audit/log.js';
import type { Configuration } from '../../configuration/load.js';
import { enroll, enrolledKeysIn } from '../../identity/enrolled-keys.js';
import { holdChain } from './hold-chain.js';

/** Where the processes of a home have their chains. */
export const auditFolder = (home: string): string => join(home, 'audit');

export interface OpenAuditLog {
  readonly log: AuditLog;
  close(): Promise<void>;
}

interface OpenChain {
  readonly writer: ChainWriter;
  readonly copies: Copies;
  close(): Promise<void>;
}

/** The chain of a process of the installation, under a key of its home's own, and its copies. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE */
export async function openChain(kind: 'worker' | 'api', home: string, { reseal }: Pick<Configuration, 'reseal'>): Promise<OpenChain> {
  const folder = auditFolder(home);
  await enroll(folder, [], 'keep');
  const held = await holdChain(folder, { kind, name: hostname() }, async () => (await enrolledKeysIn(folder))[0] ?? null);
  const kept = Object.entries(reseal.audit.sinks).map(([name, { path, whenDown }]): KeptCopy => ({
    copy: new FileCopy(name, path),
    whenDown,
  }));
  const copies = await Copies.keep(held.writer, kept);
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

/** The chain of a worker of the installation. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE */
export async function openWorkerLog(home: string, configuration: Pick<Configuration, 'reseal'>): Promise<OpenAuditLog> {
  const { writer, copies, close } = await openChain('worker', home, configuration);
  return { log: new AuditLog(writer, copies), close };
}
