import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SeatBookedView, SeatListView, SeatStandingView, SeatUsageView } from '../../src/presenters/seat.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 240_000 });

const NODE = 'ams-sign-1';
let served: ServedMesh;
beforeAll(async () => {
  served = await ServedMesh.start({ policy: { seats: { heartbeat: '4s', longestWait: '1m', bookingGrace: '1s' } } });
});
afterAll(() => served.stop());

const ask = async (job: string, more: Record<string, unknown> = {}): Promise<SeatStandingView> => {
  const body = { node: NODE, holder: 'ci', pipeline: 'courier', ticket: 'CHG-7', job, wait: 60_000, ...more };
  return (await served.post('/v1/seats', body)).body as unknown as SeatStandingView;
};
const say = (verb: string, body: object) => served.post(`/v1/seats/${NODE}/${verb}`, body);
const release = async (standing: SeatStandingView): Promise<void> => void (await say('release', { token: standing.token }));
const seat = async (): Promise<SeatListView['seats'][number]> => {
  const { seats } = (await served.get('/v1/seats')).body as unknown as SeatListView;
  const found = seats.find(({ node }) => node === NODE);
  if (found === undefined) throw new Error('the signer has a seat');
  return found;
};

const reseal = (...argv: string[]) => served.reseal(argv);

describe('a seat', () => {
  it('goes to one of two jobs that race for it, and to the other when the first is done, in the order of the queue', async () => {
    const [a, b] = await Promise.all([ask('a'), ask('b')]);
    const c = await ask('c');
    const [first, second] = a.state === 'granted' ? [a, b] : [b, a];
    expect([first.state, second.state, second.position, c.position]).toEqual(['granted', 'queued', 1, 2]);
    await release(first);
    const { held, waiting } = await seat();
    expect([held.length, waiting.map((claim) => claim.job)]).toEqual([1, ['c']]);
    expect((await say('standing', { token: second.token })).body).toMatchObject({ state: 'granted' });
    await release(second);
    await release(c);
    expect((await seat()).held).toEqual([]);
  });

  it('asked for again by the same job is the same lease', async () => {
    const once = await ask('again');
    expect(await ask('again')).toMatchObject({ state: 'granted', token: once.token, until: once.until });
    await release(once);
  });

  it('is lost by a holder that is silent; its next heartbeat says so, and the next job has the seat', async () => {
    const dead = await ask('dead');
    const next = await ask('next');
    // The one that waits says that it is alive.
    await until(async () => ((await say('heartbeat', { token: next.token })).body as unknown as SeatStandingView).state === 'granted', {
      what: 'the seat of a holder that is dead',
      timeout: 20_000,
      every: 300,
    });
    expect((await say('heartbeat', { token: dead.token })).body.error).toMatchObject({ code: 'SEAT_HELD' });
    await release(next);
  });

  it('is refused without a ticket of the declared form, and on a node that does not sign', async () => {
    const body = { node: NODE, holder: 'ci', pipeline: 'courier', ticket: 'please', job: 'x', wait: 0 };
    expect(await served.post('/v1/seats', body)).toMatchObject({ status: 400, body: { error: { code: 'WRONG_TICKET' } } });
    const compile = served.mesh.mesh.nodes.find(({ name }) => !name.includes('sign'))?.name ?? 'lab-1';
    expect(await served.post('/v1/seats', { ...body, ticket: 'CHG-7', node: compile })).toMatchObject({
      body: { error: { code: 'NOT_FOUND' } },
    });
  });

  it('is taken from its holder by an operator who may, under a ticket, and by nobody else', async () => {
    const held = await ask('stuck');
    expect((await say('release', { token: 'guessed' })).body).toMatchObject({ released: false });
    expect(await say('release', { holder: 'ci', by: 'rita', ticket: 'INC-1' })).toMatchObject({ status: 403 });
    expect((await seat()).held).toHaveLength(1);
    const ran = await reseal('seat', 'release', NODE, '--force', '--holder', 'ci', '--as', 'ada', '--ticket', 'INC-1');
    expect(ran).toMatchObject({ exit: 0, stdout: `the seat of ${NODE} is released\n` });
    expect((await say('standing', { token: held.token })).body).toMatchObject({ state: 'gone' });
  });
});

