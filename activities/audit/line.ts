import type { ChainItem } from '../../src/domain/audit/verify.js';
import type { AuditHead, AuditRecord, AuditSeal } from '../../src/domain/audit/record.js';
import { AuditRecordSchema, AuditSealSchema } from '../../src/schema/audit.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { canonicalBytes } from '../../src/statement/canonical.js';

/** Longer than any record can be. In bytes. */
export const LONGEST_LINE = 2_000_000;

/** A record's line, without the newline, and its head. */
export function recordLine(record: AuditRecord): { readonly bytes: Uint8Array; readonly head: AuditHead } {
  const bytes = canonicalBytes(record);
  return { bytes, head: { chain: record.chain, seq: record.seq, digest: sha256Of(bytes) } };
}

export const sealLine = (seal: AuditSeal): Uint8Array => canonicalBytes(seal);

/** What a line is; never throws, whatever it holds. @param bytes without the newline */
export function readLine(bytes: Uint8Array, where: string): ChainItem {
  const unreadable = (reason: string): ChainItem => ({ kind: 'unreadable', where, reason });
  if (bytes.length > LONGEST_LINE) return unreadable(`it is longer than ${LONGEST_LINE} bytes`);
  let value: unknown;
  try {
    // What is no UTF-8 is read as something else, whose canonical form has other bytes.
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return unreadable('it is no JSON');
  }
  const isSeal = typeof value === 'object' && value !== null && 'seal' in value;
  const parsed = isSeal ? AuditSealSchema.safeParse(value) : AuditRecordSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return unreadable(`${issue?.path.map(String).join('.') || 'the line'}: ${issue?.message ?? 'it has not the form of one'}`);
  }
  // Of two spellings of the same facts only one is what the writer writes: a name that is there twice would be read differently by others.
  if (Buffer.compare(canonicalBytes(parsed.data), bytes) !== 0) return unreadable('it is not in the canonical form of RFC 8785');
  if ('seal' in parsed.data) return { kind: 'seal', where, seal: parsed.data };
  return { kind: 'record', where, record: parsed.data, digest: sha256Of(bytes) };
}
