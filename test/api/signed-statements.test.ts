import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { authorityOf, rightsOf } from '../../activities/rotation/surroundings.js';
import type { CommandStatement } from '../../src/domain/rotation/statement.js';
import { draftCommand, draftStart } from '../../src/cli/rotation/draft.js';
import type { RotationView } from '../../src/presenters/rotation.js';
import type { TermsView } from '../../src/presenters/statement.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { makeSshKey, sshSign, sshVerifies, type SshKey } from '../setup/ssh-keys.js';
import { until } from '../setup/until.js';
import { ServedMesh, type Answer } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const NAMESPACE = 'reseal-approval-v1';
const ID = 'ios-main-1';
const HOME = mkdtempSync(join(tmpdir(), 'reseal-signers-'));
const PEOPLE = ['ada', 'grace', 'rita', 'mallory'] as const;
type Person = (typeof PEOPLE)[number];
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<Person, SshKey>;
const second = makeSshKey(HOME, 'ada-laptop');

let served: ServedMesh;

/** The roster as it is from now on; mallory is not on it unless named. */
function writeRoster(keys: Partial<Record<Person, readonly SshKey[]>>): void {
  const persons = ROSTER.persons
    .filter(({ id }) => id in keys)
    .map((person) => ({ ...person, keys: (keys[person.id as Person] ?? []).map(({ line }) => ({ kind: 'ssh', public: line })) }));
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
}
const EVERYBODY = { ada: [key.ada, second], grace: [key.grace], rita: [key.rita] };

const view = async (): Promise<RotationView> => (await served.fetch(`/v1/rotations/${ID}`)).json() as Promise<RotationView>;
const reseal = (...argv: string[]) => served.reseal(['rotation', ...argv], { env: { HOME } });
const approve = (person: Person, ...more: string[]) => reseal('approve', ID, '--as', person, '--ticket', 'CHG-1', ...more);

/** What a person would sign to approve now, with something in it changed. */
async function approval(person: string, change: Partial<CommandStatement> & { readonly binds?: object } = {}): Promise<object> {
  const draft = draftCommand('approve', await view(), { as: person, ticket: 'CHG-1' }, {}, Date.now());
  const binds = 'binds' in draft && draft.binds !== null ? draft.binds : {};
  return { ...draft, ...change, ...(change.binds === undefined ? {} : { binds: { ...binds, ...change.binds } }) };
}
const signedBy = (who: SshKey, statement: object, namespace = NAMESPACE): { statement: object; signature: string } => ({
  statement,
  signature: sshSign(who, canonicalBytes(statement), namespace),
});
const send = (body: object, command = 'approve'): Promise<Answer> => served.post(`/v1/rotations/${ID}/${command}`, body);
const events = async () => served.mesh.ledger.eventsAfter(ID, 0);
const counting = async (): Promise<number> => (await served.rotation(ID)).gate.counting;

