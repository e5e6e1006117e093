import type { HandoffEnvelope } from '../domain/signing/handoff.js';
import type { SignatureStanding } from '../domain/signing/standing.js';
import { signObject, standingOf } from './standing.js';

/** What a signature of a handoff is made for: it counts for nothing else. */
const NAMESPACE = 'reseal-handoff-v1';

/** @throws ResealError FILE_UNREADABLE, TOOL_MISSING */
export const signHandoff = (envelope: HandoffEnvelope, key: string, env: NodeJS.ProcessEnv): Promise<string> =>
  signObject(envelope, NAMESPACE, key, env);

/** Whose signature a handoff has. Keys are lines as in `id_ed25519.pub`; one that cannot be read is nobody's. */
export const handoffSignature = (envelope: HandoffEnvelope, signature: string, keys: readonly string[]): SignatureStanding =>
  standingOf(envelope, signature, NAMESPACE, keys);
