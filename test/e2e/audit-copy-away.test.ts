import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { parse, stringify } from 'yaml';
import { BucketChains } from '../../activities/audit/bucket-chains.js';
import { verifyItems } from '../../activities/audit/verify-chain.js';
import { LedgerPieces } from '../../src/ledger/audit-pieces.js';
import { openLedger } from '../../src/ledger/open.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { faults, linesIn, verified } from '../audit/chains.js';
import { giveCredentials } from '../manifest-store/served-bucket.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { until } from '../setup/until.js';
import { startPostgres, type TestPostgres } from '../setup/postgres.js';
import { startVersitygw, versitygwMissing, type Versitygw } from '../setup/versitygw.js';
import { Interference } from './interference.js';
import { RotatingMesh } from './rotating-mesh.js';

let mesh: RotatingMesh;
let copies: string;
/** A bucket with object lock beside the folder, where there is a server for one. */
let server: Versitygw | null = null;
/** A database beside those, where PostgreSQL is installed. */
let database: TestPostgres | null = null;
const DATABASE = 'RESEAL_AUDIT_COPY_DATABASE';
const BUCKET = 'acme-audit';
const interference = new Interference();

beforeAll(async () => {
  const bucket = versitygwMissing() === null ? await lockedBucket() : {};
  const book = await ledgerBeside();
  mesh = await RotatingMesh.start({
    nodes: simulatedNodes(3),
    decorate: interference.decorate,
    changed: ({ folders }) => {
      copies = join(folders.root, 'copies');
      const file = join(folders.config, 'reseal.yaml');
      const declared = parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(
        file,
        stringify({
          ...declared,
          ...book.declared,
          audit: { sinks: { elsewhere: { kind: 'file', path: copies }, ...bucket, ...book.sinks } },
        }),
      );
      return Promise.resolve();
    },
  });
}, 240_000);
afterAll(async () => {
  await mesh.stop();
  await server?.stop();
  await database?.stop();
});

async function ledgerBeside(): Promise<{ readonly declared: object; readonly sinks: object }> {
  const started = await startPostgres();
  if ('missing' in started) return { declared: {}, sinks: {} };
  database = started;
  process.env[DATABASE] = started.url;
  await (await openLedger({ kind: 'url', url: started.url })).close();
  return { declared: { database: `env:${DATABASE}` }, sinks: { book: { kind: 'ledger' } } };
}

async function lockedBucket(): Promise<object> {
  giveCredentials();
  server = await startVersitygw(temporaryFolder('reseal-audit-away'));
  const { endpoint } = server;
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const owner = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  await owner.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
  owner.destroy();
  return { locked: { kind: 'bucket', bucket: BUCKET, region: 'us-east-1', endpoint, retainFor: '1d', timeout: '2s' } };
}

it('T4: sinks that go down in the middle of a rollback hold up nothing on the way back, and everything forward until they are back', async () => {
  await mesh.rotate();
  await mesh.untilGate();
  let down = false;
  interference.before = async (operation) => {
    if (operation !== 'switch' || down) return;
    down = true;
    await Promise.all([server?.stop(), database?.crash()]);
    renameSync(copies, `${copies}.away`);
    writeFileSync(copies, 'nothing is mounted here');
  };
  await mesh.tell('rollback', 'ada');
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(down).toBe(true);

  const handle = await mesh.rotate();
  /** How often the activity that waits has been tried; its failure is encoded. 0: none waits. */
  const tries = async () => {
    const { raw } = await handle.describe();
    const waiting = raw.pendingActivities?.find(({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'AUDIT_SINK_DOWN');
    return waiting?.attempt ?? 0;
  };
  await until(async () => (await tries()) > 0, { what: 'an activity that waits for the sinks', timeout: 60_000 });
  expect((await mesh.ledger.rotations({ line: mesh.mesh.line })).map(({ id }) => id)).toEqual(['ios-main-1']);

  rmSync(copies);
  mkdirSync(copies);
  for (const name of readdirSync(`${copies}.away`)) renameSync(join(`${copies}.away`, name), join(copies, name));
  for (const away of [server, database]) {
    if (away === null) continue;
    const before = await tries();
    await until(async () => (await tries()) > before, { what: 'an activity that waits for what is still away', timeout: 90_000 });
    await away.restart();
  }
  // In the middle of what goes forward, once more: it waits, and goes on where it was.
  let again = false;
  interference.before = async (operation) => {
    if (operation !== 'stage' || again) return;
    again = true;
    await Promise.all([server?.stop(), database?.crash()]);
    setTimeout(() => void Promise.all([server?.restart(), database?.restart()]), 3_000);
  };
  await mesh.approve('ada', 'grace');
  expect((await mesh.result()).outcome).toBe('completed');
  expect(again).toBe(true);
  const [chain = ''] = readdirSync(copies);
  const original = join(mesh.mesh.folders.root, 'audit', 'worker-1');
  const whole = async () => {
    const read = await verified(join(copies, chain));
    const isWhole = linesIn(join(copies, chain)).join('\n') === linesIn(original).join('\n') && read.seal?.seal.seq === read.records;
    return isWhole && read;
  };
  expect(faults(await until(whole, { what: 'a copy that has all, sealed', timeout: 60_000 }))).toEqual([]);
  if (database !== null) {
    const pieces = new LedgerPieces(() => process.env[DATABASE] ?? '');
    const inLedger = async () => {
      const [found] = await pieces.all();
      if (found === undefined) return false;
      const read = await verifyItems(found.chain, found.items(), [], null);
      return read.records === (await verified(original)).records && read.seal?.seal.seq === read.records && faults(read);
    };
    expect(await until(inLedger, { what: 'a ledger that has all, sealed', timeout: 60_000 })).toEqual([]);
    await pieces.close();
  }
  if (server === null) return;
  const place = { bucket: BUCKET, prefix: '', region: 'us-east-1', endpoint: server.endpoint, addressing: 'path', timeout: 5_000 } as const;
  const inBucket = async () => {
    const [found] = await new BucketChains(place).all();
    if (found === undefined) return false;
    const read = await verifyItems(found.chain, found.items(), [], null);
    return (
      read.records === (await verified(original)).records && read.seal?.seal.seq === read.records && [...faults(read), ...found.findings]
    );
  };
  expect(await until(inBucket, { what: 'a bucket that has all, sealed', timeout: 20_000 })).toEqual([]);
}, 300_000);
