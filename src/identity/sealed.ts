import { randomBytes } from 'node:crypto';
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Sha1 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { legacyPkcs12, readPkcs12, type SigningIdentity } from './pkcs12.js';

/**
 * A node's key for what is delivered to it: age (age-encryption.org/v1), X25519, so that the `age` tool opens it too. The private half stays
 * on the node, in its state folder.
 */
export interface DeliveryKey {
  /** `AGE-SECRET-KEY-1…` */
  readonly secret: string;
  /** `age1…`, for topology.yaml. */
  readonly recipient: string;
}

export async function newDeliveryKey(): Promise<DeliveryKey> {
  const secret = await generateX25519Identity();
  return { secret, recipient: await identityToRecipient(secret) };
}

/** The public half. @throws ResealError IDENTITY_UNAVAILABLE where the text is no such key; it is not repeated */
export async function recipientOf(secret: string): Promise<string> {
  try {
    return await identityToRecipient(secret.trim());
  } catch {
    throw new ResealError('IDENTITY_UNAVAILABLE', 'The delivery key is none of age; expected is a line AGE-SECRET-KEY-1….');
  }
}

/** Whether a text is a public age key, its checksum included. */
export function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/** Seals bytes to the holder of one age key. */
export function sealTo(recipient: string, bytes: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(bytes);
}

/** @returns null: it is sealed to another key, or damaged */
export async function openWith(secret: string, bytes: Uint8Array): Promise<Uint8Array | null> {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(secret.trim());
    return await decrypter.decrypt(bytes);
  } catch {
    return null;
  }
}

/** An identity as a Mac imports it. Both parts are secret. */
export interface Importable {
  readonly pkcs12: Uint8Array;
  readonly password: string;
}

/** What is sealed: JSON of this form. */
interface Envelope {
  readonly schemaVersion: 1;
  readonly identity: Sha1;
  /** Base64 */
  readonly pkcs12: string;
  readonly password: string;
}

/** Seals an identity to one node. The PKCS#12 inside is made anew, with a password of its own that nobody ever sees. */
export async function sealIdentity(identity: SigningIdentity, recipient: string): Promise<Uint8Array> {
  const password = randomBytes(24).toString('hex');
  const envelope: Envelope = {
    schemaVersion: 1,
    identity: identity.facts.sha1,
    pkcs12: Buffer.from(legacyPkcs12(identity, password)).toString('base64'),
    password,
  };
  return sealTo(recipient, Buffer.from(JSON.stringify(envelope)));
}

/**
 * Opens what was sealed to a node, and proves that the identity inside is the one asked for.
 * @throws ResealError IDENTITY_UNAVAILABLE: sealed to another key, damaged, or another identity; nothing of the content is in it
 */
export async function openSealedIdentity(bytes: Uint8Array, secret: string, expected: Sha1): Promise<Importable> {
  const opened = await openWith(secret, bytes);
  if (opened === null) throw unavailable(expected, "is sealed to another key than the node's, or damaged");
  const envelope = parse(Buffer.from(opened).toString('utf8'), expected);
  const importable = { pkcs12: Buffer.from(envelope.pkcs12, 'base64'), password: envelope.password };
  const { facts } = readPkcs12(importable.pkcs12, importable.password, `The sealed identity ${expected.slice(0, 8)}`);
  if (facts.sha1 !== expected) throw unavailable(expected, `holds the identity ${facts.sha1.slice(0, 8)}`);
  return importable;
}

function parse(text: string, expected: Sha1): Envelope {
  try {
    const found = JSON.parse(text) as Partial<Envelope>;
    if (found.schemaVersion === 1 && typeof found.pkcs12 === 'string' && /^[0-9a-f]+$/.test(found.password ?? '')) return found as Envelope;
  } catch {
    // Told below: what was sealed is in no message.
  }
  throw unavailable(expected, 'holds something else than an identity');
}

const unavailable = (identity: Sha1, what: string): ResealError =>
  new ResealError(
    'IDENTITY_UNAVAILABLE',
    `The sealed identity ${identity.slice(0, 8)} ${what}. Seal it again: \`reseal certificate import\`, with the delivery key that \`reseal node delivery-key\` shows.`,
  );
