import { withoutSecrets } from './without-secrets.js';

/** Every code that reseal reports. Closed: a new failure gets a code here, a sentence where it is thrown, a test. */
export type ErrorCode =
  // usage and configuration, a name that nothing bears among it (exit 2)
  | 'USAGE'
  | 'CONFIG_MISSING'
  | 'CONFIG_INVALID'
  | 'MANIFEST_INVALID'
  | 'PROJECT_INVALID'
  | 'POLICY_DOES_NOT_FIT'
  | 'NOT_FOUND'
  | 'SOURCE_REFUSED'
  // files
  | 'FILE_UNREADABLE'
  | 'NOT_A_PROFILE'
  | 'NOT_AN_IDENTITY'
  | 'PROFILE_UNTRUSTED'
  | 'DIGEST_MISMATCH'
  // encrypted payloads
  | 'CODEC_KEY_MISSING'
  | 'PAYLOAD_DAMAGED'
  // not reachable (exit 3)
  | 'TEMPORAL_UNREACHABLE'
  | 'DATABASE_UNREACHABLE'
  | 'STORE_UNREACHABLE'
  | 'SOURCE_UNREACHABLE'
  | 'API_UNREACHABLE'
  | 'OIDC_UNREACHABLE'
  | 'NODE_UNREACHABLE'
  | 'SIDECAR_UNREACHABLE'
  | 'AUDIT_SINK_DOWN'
  | 'TOOL_MISSING'
  // refused in the present state (exit 4)
  | 'ILLEGAL_COMMAND'
  | 'NOT_ENTITLED'
  | 'ALREADY_DECIDED'
  | 'WRONG_DIGEST'
  | 'WRONG_TICKET'
  | 'SIGNATURE_NEEDED'
  | 'SIGNATURE_REFUSED'
  | 'STATEMENT_REFUSED'
  | 'ROTATION_IN_FLIGHT'
  | 'PAST_HORIZON'
  | 'HOME_IN_USE'
  | 'SECOND_AGENT'
  | 'HEAD_MOVED'
  | 'REFUSED'
  | 'SEAT_HELD'
  | 'TOO_MANY_REQUESTS'
  // nodes
  | 'STALE_EPOCH'
  | 'ORDER_EXPIRED'
  | 'CLOCK_SKEW'
  | 'READ_BACK_FAILED'
  | 'NODE_WRITE_FAILED'
  | 'KEYCHAIN_FAILED'
  | 'IDENTITY_UNAVAILABLE'
  | 'UNSUPPORTED_PROTOCOL'
  // the audit log
  | 'AUDIT_UNWRITABLE'
  | 'INTERNAL';

/**
 * A failure that a person reads: what was found, what was expected, what to do next.
 * `message` is one or two plain sentences and never holds a secret; what is told by its form is left out in any case, since words of outside programs are quoted.
 */
export class ResealError extends Error {
  override readonly name = 'ResealError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown; details?: readonly string[] },
  ) {
    super(withoutSecrets(message), options?.cause === undefined ? undefined : { cause: options.cause });
    this.details = (options?.details ?? []).map(withoutSecrets);
  }
  /** Further lines, each a finding of its own (a refusal names every reason at once). */
  readonly details: readonly string[];
}
