import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** SHA-1 of the public key's bits, upper-case hexadecimal: the Label of a key in a keychain. @param key private or public */
export function publicKeySha1(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const bits =
    publicKey.asymmetricKeyType === 'rsa'
      ? publicKey.export({ type: 'pkcs1', format: 'der' })
      : publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha1').update(bits).digest('hex').toUpperCase();
}
