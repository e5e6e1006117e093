import { ApplicationFailure } from '@temporalio/common';
import { ResealError, type ErrorCode } from '../../src/domain/errors.js';

/** What no retry mends: the order is stale, or what it names is wrong. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'STALE_EPOCH',
  'ORDER_EXPIRED',
  'CLOCK_SKEW',
  'DIGEST_MISMATCH',
  'MANIFEST_INVALID',
  'CONFIG_INVALID',
  'IDENTITY_UNAVAILABLE',
  'NOT_AN_IDENTITY',
  'REFUSED',
  'INTERNAL',
]);

/** The failure that Temporal records: the code as its type, retryable or not (contract.ts). */
export function activityFailure(error: unknown): unknown {
  if (!(error instanceof ResealError)) return error;
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: FINAL.has(error.code),
    details: [...error.details],
  });
}
