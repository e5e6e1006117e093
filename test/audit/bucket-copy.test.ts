import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { BucketChains } from '../../activities/audit/bucket-chains.js';
import { bucketCopy, type BucketSink } from '../../activities/audit/bucket-store.js';
import type { ChainWriter } from '../../activities/audit/chain-writer.js';
import { Copies } from '../../activities/audit/copies.js';
import { verifyItems } from '../../activities/audit/verify-chain.js';
import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import { checkSinks } from '../../src/cli/doctor/sinks.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { AuditVerdictView } from '../../src/presenters/audit.js';
import { openWorkerLog } from '../../src/temporal/audit/worker-log.js';
import { reseal } from '../cli/terminal.js';
import { giveCredentials } from '../manifest-store/served-bucket.js';
import { startFaultyProxy, type FaultyProxy } from '../setup/faulty-proxy.js';
import { startVersitygw, versitygwMissing, type Versitygw } from '../setup/versitygw.js';
import { until } from '../setup/until.js';
import { chainOptions, faults, intent, linesIn, newKey, overwrite, written } from './chains.js';

vi.setConfig({ testTimeout: 60_000 });

const DAY = 86_400_000;
const BUCKET = 'acme-audit';
let root: string;
let server: Versitygw;
let proxy: FaultyProxy;
/** Has the very credentials of the writers, and of whoever stole them. */
let thief: S3Client;
let prefixes = 0;

