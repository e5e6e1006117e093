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

/**
 * How often a keychain is asked: a moment later it may be another one's turn, but a password that is wrong stays so, and the rotation is to hear of it
 * within half a minute. Other failures (a disk that is full, a node that is away) are tried for as long as the order counts.
 */
export const KEYCHAIN_TRIES = 8;

/** The failure that Temporal records: the code as its type, retryable or not (contract.ts). @param attempt from 1 */
export function activityFailure(error: unknown, attempt: number): unknown {
  if (!(error instanceof ResealError)) return error;
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: FINAL.has(error.code) || (error.code === 'KEYCHAIN_FAILED' && attempt >= KEYCHAIN_TRIES),
    details: [...error.details],
  });
}
