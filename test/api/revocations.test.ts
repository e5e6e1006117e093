import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { headOf } from '../../activities/rotation/surroundings.js';
import { revocationsOn } from '../../activities/revocations/known.js';
import type { LineName, PersonId, Sha1 } from '../../src/domain/brands.js';
import { isRevoked, type GivenRevocation, type KeptRevocation, type RevocationStatement } from '../../src/domain/revocations.js';
import type { RevocationsView } from '../../src/presenters/revocation.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { makeSshKey, sshSign, sshVerifies, type SshKey } from '../setup/ssh-keys.js';
import { receiveNotices } from '../setup/notices.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const HOME = mkdtempSync(join(tmpdir(), 'reseal-revocations-'));
const PEOPLE = ['ada', 'ines', 'mallory'] as const;
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<(typeof PEOPLE)[number], SshKey>;
const URL = '/v1/revocations';
const LINE = 'ios-main' as LineName;
/** Of a certificate that nobody uses. */
const OTHER = 'd'.repeat(40) as Sha1;

let served: ServedMesh;
let receiver: Awaited<ReturnType<typeof receiveNotices>>;
let identity: Sha1;
let serial: string;
let nonce = 0;

/** ada has a key and the right, ines a key and no right, grace the right and no key. */
const writeRoster = (adaHas: readonly SshKey[] = [key.ada]): void => {
  const keysOf = (id: string) =>
    (id === 'ada' ? adaHas : id === 'ines' ? [key.ines] : []).map(({ line }) => ({ kind: 'ssh', public: line }));
  const persons = [...ROSTER.persons, { id: 'ines', name: 'Ines', roles: ['approvers'] }];
  const document = { ...ROSTER, persons: persons.map((person) => ({ ...person, keys: keysOf(person.id) })) };
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify(document));
};

beforeAll(async () => {
  receiver = await receiveNotices();
  served = await ServedMesh.start({
    changed: ({ folders: { config } }) => {
      writeFileSync(join(config, 'secret'), 'of the receiver');
      const path = join(config, 'reseal.yaml');
      const webhooks = [{ url: receiver.url, secretFile: join(config, 'secret'), events: ['page'] }];
      writeFileSync(path, stringify({ ...(parse(readFileSync(path, 'utf8')) as object), notify: { webhooks } }));
      return Promise.resolve();
    },
  });
  writeRoster();
  const { manifest } = await headOf(served.mesh.around.store('main'), LINE);
  const [entry] = manifest.profiles;
  if (entry === undefined) throw new Error('the manifest has profiles');
  identity = entry.identity;
  serial = manifest.certificates[identity]?.serial ?? '';
});
afterAll(async () => {
  await served.stop();
  await receiver.stop();
  rmSync(HOME, { recursive: true, force: true });
});

type Recorded = Extract<RevocationStatement, { says: 'revocation-record' }>;
const word = (change: object = {}): RevocationStatement => ({
  ...{ schemaVersion: 1, says: 'revocation-record', installation: 'acme-demo', person: 'ada' as PersonId, ticket: 'INC-5' },
  ...{ certificate: OTHER, serial: null, reason: 'the laptop was stolen', source: 'person', revokedAt: '2026-01-02T03:04:05.000Z' },
  ...{ nonce: (nonce += 1).toString(16).padStart(32, '0'), issuedAt: new Date().toISOString() },
  ...({ expiresAt: new Date(Date.now() + 600_000).toISOString(), ...change } as Pick<Recorded, 'expiresAt'>),
});
const signedBy = (who: SshKey, statement: RevocationStatement, namespace = 'reseal-approval-v1'): GivenRevocation => ({
  statement,
  signature: sshSign(who, canonicalBytes(statement), namespace),
});
const reseal = (...argv: string[]) => served.reseal(['revoke', ...argv], { env: { HOME: tmpdir(), NO_COLOR: '1' } });
const record = (certificate: string, ...more: string[]) => reseal('record', certificate, '--reason', 'its key was copied', '--ticket', 'INC-5', ...more); // prettier-ignore
const shown = async () => (await served.get(URL)).body as unknown as RevocationsView;
const known = async (sha1: Sha1) => isRevoked((await revocationsOn(served.mesh.around, LINE)).revocations, { sha1, serial: null });
const forge = (given: GivenRevocation) =>
  served.mesh.around.store('main').putMany([{ kind: 'revocation', document: { kind: 'revocation', schemaVersion: 1, ...given } }], {});

