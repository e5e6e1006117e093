import { createHash, sign, type KeyObject } from 'node:crypto';
import { LONGEST_SIGNATURE } from '../domain/signing/standing.js';
import { readPublicKey, verifyBlob, type SshPublicKey } from './ssh-key.js';
import { SshReader, sshString } from './ssh-wire.js';

/**
 * Signatures as `ssh-keygen -Y sign` makes them, by OpenSSH's PROTOCOL.sshsig:
 * https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.sshsig
 */
const MAGIC = 'SSHSIG';
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END SSH SIGNATURE-----\s*$/;

export type SignatureVerdict =
  | { readonly kind: 'valid'; readonly key: SshPublicKey }
  /** What is wrong with it, in words that end a sentence. */
  | { readonly kind: 'invalid'; readonly reason: string };

const invalid = (reason: string): SignatureVerdict => ({ kind: 'invalid', reason });

/**
 * Whether an armored signature is valid over `message` in `namespace`, and by which key: whose key that is, and whether they may sign this, the
 * caller decides. Never throws, whatever the text.
 */
export function verifySignature(armored: string, message: Uint8Array, namespace: string): SignatureVerdict {
  if (armored.length > LONGEST_SIGNATURE) return invalid(`it is longer than ${LONGEST_SIGNATURE} characters`);
  const base64 = ARMOR.exec(armored)?.[1]?.replaceAll(/\s/g, '');
  if (base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0)
    return invalid('it is no SSH signature, which begins with -----BEGIN SSH SIGNATURE-----');
  try {
    return verifyParts(Buffer.from(base64, 'base64'), message, namespace);
  } catch (error) {
    return invalid(error instanceof RangeError || error instanceof TypeError ? `it is damaged: ${error.message}` : 'it is damaged');
  }
}

function verifyParts(bytes: Uint8Array, message: Uint8Array, namespace: string): SignatureVerdict {
  const reader = new SshReader(bytes);
  if (new TextDecoder().decode(reader.take(MAGIC.length)) !== MAGIC) return invalid('it is no SSH signature');
  const version = reader.uint32();
  if (version !== 1) return invalid(`it is an SSH signature of version ${version}; version 1 is expected`);
  const blob = reader.string();
  const signedNamespace = reader.text();
  const reserved = reader.string();
  const hash = reader.text();
  const signature = reader.string();
  reader.end();
  if (signedNamespace !== namespace)
    return invalid(`it was made for the namespace ${JSON.stringify(signedNamespace.slice(0, 60))}; ${namespace} is expected`);
  if (hash !== 'sha256' && hash !== 'sha512') return invalid('it uses a hash other than sha256 and sha512');
  const key = readPublicKey(blob);
  const signed = signedBytes(namespace, reserved, hash, message);
  return verifyBlob(key, signed, signature) ? { kind: 'valid', key } : invalid('it does not fit what it is said to sign');
}

function signedBytes(namespace: string, reserved: Uint8Array, hash: 'sha256' | 'sha512', message: Uint8Array): Uint8Array {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([Buffer.from(MAGIC), sshString(namespace), sshString(reserved), sshString(hash), sshString(digest)]);
}

/**
 * An armored signature by a key that this process holds; what `ssh-keygen -Y verify` takes. For machines that sign: people sign with `signWithSsh`.
 * @param key Ed25519 @param blob its public half, as in the second word of an `authorized_keys` line, decoded
 */
export function signInProcess(key: KeyObject, blob: Uint8Array, message: Uint8Array, namespace: string): string {
  const signature = sign(null, signedBytes(namespace, new Uint8Array(), 'sha512', message), key);
  const version = new Uint8Array([0, 0, 0, 1]);
  const parts = [sshString(blob), sshString(namespace), sshString(''), sshString('sha512')];
  const bytes = Buffer.concat([
    Buffer.from(MAGIC),
    version,
    ...parts,
    sshString(Buffer.concat([sshString('ssh-ed25519'), sshString(signature)])),
  ]);
  // 70 characters a line, as OpenSSH has it.
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}