describe('a booking', () => {
  const book = (job: string, more: Record<string, unknown> = {}) =>
    served.post('/v1/seats/bookings', {
      node: NODE,
      holder: 'ci',
      pipeline: 'courier',
      ticket: 'CHG-7',
      job,
      from: new Date(Date.now() + 5_000).toISOString(),
      length: 60_000,
      ...more,
    });

  it('keeps the seat for its job: another waits, and the booked one has it when its time comes, though it asked later (S12)', async () => {
    expect(await book('booked')).toMatchObject({ status: 200, body: { node: NODE, job: 'booked' } });
    const other = await ask('other');
    expect(other.state).toBe('queued');
    expect((await seat()).bookings).toMatchObject([{ holder: 'ci', job: 'booked' }]);
    const booked = await ask('booked');
    expect(booked.state).toBe('granted');
    expect((await seat()).bookings).toEqual([]);
    await release(other);
    await release(booked);
  });

  it('that nobody claims is over after seats.bookingGrace, and who waits has the seat', async () => {
    await book('forgotten', { from: new Date(Date.now() + 500).toISOString() });
    const other = await ask('patient-1');
    expect(other.state).toBe('queued');
    await until(async () => ((await say('heartbeat', { token: other.token })).body as unknown as SeatStandingView).state === 'granted', {
      what: 'the seat of a booking that nobody claimed',
      timeout: 20_000,
      every: 300,
    });
    await release(other);
  });

  it('is made, shown, refused to others with who has it, and let go on the command line', async () => {
    const [from, ticket] = [new Date(Date.now() + 3_600_000).toISOString(), ['--ticket', 'CHG-9']];
    const made = await reseal('seat', 'book', NODE, '--at', from, '--for', '30m', '--job', "rc's", '--holder', 'ada', ...ticket);
    expect(made).toMatchObject({ exit: 0, stderr: '' });
    expect(made.stdout).toContain(`reseal seat run ${NODE} --holder ada --job 'rc'\\''s' --ticket CHG-9 -- COMMAND`);
    const list = await reseal('seat', 'list');
    expect(list.stdout).toMatch(new RegExp(`${NODE} +booked +ada +none +CHG-9 +rc's +.*in (59 minutes|1 hour)`));
    const taken = await reseal('seat', 'book', NODE, '--at', '+70m', '--for', '1h', ...ticket);
    expect(taken).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining(`${NODE} has no seat free all that time: taken by ada under CHG-9`),
    });
    const elsewhere = await reseal('seat', 'book', '--line', 'ios-main', '--at', '+70m', '--for', '1h', '--json', ...ticket);
    const other = JSON.parse(elsewhere.stdout) as SeatBookedView;
    expect(other.node).not.toBe(NODE);
    expect((await reseal('seat', 'release', other.node, '--token', other.token)).exit).toBe(0);
    const token = /seat release \S+ --token (\S+)/.exec(made.stdout)?.[1] ?? '';
    expect(await reseal('seat', 'release', NODE, '--token', token)).toMatchObject({ exit: 0 });
    expect((await seat()).bookings).toEqual([]);
  });

  it.each([
    [['--at', '+9h', '--for', '5h'], 'A seat can be booked for 4 hours at most (seats.longest in policy.yaml)'],
    [['--at', '+60d', '--for', '1h'], 'Seats can be booked 30 days ahead at most (seats.bookAhead in policy.yaml)'],
    [['--at', '2020-01-01T10:00', '--for', '1h'], 'That time is over'],
    [['--at', 'tomorrow', '--for', '1h'], '--at is "tomorrow"; it takes +2h, or a day and a time like 2026-11-29T14:00'],
  ])('is refused with %j', async (options, says) => {
    const ran = await reseal('seat', 'book', NODE, '--ticket', 'CHG-9', ...options);
    expect(ran).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining(says) });
  });
});

