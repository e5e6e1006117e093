import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ErrorCode, ResealError } from '../domain/errors.js';

/** HTTP status of a code: who is at fault, and whether asking again can help. */
const STATUS: Readonly<Partial<Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 429 | 503>>> = {
  USAGE: 400,
  CONFIG_INVALID: 400,
  CONFIG_MISSING: 400,
  MANIFEST_INVALID: 400,
  WRONG_TICKET: 400,
  NOT_ENTITLED: 403,
  SIGNATURE_NEEDED: 403,
  SIGNATURE_REFUSED: 403,
  STATEMENT_REFUSED: 409,
  NOT_FOUND: 404,
  ILLEGAL_COMMAND: 409,
  ALREADY_DECIDED: 409,
  WRONG_DIGEST: 409,
  ROTATION_IN_FLIGHT: 409,
  PAST_HORIZON: 409,
  HEAD_MOVED: 409,
  REFUSED: 409,
  SEAT_HELD: 409,
  TOO_MANY_REQUESTS: 429,
  API_UNREACHABLE: 503,
  OIDC_UNREACHABLE: 503,
  TEMPORAL_UNREACHABLE: 503,
  DATABASE_UNREACHABLE: 503,
  STORE_UNREACHABLE: 503,
  AUDIT_UNWRITABLE: 503,
  AUDIT_SINK_DOWN: 503,
};

export const statusOfCode = (code: ErrorCode): 400 | 401 | 403 | 404 | 409 | 429 | 500 | 503 => STATUS[code] ?? 500;

/** An error as clients get it. */
export const failure = (code: ErrorCode, message: string, details: readonly string[] = []) =>
  ({ schemaVersion: 1, error: { code, message, details } }) as const;

/** What Temporal's client throws, in reseal's words. */
export function asResealError(error: unknown): ResealError {
  if (error instanceof ResealError) return error;
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const { type, message } = error.cause;
    return new ResealError((type ?? 'INTERNAL') as ErrorCode, sentence(message), { cause: error });
  }
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new ResealError('ROTATION_IN_FLIGHT', `A rotation is in flight already: workflow ${error.workflowId}.`, { cause: error });
  }
  if (error instanceof WorkflowNotFoundError)
    return new ResealError('NOT_FOUND', 'Temporal knows no such rotation, or it has ended.', { cause: error });
  if (error instanceof ServiceError) {
    return new ResealError('TEMPORAL_UNREACHABLE', 'Temporal does not answer. Check that its server runs, then try again.', {
      cause: error,
    });
  }
  return new ResealError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}

/** The refusal that a workflow has ended with. */
export function refusalOf(error: unknown): ResealError {
  const failed = error instanceof WorkflowFailedError ? error.cause : undefined;
  const cause = failed !== undefined && 'cause' in failed && failed.cause instanceof ApplicationFailure ? failed.cause : failed;
  return cause instanceof ApplicationFailure
    ? new ResealError((cause.type ?? 'INTERNAL') as ErrorCode, cause.message, { cause: error })
    : asResealError(error);
}

/** Ids and names keep their small letter at the beginning too: `ios-main-1` is another rotation than `Ios-main-1`. */
function sentence(text: string): string {
  const isWord = /^[a-z]+,?( |$)/.test(text);
  const begun = isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
