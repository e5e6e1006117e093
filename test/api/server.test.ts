import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApi } from '../../src/api/openapi.js';
import { ROUTES } from '../../src/api/routes.js';
import { COMMAND_NAMES, type CommandName } from '../../src/domain/rotation/commands.js';
import { createApi, listen } from '../../src/api/server.js';
import { stableUuid } from '../../src/simulator/mesh/create.js';
import { TEAM } from '../../src/simulator/mesh/spec.js';
import type { RotationView } from '../../src/presenters/rotation.js';
import { ServedMesh } from './served-mesh.js';

let served: ServedMesh;
beforeAll(async () => {
  served = await ServedMesh.start();
}, 240_000);
afterAll(() => served.stop(), 120_000);

const said = (by: string, more: object = {}): object => ({ by, ticket: 'CHG-7', ...more });
const start = (more: object = {}): object => ({ line: 'ios-main', by: 'rita', ticket: 'CHG-7', ...more });

describe('the door', () => {
  it('needs the token for everything but health and the description', async () => {
    for (const { method, path } of ROUTES) {
      const url = new URL(path.replace(/\{\w+\}/g, 'ios-main-1'), served.url);
      const open = path === '/v1/healthz' || path === '/v1/openapi.json';
      const wrong = await fetch(url, { method: method.toUpperCase(), headers: { authorization: 'Bearer wrong' } });
      const none = await fetch(url, { method: method.toUpperCase() });
      expect([path, wrong.status, none.status]).toEqual(open ? [path, 200, 200] : [path, 401, 401]);
    }
    const { body } = await fetch(new URL('/v1/rotations', served.url)).then(async (response) => ({
      body: (await response.json()) as object,
    }));
    expect(body).toMatchObject({ schemaVersion: 1, error: { code: 'NOT_ENTITLED' } });
  });

  it('describes every route that it answers, and no other', () => {
    const answered = createApi({ desk: served.desk, token: 'unused' })
      .routes.filter((route) => route.method !== 'ALL')
      .map((route) => `${route.method.toLowerCase()} ${route.path.replace(/:(\w+)/g, '{$1}')}`);
    expect(ROUTES.map((route) => `${route.method} ${route.path}`).sort()).toEqual([...new Set(answered)].sort());
    const { paths } = openApi('^X-[0-9]+$') as { paths: Record<string, Record<string, unknown>> };
    expect(
      Object.entries(paths)
        .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
        .sort(),
    ).toEqual(ROUTES.map((route) => `${route.method} ${route.path}`).sort());
  });

  it('listens on loopback only: there is no TLS here', async () => {
    const api = createApi({ desk: served.desk, token: 'unused' });
    expect(() => listen(api, '0.0.0.0:0')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    const sixth = await listen(api, '[::1]:0').catch((error: unknown) => error as Error);
    if (!(sixth instanceof Error)) await sixth.stop();
  });

  it('names the port that is taken', async () => {
    const taken = new URL(served.url).host;
    await expect(listen(createApi({ desk: served.desk, token: 'unused' }), taken)).rejects.toMatchObject({
      code: 'API_UNREACHABLE',
      message: expect.stringContaining(taken) as string,
    });
  });

  it('says that Temporal and the database answer', async () => {
    expect(await served.get('/v1/healthz')).toMatchObject({ status: 200, body: { ok: true, temporal: true, database: true } });
  });

  it('sends no cross-origin permission and forbids being framed or sniffed', async () => {
    const { headers } = await served.fetch('/v1/rotations', { headers: { origin: 'https://elsewhere.example' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect([headers.get('x-content-type-options'), headers.get('x-frame-options')]).toEqual(['nosniff', 'DENY']);
  });
});

describe('a request that cannot be answered', () => {
  it.each([
    ['/v1/nothing', 'NOT_FOUND'],
    ['/v1/rotations/ios-main-99', 'NOT_FOUND'],
    ['/v1/rotations/ios-main-99/nodes', 'NOT_FOUND'],
    ['/v1/rotations/ios-main-99/events', 'NOT_FOUND'],
    ['/v1/nodes/nowhere', 'NOT_FOUND'],
    ['/v1/nodes/nowhere/expected', 'NOT_FOUND'],
    ['/v1/lines/nowhere/head', 'NOT_FOUND'],
  ])('%s is 404 with a sentence', async (path, code) => {
    const { status, body } = await served.get(path);
    expect([status, body.error?.code]).toEqual([404, code]);
    expect(body.error?.message).toMatch(/\.$/);
  });

  it('names every field of a body that is not of the form', async () => {
    const { status, body } = await served.post('/v1/rotations', { line: '', ticket: 7, hurry: true });
    expect([status, body.error?.code]).toEqual([400, 'USAGE']);
    const details = (body.error?.details ?? []).join('\n');
    for (const field of ['line', 'by', 'ticket', 'hurry']) expect(details).toContain(field);
  });

  it.each(['\0', '\n', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\ud800', '\u202e'])(
    'refuses %j in every name, ticket and id: it would reach the history of the store, and PostgreSQL (S12)',
    async (odd) => {
      const given = { by: `rita${odd}`, ticket: `CHG-7${odd}`, question: odd, option: `x${odd}`, nodes: [`lab-1${odd}`] };
      const told = await served.post('/v1/rotations/ios-main-1/answer', given);
      expect([told.status, told.body.error?.code]).toEqual([400, 'USAGE']);
      expect(told.body.error?.details.map((one) => one.split(':')[0])).toEqual(['by', 'ticket', 'question', 'option', 'nodes.0']);
      const began = await served.post(
        '/v1/rotations',
        start({ line: `ios${odd}`, ticket: `CHG${odd}`, at: odd, successors: [odd], after: odd }),
      );
      expect(began.body.error?.details.map((one) => one.split(':')[0])).toEqual(['line', 'ticket', 'at', 'successors.0', 'after']);
    },
  );

  it('takes a reason of several lines, and no other control character in it', async () => {
    const withReason = (reason: string) => served.post('/v1/rotations/ios-main-99/rollback', said('ada', { reason }));
    expect((await withReason('archives fail:\r\n\ton every signer')).status).toBe(404);
    expect(await withReason('archives\0fail')).toMatchObject({ status: 400, body: { error: { code: 'USAGE' } } });
  });

  it('refuses control characters in an address', async () => {
    for (const path of ['/v1/rotations/ios%00main-1', '/v1/rotations?line=%00', '/v1/nodes/lab%1b-1', '/v1/lines/ios%7Fmain/head'])
      expect([path, await served.get(path)]).toMatchObject([path, { status: 400, body: { error: { code: 'USAGE' } } }]);
  });

  it.each(['', '{"line"', 'null', '[]'])('refuses the body %j', async (body) => {
    const answer = await served.post('/v1/rotations', body);
    expect([answer.status, answer.body.error?.code]).toEqual([400, 'USAGE']);
  });

  it('refuses a body larger than it reads', async () => {
    const { status, body } = await served.post('/v1/rotations', start({ successors: Array.from({ length: 900 }, () => 'x'.repeat(400)) }));
    expect([status, body.error?.code]).toEqual([413, 'USAGE']);
  });

  it.each([
    ['arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', '{"statement":'.repeat(15_000) + '1' + '}'.repeat(15_000)],
    ['a statement with one field that nests', `{"signature":"x","statement":{"says":"approve","x":${'[['.repeat(200)}${']]'.repeat(200)}}}`],
  ])('refuses %s in each other without end, at every route that takes a body', async (_what, body) => {
    for (const path of ['/v1/rotations', '/v1/rotations/plan', '/v1/rotations/ios-main-1/approve', '/v1/nodes/lab-1/purge', '/v1/schedule', '/v1/seats', '/v1/handoffs', '/v1/claims']) {
      const answer = await served.post(path, body);
      expect([path, answer.status, answer.body.error?.message]).toEqual([path, 400, 'The body nests more than 64 levels deep; it must be one JSON document.']);
    }
  }); // prettier-ignore

  it.each([
    '../../etc/passwd', '-oProxyCommand=touch /tmp/x', '--upload-pack=x', '$(id)', '`id`', 'a;b', "a'b", 'a b', 'x'.repeat(4_000), '\u202egnp', 'ÿ', '.', '..', '%2e%2e%2f',
  ])('takes %j for no line, rotation, node or person anywhere, and says so', async (name) => {
    const named = encodeURIComponent(name);
    const by = { by: 'ada', ticket: 'CHG-7' };
    const answers = [
      await served.get(`/v1/rotations/${named}`), await served.get(`/v1/rotations/${named}/nodes`), await served.get(`/v1/rotations?line=${named}`),
      await served.post(`/v1/rotations/${named}/approve`, by), await served.post('/v1/rotations/plan', { line: name }), await served.post('/v1/rotations', { line: name, ...by }),
      await served.get(`/v1/nodes/${named}`), await served.get(`/v1/nodes/${named}/expected`), await served.post(`/v1/nodes/${named}/restore`, by),
      await served.post(`/v1/nodes/${named}/purge`, by), await served.get(`/v1/nodes/${named}/restore/ios-main`), await served.get(`/v1/lines/${named}/head`),
      await served.get(`/v1/lines/${named}/manifests/${'a'.repeat(64)}`), await served.get(`/v1/lines/ios-main/manifests/${named}`), await served.get(`/v1/lines/${named}/terms`),
      await served.get(`/v1/persons/${named}`), await served.get(`/v1/impact?node=${named}`), await served.get(`/v1/impact?certificate=${named}`), await served.get(`/v1/impact?profile=${named}`),
      await served.post(`/v1/seats/${named}/release`, { token: 'x' }), await served.get(`/v1/handoffs?line=${named}`),
    ];
    for (const { status, body } of answers) {
      if (status === 200) expect(body).toMatchObject({ schemaVersion: 1 });
      else expect([status, body.error?.code]).toEqual([expect.any(Number), expect.stringMatching(/^(?:USAGE|NOT_FOUND|NOT_ENTITLED|REFUSED|SIGNATURE_NEEDED)$/)]);
    }
    expect(answers.map(({ status }) => status)).not.toContain(500);
  }); // prettier-ignore

  it('tells an id that is none, and a date that is none', async () => {
    expect(await served.get('/v1/rotations/nonsense')).toMatchObject({ status: 400, body: { error: { code: 'USAGE' } } });
    expect(await served.post('/v1/rotations/plan', { line: 'ios-main', at: 'yesterday' })).toMatchObject({
      status: 400,
      body: { error: { details: ['at: a date like 2026-11-29 or 2026-11-29T09:00:00Z'] } },
    });
  });

  it.each(COMMAND_NAMES)('%s of an unknown rotation is 404', async (command) => {
    expect(await served.post(`/v1/rotations/ios-main-99/${command}`, said('ada'))).toMatchObject({ status: 404 });
  });
});

describe('a rotation through the API (R5, R7, P1)', () => {
  it('is planned with its arithmetic, and nothing is written', async () => {
    const { status, body } = await served.post('/v1/rotations/plan', { line: 'ios-main', by: 'rita' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ feasible: true, reasons: [], missing: [], kind: 'profile' });
    expect(body['replacements']).toHaveLength(4);
    expect(body['offers']).toEqual([]);
    expect(await served.get('/v1/rotations')).toMatchObject({ body: { rotations: [] } });
  });

  it('lists nodes that nobody has looked at, and reads one when asked', async () => {
    const listed = await served.get('/v1/nodes');
    expect(listed.body['nodes']).toHaveLength(3);
    const [name] = served.mesh.mesh.nodes.map((node) => node.name);
    const expected = await served.get(`/v1/nodes/${name ?? ''}/expected`);
    expect(expected.body).toMatchObject({
      node: name,
      lines: [{ line: expect.any(String), manifest: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
    const all = await served.get(`/v1/nodes/${name ?? ''}?checks=all`);
    const [line] = (all.body['nodes'] as unknown as { lines: { checks: { check: string; verdict: string }[] }[] }[])[0]?.lines ?? [];
    expect(line?.checks).toEqual(
      expect.arrayContaining([expect.objectContaining({ check: 'active-manifest', verdict: 'pass' }), expect.objectContaining({ check: 'signing', verdict: 'not-due' })]), // prettier-ignore
    );
    const { status, body } = await served.get(`/v1/nodes/${name ?? ''}`);
    expect(status).toBe(200);
    expect(body['nodes']).toMatchObject([
      { name, lines: [{ line: 'ios-main', verdict: 'pass', onHead: true, active: served.mesh.mesh.manifest }] },
    ]);
  });

  it('tells the head of the line', async () => {
    expect(await served.get('/v1/lines/ios-main/head')).toMatchObject({ body: { head: { seq: 1, digest: served.mesh.mesh.manifest } } });
  });

  it.each([
    ['a line that is not declared', start({ line: 'nowhere' }), 404, 'NOT_FOUND'],
    ['a person without the right', start({ by: 'ada' }), 403, 'NOT_ENTITLED'],
    ['a ticket of another form', start({ ticket: 'soon' }), 400, 'WRONG_TICKET'],
  ])('is not started for %s', async (_, body, status, code) => {
    const answer = await served.post('/v1/rotations', body);
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  });

  it('is not started for a successor that nobody offers, and gets no number: what is on offer is named', async () => {
    const stranger = '00000000-0000-4000-8000-000000000000';
    const { status, body } = await served.post('/v1/rotations', start({ successors: [stranger] }));
    expect([status, body.error?.code]).toEqual([404, 'NOT_FOUND']);
    expect(body.error?.message).toBe(`No source of ios-main offers ${stranger}; choose among what they offer.`);
    const offered = readdirSync(served.mesh.mesh.folders.drop).map((file) => file.replace('.mobileprovision', ''));
    expect(offered).toHaveLength(4);
    for (const uuid of offered) expect(body.error?.details).toContainEqual(expect.stringContaining(`on offer: ${uuid} "`));
    expect(await served.get('/v1/rotations')).toMatchObject({ body: { rotations: [] } });
    await expect(served.desk.client.workflow.getHandle('rotation/ios-main').describe()).rejects.toThrow(WorkflowNotFoundError);
    const plan = await served.post('/v1/rotations/plan', { line: 'ios-main', successors: [stranger] });
    expect(plan.body).toMatchObject({ feasible: false, reasons: [`--successor ${stranger}: no candidate has this UUID`] });
    expect(plan.body['offers']).toEqual(offered.map((uuid) => expect.stringContaining(`${uuid} "`) as string));
  });

  it('is not started for a successor that fits nothing: the reason is named, and it gets no number', async () => {
    const { certificate, folders, apple } = served.mesh.mesh;
    const uuid = stableUuid('elsewhere');
    const path = join(folders.drop, `${uuid}.mobileprovision`);
    const createdAt = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
    const profile = { uuid, name: 'Elsewhere', team: TEAM, bundleId: 'com.acme.elsewhere', kind: 'app-store' as const, createdAt };
    writeFileSync(path, apple.makeProfile({ ...profile, certificates: [certificate], expiresAt: certificate.notAfter }));
    const { status, body } = await served.post('/v1/rotations', start({ successors: [uuid] }));
    rmSync(path);
    expect([status, body.error?.code]).toEqual([409, 'REFUSED']);
    expect(body.error?.details[0]).toMatch(new RegExp(`^--successor ${uuid}: .*app id is ${TEAM}.com.acme.elsewhere`));
    await expect(served.desk.client.workflow.getHandle('rotation/ios-main').describe()).rejects.toThrow(WorkflowNotFoundError);
  });

  let id = '';
  it('answers the start with its number', async () => {
    const { status, body } = await served.post('/v1/rotations', start());
    expect(status).toBe(201);
    id = (body as unknown as { rotation: { id: string; number: number } }).rotation.id;
    expect(id).toMatch(/^ios-main-\d+$/);
  });

  it('is the only one on its line (R1)', async () => {
    const second = await served.post('/v1/rotations', start());
    expect(second).toMatchObject({
      status: 409,
      body: { error: { code: 'ROTATION_IN_FLIGHT', message: expect.stringContaining(id) as string } },
    });
    const plan = await served.post('/v1/rotations/plan', { line: 'ios-main' });
    expect(plan.body).toMatchObject({ feasible: false, reasons: [expect.stringContaining('in flight')] });
  });

  it('refuses at the gate what has no meaning or no right, each with its code (T2)', async () => {
    const rotation = await served.untilRotation(id, (one) => one.commands.includes('approve'), 'an open gate');
    const digest = rotation.to ?? '';
    const refusals: readonly [CommandName, object, number, string][] = [
      ['approve', said('rita', { digest }), 403, 'NOT_ENTITLED'],
      ['approve', said('mallory', { digest }), 403, 'NOT_ENTITLED'],
      ['approve', said('ada', { digest: 'a'.repeat(64) }), 409, 'WRONG_DIGEST'],
      ['approve', said('ada'), 409, 'WRONG_DIGEST'],
      ['approve', said('ada', { digest: 'short' }), 400, 'USAGE'],
      ['approve', said('ada', { digest, ticket: 'CHG-8' }), 400, 'WRONG_TICKET'],
      ['reject', said('mallory'), 403, 'NOT_ENTITLED'],
      ['withdraw', said('ada'), 409, 'ILLEGAL_COMMAND'],
      ['pause', said('mallory'), 403, 'NOT_ENTITLED'],
      ['resume', said('rita'), 409, 'ILLEGAL_COMMAND'],
      ['cancel', said('mallory'), 403, 'NOT_ENTITLED'],
      ['rollback', said('rita'), 403, 'NOT_ENTITLED'],
      ['answer', said('ada', { question: 'stalled', option: 'retry' }), 409, 'ILLEGAL_COMMAND'],
      ['close', said('ada', { as: 'partial' }), 409, 'ILLEGAL_COMMAND'],
      ['retry', said('rita', { nodes: ['ams-build-1'] }), 409, 'ILLEGAL_COMMAND'],
      ['exclude', said('ada', { nodes: ['ams-build-1'] }), 409, 'ILLEGAL_COMMAND'],
    ];
    expect(new Set(refusals.map(([command]) => command)).size).toBe(COMMAND_NAMES.length);
    for (const [command, body, status, code] of refusals) {
      const answer = await served.post(`/v1/rotations/${id}/${command}`, body);
      expect([command, answer.status, answer.body.error?.code]).toEqual([command, status, code]);
      expect(answer.body.error?.message).toMatch(/^[A-Z"0-9].*\.$/s);
    }
  });

  it('names what is possible instead', async () => {
    const { body } = await served.post(`/v1/rotations/${id}/resume`, said('rita'));
    expect(body.error?.message).toMatch(/awaiting-signoff; now possible: approve, reject/);
  });

  it('takes each approval once, and goes to its end (R5)', async () => {
    const { to } = await served.rotation(id);
    expect((await served.post(`/v1/rotations/${id}/approve`, said('ada', { digest: to }))).status).toBe(200);
    const again = await served.post(`/v1/rotations/${id}/approve`, said('ada', { digest: to }));
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'ALREADY_DECIDED' } } });
    expect(again.body.error?.message).toBe('Once is enough: ada has approved already, and approvals count by person.');
    expect((await served.post(`/v1/rotations/${id}/approve`, said('grace', { digest: to }))).status).toBe(200);
    await served.untilRotation(id, (one) => one.phase === 'completed', 'completion');
  });

  it('tells its record from where the listener stopped (P1)', async () => {
    const whole = await served.listenTo(id, 0);
    expect(whole.status).toBe(200);
    expect(whole.events.at(-1)).toMatchObject({ kind: 'outcome', text: 'completed' });
    expect(whole.events.map((event) => event.seq)).toEqual(whole.events.map((_, index) => index + 1));
    const half = Math.floor(whole.events.length / 2);
    expect((await served.listenTo(id, half)).events).toEqual(whole.events.slice(half));
    const { body } = await served.get(`/v1/rotations/${id}/events?format=json&after=${half}`);
    expect(body['events']).toEqual(whole.events.slice(half));
  });

  it('has nothing more to tell whoever heard the end', async () => {
    const { events } = await served.listenTo(id, 0);
    expect((await served.listenTo(id, events.length)).status).toBe(204);
  });

  it('tells its nodes one by one', async () => {
    const { body } = await served.get(`/v1/rotations/${id}/nodes`);
    const { to } = await served.rotation(id);
    expect(body['nodes']).toMatchObject(served.mesh.mesh.nodes.map(() => ({ state: 'retire done', active: to })));
  });

  it.each(COMMAND_NAMES.filter((name) => name !== 'rollback'))('has no use for %s after its end', async (command) => {
    expect(await served.post(`/v1/rotations/${id}/${command}`, said('ada'))).toMatchObject({
      status: 409,
      body: { error: { code: 'ILLEGAL_COMMAND', message: expect.stringContaining('completed') as string } },
    });
  });

  it('is rolled back after completion by who may, under a number of its own (R7)', async () => {
    expect(await served.post(`/v1/rotations/${id}/rollback`, said('rita'))).toMatchObject({ status: 403 });
    expect(await served.post(`/v1/rotations/${id}/rollback`, said('ada', { ticket: 'now' }))).toMatchObject({
      status: 400,
      body: { error: { code: 'WRONG_TICKET' } },
    });
    const { status, body } = await served.post(`/v1/rotations/${id}/rollback`, said('ada', { ticket: 'INC-1' }));
    expect(status).toBe(200);
    const incident = (body as unknown as { rotation: RotationView['rotation'] }).rotation;
    expect(incident.id).not.toBe(id);
    expect(incident).toMatchObject({ undoes: id, undoneBy: null, turnedIn: 'completed' });
    await served.untilRotation(incident.id, (one) => one.phase === 'rolled-back', 'the mesh back');
    expect((await served.listenTo(incident.id, 0)).events[0]).toMatchObject({
      seq: 1,
      actor: 'ada',
      text: `asked for by ada under INC-1, to undo ${id}`,
    });
    expect(await served.rotation(id)).toMatchObject({ phase: 'completed', undoes: null, undoneBy: incident.id });
    expect((await served.get('/v1/rotations')).body['rotations']).toMatchObject([
      { id: incident.id, undoes: id },
      { id, undoneBy: incident.id },
    ]);
    expect(await served.get('/v1/lines/ios-main/head')).toMatchObject({ body: { head: { digest: served.mesh.mesh.manifest } } });
  });
});

describe('the schedule through the API (R1)', () => {
  const change = (action: string): ReturnType<ServedMesh['post']> => served.post('/v1/schedule', { action, by: 'rita', ticket: 'CHG-1' });

  it('is not there before it is made', async () => {
    expect(await served.get('/v1/schedule')).toMatchObject({ status: 200, body: { exists: false } });
    for (const action of ['trigger', 'pause', 'unpause', 'remove']) expect([action, (await change(action)).status]).toEqual([action, 404]);
    expect((await change('hurry')).status).toBe(400);
  });

  it('is made once, however often it is ensured', async () => {
    for (let times = 0; times < 2; times++)
      expect(await change('ensure')).toMatchObject({
        status: 200,
        body: { exists: true, paused: false, when: 'daily at 06:00 UTC', ticket: 'DEMO-1' },
      });
    expect((await served.get('/v1/schedule')).body['next']).toHaveLength(3);
  });

  it('scans when triggered, and does not repeat what people have rolled back', async () => {
    expect((await change('trigger')).status).toBe(200);
    const view = await served.untilScan();
    const scan = (await served.desk.client.workflow.getHandle(view).result()) as { started: string[]; asked: string[] };
    expect(scan).toMatchObject({ started: [], asked: ['ios-main'] });
  });

  it('stops while it is paused, and goes on when ensured', async () => {
    expect(await change('pause')).toMatchObject({ body: { paused: true } });
    expect(await change('ensure')).toMatchObject({ body: { paused: false } });
  });

  it('can be removed', async () => {
    expect(await change('remove')).toMatchObject({ status: 200, body: { exists: false } });
    expect(await change('remove')).toMatchObject({ status: 404 });
  });
});
