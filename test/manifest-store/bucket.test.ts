import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BucketManifestStore, type BucketStoreOptions } from '../../activities/manifest-store/bucket/store.js';
import type { LineName, NodeName, Sha1, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { PASS } from '../setup/faulty-proxy.js';
import { CREDENTIALS, versitygwMissing } from '../setup/versitygw.js';
import { BUCKET, giveCredentials, ServedBucket } from './served-bucket.js';

const LINE = 'ios-main' as LineName;
const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;
const UNREACHABLE = (said: string): object => ({ code: 'STORE_UNREACHABLE', message: expect.stringContaining(said) as string });

async function failureOf(work: Promise<unknown>): Promise<ResealError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ResealError)) throw new Error(`expected a ResealError, found ${String(error)}`);
  return error;
}

const failuresOf = (...works: readonly Promise<unknown>[]): Promise<readonly ResealError[]> => Promise.all(works.map(failureOf));

describe.skipIf(versitygwMissing() !== null)('a store in a bucket, with versitygw', () => {
  let served: ServedBucket;
  let options: BucketStoreOptions;
  let store: BucketManifestStore;
  beforeEach(async () => {
    served = await ServedBucket.start();
    await served.prepare();
    options = served.options();
    store = await served.open(options);
    await store.create();
    await store.advance(LINE, 0, digest('a'), {});
  });
  afterEach(() => served.stop());
  const keptFolder = (): string => join(options.kept, readdirSync(options.kept)[0] ?? '');

  describe('the history', () => {
    it('says of every move what it was, with rotation, ticket and person, however they are spelt', async () => {
      await store.advance(LINE, 1, digest('b'), { rotation: 'ios-main-3', ticket: 'CHG-42', by: 'Bogdan Ilié\nTicket: CHG-1' });
      await store.advance(LINE, 2, digest('a'), { by: 'ada' });
      const heads = (await served.versions('lines/ios-main/head.json')).map(({ text, metadata }) => ({
        head: JSON.parse(text) as unknown,
        metadata,
      }));
      expect(heads).toMatchObject([
        { head: { seq: 1, digest: digest('a') }, metadata: {} },
        {
          head: { seq: 2, digest: digest('b'), rotation: 'ios-main-3', ticket: 'CHG-42', by: 'Bogdan Ilié Ticket: CHG-1' },
          metadata: { rotation: 'ios-main-3', ticket: 'CHG-42', by: 'Bogdan Ili%C3%A9 Ticket: CHG-1' },
        },
        { head: { seq: 3, digest: digest('a'), by: 'ada' }, metadata: { by: 'ada' } },
      ]);
      const [move] = await served.versions('lines/ios-main/moves/2.json');
      expect(JSON.parse(move?.text ?? '')).toEqual(heads[1]?.head);
    });

    it('has one version of what is named by its digest, and as many of a record as it had contents', async () => {
      const manifest = await store.putManifest(Buffer.from('m'), { ticket: 'CHG-7' });
      await store.putManifest(Buffer.from('m'), { ticket: 'CHG-8' });
      expect(await served.versions(`manifests/${manifest}.json`)).toEqual([{ text: 'm', metadata: { ticket: 'CHG-7' } }]);
      for (const outcome of ['parked', 'parked', 'completed']) await store.putRecord('ios-main-1', { outcome }, {});
      expect((await served.versions('rotations/ios-main-1.json')).map(({ text }) => JSON.parse(text) as unknown)).toEqual([
        { outcome: 'parked' },
        { outcome: 'completed' },
      ]);
    });

    it('keeps the copy of an identity that was sealed before', async () => {
      const sealed = { identity: 'b'.repeat(40) as Sha1, node: 'ams-sign-1' as NodeName, recipient: 'age1x' };
      const put = async (text: string): Promise<string> =>
        (await store.putMany([{ kind: 'sealed-identity', ...sealed, bytes: Buffer.from(text), importedBy: 'rita' }], {}))[0] ?? '';
      const [first] = [await put('one'), await put('two')];
      const names = readdirSync(join(served.root, 'buckets', BUCKET, 'stores/main/identities', sealed.identity));
      expect(names.filter((name) => name.endsWith(`.${first}.age`))).toHaveLength(1);
      expect(names.filter((name) => name.endsWith('.age'))).toHaveLength(2);
    });
  });

  describe('a bucket that does not guard', () => {
    it('by keeping no versions is refused with the command that turns it on, before anything is put there', async () => {
      await served.stop();
      served = await ServedBucket.start();
      await served.prepareUnguarded();
      const unguarded = await served.open();
      const said = `it keeps no versions of what is overwritten (versioning is off). Turn it on: aws s3api put-bucket-versioning --bucket ${BUCKET} --versioning-configuration Status=Enabled`;
      expect(await failureOf(unguarded.create())).toMatchObject(UNREACHABLE(said));
      expect(served.isUntouched()).toBe(true);
      await served.versioning('Enabled');
      expect(await unguarded.create()).toBe(true);
    });

    it('any more takes no change of anybody who comes later, is told, and can still be read', async () => {
      await served.versioning('Suspended');
      const later = await served.open();
      expect(await later.trouble()).toMatchObject(UNREACHABLE('(versioning is suspended)'));
      for (const failure of await failuresOf(
        later.advance(LINE, 1, digest('b'), {}),
        later.allot(LINE, 'k', {}),
        later.putManifest(Buffer.from('m'), {}),
        later.putRecord('ios-main-1', {}, {}),
      ))
        expect(failure).toMatchObject(UNREACHABLE('(versioning is suspended)'));
      expect(await later.head(LINE)).toMatchObject({ seq: 1, digest: digest('a') });
      await served.versioning('Enabled');
      expect(await later.advance(LINE, 1, digest('b'), {})).toMatchObject({ moved: true });
    });
  });

  describe('that fails on the way', () => {
    it.each([
      [
        'a bucket that is not there',
        { status: 404, code: 'NoSuchBucket' },
        `there is no bucket ${BUCKET}. Correct bucket, region and endpoint`,
      ],
      [
        'an account that may not',
        { status: 403, code: 'AccessDenied' },
        'it does not let this account do that (AccessDenied). It needs s3:GetObject, s3:PutObject',
      ],
      [
        'a session that is over',
        { status: 400, code: 'ExpiredToken' },
        'it does not take the credentials of this account (ExpiredToken). Renew',
      ],
      ['a clock that is wrong', { status: 403, code: 'RequestTimeTooSkewed' }, 'Set the clock of this machine.'],
      ['another region', { status: 301, code: 'PermanentRedirect' }, 'it is in another region, or is addressed in another way'],
      ['a server that is not well', { status: 503, code: 'SlowDown' }, 'it is not well: it answered 503 (SlowDown). Try again later.'],
      ['a server of less', { status: 501, code: 'NotImplemented' }, 'Take a bucket that has both.'],
    ])('by %s says so, to readers and writers, never that there is nothing (invariant 6)', async (_, answer, said) => {
      const fresh = await served.open();
      served.proxy.faults(() => ({ kind: 'answer', ...answer }));
      for (const failure of await failuresOf(
        store.head(LINE),
        store.advance(LINE, 1, digest('b'), {}),
        store.manifest(digest('c')),
        store.records(LINE),
        store.importer(digest('c')),
        fresh.create(),
      ))
        expect(failure).toMatchObject(UNREACHABLE(said));
      expect(await store.trouble()).toMatchObject(UNREACHABLE(`The store main (${served.address}) cannot be used: `));
      served.proxy.faults(() => PASS);
      expect(await store.head(LINE)).toMatchObject({ seq: 1 });
    });

    it('by credentials that it does not know, or none, says so, and shows nothing of them (T1)', async () => {
      const secret = 'hunter2hunter2hunter2';
      const shown: string[] = [];
      const said = async (given: Readonly<Record<string, string>>): Promise<string> => {
        giveCredentials(given);
        const failure = await failureOf((await served.open()).head(LINE));
        shown.push(inspect(failure, { depth: 10, showHidden: true }));
        return failure.message;
      };
      expect(await said({ ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: secret })).toContain('(SignatureDoesNotMatch). Renew or correct them.');
      expect(await said({ AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: secret })).toContain(
        'it does not take the credentials of this account',
      );
      expect(await said({})).toContain('this account has no credentials for it, or could not get them. Give them in AWS_ACCESS_KEY_ID');
      for (const text of shown) expect(text).not.toMatch(/hunter2|Signature=|Credential=|x-amz-security-token/i);
    });

    it('by silence ends when its time is over', async () => {
      const hasty = await served.open({ ...options, timeout: 700 });
      served.proxy.faults(() => ({ kind: 'hang' }));
      const began = performance.now();
      expect(await failureOf(hasty.head(LINE))).toMatchObject(UNREACHABLE('it has not answered for 700'));
      served.proxy.faults(() => ({ kind: 'stall-answer' }));
      expect(await failureOf(hasty.head(LINE))).toMatchObject(UNREACHABLE('it has not answered for'));
      expect(await hasty.trouble()).toMatchObject(UNREACHABLE('it has not answered for'));
      expect(performance.now() - began).toBeLessThan(15_000);
    });

    it('by an answer that breaks off takes no half for the whole', async () => {
      const manifest = await store.putManifest(Buffer.alloc(5_000, 'm'), {});
      const fresh = await served.open();
      served.proxy.faults(() => ({ kind: 'cut-answer', after: 10 }));
      expect(await failureOf(fresh.head(LINE))).toMatchObject(UNREACHABLE('its answer broke off'));
      expect(await failureOf(fresh.manifest(manifest))).toMatchObject(UNREACHABLE('its answer broke off'));
      served.proxy.faults(() => PASS);
      expect((await fresh.manifest(manifest)).length).toBe(5_000);
    });

    it('by answers that are lost does nothing twice: what was done is found done', async () => {
      const loses = (method: string, path: string): boolean => method === 'PUT' && path.includes('/head.json');
      served.proxy.faults((method, path) => (loses(method, path) ? { kind: 'lose-answer' } : PASS));
      expect(await failureOf(store.advance(LINE, 1, digest('b'), {}))).toMatchObject(UNREACHABLE('it is away'));
      served.proxy.faults(() => PASS);
      expect(await served.versions('lines/ios-main/head.json')).toHaveLength(2);
      expect(await store.advance(LINE, 1, digest('b'), {})).toEqual({ moved: true, head: { line: LINE, seq: 2, digest: digest('b') } });
      expect(await served.versions('lines/ios-main/head.json')).toHaveLength(2);
      // Only the first answer is lost; the client tries again by itself and is told that the condition does not hold any more.
      let lost = 0;
      served.proxy.faults((method) => (method === 'PUT' && lost++ === 0 ? { kind: 'lose-answer' } : PASS));
      expect(await store.allot(LINE, 'k', {})).toBe(1);
      served.proxy.faults(() => PASS);
      expect([await store.allot(LINE, 'k', {}), await store.allot(LINE, 'l', {})]).toEqual([1, 2]);
    });

    it('in the middle of many things has no manifest without its profiles, and goes on from there', async () => {
      const items = [
        { kind: 'frozen', document: { plan: 1 } },
        { kind: 'manifest', bytes: Buffer.from('m') },
        ...Array.from({ length: 20 }, (_, index) => ({ kind: 'profile', bytes: Buffer.from(`p${index}`), importedBy: 'rita' }) as const),
      ] as const;
      const fails = (part: string): void =>
        served.proxy.faults((method, path) =>
          method === 'PUT' && path.includes(part) ? { kind: 'answer', status: 500, code: 'InternalError' } : PASS,
        );
      const there = (folder: string): number => readdirSync(join(served.root, 'buckets', BUCKET, 'stores/main', folder)).length;
      fails('.mobileprovision');
      expect(await failureOf(store.putMany(items, {}))).toMatchObject(UNREACHABLE('it is not well'));
      expect(() => there('manifests')).toThrow('ENOENT');
      fails('/manifests/');
      expect(await failureOf(store.putMany(items, {}))).toMatchObject(UNREACHABLE('it is not well'));
      expect(there('profiles')).toBe(40);
      expect(() => there('frozen')).toThrow('ENOENT');
      served.proxy.faults(() => PASS);
      const [plan, manifest, first] = await store.putMany(items, {});
      expect(await store.frozen(plan!)).toEqual({ plan: 1 });
      expect(Buffer.from(await store.manifest(manifest!)).toString()).toBe('m');
      expect(await store.importer(first!)).toBe('rita');
    });

    it('whose importer was not put on record has nobody who imported it, until somebody does', async () => {
      served.proxy.faults((method, path) =>
        method === 'PUT' && /profiles\/[0-9a-f]+\.json/.test(path) ? { kind: 'answer', status: 500, code: 'InternalError' } : PASS,
      );
      await failureOf(store.putProfile(Buffer.from('p'), 'alice', {}));
      served.proxy.faults(() => PASS);
      const profile = await store.putProfile(Buffer.from('p'), 'bogdan', {});
      expect(await store.importer(profile)).toBe('bogdan');
    });

    it('by others who are always faster gives up when its patience is over, and says so', async () => {
      const impatient = await served.open({ ...served.options(), patience: 300 });
      served.proxy.faults((method) => (method === 'PUT' ? { kind: 'answer', status: 412, code: 'PreconditionFailed' } : PASS));
      expect(await failureOf(impatient.advance(LINE, 1, digest('b'), {}))).toMatchObject(
        UNREACHABLE(`The store main (${served.address}) was being written by others whenever this change was tried, for 1 s.`),
      );
      served.proxy.faults((method) => (method === 'PUT' ? { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' } : PASS));
      expect(await failureOf(impatient.allot(LINE, 'k', {}))).toMatchObject(UNREACHABLE('was being written by others'));
    });
  });

  describe('what this machine has read', () => {
    it('of content is there while the bucket is away, for its account alone; heads, numbers and records are not', async () => {
      const manifest = await store.putManifest(Buffer.from('m'), {});
      await store.manifest(manifest);
      const fresh = await served.open(options);
      await served.goAway();
      expect(Buffer.from(await fresh.manifest(manifest)).toString()).toBe('m');
      for (const failure of await failuresOf(
        fresh.head(LINE),
        fresh.allot(LINE, 'k', {}),
        fresh.records(LINE),
        fresh.manifest(digest('c')),
      ))
        expect(failure).toMatchObject(UNREACHABLE('it is away, or cannot be reached from here (ECONN'));
      await served.comeBack();
      expect(statSync(join(keptFolder(), 'contents')).mode & 0o777).toBe(0o700);
      expect(statSync(join(keptFolder(), 'contents', manifest)).mode & 0o777).toBe(0o600);
    });

    it('of content and is damaged is read anew', async () => {
      const manifest = await store.putManifest(Buffer.from('m'), {});
      await store.manifest(manifest);
      writeFileSync(join(keptFolder(), 'contents', manifest), 'x');
      const fresh = await served.open(options);
      expect(Buffer.from(await fresh.manifest(manifest)).toString()).toBe('m');
      expect(readFileSync(join(keptFolder(), 'contents', manifest), 'utf8')).toBe('m');
    });
  });

  describe('in whose place another history is put', () => {
    const said = UNREACHABLE('its history is not what it was: ');
    it.each([
      [
        'a head of before',
        async () => served.plant('lines/ios-main/head.json', JSON.stringify({ line: LINE, seq: 1, digest: digest('a') })),
        'and is at seq 1 now',
      ],
      ['no head', async () => served.remove('lines/ios-main/head.json'), 'and it has no head now'],
      [
        'another manifest at the same seq',
        async () => served.plant('lines/ios-main/head.json', JSON.stringify({ line: LINE, seq: 2, digest: digest('c') })),
        'another manifest is on record for that now',
      ],
      [
        'a later head over another past',
        async () => {
          await served.plant('lines/ios-main/moves/2.json', JSON.stringify({ line: LINE, seq: 2, digest: digest('c') }));
          await served.plant('lines/ios-main/head.json', JSON.stringify({ line: LINE, seq: 3, digest: digest('d') }));
        },
        'another manifest is on record for that now',
      ],
      [
        'nothing',
        async () => {
          served.remove('lines/ios-main/head.json');
          served.remove('store.json');
        },
        'what says that it was begun (store.json) is gone',
      ],
    ])('%s: it is refused for reading and writing, until people say that it was meant', async (_, replace, now) => {
      await store.advance(LINE, 1, digest('b'), {});
      await replace();
      for (const failure of await failuresOf(store.head(LINE), store.advance(LINE, 2, digest('e'), {})))
        expect(failure).toMatchObject(UNREACHABLE(now));
      expect(await failureOf((await served.open(options)).head(LINE))).toMatchObject(said);
      expect((await failureOf(store.head(LINE))).message).toContain(`remove ${keptFolder()} on every machine`);
    });

    it('fewer numbers: none is given twice (invariant 6)', async () => {
      await store.allot(LINE, 'k', {});
      await store.allot(LINE, 'l', {});
      await served.plant('lines/ios-main/rotations.json', JSON.stringify({ k: 1 }));
      expect(await failureOf(store.allot(LINE, 'm', {}))).toMatchObject(
        UNREACHABLE('rotation ios-main-2 had its number when this machine last looked, and 1 is the highest now'),
      );
    });

    it('one that was begun anew is told by its id, and is not begun over', async () => {
      await served.plant('store.json', JSON.stringify({ schemaVersion: 1, id: 'another', begunAt: '2026-01-01T00:00:00Z' }));
      expect(await store.trouble()).toMatchObject(UNREACHABLE('there is a store of another id now'));
      served.remove('store.json');
      expect(await failureOf(store.create())).toMatchObject(said);
      expect(await store.isThere()).toBe(false);
    });
  });

  it('bytes that are not what their name says are refused, naming the object (S3)', async () => {
    await served.plant(`profiles/${digest('b')}.mobileprovision`, 'something else');
    expect(await failureOf(store.profile(digest('b')))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`profiles/${digest('b')}.mobileprovision`) as string,
    });
    await served.plant('lines/ios-main/head.json', '{"line":');
    expect(await failureOf(store.head(LINE))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining('lines/ios-main/head.json') as string,
    });
  });

  it('a store in another folder of the same bucket is another store', async () => {
    const other = await served.open({ ...options, prefix: '' });
    expect(await failureOf(other.head(LINE))).toMatchObject(
      UNREACHABLE(`The store main (s3://${BUCKET} at ${served.proxy.url}) cannot be used: nobody has begun a store there`),
    );
    expect(await other.create()).toBe(true);
    expect([await other.head(LINE), (await store.head(LINE))?.seq]).toEqual([null, 1]);
  });

  it('lists a thousand records and more', async () => {
    const ids = Array.from({ length: 1_003 }, (_, index) => `ios-main-${index + 1}`);
    for (let from = 0; from < ids.length; from += 50)
      await Promise.all(ids.slice(from, from + 50).map((id) => served.plant(`rotations/${id}.json`, '{}')));
    expect(await store.records(LINE)).toEqual(ids);
  });
});

