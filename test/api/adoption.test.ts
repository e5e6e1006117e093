import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { draftAdoption } from '../../src/cli/rotation/draft.js';
import type { RotationId } from '../../src/domain/brands.js';
import { orphansOf } from '../../src/temporal/orphans.js';
import type { AdoptStatement } from '../../src/domain/rotation/statement.js';
import type { RotationView } from '../../src/presenters/rotation.js';
import { ROSTER, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import type { expiryScan } from '../../workflows/expiry-scan.js';
import type { returningNodes } from '../../workflows/returning-nodes.js';
import type { RotationEnd } from '../../workflows/messages.js';
import { activeManifests, meshTruth } from '../e2e/node-truth.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { receiveNotices, type NoticeReceiver } from '../setup/notices.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const HOME = mkdtempSync(join(tmpdir(), 'reseal-adopters-'));
const ada = makeSshKey(HOME, 'ada');
const rita = makeSshKey(HOME, 'rita');
let served: ServedMesh;
let receiver: NoticeReceiver;
let before: ReturnType<typeof meshTruth>;

const reseal = (...argv: string[]) => served.reseal(argv, { env: { HOME } });
const handle = () => served.desk.client.workflow.getHandle('rotation/ios-main');
const view = async (id: string): Promise<RotationView> => (await served.fetch(`/v1/rotations/${id}`)).json() as Promise<RotationView>;
const adopt = (id: string, ...more: string[]) =>
  reseal('rotation', 'start', '--adopt', id, '--as', 'rita', '--ticket', 'INC-4', '--key', rita.path, ...more);
const start = () => reseal('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1', '--key', rita.path);

/** Names the keys of two people; the third has none. */
function writeRoster(): void {
  const keys: Readonly<Record<string, SshKey>> = { ada, rita };
  const persons = ROSTER.persons.map((person) => ({
    ...person,
    keys: keys[person.id] === undefined ? [] : [{ kind: 'ssh', public: keys[person.id]?.line }],
  }));
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
}

/** A rotation up to its gate, and terminated there. */
async function orphaned(): Promise<RotationView['rotation']> {
  const started = await start();
  expect(started).toMatchObject({ exit: 0 });
  const [, id = ''] = /Follow it: reseal rotation watch (\S+)/.exec(started.stdout) ?? [];
  const open = await served.untilRotation(id, ({ gate }) => gate.binds !== null, 'an open gate');
  await until(async () => (await served.mesh.ledger.rotation(id))?.gate.openedAt ?? null, { what: 'the gate on the record' });
  await handle().terminate('by mistake');
  return open;
}

beforeAll(async () => {
  receiver = await receiveNotices();
  served = await ServedMesh.start({
    nodes: simulatedNodes(3),
    policy: { returning: { mode: 'converge', every: '24h' } },
    changed: ({ folders: { config } }) => {
      writeFileSync(join(config, 'secret'), 'of the receiver');
      const file = join(config, 'reseal.yaml');
      const notify = { webhooks: [{ url: receiver.url, secretFile: join(config, 'secret'), events: ['page'] }] };
      writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), notify }));
      return Promise.resolve();
    },
  });
  writeRoster();
  before = meshTruth(served.mesh);
});
afterAll(async () => {
  await served.stop();
  await receiver.stop();
  rmSync(HOME, { recursive: true, force: true });
});

