import { resolve } from 'node:path';
import { bucketEndpoint } from '../../domain/bucket-endpoint.js';
import { ResealError } from '../../domain/errors.js';
import { storeAddress } from '../../domain/store-address.js';

/** The store that a team begins with, as reseal.yaml gets it. */
export type InitialStore =
  /** A git repository in the configuration's own folder. */
  | { readonly kind: 'beside' }
  /** An address that git reaches, or an absolute path. */
  | { readonly kind: 'git'; readonly url: string }
  /** @param endpoint null: Amazon's own */
  | {
      readonly kind: 'bucket';
      readonly bucket: string;
      readonly prefix: string;
      readonly region: string;
      readonly endpoint: string | null;
    };

export interface StoreChoice {
  readonly store: string | undefined;
  readonly storeRegion: string | undefined;
  readonly storeEndpoint: string | undefined;
}

const FORM = 's3://BUCKET or s3://BUCKET/FOLDERS: a bucket of 3 to 63 lower-case letters, digits, dots and hyphens, folders without a slash at the end'; // prettier-ignore
// As reseal.yaml takes them.
const S3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9_=-][A-Za-z0-9._=-]*(?:\/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*))?$/;

/**
 * Where the store is to be. A bucket's region is that of AWS's own variables where none is given.
 * @throws ResealError USAGE
 */
export function initialStore(
  { store, storeRegion, storeEndpoint }: StoreChoice,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): InitialStore {
  if (store === undefined || !store.startsWith('s3:')) {
    if (storeRegion !== undefined || storeEndpoint !== undefined)
      throw new ResealError(
        'USAGE',
        '--store-region and --store-endpoint are for a store in a bucket: say --store s3://BUCKET/FOLDERS too.',
      );
    return store === undefined ? { kind: 'beside' } : gitStore(store, cwd);
  }
  const found = S3.exec(store);
  if (found === null) throw new ResealError('USAGE', `--store: found ${JSON.stringify(store)}, expected ${FORM}.`);
  const [, bucket = '', prefix = ''] = found;
  const region = storeRegion ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? '';
  if (!/^[a-z0-9-]+$/i.test(region))
    throw new ResealError(
      'USAGE',
      `--store ${store} needs the bucket's region, as --store-region eu-central-1 or in AWS_REGION; found ${JSON.stringify(region)}.`,
    );
  if (storeEndpoint === undefined) return { kind: 'bucket', bucket, prefix, region, endpoint: null };
  const endpoint = bucketEndpoint(storeEndpoint);
  if (endpoint.kind === 'refused')
    throw new ResealError('USAGE', `--store-endpoint: found ${endpoint.found}, expected ${endpoint.expected}.`);
  return { kind: 'bucket', bucket, prefix, region, endpoint: storeEndpoint };
}

function gitStore(store: string, cwd: string): InitialStore {
  const address = storeAddress(store);
  if (address.kind === 'refused')
    throw new ResealError('USAGE', `--store: found ${address.found}, expected ${address.expected}, or s3://BUCKET/FOLDERS.`);
  return { kind: 'git', url: address.kind === 'path' ? resolve(cwd, store) : store };
}

/** As people are told of it. */
export function storeInWords(store: InitialStore): string {
  switch (store.kind) {
    case 'beside':
      return 'store.git';
    case 'git':
      return store.url;
    case 'bucket':
      return `s3://${store.bucket}${store.prefix === '' ? '' : `/${store.prefix}`}`;
  }
}