describe('a server that ignores the condition of a write', () => {
  let server: Server;
  afterEach(() => void server.close());

  it.each([
    ['If-None-Match', () => true],
    ['If-Match', (headers: Readonly<Record<string, unknown>>) => headers['if-none-match'] === undefined],
  ])('(%s) is refused, and no store is begun there', async (header, ignores) => {
    giveCredentials();
    const objects = new Map<string, string>();
    server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      const path = new URL(url, 'http://x').pathname;
      const answer = (status: number, body = '', more: Record<string, string> = {}): void =>
        void response.writeHead(status, more).end(body);
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (url.includes('versioning')) return answer(200, '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
        if (method === 'GET')
          return objects.has(path) ? answer(200, objects.get(path), { etag: '"1"' }) : answer(404, '<Error><Code>NoSuchKey</Code></Error>');
        if (objects.has(path) && !ignores(headers)) return answer(412, '<Error><Code>PreconditionFailed</Code></Error>');
        objects.set(path, text);
        return answer(200, '', { etag: '"1"' });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const store = await BucketManifestStore.open({
      bucket: BUCKET,
      prefix: '',
      region: 'x',
      endpoint,
      addressing: 'path',
      timeout: 5_000,
      kept: '/nonexistent/never-written',
    });
    expect(await failureOf(store.create())).toMatchObject(
      UNREACHABLE(`it writes whatever the condition of a write says (${header}), so two rotations could both move a head.`),
    );
    expect([...objects.keys()]).toEqual([`/${BUCKET}/guard.json`]);
    await store.close();
  });
});