describe('a revocation is recorded by people of the roster (R11, T2)', () => {
  it.each<[string, () => GivenRevocation, number, string]>([
    ['by the name of a person who has a key', () => ({ statement: word(), signature: null }), 403, 'SIGNATURE_NEEDED'],
    ['by the name of somebody without the right', () => ({ statement: word({ person: 'rita' }), signature: null }), 403, 'NOT_ENTITLED'],
    ['signed without the right', () => signedBy(key.ines, word({ person: 'ines' })), 403, 'NOT_ENTITLED'],
    ['by a stranger', () => ({ statement: word({ person: 'mallory' }), signature: null }), 403, 'NOT_ENTITLED'],
    ['under no ticket of the declared form', () => signedBy(key.ada, word({ ticket: 'please' })), 400, 'WRONG_TICKET'],
    ['signed by another person', () => signedBy(key.ines, word()), 403, 'SIGNATURE_REFUSED'],
    ['changed after it was signed', () => ({ ...signedBy(key.ada, word()), statement: word({ certificate: 'e'.repeat(40) }) }), 403, 'SIGNATURE_REFUSED'],
    ['signed for another purpose', () => signedBy(key.ada, word(), 'git'), 403, 'SIGNATURE_REFUSED'],
    ['of another installation', () => signedBy(key.ada, word({ installation: 'acme' })), 409, 'STATEMENT_REFUSED'],
    ['that has expired', () => signedBy(key.ada, word({ issuedAt: '2026-01-03T00:00:00Z', expiresAt: '2026-01-03T00:15:00Z' })), 409, 'STATEMENT_REFUSED'],
    ['of a day to come', () => signedBy(key.ada, word({ revokedAt: '2100-01-01T00:00:00Z' })), 409, 'STATEMENT_REFUSED'],
    ['of no certificate', () => signedBy(key.ada, word({ certificate: null })), 409, 'STATEMENT_REFUSED'],
    ['with something in it that nobody asked for', () => signedBy(key.ada, word({ extra: 1 })), 409, 'STATEMENT_REFUSED'],
  ])('%s it is not', async (_, given, status, code) => {
    const answer = await served.post(URL, given());
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
    expect((await shown()).certificates).toEqual([]);
  }); // prettier-ignore

  it('a worker judges it too, whoever began the workflow', async () => {
    const args = [signedBy(key.mallory, word())] as const;
    const run = served.desk.client.workflow.execute('revocationRecord', { workflowId: 'revocation/forged', taskQueue: served.desk.taskQueue, args: [...args] }); // prettier-ignore
    await expect(run).rejects.toMatchObject({ cause: { type: 'SIGNATURE_REFUSED' } });
    expect((await shown()).certificates).toEqual([]);
  });

  it('nothing is recorded yet, and the list says so', async () => {
    expect(await reseal('list')).toMatchObject({ exit: 0, stdout: 'No revocation is recorded.\n', stderr: '' });
  });

  it('what falls with it is shown, then what is signed, in words; then it is in the store with its signature, and nothing goes back to it', async () => {
    expect(await known(identity)).toBe(false);
    const recorded = await record(serial.slice(-6).toLowerCase(), '--as', 'ada', '--key', key.ada.path, '--since', '2026-01-02');
    expect(recorded, recorded.stderr).toMatchObject({ exit: 0 });
    const [falls = '', words = ''] = recorded.stderr.split('\n\nada signs with ');
    expect(falls).toContain(`certificate ${identity}`);
    for (const affected of ['3 nodes, ', 'TARGETS', 'com.acme.courier.notify', 'PIPELINES', 'courier-release', 'NODES', 'ams-sign-1'])
      expect(falls).toContain(affected);
    expect(falls).not.toContain('NEXT');
    expect(words).toContain('says      Apple has revoked this certificate: nothing goes back to it, and nothing new signs with it');
    expect(words).toContain(`of        certificate ${identity}\n`);
    expect(words).toContain('reason    its key was copied');
    expect(recorded.stdout).toMatch(
      new RegExp(`^${identity} \\(.*serial …${serial.slice(-6)}\\) {2}revoked since .*\\n {2}in force {2}on ios-main\\n`),
    );
    expect(recorded.stdout).toContain('kept in main');
    expect(await known(identity)).toBe(true);
    const [kept] = (await served.mesh.around.store('main').revocations()) as readonly KeptRevocation[];
    expect(kept).toMatchObject({
      statement: { certificate: identity, serial: null, revokedAt: '2026-01-02T00:00:00.000Z', person: 'ada' },
    });
    expect(sshVerifies(key.ada, canonicalBytes(kept?.statement ?? {}), kept?.signature ?? '', 'reseal-approval-v1')).toBe(true);
  });

  it('a whole serial number of a certificate that nobody has seen is recorded as it is; some digits of it are not', async () => {
    const few = await record('abcdef', '--as', 'ada', '--key', key.ada.path);
    expect(few).toMatchObject({ exit: 2, stdout: '' });
    expect(few.stderr).toContain('Name it by its SHA-1, or by its whole serial number.');
    const whole = await record('0123456789ABCDEF0123456789ABCDEF', '--as', 'grace');
    expect(whole).toMatchObject({ exit: 0, stdout: expect.stringContaining('serial number …ABCDEF') as unknown });
    expect(whole.stderr).toContain('no manifest in force or accepted names it\n\ngrace says by name alone:');
  });

  it('--json is one document, without the whole serial number', async () => {
    const view = JSON.parse((await reseal('list', '--json')).stdout) as RevocationsView;
    expect(view).toMatchObject({ installation: 'acme-demo', assurance: 'name', unreadable: [], away: [] });
    expect(view.certificates).toMatchObject([
      { certificate: identity, standing: 'revoked', inForceOn: ['ios-main'], said: [{ says: 'revoked', by: 'ada', lacks: null }] },
      { certificate: null, serialLast6: 'ABCDEF', standing: 'revoked', said: [{ by: 'grace', lacks: null }] },
    ]);
    expect(JSON.stringify(view)).not.toContain(serial);
  });

  it('a mistake is taken back in the same way, and both words stay', async () => {
    const taken = await record(identity, '--as', 'ada', '--key', key.ada.path, '--mistaken');
    expect(taken.stderr).toContain('what was recorded of this certificate so far was a mistake');
    expect(taken).toMatchObject({ exit: 0, stdout: expect.stringMatching(/not revoked\n/) as unknown });
    expect(await known(identity)).toBe(false);
    expect((await shown()).certificates[0]?.said.map(({ says }) => says)).toEqual(['revoked', 'mistaken']);
    expect(await record(identity, '--as', 'ada', '--mistaken', '--since', '2026-01-01')).toMatchObject({ exit: 2 });
  });

  it('the same word again changes nothing, and one that was taken back does not come back with it', async () => {
    const kept = (await served.mesh.around.store('main').revocations()) as readonly KeptRevocation[];
    const old = kept.find(({ statement }) => statement.certificate === identity && statement.says === 'revocation-record');
    expect(await served.post(URL, { statement: old?.statement, signature: old?.signature })).toMatchObject({ status: 200 });
    expect(await served.mesh.around.store('main').revocations()).toHaveLength(kept.length);
    expect(await known(identity)).toBe(false);
  });
});

