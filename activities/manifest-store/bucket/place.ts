import type { SpokenPlace } from '../out-of-reach.js';

/** Where a bucket is, and how it is spoken to. */
export interface BucketPlace {
  /** Its name in reseal.yaml, where it has one. */
  readonly name?: string;
  readonly bucket: string;
  /** Without a slash at either end; empty for none. */
  readonly prefix: string;
  readonly region: string;
  /** null: Amazon's own. */
  readonly endpoint: string | null;
  /** Whether the bucket is part of the host's name or of the path. */
  readonly addressing: 'path' | 'host';
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number;
}

/** `s3://acme-signing/main at https://s3.acme.example`. */
export function addressOf({ bucket, prefix, endpoint }: BucketPlace): string {
  const inside = prefix === '' ? '' : `/${prefix}`;
  return `s3://${bucket}${inside}${endpoint === null ? '' : ` at ${endpoint}`}`;
}

export const spokenPlace = (place: BucketPlace): SpokenPlace => ({
  ...(place.name === undefined ? {} : { name: place.name }),
  url: addressOf(place),
});
