import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';
import { audienceOf, mayWrite, type Audience } from '../../domain/codec/audience.js';
import type { NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { KeyRing, PayloadKey } from './key-ring.js';

/** The `encoding` of an encrypted payload: what Temporal's own samples call it, so that its UI knows. */
export const ENCODING = 'binary/encrypted';
/** Metadata that names the key. */
export const KEY_ID = 'encryption-key-id';

/** First byte of what is encrypted: the layout `version | nonce | ciphertext | tag`. */
const VERSION = 1;
const NONCE = 12;
const TAG = 16;

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
/** The id as a payload has it, made harmless: it is shown, and anybody may have written it. */
const shownId = (id: string): string => id.replace(/[^\w./-]/g, '?').slice(0, 120);

/** The key id that a payload names; null where it is not encrypted. */
export const keyIdOf = (payload: Payload): string | null =>
  textOf(payload.metadata?.['encoding']) === ENCODING ? textOf(payload.metadata?.[KEY_ID]) : null;

/** What is authenticated beside the ciphertext: layout, encoding and key id. */
const authenticated = (keyId: string): Buffer => Buffer.from(`reseal-codec-v${VERSION}\0${ENCODING}\0${keyId}`);

export function encrypt(payload: Payload, key: PayloadKey): Payload {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce).setAAD(authenticated(key.id));
  const sealed = [cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()];
  return {
    metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(key.id) },
    data: Buffer.concat([Buffer.from([VERSION]), nonce, ...sealed]),
  };
}

/** @throws ResealError PAYLOAD_DAMAGED, without anything of what it holds */
export function decrypt({ data }: Payload, key: PayloadKey): Payload {
  const bytes = Buffer.from(data ?? []);
  if (bytes.length < 1 + NONCE + TAG) throw damaged(key, `it is ${bytes.length} bytes long, too short to be whole`);
  if (bytes[0] !== VERSION) throw damaged(key, `its layout is version ${bytes[0]}, and this reseal reads version ${VERSION}`);
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(1, 1 + NONCE), { authTagLength: TAG });
  decipher.setAAD(authenticated(key.id)).setAuthTag(bytes.subarray(-TAG));
  try {
    return PayloadMessage.decode(Buffer.concat([decipher.update(bytes.subarray(1 + NONCE, -TAG)), decipher.final()]));
  } catch {
    // OpenSSL's words say no more, and what did not pass is not kept as a cause.
    throw damaged(key, 'its tag does not fit: it was changed, or written under another key of that id');
  }
}

function damaged(key: PayloadKey, why: string): ResealError {
  return new ResealError(
    'PAYLOAD_DAMAGED',
    `A payload that names codec key ${key.id} cannot be read: ${why}. Nothing of it is used; see who wrote it.`,
  );
}

function keyMissing(id: string, ring: KeyRing | null): ResealError {
  const has = ring === null ? 'has no codec keys' : `has ${ring.roots.join(', ')}`;
  return new ResealError(
    'CODEC_KEY_MISSING',
    `A payload is encrypted under codec key ${shownId(id) || '(none named)'}, and this process ${has}. Give it the key (codec in reseal.yaml; \`reseal codec-key hand-out\` for nodes and gateways) and start it again.`,
  );
}

export interface EncryptionOptions {
  readonly ring: KeyRing;
  /** Who serves a node, by the configuration of now. */
  readonly servedBy: (node: NodeName) => Audience;
}

/**
 * Encrypts every payload under the key of those whom it is for (src/domain/codec/audience.ts). What is not encrypted is read as it is: histories of before
 * there were keys go on.
 */
export function encryptingCodec({ ring, servedBy }: EncryptionOptions): PayloadCodec {
  return {
    encode: async (payloads, context) => {
      const key = ring.active(audienceOf(context, servedBy));
      return payloads.map((payload) => encrypt(payload, key));
    },
    decode: async (payloads, context) => payloads.map((payload) => readable(payload, ring, context)),
  };
}

/** Of a process without keys: writes plainly, and says what an encrypted payload wants. */
export const plainCodec: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => payloads.map((payload) => readable(payload, null, undefined)),
};

/** @throws ResealError CODEC_KEY_MISSING, PAYLOAD_DAMAGED */
export function readable(payload: Payload, ring: KeyRing | null, context: SerializationContext | undefined): Payload {
  const id = keyIdOf(payload);
  if (id === null) return payload;
  const key = ring?.find(id) ?? null;
  if (key === null) throw keyMissing(id, ring);
  if (!mayWrite(key.audience, context)) {
    throw new ResealError(
      'PAYLOAD_DAMAGED',
      `A payload of ${context?.type === 'workflow' ? `workflow ${context.workflowId}` : 'an activity of the control plane'} is encrypted under the key of ${key.audience}, which has no say there. Nothing of it is used: find out who has that key, and change it.`,
    );
  }
  return decrypt(payload, key);
}
