import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { sealStatement, type AuditHead, type SealStatement } from '../domain/audit/record.js';
import { ResealError } from '../domain/errors.js';
import type { ImportSeal } from '../domain/imports/kept.js';
import type { OrderStatement } from '../domain/node/order-signature.js';
import type { ReportStatement } from '../domain/node/report-signature.js';
import type { SignatureStanding } from '../domain/signing/standing.js';
import { canonicalBytes } from './canonical.js';
import { standingOf } from './standing.js';
import { signInProcess } from './sshsig.js';
import { sshString } from './ssh-wire.js';

/** What signatures of machines are made for: one for the one counts for nothing else, and nothing else counts as it. */
export const REPORT_NAMESPACE = 'reseal-report-v1';
export const ORDER_NAMESPACE = 'reseal-order-v1';
/** The same of the seals of a writer's audit chain. */
export const AUDIT_NAMESPACE = 'reseal-audit-v1';
/** The same of what workers take into a store by themselves. */
export const IMPORT_NAMESPACE = 'reseal-import-v1';

/** The key that an agent or a gateway signs its answers with, the installation its orders and what it imports by itself, every writer its audit chain: Ed25519. The private half stays on its machine. */
export interface MachineKey {
  /** `ssh-ed25519 AAAA…`, for topology.yaml or reseal.yaml, or to be pinned. */
  readonly line: string;
  /** SSHSIG, armored, in the namespace of the statement's schema. */
  sign(statement: ReportStatement | OrderStatement | SealStatement | ImportSeal): string;
}

/** A new one's private half: PKCS#8 in PEM (RFC 8410). */
export const newMachineKey = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/**
 * @param where it is from, and how another one is made: for the sentence
 * @throws ResealError IDENTITY_UNAVAILABLE where the text is no such key; it is not repeated
 */
export function readMachineKey(secret: string, where: string, makeAnother: string): MachineKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(secret);
  } catch {
    throw unreadable(where, makeAnother);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unreadable(where, makeAnother);
  const blob = publicBlob(key);
  return {
    line: `ssh-ed25519 ${Buffer.from(blob).toString('base64')}`,
    sign: (statement) => signInProcess(key, blob, canonicalBytes(statement), statement.schema),
  };
}

const unreadable = (where: string, makeAnother: string): ResealError =>
  new ResealError(
    'IDENTITY_UNAVAILABLE',
    `${where} holds no Ed25519 private key in PEM. Move it away; \`${makeAnother}\` makes a new one.`,
  );

function publicBlob(key: KeyObject): Uint8Array {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.concat([sshString('ssh-ed25519'), sshString(Buffer.from(x, 'base64url'))]);
}

/** Whose signature an answer has, among the keys that are enrolled for who was asked. */
export const reportSignature = (statement: ReportStatement, signature: string, keys: readonly string[]): SignatureStanding =>
  standingOf(statement, signature, REPORT_NAMESPACE, keys);

/** Whose signature an order has, among the keys that are pinned for the installation. */
export const orderSignature = (statement: OrderStatement, signature: string, keys: readonly string[]): SignatureStanding =>
  standingOf(statement, signature, ORDER_NAMESPACE, keys);

/** Whose seal it is, among the keys that count for the writer of the chain. */
export const sealSignature = (head: AuditHead, signature: string, keys: readonly string[]): SignatureStanding =>
  standingOf(sealStatement(head), signature, AUDIT_NAMESPACE, keys);

/** Whose seal it is of what a worker has taken in, among the keys of the installation. */
export const importSealSignature = (statement: ImportSeal, signature: string, keys: readonly string[]): SignatureStanding =>
  standingOf(statement, signature, IMPORT_NAMESPACE, keys);
