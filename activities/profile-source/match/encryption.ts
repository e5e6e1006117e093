import { createCipheriv, createDecipheriv, createHash, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * How fastlane match encrypts a file; source: fastlane, `match/lib/match/encryption/encryption.rb`. `v1` is what `openssl enc -aes-256-cbc -a` writes, with
 * MD5 (fastlane itself, OpenSSL before 1.1) or SHA-256 as the digest of the key; `v2` is fastlane's own, and newer.
 */
export type MatchFormat = { readonly version: 'v1'; readonly digest: 'md5' | 'sha256' } | { readonly version: 'v2' };

export type Decrypted =
  | { readonly outcome: 'decrypted'; readonly bytes: Uint8Array; readonly format: MatchFormat }
  /** Of v2 also a file that was changed: its tag tells no difference. */
  | { readonly outcome: 'wrong-passphrase'; readonly version: MatchFormat['version'] }
  | { readonly outcome: 'damaged'; readonly reason: string }
  | { readonly outcome: 'not-encrypted' };

const V1_PREFIX = Buffer.from('Salted__', 'latin1');
const V2_PREFIX = Buffer.from('match_encrypted_v2__', 'latin1');
const SALT = 8;
const TAG = 16;
const BLOCK = 16;
/** Ruby's `Base64.encode64`: a line feed after every 60 characters and at the end. */
const LINE = 60;

/** Not the synchronous one: hundreds of files would hold up everything else in this process. */
const derive = promisify(pbkdf2);

/**
 * Decrypts a file of a match repository. v1 proves nothing: a wrong passphrase gives bytes once in 256 times, and of its two digests each may. So what
 * `plausible` takes comes first; where it takes nothing, whatever came out is answered, and whoever reads it finds out.
 */
export async function decryptMatch(stored: Uint8Array, passphrase: string, plausible: (bytes: Uint8Array) => boolean): Promise<Decrypted> {
  const bytes = decoded(stored);
  if (bytes === null) return { outcome: 'not-encrypted' };
  if (startsWith(bytes, V2_PREFIX)) return decryptV2(bytes.subarray(V2_PREFIX.length), passphrase);
  if (startsWith(bytes, V1_PREFIX)) return decryptV1(bytes.subarray(V1_PREFIX.length), passphrase, plausible);
  return { outcome: 'not-encrypted' };
}

/** As fastlane writes it, with a salt of its own every time. */
export async function encryptMatch(bytes: Uint8Array, passphrase: string, format: MatchFormat): Promise<Uint8Array> {
  const salt = randomBytes(SALT);
  const parts = format.version === 'v2' ? await encryptV2(bytes, passphrase, salt) : encryptV1(bytes, passphrase, salt, format.digest);
  const text = Buffer.concat(parts).toString('base64');
  const lines = text.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}

/** The file's base64; null where it is none. Only what looks like base64 from end to end is decoded: Node.js passes over everything else. */
function decoded(stored: Uint8Array): Buffer | null {
  const text = Buffer.from(stored).toString('latin1');
  return /^[A-Za-z0-9+/\s]+=*\s*$/.test(text) ? Buffer.from(text, 'base64') : null;
}

const startsWith = (bytes: Buffer, prefix: Buffer): boolean => bytes.subarray(0, prefix.length).equals(prefix);

function decryptV1(rest: Buffer, passphrase: string, plausible: (bytes: Uint8Array) => boolean): Decrypted {
  const salt = rest.subarray(0, SALT);
  const body = rest.subarray(SALT);
  if (body.length === 0 || body.length % BLOCK !== 0)
    return { outcome: 'damaged', reason: 'it is cut off: what is encrypted is no whole number of blocks' };
  const came: Extract<Decrypted, { outcome: 'decrypted' }>[] = [];
  for (const digest of ['md5', 'sha256'] as const) {
    const { key, iv } = keyV1(passphrase, salt, digest);
    const cipher = createDecipheriv('aes-256-cbc', key, iv);
    try {
      const bytes = Buffer.concat([cipher.update(body), cipher.final()]);
      came.push({ outcome: 'decrypted', bytes, format: { version: 'v1', digest } });
    } catch {
      // Its padding is wrong, as it is for a wrong key.
    }
  }
  return came.find((one) => plausible(one.bytes)) ?? came[0] ?? { outcome: 'wrong-passphrase', version: 'v1' };
}

function encryptV1(bytes: Uint8Array, passphrase: string, salt: Buffer, digest: 'md5' | 'sha256'): Buffer[] {
  const { key, iv } = keyV1(passphrase, salt, digest);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return [V1_PREFIX, salt, cipher.update(bytes), cipher.final()];
}

/** OpenSSL's EVP_BytesToKey with one round: 32 bytes of key, 16 of initialisation vector. */
function keyV1(passphrase: string, salt: Buffer, digest: 'md5' | 'sha256'): { readonly key: Buffer; readonly iv: Buffer } {
  let block: Buffer = Buffer.alloc(0);
  let all: Buffer = Buffer.alloc(0);
  while (all.length < 48) {
    block = createHash(digest).update(block).update(passphrase, 'utf8').update(salt).digest();
    all = Buffer.concat([all, block]);
  }
  return { key: all.subarray(0, 32), iv: all.subarray(32, 48) };
}

async function decryptV2(rest: Buffer, passphrase: string): Promise<Decrypted> {
  if (rest.length < SALT + TAG) return { outcome: 'damaged', reason: 'it is cut off: salt and tag are not all there' };
  const { key, iv, authenticated } = await keyV2(passphrase, rest.subarray(0, SALT));
  const cipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG });
  cipher.setAAD(authenticated);
  cipher.setAuthTag(rest.subarray(SALT, SALT + TAG));
  const plain = cipher.update(rest.subarray(SALT + TAG));
  try {
    return { outcome: 'decrypted', bytes: Buffer.concat([plain, cipher.final()]), format: { version: 'v2' } };
  } catch {
    return { outcome: 'wrong-passphrase', version: 'v2' };
  }
}

async function encryptV2(bytes: Uint8Array, passphrase: string, salt: Buffer): Promise<Buffer[]> {
  const { key, iv, authenticated } = await keyV2(passphrase, salt);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG });
  cipher.setAAD(authenticated);
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return [V2_PREFIX, salt, cipher.getAuthTag(), body];
}

/** PBKDF2-HMAC-SHA-256, 10,000 rounds, 68 bytes: key, initialisation vector, authenticated data. */
async function keyV2(
  passphrase: string,
  salt: Buffer,
): Promise<{ readonly key: Buffer; readonly iv: Buffer; readonly authenticated: Buffer }> {
  const all = await derive(passphrase, salt, 10_000, 68, 'sha256');
  return { key: all.subarray(0, 32), iv: all.subarray(32, 44), authenticated: all.subarray(44) };
}
