import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuditLog, type Chain } from '../../activities/audit/log.js';
import { ROUTES } from '../../src/api/routes.js';
import type { AuditRecord } from '../../src/domain/audit/record.js';
import { ResealError } from '../../src/domain/errors.js';
import { openChain } from '../../src/temporal/audit/worker-log.js';
import { faults, linesIn, overwrite, verified } from '../audit/chains.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { ServedMesh } from './served-mesh.js';

let served: ServedMesh;
let chain: Awaited<ReturnType<typeof openChain>>;
const home = temporaryFolder('reseal-let-in');
const folder = join(home, 'audit', 'api-1');

beforeAll(async () => {
  served = await ServedMesh.start();
  await served.close();
  chain = await openChain('api', home, served.mesh.around.configuration());
  await served.open('127.0.0.1:0', { audit: chain.log });
}, 240_000);
afterAll(async () => {
  await served.stop();
  await chain.close();
}, 120_000);

const records = (): readonly AuditRecord[] =>
  linesIn(folder).filter((line) => !line.startsWith('{"seal"')).map((line) => JSON.parse(line) as AuditRecord); // prettier-ignore
const since = async (work: () => Promise<unknown>): Promise<readonly AuditRecord[]> => {
  const before = records().length;
  await work();
  return records().slice(before);
};

it('T4: a request that changes something leaves its intent before and its outcome after, by names and digests alone', async () => {
  const body = { by: 'ada', ticket: 'CHG-1' };
  const [intent, result, ...more] = await since(() => served.post('/v1/rotations/ios-main-1/pause', { ...body, reason: 'hunter2' }));
  expect(intent).toMatchObject({
    kind: 'intent',
    effect: 'POST /v1/rotations/{id}/pause',
    facts: { caller: 'the token of the home', role: 'operator', person: 'ada', rotation: 'ios-main-1', ticket: 'CHG-1' },
  });
  expect(result).toMatchObject({ kind: 'result', of: intent?.seq, outcome: 'failed', code: 'NOT_FOUND', facts: { status: 404 } });
  expect(more).toEqual([]);
  expect(JSON.stringify(records())).not.toContain('hunter2');

  const [, done] = await since(() => served.post('/v1/schedule', { action: 'ensure', by: 'rita', ticket: 'CHG-1' }));
  expect(done).toMatchObject({ outcome: 'done', code: null, facts: { status: 200 } });
});

it('T4: of a signed statement the chain has nonce and digest, and neither signature nor reason', async () => {
  const statement = { person: 'ada', ticket: 'CHG-2', line: 'ios-main', nonce: 'n-1', reason: 'hunter2' };
  const [intent] = await since(() => served.post('/v1/rotations', { statement, signature: 'sig-of-nobody' }));
  const digest = /^[0-9a-f]{64}$/;
  expect(intent).toMatchObject({ facts: { person: 'ada', line: 'ios-main', ticket: 'CHG-2', statement: 'n-1', statementDigest: expect.stringMatching(digest) as string } }); // prettier-ignore
  expect(JSON.stringify(records())).not.toMatch(/hunter2|sig-of-nobody/);
});

it('reads, what is asked of no form, and tokens of seats leave nothing', async () => {
  const nothing = await since(async () => {
    await served.get('/v1/rotations');
    await served.get('/v1/nodes');
    await served.post('/v1/rotations/ios-main-1/pause', { nobody: 'knows' });
    await served.post('/v1/seats/mac-01/heartbeat', { token: 'secret-token' });
  });
  expect(nothing).toEqual([]);
  await since(() => served.post('/v1/seats/mac-01/release', { token: 'secret-token' }));
  expect(JSON.stringify(records())).not.toContain('secret-token');
  const silent = ROUTES.filter((route) => route.method === 'post' && route.changes === 'nothing').map(({ path }) => path);
  expect(silent).toEqual(['/v1/rotations/plan', '/v1/seats/{node}/standing', '/v1/seats/{node}/heartbeat']);
});

it('T4: what goes forward is refused while its intent cannot be written, or a copy that is required is away; what goes back is not', async () => {
  const full: Chain = { head: null, append: () => Promise.reject(new ResealError('AUDIT_UNWRITABLE', 'The disk is full.')) };
  const away = { mustBeOpen: () => { throw new ResealError('AUDIT_SINK_DOWN', 'It is away.'); } }; // prettier-ignore
  const cases = [
    { audit: new AuditLog(full, { mustBeOpen: () => undefined }), code: 'AUDIT_UNWRITABLE' },
    { audit: new AuditLog(chain.writer, away), code: 'AUDIT_SINK_DOWN' },
  ];
  for (const { audit, code } of cases) {
    await served.close();
    await served.open('127.0.0.1:0', { audit });
    const body = { by: 'ada', ticket: 'CHG-1' };
    expect(await served.post('/v1/schedule', { action: 'ensure', by: 'rita', ticket: 'CHG-1' })).toMatchObject({
      status: 503,
      body: { error: { code } },
    });
    expect(await served.post('/v1/rotations/ios-main-1/resume', body)).toMatchObject({ status: 503, body: { error: { code } } });
    expect(await served.post('/v1/rotations/ios-main-1/rollback', body)).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } }); // prettier-ignore
  }
});

it('T4: a request that is changed, dropped, put elsewhere or cut off in the chain of the API is named', async () => {
  await chain.close();
  const lines = linesIn(folder);
  expect(faults(await verified(folder))).toEqual([]);
  renameSync(folder, `${folder}.whole`);
  const tampered = async (change: (given: string[]) => readonly string[]) => {
    overwrite(folder, change([...lines]));
    return (await verified(folder)).findings.map(({ fault }) => fault);
  };
  const at = lines.findIndex((line) => line.includes('/pause'));
  expect(await tampered((all) => all.map((line) => line.replace('CHG-1', 'CHG-9')))).toContain('changed');
  expect(await tampered((all) => all.filter((_line, position) => position !== at))).toContain('missing');
  expect(await tampered((all) => [...all.slice(0, at), ...all.slice(at + 1, at + 3), all[at] ?? '', ...all.slice(at + 3)])).toContain('reordered'); // prettier-ignore
  const last = lines.findLastIndex((line) => !line.startsWith('{"seal"'));
  expect(await tampered((all) => all.filter((_line, position) => position !== last))).toContain('truncated');
});
