import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import type { ListObjectVersionsCommandOutput, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { BROKEN_OFF, BucketFailure, failureOf, TIMEOUT } from './failures.js';
import type { BucketPlace } from './place.js';

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Names this very version of it. */
  readonly etag: string;
}

/** What must be true of the present object for a write to land. */
export type Condition = { readonly kind: 'absent' } | { readonly kind: 'unchanged'; readonly etag: string };

export type Written = { readonly outcome: 'written'; readonly etag: string } | { readonly outcome: 'condition-not-met' };

/** Until when nobody removes or replaces a version: in mode COMPLIANCE not even the account that owns the bucket. */
export interface ObjectLock {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
  readonly until: Date;
}

/** What lies under one name, however often somebody has written there. */
export interface FirstVersion {
  readonly path: string;
  readonly version: string;
  /** Bytes. */
  readonly size: number;
  /** Versions and deletions that came after it. */
  readonly later: number;
}

export type Versioning = 'enabled' | 'suspended' | 'never';

/** From where on a listing goes. */
interface VersionMarker {
  readonly KeyMarker?: string;
  readonly VersionIdMarker?: string | undefined;
}

interface Open {
  readonly sdk: typeof Sdk;
  readonly client: S3Client;
}

/** How often a request is tried while its time lasts: the SDK's own retries, of 5xx, throttling and lost connections. */
const ATTEMPTS = 3;

/** Objects of a bucket below the store's prefix. Every write has a condition; nothing is ever removed. */
export class BucketObjects {
  private opened: Promise<Open> | null = null;

  constructor(private readonly place: BucketPlace) {}

  /** null where there is none. @throws BucketFailure */
  read(path: string): Promise<StoredObject | null> {
    return this.within(async ({ sdk, client }, abortSignal) => {
      try {
        const answer = await client.send(new sdk.GetObjectCommand(this.named(path)), { abortSignal });
        const bytes = await wholeOf(answer.Body as Readable, answer.ContentLength, abortSignal);
        return { bytes, etag: answer.ETag ?? '' };
      } catch (error) {
        if (failureOf(error).code === 'NoSuchKey') return null;
        throw error;
      }
    });
  }