describe.skipIf(versitygwMissing() !== null)('a copy of an audit chain in a bucket with object lock, with versitygw', () => {
  beforeAll(async () => {
    giveCredentials();
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
    root = mkdtempSync(join(tmpdir(), 'reseal-audit-bucket-'));
    server = await startVersitygw(root);
    proxy = await startFaultyProxy(server.endpoint);
    thief = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    await thief.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
    await thief.send(new CreateBucketCommand({ Bucket: 'acme-plain' }));
  });
  afterAll(async () => {
    thief.destroy();
    await proxy.stop();
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const sink = (change: Partial<BucketSink['place']> = {}): BucketSink => {
    prefixes += 1;
    const place = { bucket: BUCKET, prefix: `copies/${prefixes}`, region: 'us-east-1', endpoint: proxy.url, addressing: 'path', timeout: 5_000 } as const; // prettier-ignore
    return { place: { ...place, ...change }, lock: 'COMPLIANCE', retainFor: 2 * DAY };
  };
  const copyIn = (to: BucketSink) => bucketCopy('away', to);
  const setUp = async (records: number) => {
    const key = newKey();
    const options = chainOptions({ key: () => Promise.resolve(key), segmentBytes: 2_000 });
    return { options, writer: await written(options, records), to: sink() };
  };
  const copied = async (writer: ChainWriter, to: BucketSink): Promise<void> => {
    const copies = await Copies.keep(writer, [{ copy: copyIn(to), whenDown: 'stop' }]);
    await writer.close();
    await copies.close();
  };
  /** What `audit verify` finds, of the objects and of what they hold. */
  const read = async ({ place }: BucketSink) => {
    const chains = new BucketChains(place);
    const [found] = await chains.all();
    if (found === undefined) throw new Error('there is no chain');
    const texts: string[] = [];
    const whole = await verifyItems(found.chain, found.items(), [], null);
    for await (const item of found.items()) texts.push(item.kind);
    await chains.close();
    return { objects: found.findings, records: whole.records, faults: faults(whole), lines: texts.length };
  };
  const keys = async ({ place }: BucketSink) => {
    const { Versions = [], DeleteMarkers = [] } = await thief.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: `${place.prefix}/` }),
    );
    return { versions: Versions.map(({ Key = '', VersionId = '' }) => ({ Key, VersionId })), deleted: DeleteMarkers.length };
  };

  it('T4: has every line of the chain, each written once, also when the chain is taken up again; and is verified like it', async () => {
    const { writer, options, to } = await setUp(30);
    await copied(writer, to);
    expect(await read(to)).toEqual({ objects: [], records: 31, faults: [], lines: linesIn(options.folder).length });
    const again = await written(options, 5);
    await copied(again, to);
    expect(await read(to)).toEqual({ objects: [], records: 37, faults: [], lines: linesIn(options.folder).length });
    const { versions } = await keys(to);
    expect(new Set(versions.map(({ Key }) => Key)).size).toBe(versions.length);
  });

  it('T4: who has the writer’s credentials removes and replaces nothing: later versions count for nothing, and are told', async () => {
    const { writer, options, to } = await setUp(12);
    await copied(writer, to);
    const [{ Key, VersionId }] = (await keys(to)).versions as [{ Key: string; VersionId: string }];
    const at = { Bucket: BUCKET, Key };
    await expect(thief.send(new DeleteObjectCommand({ ...at, VersionId }))).rejects.toMatchObject({ name: 'AccessDenied' });
    const bypass = { ...at, VersionId, BypassGovernanceRetention: true };
    await expect(thief.send(new DeleteObjectCommand(bypass))).rejects.toMatchObject({ name: 'AccessDenied' });
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 5_000) } as const;
    await expect(thief.send(new PutObjectRetentionCommand({ ...at, VersionId, Retention }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await thief.send(new PutObjectCommand({ ...at, Body: 'nothing happened here\n' }));
    await thief.send(new DeleteObjectCommand(at));
    expect((await keys(to)).deleted).toBe(1);
    const after = await read(to);
    expect([after.records, after.faults]).toEqual([13, []]);
    expect(after.objects.map(({ text }) => text)).toEqual([expect.stringMatching(/somebody has written over .*jsonl, or removed it, 2 times; what was there first is read/)]); // prettier-ignore
    // The writer goes on after it, with what it had written.
    await copied(await written(options, 1), to);
    expect(await read(to)).toMatchObject({ records: 15, faults: [] });
  });

  it('T4: a copy of something else than the chain lets nothing go forward: cut off, changed, or put in its way', async () => {
    const { writer, options, to } = await setUp(5);
    await copied(writer, to);
    const lines = linesIn(options.folder);
    cpSync(options.folder, `${options.folder}.whole`, { recursive: true });
    overwrite(options.folder, lines.filter((line) => !line.startsWith('{"seal"')).slice(0, 3)); // prettier-ignore
    const cut = await written(options, 0);
    await expect(copyIn(to).catchUp(options.folder)).rejects.toMatchObject({ code: 'AUDIT_SINK_DOWN', message: expect.stringMatching(/is not what the chain has there: verify both/) as string }); // prettier-ignore
    await cut.close();

    const fresh = await setUp(3);
    const place = `${fresh.to.place.prefix}/${fresh.writer.head?.chain ?? ''}/0000000000000001.000000000000.jsonl`;
    await thief.send(new PutObjectCommand({ Bucket: BUCKET, Key: place, Body: '{}\n' }));
    await expect(copyIn(fresh.to).catchUp(fresh.options.folder)).rejects.toThrow(
      /is not what the chain has there|somebody has put something in the place/,
    );
    await fresh.writer.close();
  });

  it('T4: what it lacks that was away it gets when it is back; until then nothing goes forward where it is required, and everything goes back', async () => {
    const { writer, options, to } = await setUp(2);
    const copies = await Copies.keep(writer, [{ copy: copyIn({ ...to, place: { ...to.place, timeout: 300 } }), whenDown: 'stop' }], 50);
    copies.mustBeOpen();
    await server.stop();
    await writer.append(intent('returnHead'));
    await until(() => { try { copies.mustBeOpen(); return false; } catch { return true; } }, { what: 'trouble', timeout: 10_000 }); // prettier-ignore
    expect(() => { copies.mustBeOpen(); }).toThrow(/The copy away of the audit log in s3:\/\/acme-audit\/copies.* cannot be kept.*audit\.sinks\.away\.whenDown/s); // prettier-ignore
    for (let number = 0; number < 10; number++) await writer.append(intent('returnHead', { number }));
    await server.restart();
    await until(() => { copies.mustBeOpen(); return true; }, { timeout: 20_000 }); // prettier-ignore
    await writer.close();
    await copies.close();
    expect(await read(to)).toMatchObject({ objects: [], records: 14, faults: [], lines: linesIn(options.folder).length });
  });

  it('is refused at the start where the bucket locks nothing, in words that say what to do; one that is away is only down', async () => {
    const plain = sink({ bucket: 'acme-plain' });
    const { writer, options } = await setUp(1);
    await expect(Copies.keep(writer, [{ copy: copyIn(plain), whenDown: 'go-on' }])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/\(s3:\/\/acme-plain\/.*\) locks nothing, so whoever writes it could remove what is there.*--object-lock-enabled-for-bucket/) as string, // prettier-ignore
    });
    const away = await Copies.keep(writer, [{ copy: copyIn(sink({ endpoint: 'http://127.0.0.1:9', timeout: 300 })), whenDown: 'go-on' }]);
    away.mustBeOpen();
    await writer.close();
    await away.close();
    giveCredentials({ AWS_ACCESS_KEY_ID: 'reseal-test', AWS_SECRET_ACCESS_KEY: 'wrong-one' });
    const denied = await copyIn(sink()).catchUp(options.folder).catch((error: unknown) => error); // prettier-ignore
    giveCredentials();
    expect(denied).toMatchObject({ code: 'AUDIT_SINK_DOWN' });
    expect(String(denied)).not.toContain('wrong-one');
  });

  it('audit verify --sink reads it, against itself, the chain of this home and what rotations have anchored (exit 0, 1, 2)', async () => {
    const [config, home] = [join(root, 'config'), join(root, 'home')];
    cpSync(new URL('../configuration/example', import.meta.url).pathname, config, { recursive: true });
    const file = join(config, 'reseal.yaml');
    const declared = parse(readFileSync(file, 'utf8')) as object;
    const { place } = sink();
    const audit = { sinks: { away: { kind: 'bucket', bucket: BUCKET, prefix: place.prefix, region: 'us-east-1', endpoint: proxy.url, retainFor: '2d' } } }; // prettier-ignore
    writeFileSync(file, stringify({ ...declared, audit }));
    const store = await openDeclaredStore(
      loadConfiguration(config).reseal,
      Object.keys(loadConfiguration(config).reseal.stores)[0] ?? '',
      home,
    );
    await store.create();
    await store.close();
    const verify = (...more: readonly string[]) =>
      reseal(['audit', 'verify', '--json', '--home', home, '--config', config, ...more], { cwd: root });
    expect((await verify('--sink', 'away')).exit).toBe(2);
    const order = { line: 'ios-main', id: 'ios-main-1', ticket: 'CHG-1', expectedSeq: 1, to: 'b' };
    const work = async (): Promise<readonly string[]> => {
      const open = await openWorkerLog(home, loadConfiguration(config));
      await open.log.around({ name: 'advanceHead', attempt: 1, order }, () => Promise.resolve({ moved: true, seq: 2 }));
      await open.close();
      return (await keys({ place } as BucketSink)).versions.map(({ Key }) => Key).sort(); // prettier-ignore
    };
    const before = await work();
    const names = await work();
    const whole = await verify('--sink', 'away');
    expect(JSON.parse(whole.stdout)).toMatchObject({
      verdict: 'whole',
      chains: [{ records: 6, anchoredUpTo: 6, findings: [] }],
      elsewhere: [],
    });
    expect(whole.exit).toBe(0);

    // Whoever owns the disk, behind the lock: what the worker wrote the second time is gone as if it had never been written.
    const late = names.filter((name) => !before.includes(name));
    const onDisk = (name: string): string => join(root, 'buckets', BUCKET, name);
    const aside = join(root, 'aside');
    mkdirSync(aside);
    for (const [number, name] of late.entries()) renameSync(onDisk(name), join(aside, String(number)));
    const gap = await verify('--sink', 'away');
    expect(gap.exit).toBe(1);
    const { chains } = JSON.parse(gap.stdout) as AuditVerdictView;
    expect(chains[0]?.findings.map(({ fault }) => fault)).toContain('truncated');
    expect(chains[0]?.findings[0]?.text).toContain(`the chain in ${join(home, 'audit', 'worker-1')} knows the chain up to record 6`);
    for (const [number, name] of late.entries()) renameSync(join(aside, String(number)), onDisk(name));
    const first = onDisk(names[0] ?? '');
    writeFileSync(first, readFileSync(first, 'utf8').replace('worker', 'wörker'));
    const changed = JSON.parse((await verify('--sink', 'away')).stdout) as AuditVerdictView;
    expect(changed.chains[0]?.verdict).toBe('broken');
    expect((await verify('--sink', 'elsewhere')).stdout).toContain('declares no sink elsewhere of the audit log. It declares away.');
  });

  it('doctor says of each sink whether it can be had, whether it locks, and what becomes of rotations without it', async () => {
    writeFileSync(join(root, 'a-file'), '');
    const { place } = sink();
    const bucket = (name: string, endpoint: string) => ({ kind: 'bucket', bucket: name, prefix: place.prefix, region: place.region, endpoint, retainFor: 2 * DAY, lock: 'compliance', timeout: 2_000, whenDown: 'stop' }) as const; // prettier-ignore
    const sinks = {
      locked: bucket(BUCKET, server.endpoint),
      open: bucket('acme-plain', server.endpoint),
      away: bucket(BUCKET, 'http://127.0.0.1:9'),
      folder: { kind: 'file', path: join(root, 'not', 'there', 'yet'), whenDown: 'go-on' },
      nowhere: { kind: 'file', path: join(root, 'a-file', 'nowhere'), whenDown: 'stop' },
    };
    const found = await checkSinks({ reseal: { audit: { sinks } } } as never);
    expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['audit sink locked', 'pass'],
      ['audit sink open', 'fail'],
      ['audit sink away', 'away'],
      ['audit sink folder', 'pass'],
      ['audit sink nowhere', 'fail'],
    ]);
    expect(found.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('with object lock; rotations do not go forward while it is down'),
      expect.stringContaining('locks nothing'),
      expect.stringContaining('away'),
      expect.stringContaining('rotations go on while it is down'),
      expect.stringContaining('a-file cannot be written'),
    ]);
  });
});
