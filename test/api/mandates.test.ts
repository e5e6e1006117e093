import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { wanted } from '../../activities/manifest-store/store-items.js';
import type { LineName, NodeName, PersonId, Sha256 } from '../../src/domain/brands.js';
import type { Deed, Mandate, SignedMandate } from '../../src/domain/mandate.js';
import type { SeatListView } from '../../src/presenters/seat.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { Seats } from '../../src/temporal/seats.js';
import { makeSshKey, sshSign, sshVerifies, type SshKey } from '../setup/ssh-keys.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const NAMESPACE = 'reseal-approval-v1';
const LINE = 'ios-main' as LineName;
const SIGNER = 'ams-sign-1' as NodeName;
const HOME = mkdtempSync(join(tmpdir(), 'reseal-mandates-'));
const PEOPLE = ['ada', 'grace', 'mallory'] as const;
type Person = (typeof PEOPLE)[number];
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<Person, SshKey>;

let served: ServedMesh;
let manifest: Sha256;
let nonce = 0;

/** The roster as it is from now on: everybody, or with somebody else in ada's place. */
function writeRoster(ada: 'ada' | 'somebody-else' = 'ada'): void {
  const keysOf = (id: string): object[] => (id === 'ada' || id === 'grace' ? [{ kind: 'ssh', public: key[id].line }] : []);
  const persons = ROSTER.persons.map((person) =>
    person.id === 'ada' && ada !== 'ada' ? { ...person, id: 'zoe' } : { ...person, keys: keysOf(person.id) },
  );
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
}

beforeAll(async () => {
  served = await ServedMesh.start();
  writeRoster();
  manifest = served.mesh.mesh.manifest;
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

const RESTORE = (): Deed => ({ says: 'node-restore', node: SIGNER, manifest });
const PURGE: Deed = { says: 'node-purge', node: SIGNER };
const RELEASE: Deed = { says: 'seat-release', node: SIGNER, holder: 'ci', job: null };

const mandate = (deed: Deed, change: object = {}): Mandate => ({
  ...{ schemaVersion: 1, installation: 'acme-demo', mode: 'production', line: LINE, person: 'ada' as PersonId, ticket: 'CHG-5' },
  ...{ nonce: (nonce += 1).toString(16).padStart(32, '0'), issuedAt: new Date().toISOString() },
  ...{ expiresAt: new Date(Date.now() + 600_000).toISOString(), ...deed, ...change },
});
const signedBy = (who: SshKey, statement: Mandate, namespace = NAMESPACE): SignedMandate => ({
  statement,
  signature: sshSign(who, canonicalBytes(statement), namespace),
});
const path = ({ says }: Deed): string =>
  ({ 'node-restore': `/v1/nodes/${SIGNER}/restore`, 'node-purge': `/v1/nodes/${SIGNER}/purge`, 'seat-release': `/v1/seats/${SIGNER}/release` })[says]; // prettier-ignore
const forced = ({ statement, signature }: SignedMandate) => {
  const { line, person: by, ticket } = statement;
  return { line, by, ticket, holder: 'ci', job: null, signed: { statement, signature } };
};
/** As whoever may write to Temporal begins a workflow, without the control API. */
const begin = (type: 'nodeRestore' | 'nodePurge', input: object): Promise<unknown> =>
  served.desk.client.workflow.execute(type, {
    workflowId: `attack/${nonce}/${Math.random()}`,
    taskQueue: served.desk.taskQueue,
    args: [input],
  });
const asked = (signed: SignedMandate) => ({
  ...{ node: SIGNER, line: signed.statement.line, by: signed.statement.person, ticket: signed.statement.ticket, signed },
});
const refusedAs = (code: string): unknown => expect.objectContaining({ cause: expect.objectContaining({ type: code }) as unknown });
const codeOf = (begun: Promise<unknown>) => expect(begun).rejects;
const seats = () => new Seats(served.desk.client, served.desk.taskQueue);
const holdSeat = (job: string) =>
  served.post('/v1/seats', { node: SIGNER, holder: 'ci', pipeline: 'courier', ticket: 'CHG-7', job, wait: 0 });
const jobs = async (): Promise<readonly string[]> => {
  const { seats: list } = (await served.get('/v1/seats')).body as unknown as SeatListView;
  return list.find(({ node }) => node === SIGNER)?.held.map(({ job }) => job) ?? [];
};
const reseal = (argv: readonly string[], who: Person | null, more: object = {}) =>
  served.reseal([...argv, '--as', 'ada', '--ticket', 'CHG-5', ...(who === null ? [] : ['--key', key[who].path])], { env: { HOME: tmpdir() }, ...more }); // prettier-ignore

describe('by the name of a person who has a key, nothing is done (T2)', () => {
  it.each<[string, () => Deed, object]>([
    ['a restore', RESTORE, {}],
    ['a purge', () => PURGE, {}],
    ['a release', () => RELEASE, { holder: 'ci' }],
  ])('%s, at the control API', async (_, deed, more) => {
    expect(await served.post(path(deed()), { by: 'ada', ticket: 'CHG-5', ...more })).toMatchObject({
      status: 403,
      body: { error: { code: 'SIGNATURE_NEEDED' } },
    });
  });

  it('nor by whoever begins the workflow in Temporal, past the control API', async () => {
    const byName = { node: SIGNER, line: LINE, by: 'ada', ticket: 'CHG-5' };
    await codeOf(begin('nodePurge', byName)).toEqual(refusedAs('SIGNATURE_NEEDED'));
    await codeOf(begin('nodeRestore', byName)).toEqual(refusedAs('SIGNATURE_NEEDED'));
    // As requests of before were made, with all that is to be done in them.
    const old = {
      topology: manifest,
      policyDigest: manifest,
      routes: {},
      limits: { nodeOperationTimeout: 60_000, nodeOfflineAfter: 60_000 },
    };
    await codeOf(begin('nodePurge', { ...byName, ...old })).toEqual(refusedAs('SIGNATURE_NEEDED'));
    expect(await begin('nodeRestore', { ...byName, ...old, manifest, number: 900 })).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('What nobody has signed restores nodes') as unknown,
    });
    const unapproved = { ...byName, ...old, by: 'schedule', ticket: 'SCHED-1', manifest: 'a'.repeat(64), number: 900 };
    expect(await begin('nodeRestore', unapproved)).toMatchObject({ outcome: 'failed', before: null });
  });
});