describe('a rotation whose workflow was terminated at its gate (R7)', () => {
  it('is shown as orphaned with the command, takes no commands, and nothing else is begun on its line', async () => {
    const { id, phase } = await orphaned();
    const status = await reseal('rotation', 'status', id);
    expect(status.stdout).toContain(`${id}  orphaned in ${phase}`);
    expect(status.stdout).toContain(`reseal rotation start --adopt ${id} --as PERSON --ticket TICKET`);
    expect((await reseal('rotation', 'list')).stdout).toContain(`orphaned in ${phase}`);
    expect((await view(id)).rotation).toMatchObject({ orphaned: true, commands: [], outcome: null });
    for (const refused of [
      await reseal('rotation', 'pause', id, '--as', 'rita', '--ticket', 'CHG-1', '--key', rita.path),
      await start(),
      await reseal('node', 'restore', served.mesh.mesh.nodes[0]?.name ?? '', '--line', 'ios-main', '--as', 'ada', '--ticket', 'CHG-1', '--key', ada.path), // prettier-ignore
    ]) {
      expect(refused).toMatchObject({ exit: 4, stdout: '' });
      expect(refused.stderr).toContain(`reseal rotation start --adopt ${id}`);
    }
  });

  it('is found by the scan, which pages people and starts nothing; and its canary is not brought back behind its back', async () => {
    const { client, taskQueue } = served.desk;
    const canary = activeManifests(served.mesh);
    const scan = await client.workflow.execute<typeof expiryScan>('expiryScan', {
      ...{ workflowId: 'scan-of-orphans', taskQueue },
      args: [{ offset: 0 }],
    });
    expect(scan).toMatchObject({ started: [], orphaned: ['ios-main'] });
    expect(receiver.heard.map(({ text }) => text)).toEqual([
      expect.stringContaining('ios-main: ios-main-1 is orphaned in awaiting-signoff'),
    ]);
    const look = await client.workflow.execute<typeof returningNodes>('returningNodes', { workflowId: 'look', taskQueue });
    expect(look.restored).toEqual([]);
    expect(new Set(Object.values(canary)).size).toBe(2);
    expect(activeManifests(served.mesh)).toEqual(canary);
  });

  it('no other rotation is begun past the control API either: the worker refuses it', async () => {
    const { client, taskQueue } = served.desk;
    const trigger = { kind: 'schedule', by: 'schedule', ticket: served.mesh.around.configuration().policy.scan.ticket };
    const { policy } = served.mesh.around.configuration();
    const end = await client.workflow.execute('rotation', {
      ...{ workflowId: 'rotation/ios-main', taskQueue },
      args: [{ line: 'ios-main', trigger, offset: 0, policy, rights: {}, authority: { keys: {}, assurance: 'name', installation: '', mode: 'production' } }], // prettier-ignore
    });
    expect(end).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining('--adopt ios-main-1')] });
  });

  it.each<[string, Partial<AdoptStatement>, RegExp]>([
    ['of another rotation', { rotation: 'ios-main-2' as never }, /it is said of ios-main-2/],
    ['of another epoch', { epoch: 1_007 }, /in epoch 1007/],
    ['of another line', { line: 'ios-beta' as never }, /line ios-beta/],
    ['of another installation', { installation: 'acme' }, /the installation acme,/],
    ['of a rehearsal', { mode: 'rehearsal' }, /it is for a rehearsal/],
  ])('a signed word %s does not count, for the control API and for the worker', async (_, change, reason) => {
    const statement = { ...draftAdoption(await view('ios-main-1'), { as: 'rita', ticket: 'INC-4' }, Date.now()), ...change };
    const signature = sshSign(rita, canonicalBytes(statement), 'reseal-approval-v1');
    expect((await served.post('/v1/rotations/ios-main-1/adopt', { statement, signature })).body.error?.code).toBe('STATEMENT_REFUSED');
    expect(await refusalOf(statement, signature)).toMatch(reason);
  });

  /** As the worker judges it, whoever begins the workflow. */
  async function refusalOf(statement: AdoptStatement, signature: string): Promise<string> {
    const asked = {
      rotation: 'ios-main-1',
      line: 'ios-main',
      by: statement.person,
      ticket: statement.ticket,
      signed: { statement, signature },
    };
    const end: RotationEnd = await served.desk.client.workflow.execute('adoptedRotation', {
      ...{ workflowId: 'rotation/ios-main', taskQueue: served.desk.taskQueue },
      args: [{ asked }],
    });
    return end.reasons.join();
  }

  it('by the name of somebody who has a key, by the key of somebody else, and with what a stranger hands in, it is not adopted', async () => {
    expect(await served.post('/v1/rotations/ios-main-1/adopt', { by: 'rita', ticket: 'INC-4' })).toMatchObject({
      status: 403,
      body: { error: { code: 'SIGNATURE_NEEDED' } },
    });
    expect(await adopt('ios-main-1', '--key', ada.path)).toMatchObject({ exit: 4 });
    const left = await orphansOf(served.desk).leftBehind('rotation/ios-main', 'ios-main-1' as RotationId);
    const state = { ...left.state, phase: 'retiring' };
    const end: RotationEnd = await served.desk.client.workflow.execute('adoptedRotation', {
      ...{ workflowId: 'rotation/ios-main', taskQueue: served.desk.taskQueue },
      args: [
        {
          asked: { rotation: 'ios-main-1', line: 'ios-main', by: 'rita', ticket: 'INC-4' },
          carried: { rotation: { ...left, state }, request: left.request },
        },
      ],
    });
    expect(end).toMatchObject({ outcome: 'refused' });
    expect((await view('ios-main-1')).rotation).toMatchObject({ orphaned: true, phase: 'awaiting-signoff' });
  });

  it('goes on when it is adopted, with who adopted it on the record; once', async () => {
    const adopted = await adopt('ios-main-1');
    expect(adopted).toMatchObject({ exit: 0 });
    expect(adopted.stderr).toContain('says      adopt ios-main-1 (line ios-main, epoch 1000)');
    expect(adopted.stdout).toContain('adopted   in awaiting-signoff by rita under INC-4');
    expect((await view('ios-main-1')).rotation).toMatchObject({ epoch: 1001, orphaned: false, gate: { counting: 0 } });
    const again = await adopt('ios-main-1');
    expect(again).toMatchObject({ exit: 4 });
    expect(again.stderr).toContain('ios-main-1 is in flight (awaiting-signoff)');
    expect(await reseal('rotation', 'rollback', 'ios-main-1', '--as', 'ada', '--ticket', 'CHG-1', '--key', ada.path)).toMatchObject({ exit: 0 }); // prettier-ignore
    await served.untilRotation('ios-main-1', ({ outcome }) => outcome === 'rolled-back', 'its end');
    expect(meshTruth(served.mesh)).toEqual(before);
    const record = await until(() => served.mesh.around.store('main').record('ios-main-1'), { what: 'the closing record' });
    expect(record).toMatchObject({ state: { adoptions: [{ by: 'rita', ticket: 'INC-4', phase: 'awaiting-signoff', signed: { statement: { says: 'adopt' } } }] } }); // prettier-ignore
    expect((await adopt('ios-main-1')).stderr).toContain('ended as rolled-back');
  });
});

