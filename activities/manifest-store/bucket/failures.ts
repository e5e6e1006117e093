import { ResealError } from '../../../src/domain/errors.js';
import { describeDuration } from '../../../src/domain/duration.js';
import { theStore } from '../out-of-reach.js';
import { spokenPlace, type BucketPlace } from './place.js';

/** What a bucket, or the way to it, answered in the place of what was asked for. It keeps nothing of the request: that holds credentials. */
export class BucketFailure extends Error {
  override readonly name = 'BucketFailure';
  constructor(
    /** S3's own code (`AccessDenied`), Node's (`ECONNREFUSED`), or the kind of the error. */
    readonly code: string,
    /** HTTP; null where there was no answer. */
    readonly status: number | null,
    /** The other side's sentence, on one line. */
    readonly said: string,
  ) {
    super(`${code}${status === null ? '' : ` (${status})`}: ${said}`);
  }
}

/** No answer within the store's timeout. */
export const TIMEOUT = 'Timeout';
/** Fewer bytes came than were announced. */
export const BROKEN_OFF = 'BrokenOff';

interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly $response?: { readonly statusCode?: unknown };
}

/** Reads an error of the SDK's, or of Node.js beneath it. */
export function failureOf(error: unknown): BucketFailure {
  if (error instanceof BucketFailure) return error;
  const { name, code, Code, message, $metadata, $response } = (typeof error === 'object' && error !== null ? error : {}) as Thrown;
  const status = [$metadata?.httpStatusCode, $response?.statusCode].find((one): one is number => typeof one === 'number') ?? null;
  const kind = [Code, code, name].find((one): one is string => typeof one === 'string' && one !== '') ?? 'Error';
  const said = typeof message === 'string' ? message : String(error);
  return new BucketFailure(
    kind,
    status,
    said
      .replaceAll(/[\p{Cc}\s]+/gu, ' ')
      .trim()
      .slice(0, 200),
  );
}

/** Whether the answer is that this account may not do it. */
export const isDenied = ({ code, status }: BucketFailure): boolean =>
  status === 403 && !CREDENTIALS_REFUSED.test(code) && code !== 'RequestTimeTooSkewed';

const NO_CREDENTIALS = /^(?:CredentialsProviderError|TokenProviderError|ProviderError|NoCredentials)$/;
const CREDENTIALS_REFUSED =
  /^(?:InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|ExpiredTokenException|InvalidToken|TokenRefreshRequired|InvalidClientTokenId)$/;
const ELSEWHERE = /^(?:PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/;
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/;

/** Why a bucket cannot be used, in words that say what to do. */
export function bucketReason(failure: BucketFailure, { bucket, timeout }: BucketPlace): string {
  const { code, status } = failure;
  if (code === TIMEOUT) return `it has not answered for ${describeDuration(timeout)} (timeout of the store in reseal.yaml).`;
  if (code === BROKEN_OFF) return 'its answer broke off. Try again, and look at what lies between here and there.';
  if (code === 'NoSuchBucket')
    return `there is no bucket ${bucket}. Correct bucket, region and endpoint in reseal.yaml, or make it, with versioning.`;
  if (NO_CREDENTIALS.test(code))
    return 'this account has no credentials for it, or could not get them. Give them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by an AWS profile (AWS_PROFILE) or by a role of the machine.';
  if (CREDENTIALS_REFUSED.test(code) || status === 401)
    return `it does not take the credentials of this account (${code}). Renew or correct them.`;
  if (code === 'RequestTimeTooSkewed')
    return 'the clock of this machine and its own are more than 15 min apart. Set the clock of this machine.';
  if (ELSEWHERE.test(code) || status === 301 || status === 307)
    return `it is in another region, or is addressed in another way (${code}). Correct region, endpoint and addressing in reseal.yaml.`;
  if (status === 403)
    return `it does not let this account do that (${code}). It needs s3:GetObject, s3:PutObject, s3:ListBucket and s3:GetBucketVersioning there; without s3:ListBucket this is also what is answered for what is not there.`;
  if (code === 'NotImplemented' || status === 501)
    return 'it does not know what a store needs of it: versions, and writes under a condition (If-Match, If-None-Match). Take a bucket that has both.';
  if (UNTRUSTED.test(code)) return `its certificate is not trusted here (${code}). Name its authority in NODE_EXTRA_CA_CERTS.`;
  if (status === null) return `it is away, or cannot be reached from here (${code}).`;
  if (status >= 500 || status === 429) return `it is not well: it answered ${status} (${code}). Try again later.`;
  return `it refused what was asked of it: ${status} ${code}: ${failure.said}`;
}

/** For whoever uses the store. */
export function unusable(place: BucketPlace, reason: string, cause?: BucketFailure): ResealError {
  return new ResealError('STORE_UNREACHABLE', `${theStore(spokenPlace(place))} cannot be used: ${reason}`, { cause });
}

export function bucketError(place: BucketPlace, error: unknown): ResealError {
  if (error instanceof ResealError) return error;
  const failure = failureOf(error);
  return unusable(place, bucketReason(failure, place), failure);
}