beforeAll(async () => {
  served = await ServedMesh.start();
  writeRoster(EVERYBODY);
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

describe('starting a rotation', () => {
  const start = (...more: string[]) => reseal('start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1', ...more);

  it('by the name of a person who has a key is refused, at the API too (T2)', async () => {
    expect(await served.post('/v1/rotations', { line: 'ios-main', by: 'rita', ticket: 'CHG-1' })).toMatchObject({
      status: 403,
      body: { error: { code: 'SIGNATURE_NEEDED' } },
    });
  });

  it('with the key of somebody else is refused, with both named', async () => {
    const refused = await start('--key', key.grace.path);
    expect(refused).toMatchObject({ exit: 4, stdout: '' });
    expect(refused.stderr).toContain(`It is signed by ${key.grace.fingerprint}, which is no key of rita on the roster.`);
  });

  it('without any of their keys at hand says which ones they sign with', async () => {
    const refused = await served.reseal(['rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1'], {
      env: { HOME: tmpdir() },
    });
    expect(refused).toMatchObject({ exit: 4, stdout: '' });
    expect(refused.stderr).toContain(`rita signs with ${key.rita.fingerprint}, by the roster`);
    expect(refused.stderr).toContain('Name the key with --key PATH.');
  });

  it('shows in words what is signed, and begins (T2)', async () => {
    const started = await start('--key', key.rita.path);
    expect(started).toMatchObject({ exit: 0 });
    expect(started.stderr).toContain('says      start a rotation of ios-main');
    expect(started.stderr).toContain('at        installation acme-demo, production, ticket CHG-1');
    // The phase comes first, then what the gate opens with, then its line of the record.
    await served.untilRotation(ID, ({ gate }) => gate.binds !== null, 'an open gate');
    await until(async () => (await events()).some(({ kind }) => kind === 'gate'), { what: 'the gate on the record' });
  });
});

describe('an approval that does not count', () => {
  it('by name alone', async () => {
    const { to } = await served.rotation(ID);
    expect(await send({ by: 'ada', ticket: 'CHG-1', digest: to })).toMatchObject({
      status: 403,
      body: { error: { code: 'SIGNATURE_NEEDED' } },
    });
  });

  it.each<[string, Partial<CommandStatement> & { readonly binds?: object }, string]>([
    ['of another manifest', { binds: { to: 'a'.repeat(64) } }, 'WRONG_DIGEST'],
    ['of another rotation', { rotation: 'ios-main-2' as never }, 'STATEMENT_REFUSED'],
    ['of another epoch', { epoch: 1_001 }, 'STATEMENT_REFUSED'],
    ['of another opening of the gate', { binds: { gateNonce: 'another' } }, 'STATEMENT_REFUSED'],
    ['of another kind of gate', { binds: { gate: 'retirement' } }, 'STATEMENT_REFUSED'],
    ['of another installation', { installation: 'acme' }, 'STATEMENT_REFUSED'],
    ['of a rehearsal', { mode: 'rehearsal' }, 'STATEMENT_REFUSED'],
    ['of another roster', { binds: { roster: 'b'.repeat(64) } }, 'STATEMENT_REFUSED'],
    ['of another canary report', { binds: { canaryReport: 'c'.repeat(64) } }, 'STATEMENT_REFUSED'],
    ['of another policy', { binds: { policy: 'd'.repeat(64) } }, 'STATEMENT_REFUSED'],
    ['of other cohorts', { binds: { cohorts: 'e'.repeat(64) } }, 'STATEMENT_REFUSED'],
    ['of another topology', { binds: { topology: 'f'.repeat(64) } }, 'STATEMENT_REFUSED'],
    ['under another ticket', { ticket: 'CHG-2' }, 'WRONG_TICKET'],
    ['that has expired', { issuedAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-01T00:15:00.000Z' }, 'STATEMENT_REFUSED'],
    ['that is to count for a week', { expiresAt: new Date(Date.now() + 7 * 86_400_000).toISOString() }, 'STATEMENT_REFUSED'],
    ['with something in it that nobody asked for', { extra: 1 } as never, 'STATEMENT_REFUSED'],
    ['with a word missing', { nonce: undefined } as never, 'STATEMENT_REFUSED'],
  ])('%s, though rightly signed, is refused and leaves no trace (invariant 5, T2)', async (_, change, code) => {
    const before = (await events()).length;
    const statement = JSON.parse(JSON.stringify(await approval('ada', change))) as object;
    expect((await send(signedBy(key.ada, statement))).body.error).toMatchObject({ code });
    expect(await counting()).toBe(0);
    expect((await events()).length).toBe(before);
  });

  it.each<[string, (statement: object) => { statement: object; signature: string }, RegExp]>([
    ['signed by another person', (statement) => signedBy(key.grace, statement), /signed by SHA256:\S+, which was no key of ada/],
    ['signed by a stranger', (statement) => signedBy(key.mallory, statement), /signed by SHA256:\S+, which was no key of ada/],
    ['signed for something else', (statement) => signedBy(key.ada, statement, 'git'), /made for the namespace "git"/],
    [
      'changed after it was signed',
      (statement) => ({ ...signedBy(key.ada, statement), statement: { ...statement, nonce: '0'.repeat(32) } }),
      /does not fit what it is said to sign/,
    ],
    [
      'with a signature cut short',
      (statement) => {
        const { signature } = signedBy(key.ada, statement);
        return { statement, signature: `${signature.slice(0, 80)}\n-----END SSH SIGNATURE-----\n` };
      },
      /does not count/,
    ],
  ])('%s is refused, and that is on the record (T2)', async (_, forge, reason) => {
    const before = await events();
    const answer = await send(forge(await approval('ada')));
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'SIGNATURE_REFUSED', message: expect.stringMatching(reason) } } });
    expect(await counting()).toBe(0);
    await vi.waitFor(async () => {
      const news = (await events()).slice(before.length);
      expect(news).toMatchObject([{ kind: 'statement-refused', text: expect.stringMatching(reason) }]);
    });
  });

  it('of the requester is refused, with her own key (invariant 4)', async () => {
    expect((await send(signedBy(key.rita, await approval('rita')))).body.error).toMatchObject({ code: 'NOT_ENTITLED' });
  });

  it('of a person who is not on the roster is refused', async () => {
    expect((await send(signedBy(key.mallory, await approval('mallory')))).body.error).toMatchObject({ code: 'NOT_ENTITLED' });
  });

  it('sent as another command is refused', async () => {
    expect((await send(signedBy(key.ada, await approval('ada')), 'reject')).body.error).toMatchObject({ code: 'STATEMENT_REFUSED' });
  });

  it('with a key that the roster does not have any more is refused (T2)', async () => {
    writeRoster({ ...EVERYBODY, ada: [key.ada] });
    const { body } = await send(signedBy(second, await approval('ada')));
    expect(body.error).toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: expect.stringContaining('is not a key of ada on the roster any more'),
    });
    writeRoster(EVERYBODY);
  });

  it('is what nobody can give while the roster cannot be read, and nothing else is: whoever has to can stop the rotation', async () => {
    const said = (command: string) => reseal(command, ID, '--as', 'ada', '--ticket', 'CHG-1', '--key', key.ada.path);
    writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), 'persons: [');
    const { body } = await send(signedBy(key.ada, await approval('ada')));
    expect(body.error?.message).toContain('roster.yaml cannot be read now');
    const shown = await reseal('status', ID);
    expect(shown).toMatchObject({ exit: 0 });
    expect(shown.stdout).toMatch(/changes +cannot be shown now: .*roster\.yaml/);
    expect(await said('pause')).toMatchObject({ exit: 0 });
    expect((await served.rotation(ID)).paused).toMatchObject({ by: 'ada' });
    expect(await said('resume')).toMatchObject({ exit: 0 });
    writeRoster(EVERYBODY);
    expect(await counting()).toBe(0);
  });
});