describe.each<[string, () => Deed, object]>([
  ['a restore', RESTORE, { manifest: 'a'.repeat(64) }],
  ['a purge', () => PURGE, { node: 'iad-sign-1' }],
  ['a release', () => RELEASE, { holder: 'another' }],
])('%s that does not count', (_, deed, changed) => {
  const refusals: readonly [string, () => SignedMandate, string][] = [
    ['signed by another person', () => signedBy(key.grace, mandate(deed())), 'SIGNATURE_REFUSED'],
    ['forged: changed after it was signed', () => ({ ...signedBy(key.ada, mandate(deed())), statement: mandate(deed()) }), 'SIGNATURE_REFUSED'],
    ['signed for another purpose', () => signedBy(key.ada, mandate(deed()), 'git'), 'SIGNATURE_REFUSED'],
    ['for another node, manifest or holder', () => signedBy(key.ada, mandate(deed(), changed)), 'STATEMENT_REFUSED'],
    ['for another installation', () => signedBy(key.ada, mandate(deed(), { installation: 'acme' })), 'STATEMENT_REFUSED'],
    ['that has expired', () => signedBy(key.ada, mandate(deed(), { issuedAt: '2026-01-01T00:00:00Z', expiresAt: '2026-01-01T00:15:00Z' })), 'STATEMENT_REFUSED'], // prettier-ignore
    ['with something in it that nobody asked for', () => signedBy(key.ada, mandate(deed(), { extra: 1 })), 'STATEMENT_REFUSED'],
    ['of a person whom the roster does not know', () => signedBy(key.mallory, mandate(deed(), { person: 'mallory' })), 'NOT_ENTITLED'],
  ]; // prettier-ignore

  it('is refused by the control API and by the worker alike (T2)', async () => {
    const { token } = (await holdSeat('kept')).body as { readonly token?: string };
    for (const [what, make, code] of refusals) {
      const signed = make();
      // A release says itself whose seats it ends: who carries it cannot make it another's.
      const carriesItself = deed().says === 'seat-release' && what.startsWith('for another node');
      if (!carriesItself) expect((await served.post(path(deed()), signed)).body.error, what).toMatchObject({ code });
      if (deed().says === 'seat-release')
        await expect(seats().release(SIGNER, forced(signed)), what).rejects.toMatchObject({ cause: { type: code } });
      else
        await expect(begin(deed().says === 'node-purge' ? 'nodePurge' : 'nodeRestore', asked(signed)), what).rejects.toEqual(refusedAs(code)); // prettier-ignore
    }
    expect(await jobs()).toEqual(['kept']);
    await served.post(path(RELEASE), { token });
  });
});