describe('the command line', () => {
  it('runs a command while it holds the seat, gives it back, and exits as the command did', async () => {
    const probe = `process.exit((await (await fetch('${served.url}/v1/seats', { headers: { authorization: 'Bearer ${served.token}' } })).json()).seats.some((s) => s.held.some((c) => c.job === 'run-1')) ? 65 : 1)`;
    const ran = await reseal(
      'seat',
      'run',
      NODE,
      '--ticket',
      'CHG-7',
      '--job',
      'run-1',
      '--',
      process.execPath,
      '--input-type=module',
      '-e',
      probe,
    );
    expect(ran).toMatchObject({ exit: 65, stderr: '' });
    expect((await seat()).held).toEqual([]);
  });

  it('gives the seat back where the command cannot be run', async () => {
    const ran = await reseal('seat', 'run', NODE, '--ticket', 'CHG-7', '--', '/nowhere/codesign');
    expect(ran.exit).toBe(2);
    expect((await seat()).held).toEqual([]);
  });

  it('says its place in the queue while it waits, beats, and prints token and end of the lease', async () => {
    const held = await ask('long');
    const beats = setInterval(() => void say('heartbeat', { token: held.token }), 500);
    const waits = reseal('seat', 'acquire', NODE, '--ticket', 'CHG-8', '--wait', '30s', '--job', 'cli-1', '--holder', 'ada', '--json');
    await until(async () => (await seat()).waiting.length === 1, { what: 'one that waits' });
    // Longer than a silent claim lives.
    await until(async () => Date.now() - Date.parse((await seat()).waiting[0]?.askedAt ?? '') > 5_000, {
      what: 'five seconds of waiting',
    });
    clearInterval(beats);
    await release(held);
    const ran = await waits;
    const view = JSON.parse(ran.stdout) as SeatStandingView;
    expect(view).toMatchObject({ schemaVersion: 1, node: NODE, state: 'granted' });
    await release(view);
  });

  it('exits 4 and names the holder where the seat is not to be had', async () => {
    const held = await ask('holds');
    const ran = await reseal('seat', 'acquire', NODE, '--ticket', 'CHG-7');
    expect(ran).toMatchObject({ exit: 4, stderr: expect.stringContaining(`The seat of ${NODE} is held by ci under CHG-7`) });
    await release(held);
  });

  it('takes any signer of a line, the one with the shortest queue', async () => {
    const held = await ask('line-1');
    const other = await ask('line-2', { node: undefined, line: 'ios-main' });
    expect(other).toMatchObject({ state: 'granted' });
    expect(other.node).not.toBe(NODE);
    expect(await ask('line-2', { node: undefined, line: 'ios-main' })).toMatchObject({ node: other.node, token: other.token });
    await served.post(`/v1/seats/${other.node}/release`, { token: other.token });
    await release(held);
  });
});

it('a lease outlives its workflow’s history: after some 900 heartbeats there is a new run, and the same holder has the seat', async () => {
  const held = await ask('patient');
  const runId = async (): Promise<string> =>
    (await served.desk.client.workflow.getHandle(`seat/${served.mesh.taskQueue}/${NODE}`).describe()).runId;
  const first = await runId();
  await until(
    async () => {
      const beats = await Promise.all(Array.from({ length: 5 }, () => say('heartbeat', { token: held.token })));
      expect(beats.map((beat) => beat.body)).toMatchObject(beats.map(() => ({ state: 'granted', token: held.token })));
      return (await runId()) !== first;
    },
    { what: 'a new run', timeout: 240_000, every: 0 },
  );
  expect((await seat()).held).toMatchObject([{ job: 'patient', until: held.until }]);
  await release(held);
  expect((await seat()).held).toEqual([]);
});

it('usage adds up, per pipeline and day, after the seat’s workflow has begun again (S12)', async () => {
  const held = await ask('billed', { pipeline: 'billing' });
  const waits = await ask('waits', { pipeline: 'billing' });
  await until(
    async () =>
      (await say('heartbeat', { token: held.token })).status === 200 &&
      Date.now() - Date.parse((await seat()).held[0]?.grantedAt ?? '') > 1_200,
  );
  await release(held);
  await release(waits);
  const rows = await until(async () => {
    const view = (await served.get('/v1/seats/usage?by=pipeline')).body as unknown as SeatUsageView;
    const found = view.rows.filter((row) => row.name === 'billing');
    return found.reduce((sum, row) => sum + row.leases, 0) >= 2 ? found : null;
  });
  const sum = (pick: (row: (typeof rows)[number]) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  expect(sum((row) => row.heldSeconds)).toBeGreaterThanOrEqual(1);
  expect(sum((row) => row.waitedSeconds)).toBeGreaterThanOrEqual(1);
  const csv = await reseal('seat', 'usage', '--csv', '--by', 'holder');
  expect(csv.stdout.split('\n')[0]).toBe('day,holder,held_seconds,waited_seconds,leases');
  expect(csv.stdout).toContain('"ci"');
});