describe('a Signal', () => {
  const signal = (given: unknown): Promise<void> => served.desk.client.workflow.getHandle('rotation/ios-main').signal('decision', given);

  it('that is no command, or not one of whoever sends it, is on the record as ignored and holds nothing up', async () => {
    const { to } = await served.rotation(ID);
    const approvalBy = (by: string): object => ({ command: 'approve', by, ticket: 'CHG-1', digest: to });
    const lone = signedBy(key.ada, await approval('ada'));
    const strange = [null, 'approve', [], {}, { statement: null }, { statement: { says: 'approve' }, signature: '' }];
    const given = [
      ...strange,
      approvalBy('ada'),
      approvalBy('__proto__'),
      { ...lone, signature: lone.signature.replace('A', 'B') },
      { ...lone, statement: { ...lone.statement, reason: '\ud800' } },
    ];
    const before = (await events()).filter(({ kind }) => kind === 'signal-ignored').length;
    for (const one of given) await signal(one);
    await vi.waitFor(
      async () => {
        expect((await events()).filter(({ kind }) => kind === 'signal-ignored').length - before).toBe(given.length);
      },
      { timeout: 30_000 },
    );
    expect(await counting()).toBe(0);
    expect((await served.rotation(ID)).phase).toBe('awaiting-signoff');
  });

  it('carries the same statement as an Update', async () => {
    const draft = (command: 'pause' | 'resume') =>
      view().then((shown) => draftCommand(command, shown, { as: 'ada', ticket: 'CHG-1' }, {}, Date.now()));
    await signal(signedBy(key.ada, await draft('pause')));
    await served.untilRotation(ID, ({ paused }) => paused?.by === 'ada', 'the pause');
    await signal(signedBy(key.ada, await draft('resume')));
    await served.untilRotation(ID, ({ paused }) => paused === null, 'its going on');
  });
});

