import { hostname } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../../../activities/audit/log.js';
import { enroll, enrolledKeysIn } from '../../identity/enrolled-keys.js';
import { holdChain } from './hold-chain.js';

/** Where the workers of a home have their chains. */
export const auditFolder = (home: string): string => join(home, 'audit');

export interface OpenAuditLog {
  readonly log: AuditLog;
  close(): Promise<void>;
}

/** The chain of a worker of the installation, under a key of its home's own. @throws ResealError AUDIT_UNWRITABLE, IDENTITY_UNAVAILABLE */
export async function openWorkerLog(home: string): Promise<OpenAuditLog> {
  const folder = auditFolder(home);
  await enroll(folder, [], 'keep');
  const held = await holdChain(folder, { kind: 'worker', name: hostname() }, async () => (await enrolledKeysIn(folder))[0] ?? null);
  return { log: new AuditLog(held.writer, { mustBeOpen: () => undefined }), close: () => held.release() };
}
