import type { SignatureStanding } from '../domain/signing/standing.js';
import { canonicalBytes } from './canonical.js';
import { signWithSsh } from './sign.js';
import { parsePublicKey } from './ssh-key.js';
import { verifySignature } from './sshsig.js';

/** Signs the canonical form of `object`. @throws ResealError FILE_UNREADABLE, TOOL_MISSING */
export const signObject = (object: object, namespace: string, key: string, env: NodeJS.ProcessEnv): Promise<string> =>
  signWithSsh(canonicalBytes(object), key, namespace, env);

/** Whose signature it is over the canonical form of `object`. Keys are lines as in `id_ed25519.pub`; one that cannot be read is nobody's. */
export function standingOf(object: object, signature: string, namespace: string, keys: readonly string[]): SignatureStanding {
  let bytes: Uint8Array;
  try {
    bytes = canonicalBytes(object);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { kind: 'invalid', reason: `nobody can have signed this: ${error.message}` };
  }
  const verdict = verifySignature(signature, bytes, namespace);
  if (verdict.kind === 'invalid') return { kind: 'invalid', reason: `the signature does not count: ${verdict.reason}` };
  const { fingerprint } = verdict.key;
  return { kind: keys.some((key) => fingerprintOf(key) === fingerprint) ? 'declared' : 'stranger', fingerprint };
}

/** As `ssh-keygen -l` prints it; null where the line is no public key. */
export function fingerprintOf(key: string): string | null {
  try {
    return parsePublicKey(key).fingerprint;
  } catch {
    return null;
  }
}