/** Stands between the command line and the API, and changes what a path answers. */
async function between(path: RegExp, change: (text: string) => string, work: (url: string) => Promise<void>): Promise<readonly string[]> {
  const posted: string[] = [];
  const liar = createServer((request, response) => {
    const url = request.url ?? '';
    if (request.method === 'POST') posted.push(url);
    void served.fetch(url).then(async (answer) => {
      const text = await answer.text();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(path.test(url) ? change(text) : text);
    });
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(liar.address() as AddressInfo).port}`);
  } finally {
    await new Promise((resolve) => liar.close(resolve));
  }
  return posted;
}

describe('a control API that shows one thing and would have another one signed', () => {
  it.each<[string, RegExp, (text: string) => string]>([
    ['another manifest', /\/manifests\//, (text) => text.replace(/2027|2026/, '2036')],
    ['another canary', /\/rotations\//, (text) => text.replace('"passes":', '"passes":1')],
    ['another rotation', /\/rotations\//, (text) => text.replaceAll(ID, 'ios-main-9')],
  ])('%s is found out, and nothing is signed (T2)', async (_, path, change) => {
    const posted = await between(path, change, async (url) => {
      const argv = ['rotation', 'approve', ID, '--as', 'ada', '--ticket', 'CHG-1', '--key', key.ada.path];
      const refused = await served.reseal(argv, { env: { HOME, RESEAL_URL: url } });
      expect(refused).toMatchObject({ exit: 1, stdout: '' });
      expect(refused.stderr).toContain('Nothing was signed; find out who answers there.');
    });
    expect(posted).toEqual([]);
    expect(await counting()).toBe(0);
  });
});

it('whose word for what is to be approved is not what it has people sign gets no signature, with --json and --digest too (T2)', async () => {
  const { to } = await served.rotation(ID);
  const other = 'a'.repeat(64);
  const posted = await between(
    /\/rotations\//,
    (text) => text.replace(`"to":"${to ?? ''}"`, `"to":"${other}"`),
    async (url) => {
      const argv = ['rotation', 'approve', ID, '--as', 'ada', '--ticket', 'CHG-1', '--key', key.ada.path, '--digest', other, '--json'];
      const refused = await served.reseal(argv, { env: { HOME, RESEAL_URL: url } });
      expect(refused.exit).toBe(4);
      expect(refused.stdout).toContain(`What is to be signed is ${to ?? ''}, not ${other}.`);
    },
  );
  expect(posted).toEqual([]);
});

describe('an approval that is shown, signed and sent', () => {
  it.each([
    ['no', 'n\n'],
    ['nothing', '\n'],
    ['the end of the input', ''],
    ['something else', 'yesterday\n'],
  ])('is asked for at a terminal, and on %s nothing is signed', async (_, typed) => {
    const before = await counting();
    const asked = await served.reseal(
      ['rotation', 'approve', ID, '--as', 'grace', '--ticket', 'CHG-1', '--key', key.grace.path],
      { env: { HOME, NO_COLOR: '1' }, typed }, // prettier-ignore
    );
    expect(asked).toMatchObject({ exit: 4, stdout: '' });
    expect(asked.stderr.indexOf('says      approve')).toBeLessThan(asked.stderr.indexOf('Sign this? [y/N]'));
    expect(asked.stderr).toContain('Nothing was signed.');
    expect(await counting()).toBe(before);
  });

  it('is given by yes, and can be taken back', async () => {
    const before = await counting();
    const asked = await served.reseal(
      ['rotation', 'approve', ID, '--as', 'grace', '--ticket', 'CHG-1', '--key', key.grace.path],
      { env: { HOME, NO_COLOR: '1' }, typed: 'y\n' }, // prettier-ignore
    );
    expect(asked, asked.stderr).toMatchObject({ exit: 0 });
    expect(await counting()).toBe(before + 1);
    expect(await reseal('withdraw', ID, '--as', 'grace', '--ticket', 'CHG-1', '--key', key.grace.path)).toMatchObject({ exit: 0 });
    expect(await counting()).toBe(before);
  });

  it('counts once, for one person, whatever keys they have (invariants 4 and 5)', async () => {
    const first = signedBy(second, await approval('ada'));
    expect((await send(first)).status).toBe(200);
    expect((await send(first)).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect((await send(signedBy(key.ada, await approval('ada')))).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect((await served.rotation(ID)).gate).toMatchObject({
      counting: 1,
      approvals: [{ person: 'ada', assurance: 'signed', key: second.fingerprint }],
    });

    expect(await reseal('withdraw', ID, '--as', 'ada', '--ticket', 'CHG-1', '--key', key.ada.path)).toMatchObject({ exit: 0 });
    expect(await counting()).toBe(0);
    // What was withdrawn does not come back by being sent again.
    expect((await send(first)).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await counting()).toBe(0);
    expect((await send(signedBy(second, await approval('ada')))).status).toBe(200);
  });

  it('of a key that is taken off the roster meanwhile counts no more when the gate would open (T2)', async () => {
    writeRoster({ ...EVERYBODY, ada: [key.ada] });
    const approved = await approve('grace', '--key', key.grace.path);
    expect(approved).toMatchObject({ exit: 0 });
    expect((await served.rotation(ID)).gate).toMatchObject({ counting: 1, approvals: [{ person: 'grace' }] });
    expect((await served.rotation(ID)).phase).toBe('awaiting-signoff');
  });

  it('shows everything that it binds, made of the bytes themselves, and opens the gate', async () => {
    const { to, from, gate } = await served.rotation(ID);
    const approved = await approve('ada', '--key', key.ada.path);
    expect(approved).toMatchObject({ exit: 0 });
    for (const bound of [to, from, gate.binds?.roster, gate.binds?.canaryReport, gate.binds?.cohorts, gate.binds?.gateNonce, key.ada.path])
      expect(approved.stderr).toContain(bound);
    expect(approved.stderr).toContain('canary: 1 node on the new manifest');
    await served.untilRotation(ID, ({ outcome }) => outcome === 'completed', 'its end');
    const recorded = (await events()).filter(({ kind, actor }) => kind === 'approval' && actor === 'ada').at(-1);
    expect(recorded?.data).toMatchObject({ assurance: 'signed', key: key.ada.fingerprint, signed: { statement: { binds: { to } } } });
    const { statement, signature } = recorded?.data['signed'] as { statement: object; signature: string };
    expect(sshVerifies(key.ada, canonicalBytes(statement), signature, NAMESPACE)).toBe(true);
    expect(sshVerifies(key.grace, canonicalBytes(statement), signature, NAMESPACE)).toBe(false);
  });

  it('a completed rotation is undone by a signed word alone, once, and by nobody who calls himself the schedule (R7, T2)', async () => {
    const trigger = { kind: 'schedule', by: 'mallory', ticket: 'CHG-1' };
    const request = { line: 'ios-main', trigger, offset: 0 };
    const { policy } = served.mesh.around.configuration();
    const end = await served.desk.client.workflow.execute('incidentRollback', {
      workflowId: 'rotation/forged',
      taskQueue: served.desk.taskQueue,
      args: [{ rotation: ID, request, policy, rights: {} }],
    });
    expect(end).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining('and nothing else: a person has to ask for this')] });
    expect((await send({ by: 'ada', ticket: 'CHG-1' }, 'rollback')).body.error).toMatchObject({ code: 'SIGNATURE_NEEDED' });
    const undone = await reseal('rollback', ID, '--as', 'ada', '--ticket', 'CHG-1', '--reason', 'archives fail', '--key', key.ada.path);
    expect(undone).toMatchObject({ exit: 0 });
    expect(undone.stderr).toContain('says      rollback ios-main-1');
    await served.untilRotation('ios-main-2', ({ outcome }) => outcome === 'rolled-back', 'the way back');
  });

  it('one that was terminated is not begun again by the words that began it (T2)', async () => {
    const terms = { installation: 'acme-demo', line: 'ios-main' } as TermsView;
    const statement = draftStart(
      terms,
      { as: 'rita', ticket: 'CHG-1' },
      { at: undefined, successors: [], after: 'ios-main-2' },
      Date.now(),
    );
    const signed = signedBy(key.rita, statement);
    const first = await served.post('/v1/rotations', signed);
    expect(first, JSON.stringify(first.body)).toMatchObject({ status: 201 });
    const begun = served.desk.client.workflow.getHandle('rotation/ios-main');
    await served.untilRotation('ios-main-3', ({ phase }) => phase === 'awaiting-signoff', 'an open gate');
    await begun.terminate('by somebody who may');
    // It waits to be adopted; once it has ended, the words are those of before.
    expect((await served.post('/v1/rotations', signed)).body.error?.message).toContain('rotation start --adopt ios-main-3');
    const adopted = await reseal('start', '--adopt', 'ios-main-3', '--as', 'rita', '--ticket', 'CHG-1', '--key', key.rita.path);
    expect(adopted, adopted.stderr).toMatchObject({ exit: 0 });
    await served.untilRotation('ios-main-3', ({ commands }) => commands.includes('reject'), 'an open gate');
    expect(await reseal('reject', 'ios-main-3', '--as', 'ada', '--ticket', 'CHG-1', '--key', key.ada.path)).toMatchObject({ exit: 0 });
    await served.untilRotation('ios-main-3', ({ outcome }) => outcome !== null, 'its end');
    const allot = (what: string): Promise<number> => served.mesh.around.store('main').allot('ios-main' as never, what, {});
    const before = await allot('the one before');
    const configuration = served.mesh.around.configuration();
    // Past the control API: whoever may begin workflows has no more than the words.
    const again = await served.desk.client.workflow.execute('rotation', {
      workflowId: 'rotation/again',
      taskQueue: served.desk.taskQueue,
      args: [
        {
          ...{ line: 'ios-main', trigger: { kind: 'person', by: 'rita', ticket: 'CHG-1' }, offset: 0, signed },
          ...{
            policy: configuration.policy,
            rights: rightsOf(configuration),
            authority: authorityOf(configuration, 'ios-main' as never, 0),
          },
        },
      ],
    });
    expect(JSON.stringify(again)).toContain('A signed statement counts once, and this one has counted, for ios-main-3. Sign anew.');
    expect(await allot('the one after')).toBe(before + 1);
  });
});
