import { createHash, createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { SshReader } from './ssh-wire.js';

/** A public key of SSH: RFC 4253 (RSA), 5656 (ECDSA), 8709 (Ed25519), and OpenSSH's PROTOCOL.u2f (`sk-`). */
export interface SshPublicKey {
  readonly type: SshKeyType;
  /** As in the second word of an `authorized_keys` line, decoded. */
  readonly blob: Uint8Array;
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  readonly key: KeyObject;
  /** Of `sk-` keys: what the hardware signs for, `ssh:` as a rule. */
  readonly application: string | null;
}

const CURVES = {
  nistp256: { crv: 'P-256', size: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', size: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', size: 66, hash: 'sha512' },
} as const;
type Curve = keyof typeof CURVES;

const KEY_TYPES = [
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-rsa',
] as const;
export type SshKeyType = (typeof KEY_TYPES)[number];

/** Below, a key counts as broken (NIST SP 800-131A); above, verifying takes long. In bits. */
const RSA_BITS = { least: 2_048, most: 16_384 };

const isKeyType = (text: string): text is SshKeyType => KEY_TYPES.some((type) => type === text);
const isCurve = (text: string): text is Curve => Object.hasOwn(CURVES, text);
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** A line as in `id_ed25519.pub`: type, base64, and a comment or none. @throws RangeError in words that end a sentence */
export function parsePublicKey(line: string): SshPublicKey {
  const [type = '', base64 = ''] = line.trim().split(/\s+/);
  if (!/^[a-z][a-z0-9@.-]+$/.test(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
    throw new RangeError('it is no public key of SSH, which reads like "ssh-ed25519 AAAA…"');
  const key = readPublicKey(Buffer.from(base64, 'base64'));
  if (key.type !== type) throw new RangeError(`it says ${type} and holds ${key.type}`);
  return key;
}

/** @throws RangeError in words that end a sentence */
export function readPublicKey(blob: Uint8Array): SshPublicKey {
  const reader = new SshReader(blob);
  const type = reader.text();
  if (!isKeyType(type)) throw new RangeError(`it is of the type ${JSON.stringify(type.slice(0, 60))}, which is not accepted`);
  const { jwk, application } = readParts(type, reader);
  reader.end();
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    throw new RangeError('its numbers are no public key');
  }
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  return { type, blob: Uint8Array.from(blob), fingerprint, key, application };
}

function readParts(type: SshKeyType, reader: SshReader): { jwk: JsonWebKey; application: string | null } {
  switch (type) {
    case 'ssh-ed25519':
      return { jwk: ed25519(reader), application: null };
    case 'sk-ssh-ed25519@openssh.com':
      return { jwk: ed25519(reader), application: reader.text() };
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return { jwk: ecdsa(reader), application: reader.text() };
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return { jwk: ecdsa(reader, type.slice('ecdsa-sha2-'.length)), application: null };
    case 'ssh-rsa':
      return { jwk: rsa(reader), application: null };
  }
}

function ed25519(reader: SshReader) {
  const point = reader.string();
  if (point.length !== 32) throw new RangeError('its numbers are no public key');
  return { kty: 'OKP', crv: 'Ed25519', x: base64url(point) };
}

function ecdsa(reader: SshReader, expected = 'nistp256') {
  const curve = reader.text();
  const point = reader.string();
  if (!isCurve(curve) || curve !== expected) throw new RangeError('its curve is not that of its type');
  const { crv, size } = CURVES[curve];
  // SEC 1: an uncompressed point, which is the only form that RFC 5656 knows.
  if (point.length !== 1 + 2 * size || point[0] !== 4) throw new RangeError('its numbers are no public key');
  return { kty: 'EC', crv, x: base64url(point.subarray(1, 1 + size)), y: base64url(point.subarray(1 + size)) };
}

function rsa(reader: SshReader) {
  const e = reader.mpint();
  const n = reader.mpint();
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < RSA_BITS.least || bits > RSA_BITS.most)
    throw new RangeError(`it is an RSA key of ${bits} bits; ${RSA_BITS.least} to ${RSA_BITS.most} are accepted`);
  if (e.length > 8) throw new RangeError('its numbers are no public key');
  return { kty: 'RSA', n: base64url(n), e: base64url(e) };
}

/**
 * Whether `signature`, a signature blob of RFC 4253 section 6.6, is this key's over `message`. Signatures over SHA-1 (`ssh-rsa`) never are; those of
 * `sk-` keys only where the hardware says that somebody touched it.
 * @throws RangeError where the blob is none
 */
export function verifyBlob({ type, key, application }: SshPublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const reader = new SshReader(signature);
  const algorithm = reader.text();
  const body = reader.string();
  if (type === 'ssh-rsa') {
    reader.end();
    const hash = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }[algorithm];
    return hash !== undefined && verify(hash, message, key, body);
  }
  if (algorithm !== type) return false;
  if (application !== null) {
    const flags = reader.byte();
    const counter = reader.take(4);
    reader.end();
    const touched = (flags & 0x01) !== 0;
    // PROTOCOL.u2f: SHA-256 of the application, flags, counter, SHA-256 of the message.
    const signed = Buffer.concat([sha256(new TextEncoder().encode(application)), Uint8Array.of(flags), counter, sha256(message)]);
    return touched && verifyBody(type, key, signed, body);
  }
  reader.end();
  return verifyBody(type, key, message, body);
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

function verifyBody(type: Exclude<SshKeyType, 'ssh-rsa'>, key: KeyObject, message: Uint8Array, body: Uint8Array): boolean {
  if (type.includes('ed25519')) return verify(null, message, key, body);
  const name = /nistp\d+/.exec(type)?.[0] ?? '';
  if (!isCurve(name)) return false;
  const { size, hash } = CURVES[name];
  const reader = new SshReader(body);
  const [r, s] = [reader.mpint(), reader.mpint()];
  reader.end();
  if (r.length > size || s.length > size) return false;
  const pair = new Uint8Array(2 * size);
  pair.set(r, size - r.length);
  pair.set(s, 2 * size - s.length);
  return verify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, pair);
}