describe('what somebody has put into the store themselves (T2)', () => {
  it('is shown as not proven, and asks people; it revokes nothing, and takes no revocation away', async () => {
    await forge(signedBy(key.mallory, word({ reason: 'forged' })));
    expect(await known(OTHER)).toBe(false);
    const listed = await reseal('list');
    expect(listed.stdout).toContain(`${OTHER}  said to be revoked, and nothing proves it since`);
    expect(listed.stdout).toContain(`(not proven: signed by ${key.mallory.fingerprint}, which is no key of ada on the roster)`);
    expect(listed.stdout).toContain(
      `reseal revoke record ${OTHER} --reason TEXT --as PERSON --ticket TICKET, with --mistaken where it is not`,
    );
    expect((await record(OTHER, '--as', 'ada', '--key', key.ada.path)).exit).toBe(0);
    expect(await known(OTHER)).toBe(true);
    const { revokedAt: _revokedAt, source: _source, ...rest } = word() as Recorded;
    await forge(signedBy(key.mallory, { ...rest, says: 'revocation-mistake' }));
    expect(await known(OTHER)).toBe(true);
  });

  it('a word whose key has left the roster is not proven any more, and still asks', async () => {
    writeRoster([]);
    const { certificates } = await shown();
    expect(certificates.find(({ certificate }) => certificate === OTHER)).toMatchObject({ standing: 'claimed' });
    writeRoster();
    expect(await known(OTHER)).toBe(true);
  });

  it('a store that is away is told, and not taken for one that keeps nothing', async () => {
    const { store } = served.mesh.mesh.folders;
    renameSync(store, `${store}.away`);
    const listed = await reseal('list');
    const refused = await record(OTHER, '--as', 'grace');
    renameSync(`${store}.away`, store);
    expect(listed.stdout).toBe(
      'No revocation is known here.\nthe store main cannot be read, or nobody has begun it: what it alone keeps is not here\n',
    );
    expect(refused.exit).toBe(3);
    expect(await known(OTHER)).toBe(true);
  });

  it('what is no word at all is told, and stands in the way of nothing', async () => {
    await forge({ statement: { says: 'nonsense' } as never, signature: null });
    expect((await reseal('list')).stdout).toContain('one document among them is none: it does not say what is asked for (says)');
    expect(await known(OTHER)).toBe(true);
  });
});