it('of what cannot belong together the command line says so before it asks anybody', async () => {
  expect((await adopt('ios-main-1', '--line', 'ios-beta')).stderr).toContain('ios-main-1 is no rotation of ios-beta');
  expect((await adopt('ios-main-1', '--after', 'ios-main-1')).stderr).toContain('without --successor, --at, --after and --emergency');
  expect((await reseal('rotation', 'start', '--as', 'ada', '--ticket', 'INC-4')).stderr).toContain('--adopt ID');
  expect(await adopt('ios-main-77')).toMatchObject({ exit: 2 });
});

it('what Temporal has forgotten cannot be adopted: nodes are brought back by hand, and a new one begins', async () => {
  const started = await reseal('rotation', 'start', '--line', 'ios-main', '--after', 'ios-main-1', '--as', 'rita', '--ticket', 'CHG-1', '--key', rita.path); // prettier-ignore
  const [, id = ''] = /Follow it: reseal rotation watch (\S+)/.exec(started.stdout) ?? [];
  await served.untilRotation(id, ({ gate }) => gate.binds !== null, 'an open gate');
  await until(async () => (await served.mesh.ledger.rotation(id))?.gate.openedAt ?? null, { what: 'the gate on the record' });
  await handle().terminate('by mistake');
  const { client } = served.desk;
  for await (const { workflowId, runId } of client.workflow.list({ query: "WorkflowId = 'rotation/ios-main'" }))
    await client.workflowService.deleteWorkflowExecution({ namespace: client.options.namespace, workflowExecution: { workflowId, runId } });
  await until(() => handle().describe().then(() => null, (error: unknown) => error instanceof WorkflowNotFoundError || null), { what: 'the end of its runs' }); // prettier-ignore
  const refused = await adopt(id);
  expect(refused).toMatchObject({ exit: 4 });
  for (const named of ['reseal node inspect', 'reseal node restore', 'reseal rotation start --line ios-main'])
    expect(refused.stderr).toContain(named);
  const mixed = Object.entries(activeManifests(served.mesh)).filter(([, active]) => active !== served.mesh.mesh.manifest);
  expect(mixed.length).toBeGreaterThan(0);
  for (const [node] of mixed)
    expect(await reseal('node', 'restore', node, '--line', 'ios-main', '--as', 'ada', '--ticket', 'CHG-1', '--key', ada.path)).toMatchObject({ exit: 0 }); // prettier-ignore
  expect(new Set(Object.values(activeManifests(served.mesh)))).toEqual(new Set([served.mesh.mesh.manifest]));
  const anew = await reseal('rotation', 'start', '--line', 'ios-main', '--after', 'ios-main-1', '--as', 'rita', '--ticket', 'CHG-1', '--key', rita.path); // prettier-ignore
  expect(anew).toMatchObject({ exit: 0 });
});
