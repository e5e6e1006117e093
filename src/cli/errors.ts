import { withoutSecrets } from '../domain/without-secrets.js';
import { type ErrorCode, ResealError } from '../domain/errors.js';
import type { ExitCode } from './command.js';

const EXIT: Readonly<Record<ErrorCode, ExitCode>> = {
  USAGE: 2,
  CONFIG_MISSING: 2,
  CONFIG_INVALID: 2,
  MANIFEST_INVALID: 2,
  PROJECT_INVALID: 2,
  POLICY_DOES_NOT_FIT: 2,
  NOT_FOUND: 2,
  SOURCE_REFUSED: 2,
  FILE_UNREADABLE: 2,
  NOT_A_PROFILE: 1,
  NOT_AN_IDENTITY: 1,
  PROFILE_UNTRUSTED: 1,
  DIGEST_MISMATCH: 1,
  CODEC_KEY_MISSING: 2,
  PAYLOAD_DAMAGED: 1,
  TEMPORAL_UNREACHABLE: 3,
  DATABASE_UNREACHABLE: 3,
  STORE_UNREACHABLE: 3,
  SOURCE_UNREACHABLE: 3,
  API_UNREACHABLE: 3,
  OIDC_UNREACHABLE: 3,
  NODE_UNREACHABLE: 3,
  SIDECAR_UNREACHABLE: 3,
  AUDIT_SINK_DOWN: 3,
  TOOL_MISSING: 3,
  ILLEGAL_COMMAND: 4,
  NOT_ENTITLED: 4,
  ALREADY_DECIDED: 4,
  WRONG_DIGEST: 4,
  SIGNATURE_NEEDED: 4,
  SIGNATURE_REFUSED: 4,
  STATEMENT_REFUSED: 4,
  WRONG_TICKET: 4,
  ROTATION_IN_FLIGHT: 4,
  PAST_HORIZON: 4,
  HOME_IN_USE: 4,
  SECOND_AGENT: 4,
  HEAD_MOVED: 4,
  REFUSED: 4,
  SEAT_HELD: 4,
  TOO_MANY_REQUESTS: 4,
  STALE_EPOCH: 4,
  ORDER_EXPIRED: 4,
  CLOCK_SKEW: 4,
  READ_BACK_FAILED: 1,
  NODE_WRITE_FAILED: 1,
  KEYCHAIN_FAILED: 1,
  IDENTITY_UNAVAILABLE: 1,
  UNSUPPORTED_PROTOCOL: 4,
  AUDIT_UNWRITABLE: 1,
  INTERNAL: 1,
};

/** An error as people and scripts see it. */
export interface ShownError {
  readonly exit: ExitCode;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: readonly string[];
}

interface ZodIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** zod and commander are told by their shape: neither is loaded only to word an error. */
function isZodError(error: unknown): error is Error & { readonly issues: readonly ZodIssue[] } {
  return error instanceof Error && (error.name === 'ZodError' || error.name === '$ZodError') && 'issues' in error;
}

function isCommanderError(error: unknown): error is Error & { readonly code: string; readonly exitCode: number } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('commander.');
}

function sentence(text: string): string {
  const plain = text.replace(/^error: /, '').trim();
  const capital = plain.charAt(0).toUpperCase() + plain.slice(1);
  return /[.!?)]$/.test(capital) ? capital : `${capital}.`;
}

/** The one place where errors become words and an exit code. */
export function showError(error: unknown): ShownError {
  if (error instanceof ResealError) return { exit: EXIT[error.code], code: error.code, message: error.message, details: error.details };
  if (isCommanderError(error)) return { exit: 2, code: 'USAGE', message: sentence(error.message), details: [] };
  if (isZodError(error)) {
    const details = error.issues.map((issue) => `${issue.path.map(String).join('.') || 'the document'}: ${issue.message}`);
    return { exit: 2, code: 'CONFIG_INVALID', message: 'A document is not of the form that it should have.', details };
  }
  const message = withoutSecrets(error instanceof Error ? error.message : String(error));
  return {
    exit: 1,
    code: 'INTERNAL',
    message: `reseal failed in a way that it should not: ${message}`,
    details: ['Run it again with RESEAL_DEBUG=1 for where it happened, and report that.'],
  };
}

/** The error as lines for stderr. With RESEAL_DEBUG the stack and its causes follow. */
export function errorLines(shown: ShownError, error: unknown, env: NodeJS.ProcessEnv): string[] {
  const lines = [shown.message, ...shown.details.map((detail) => `  ${detail}`)];
  if ((env['RESEAL_DEBUG'] ?? '') === '') return lines;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) lines.push(cause.stack ?? cause.message);
  return lines;
}

/** The error as the one document that `--json` prints. */
export function errorDocument(shown: ShownError): object {
  return { schemaVersion: 1, error: { code: shown.code, message: shown.message, details: shown.details } };
}
