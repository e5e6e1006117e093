import { hostname } from 'node:os';
import { join } from 'node:path';
import { Copies, type KeptCopy } from '../../../activities/audit/copies.js';
import { FileCopy } from '../../../activities/audit/file-copy.js';
import { AuditLog } from '../../../activities/audit/log.js';
import type { Configuration } from '../../configuration/load.js';
import { enroll, enrolledKeysIn } from '../../identity/enrolled-keys.js';
import { holdChain } from './hold-chain.js';

/** Where the workers of a home have their chains. */
export const auditFolder = (home: string): string => join(home, 'audit');

export interface OpenAuditLog {
  readonly log: AuditLog;
  close(): Promise<void>;
}

/** The chain of a worker of the installation, under a key of its home's own, and its copies. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE */
export async function openWorkerLog(home: string, { reseal }: Pick<Configuration, 'reseal'>): Promise<OpenAuditLog> {
  const folder = auditFolder(home);
  await enroll(folder, [], 'keep');
  const held = await holdChain(folder, { kind: 'worker', name: hostname() }, async () => (await enrolledKeysIn(folder))[0] ?? null);
  const kept = Object.entries(reseal.audit.sinks).map(([name, { path, whenDown }]): KeptCopy => ({
    copy: new FileCopy(name, path),
    whenDown,
  }));
  const copies = await Copies.keep(held.writer, kept);
  return {
    log: new AuditLog(held.writer, copies),
    close: async () => {
      await held.writer.close();
      await copies.close();
      await held.release();
    },
  };
}
