import type { HandoffEnvelope, HandoffSignature } from '../domain/signing/handoff.js';
import { canonicalBytes } from './canonical.js';
import { parsePublicKey } from './ssh-key.js';
import { signWithSsh } from './sign.js';
import { verifySignature } from './sshsig.js';

/** What a signature of a handoff is made for: it counts for nothing else. */
const NAMESPACE = 'reseal-handoff-v1';

/** @throws ResealError FILE_UNREADABLE, TOOL_MISSING */
export const signHandoff = (envelope: HandoffEnvelope, key: string, env: NodeJS.ProcessEnv): Promise<string> =>
  signWithSsh(canonicalBytes(envelope), key, NAMESPACE, env);

/** Whose signature a handoff has. Keys are lines as in `id_ed25519.pub`; one that cannot be read is nobody's. */
export function handoffSignature(envelope: HandoffEnvelope, signature: string, keys: readonly string[]): HandoffSignature {
  const verdict = verifySignature(signature, canonicalBytes(envelope), NAMESPACE);
  if (verdict.kind === 'invalid') return { kind: 'invalid', reason: `the signature does not count: ${verdict.reason}` };
  const { fingerprint } = verdict.key;
  return { kind: keys.some((key) => fingerprintOf(key) === fingerprint) ? 'declared' : 'stranger', fingerprint };
}

function fingerprintOf(key: string): string | null {
  try {
    return parsePublicKey(key).fingerprint;
  } catch {
    return null;
  }
}