describe('what goes by it', () => {
  const all = (...argv: string[]) => served.reseal(argv, { env: { HOME: tmpdir(), NO_COLOR: '1' } });
  const emergency = () => `reseal rotation start --line ios-main --emergency --revoked ${identity}`;

  it('a rotation in flight is not stopped, and whoever looks at it is told what it would go back to', async () => {
    const started = await all('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1');
    expect(started, started.stderr).toMatchObject({ exit: 0 });
    await served.untilRotation('ios-main-1', ({ gate }) => gate.binds !== null, 'an open gate');
    expect((await all('rotation', 'status', 'ios-main-1')).stdout).not.toContain('REVOKED');
    expect((await record(identity, '--as', 'grace')).exit).toBe(0);
    const shownNow = await all('rotation', 'status', 'ios-main-1');
    expect(shownNow.stdout).toContain(`REVOKED   the old certificate ${identity.slice(0, 8)} is revoked since`);
    expect(shownNow.stdout).toContain(`a rollback goes to what cannot sign any more; go forward: ${emergency()}`);
    expect((await all('rotation', 'reject', 'ios-main-1', '--as', 'grace', '--ticket', 'CHG-1')).exit).toBe(0);
    await served.untilRotation('ios-main-1', ({ outcome }) => outcome === 'rolled-back', 'its end');
  });

  it('impact says so first, and names the emergency instead of a rotation', async () => {
    const told = (await all('impact', '--certificate', identity)).stdout;
    expect(told.split('\n')[1]).toContain(`certificate ${identity.slice(0, 8)} is revoked since`);
    expect(told).toContain(`put successors with another certificate where line ios-main looks for them, then: ${emergency()}`);
    expect(told).not.toContain('reseal rotation start --line ios-main --as');
  });

  it('what a node should have says so, and who restores a node is warned before', async () => {
    const [node] = served.mesh.mesh.nodes;
    expect((await all('node', 'expected', node?.name ?? '')).stdout).toContain(
      `REVOKED   certificate ${identity.slice(0, 8)} is revoked since`,
    );
    const restored = await all('node', 'restore', node?.name ?? '', '--as', 'grace', '--ticket', 'INC-6');
    expect(restored.stderr).toContain(
      `Warning: ${node?.name ?? ''} on ios-main is brought to what is revoked: certificate ${identity.slice(0, 8)}`,
    );
    expect(restored.exit).toBe(0);
  });

  it('the scan pages people, with the command, and the rotation that it begins is refused with the same one', async () => {
    await served.desk.client.workflow.execute('expiryScan', {
      workflowId: 'scan-revoked',
      taskQueue: served.desk.taskQueue,
      args: [{ offset: 0 }],
    });
    const page = receiver.heard.find(({ text }) => text.includes('signs with it'));
    expect(page?.text).toContain(`ios-main: certificate ${identity.slice(0, 8)} is revoked since`);
    expect(page?.text).toContain(emergency());
    const plan = await all('rotation', 'plan', '--line', 'ios-main', '--as', 'rita');
    expect(plan).toMatchObject({ exit: 1 });
    expect(plan.stdout).toContain(`old-asset-revoked: certificate ${identity.slice(0, 8)} is revoked since`);
  });
});