describe('signed, it is done', () => {
  it('a restore: shown in words, then signed; with the key of somebody else it is refused (T2)', async () => {
    const ran = await reseal(['node', 'restore', SIGNER], 'ada');
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('had what is in force on ios-main active') as unknown });
    expect(ran.stderr).toContain(`says      bring ${SIGNER} to the manifest in force (node-restore)`);
    expect(ran.stderr).toContain(`to        manifest ${manifest}`);
    const refused = await reseal(['node', 'restore', SIGNER], 'grace');
    expect(refused).toMatchObject({ exit: 4, stdout: '' });
    expect(refused.stderr).toContain(`It is signed by ${key.grace.fingerprint}, which is no key of ada on the roster.`);
  });

  it('a purge and a release, from the command line; who says no at the terminal signs nothing', async () => {
    expect(await reseal(['node', 'purge', SIGNER], 'ada', { typed: 'no\n' })).toMatchObject({ exit: 4, stdout: '' });
    const purged = await reseal(['node', 'purge', SIGNER], 'ada');
    expect(purged).toMatchObject({ exit: 0 });
    expect(purged.stderr).toContain(`destroy the retired keychains of ${SIGNER} that no rollback can need (node-purge)`);
    await holdSeat('kept');
    const released = await reseal(['seat', 'release', SIGNER, '--force', '--holder', 'ci'], 'ada');
    expect(released).toMatchObject({ exit: 0, stdout: `the seat of ${SIGNER} is released\n` });
    expect(released.stderr).toContain(`take the seats and bookings of ci on ${SIGNER} away, of all jobs (seat-release)`);
    expect(await jobs()).toEqual([]);
  });

  it('it lies in the store with its signature; brought along again, to the control API or past it, it does not count again (T2)', async () => {
    const purge = signedBy(key.ada, mandate(PURGE));
    expect(await served.post(path(PURGE), purge)).toMatchObject({ status: 200 });
    expect((await served.post(path(PURGE), purge)).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    await codeOf(begin('nodePurge', asked(purge))).toEqual(refusedAs('ALREADY_DECIDED'));

    const { digest } = wanted({ kind: 'frozen', document: { kind: 'mandate', schemaVersion: 1, ...purge } }, Date.now());
    expect(await served.mesh.around.store('main').frozen(digest)).toMatchObject(purge);

    const restore = signedBy(key.ada, mandate(RESTORE()));
    expect(await begin('nodeRestore', asked(restore))).toMatchObject({ outcome: 'done' });
    await codeOf(begin('nodeRestore', asked(restore))).toEqual(refusedAs('ALREADY_DECIDED'));

    await holdSeat('one');
    const release = signedBy(key.ada, mandate(RELEASE));
    expect((await served.post(path(RELEASE), release)).body).toMatchObject({ released: true });
    await holdSeat('two');
    expect((await served.post(path(RELEASE), release)).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await jobs()).toEqual(['two']);
    expect(sshVerifies(key.ada, canonicalBytes(release.statement), release.signature, NAMESPACE)).toBe(true);
  });

  it('of a person who has left the roster it counts no more (T2)', async () => {
    const purge = signedBy(key.ada, mandate(PURGE));
    writeRoster('somebody-else');
    try {
      expect((await served.post(path(PURGE), purge)).body.error).toMatchObject({ code: 'NOT_ENTITLED' });
      await codeOf(begin('nodePurge', asked(purge))).toEqual(refusedAs('NOT_ENTITLED'));
    } finally {
      writeRoster();
    }
  });
});
