import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  type BucketVersioningStatus,
} from '@aws-sdk/client-s3';
import { BucketManifestStore, type BucketStoreOptions } from '../../activities/manifest-store/bucket/store.js';
import { startFaultyProxy, type FaultyProxy } from '../setup/faulty-proxy.js';
import { CREDENTIALS, startVersitygw, type Versitygw } from '../setup/versitygw.js';
import type { Served } from './served.js';

export const BUCKET = 'acme-signing';
const PREFIX = 'stores/main';

/** As an account has them in its environment; reseal reads them there and nowhere else. */
export function giveCredentials(given: Readonly<Record<string, string>> = CREDENTIALS): void {
  const nowhere = { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, nowhere, given);
}

/** A version of an object, as people see it in the bucket. */
export interface VersionOf {
  readonly text: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A bucket of a real server on this machine, with something between that can fail. */
export class ServedBucket implements Served<BucketStoreOptions> {
  readonly notBegun = 'nobody has begun a store there';
  private machines = 0;
  private readonly opened: BucketManifestStore[] = [];

  private constructor(
    readonly root: string,
    readonly server: Versitygw,
    readonly proxy: FaultyProxy,
    /** Of whoever owns the bucket, past the proxy. */
    private readonly owner: S3Client,
  ) {}

  static async start(): Promise<ServedBucket> {
    giveCredentials();
    const root = mkdtempSync(join(tmpdir(), 'reseal-bucket-'));
    const server = await startVersitygw(root);
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
    const owner = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    return new ServedBucket(root, server, await startFaultyProxy(server.endpoint), owner);
  }

  get address(): string {
    return `s3://${BUCKET}/${PREFIX} at ${this.proxy.url}`;
  }

  async prepare(): Promise<void> {
    await this.owner.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await this.versioning('Enabled');
  }

  async versioning(Status: BucketVersioningStatus): Promise<void> {
    await this.owner.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status } }));
  }

  /** Without versioning, as a bucket is when it is made. */
  async prepareUnguarded(): Promise<void> {
    await this.owner.send(new CreateBucketCommand({ Bucket: BUCKET }));
  }

  options(change: Partial<BucketStoreOptions> = {}): BucketStoreOptions {
    this.machines += 1;
    const kept = join(this.root, `machine-${this.machines}`);
    return {
      name: 'main',
      bucket: BUCKET,
      prefix: PREFIX,
      region: 'us-east-1',
      endpoint: this.proxy.url,
      addressing: 'path',
      timeout: 15_000,
      kept,
      ...change,
    };
  }

  async open(options = this.options()): Promise<BucketManifestStore> {
    const store = await BucketManifestStore.open(options);
    this.opened.push(store);
    return store;
  }

  isUntouched(): boolean {
    return readdirSync(join(this.root, 'buckets', BUCKET)).length === 0;
  }

  damage(): string {
    return existsSync(join(this.root, 'buckets', BUCKET, PREFIX, 'store.json')) ? '' : 'there is no store.json';
  }

  /** Behind reseal's back. */
  async plant(path: string, text: string): Promise<void> {
    await this.owner.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${PREFIX}/${path}`, Body: text }));
  }

  /** Behind reseal's back, and behind that of versioning. */
  remove(path: string): void {
    rmSync(join(this.root, 'buckets', BUCKET, PREFIX, path));
  }

  /** All versions of an object, oldest first. */
  async versions(path: string): Promise<readonly VersionOf[]> {
    const Key = `${PREFIX}/${path}`;
    const { Versions = [] } = await this.owner.send(new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: Key }));
    const found = await Promise.all(
      Versions.filter((one) => one.Key === Key).map(async ({ VersionId }) => {
        const { Body, Metadata = {} } = await this.owner.send(new GetObjectCommand({ Bucket: BUCKET, Key, VersionId }));
        return { text: (await Body?.transformToString()) ?? '', metadata: Metadata };
      }),
    );
    return found.reverse();
  }

  goAway(): Promise<void> {
    return this.server.stop();
  }

  comeBack(): Promise<void> {
    return this.server.restart();
  }

  async stop(): Promise<void> {
    await Promise.all(this.opened.map((store) => store.close()));
    this.owner.destroy();
    await this.proxy.stop();
    await this.server.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}