  /** @param about becomes metadata of the version @param lock of the version that is written; null: none @throws BucketFailure */
  write(
    path: string,
    bytes: Uint8Array,
    condition: Condition,
    about: Readonly<Record<string, string>> = {},
    lock: ObjectLock | null = null,
  ): Promise<Written> {
    return this.within(async ({ sdk, client }, abortSignal) => {
      const input: PutObjectCommandInput = {
        ...this.named(path),
        ...(condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag }),
        Body: bytes,
        ContentType: path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
        ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
        ...(lock === null ? {} : { ObjectLockMode: lock.mode, ObjectLockRetainUntilDate: lock.until }),
        Metadata: Object.fromEntries(Object.entries(about).map(([name, value]) => [name, plainAscii(value)])),
      };
      try {
        const { ETag = '' } = await client.send(new sdk.PutObjectCommand(input), { abortSignal });
        return { outcome: 'written', etag: ETag };
      } catch (error) {
        if (isConditionNotMet(failureOf(error), condition)) return { outcome: 'condition-not-met' };
        throw error;
      }
    });
  }

  /**
   * The first version of each path that begins so, sorted by path: what is locked is the first, and what others write or delete afterwards comes later.
   * @param after none up to this path; empty: all @throws BucketFailure
   */
  async firstVersions(begin: string, after = ''): Promise<readonly FirstVersion[]> {
    const found = new Map<string, FirstVersion>();
    const deleted = new Map<string, number>();
    const pathOf = (key: string | undefined): string => (key ?? '').slice(this.key('').length);
    let marker: VersionMarker | null = after === '' ? {} : { KeyMarker: this.key(after) };
    while (marker !== null) {
      const page: ListObjectVersionsCommandOutput = await this.versionsAfter(begin, marker);
      // Of one path the newest comes first.
      for (const { Key, VersionId = '', Size = 0 } of page.Versions ?? []) {
        const path = pathOf(Key);
        found.set(path, { path, version: VersionId, size: Size, later: (found.get(path)?.later ?? -1) + 1 });
      }
      for (const { Key } of page.DeleteMarkers ?? []) deleted.set(pathOf(Key), (deleted.get(pathOf(Key)) ?? 0) + 1);
      const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page;
      marker =
        IsTruncated === true && NextKeyMarker !== undefined ? { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker } : null;
    }
    return [...found.values()]
      .map((one) => ({ ...one, later: one.later + (deleted.get(one.path) ?? 0) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  private versionsAfter(begin: string, marker: VersionMarker): Promise<ListObjectVersionsCommandOutput> {
    return this.within(({ sdk, client }, abortSignal) =>
      client.send(new sdk.ListObjectVersionsCommand({ Bucket: this.place.bucket, Prefix: this.key(begin), ...marker }), { abortSignal }),
    );
  }

  /** @throws BucketFailure */
  readVersion({ path, version }: Pick<FirstVersion, 'path' | 'version'>): Promise<Uint8Array> {
    return this.within(async ({ sdk, client }, abortSignal) => {
      const answer = await client.send(new sdk.GetObjectCommand({ ...this.named(path), VersionId: version }), { abortSignal });
      return wholeOf(answer.Body as Readable, answer.ContentLength, abortSignal);
    });
  }

  /** Whether the bucket can lock what is written; with that it keeps versions. @throws BucketFailure */
  locksObjects(): Promise<boolean> {
    return this.within(async ({ sdk, client }, abortSignal) => {
      try {
        const answer = await client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket: this.place.bucket }), { abortSignal });
        return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
      } catch (error) {
        if (failureOf(error).code === 'ObjectLockConfigurationNotFoundError') return false;
        throw error;
      }
    });
  }

  /** Paths that begin so, sorted as the bucket sorts them. @throws BucketFailure */
  async paths(begin: string): Promise<readonly string[]> {
    const found: string[] = [];
    let next: string | undefined;
    do {
      const page = await this.within(({ sdk, client }, abortSignal) => {
        const more = next === undefined ? {} : { ContinuationToken: next };
        return client.send(new sdk.ListObjectsV2Command({ Bucket: this.place.bucket, Prefix: this.key(begin), ...more }), { abortSignal });
      });
      found.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key.slice(this.key('').length)])));
      next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
    return found;
  }

  /** @throws BucketFailure */
  versioning(): Promise<Versioning> {
    return this.within(async ({ sdk, client }, abortSignal) => {
      const { Status } = await client.send(new sdk.GetBucketVersioningCommand({ Bucket: this.place.bucket }), { abortSignal });
      return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'never';
    });
  }

  /** Lets go of connections; a later call opens new ones. */
  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = null;
    (await opened?.catch(() => null))?.client.destroy();
  }

  private named(path: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.place.bucket, Key: this.key(path) };
  }

  private key(path: string): string {
    return this.place.prefix === '' ? path : `${this.place.prefix}/${path}`;
  }

  /** One call with everything that belongs to it, its retries and its body, in the time that the store has. */
  private async within<T>(work: (open: Open, signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.timeout(this.place.timeout);
    try {
      this.opened ??= this.open();
      return await work(await this.opened, signal);
    } catch (error) {
      if (signal.aborted) throw new BucketFailure(TIMEOUT, null, `no answer within ${this.place.timeout} ms`);
      throw failureOf(error);
    }
  }

  /** Loaded with the first use: it takes a quarter of a second, which no command without a bucket should. */
  private async open(): Promise<Open> {
    // Which Node.js reseal runs on is reseal's to say, not a library's on the stderr of whoever asks something else.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    const { region, endpoint, addressing } = this.place;
    const client = new sdk.S3Client({
      region,
      ...(endpoint === null ? {} : { endpoint }),
      forcePathStyle: addressing === 'path',
      maxAttempts: ATTEMPTS,
      // Writes carry the SHA-256 of their bytes; what else newer SDKs add by themselves not every server that speaks S3 takes.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return { sdk, client };
  }
}

/** 409: another write of that key was under way. 404 answers a write onto a version that is there no more. */
const isConditionNotMet = ({ code, status }: BucketFailure, { kind }: Condition): boolean =>
  status === 412 || code === 'ConditionalRequestConflict' || (kind === 'unchanged' && code === 'NoSuchKey');

/** The whole body or none of it: a connection that ends early may look like an end. */
async function wholeOf(body: Readable, announced: number | undefined, signal: AbortSignal): Promise<Uint8Array> {
  const stop = (): void => void body.destroy(new BucketFailure(TIMEOUT, null, 'the body did not come to its end'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const chunks: Buffer[] = [];
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(body, 'end', { signal });
    const bytes = Buffer.concat(chunks);
    if (announced !== undefined && bytes.length !== announced)
      throw new BucketFailure(BROKEN_OFF, null, `${bytes.length} of ${announced} bytes came`);
    return bytes;
  } catch (error) {
    if (error instanceof BucketFailure) throw error;
    throw new BucketFailure(BROKEN_OFF, null, failureOf(error).said);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Metadata travels as HTTP headers: what is not plain ASCII is written as in an address. */
const plainAscii = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent)
    .trim()
    .slice(0, 256);
