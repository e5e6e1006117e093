import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { KeptRosters, RosterAdoption, SignedAdoption } from '../../src/domain/adopted-rosters.js';
import type { Person } from '../../src/domain/roster.js';
import type { RosterView } from '../../src/presenters/roster.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { Interference } from '../e2e/interference.js';
import { makeSshKey, sshSign, sshVerifies, type SshKey } from '../setup/ssh-keys.js';
import { until } from '../setup/until.js';
import { ServedMesh, type Answer } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const NAMESPACE = 'reseal-approval-v1';
const HOME = mkdtempSync(join(tmpdir(), 'reseal-rosters-'));
const PEOPLE = ['ada', 'grace', 'carl', 'rita', 'mallory', 'trudy', 'zoe'] as const;
type Name = (typeof PEOPLE)[number];
const key = Object.fromEntries(PEOPLE.map((name) => [name, makeSshKey(HOME, name)])) as Record<Name, SshKey>;
const HONEST: readonly Name[] = ['ada', 'grace', 'carl', 'rita'];

const interference = new Interference();
let served: ServedMesh;

const person = (id: Name): object => ({
  ...(ROSTER.persons.find((one) => one.id === id) ?? {
    id,
    name: `${id} the ${id === 'carl' ? 'third' : 'made-up'}`,
    roles: ['approvers'],
  }),
  keys: [{ kind: 'ssh', public: key[id].line }],
});
const file = (): string => join(served.mesh.mesh.folders.config, 'roster.yaml');
/** Somebody edits roster.yaml. */
const writeRoster = (...ids: readonly Name[]): void => writeFileSync(file(), stringify({ ...ROSTER, persons: ids.map(person) }));

const reseal = (...argv: string[]) => served.reseal(argv, { env: { HOME } });
const adopt = (who: Name, as: Name = who) => reseal('roster', 'adopt', '--as', as, '--ticket', 'CHG-7', '--key', key[who].path);
const show = async (): Promise<RosterView> => (await served.fetch('/v1/roster')).json() as Promise<RosterView>;
const start = async (...more: string[]) => {
  const started = await reseal(
    'rotation',
    'start',
    '--line',
    'ios-main',
    '--as',
    'rita',
    '--ticket',
    'CHG-1',
    '--key',
    key.rita.path,
    ...more,
  );
  expect(started, started.stderr).toMatchObject({ exit: expect.any(Number) });
  return started;
};
const decide = (command: string, id: string, who: Name, ...more: string[]) =>
  reseal('rotation', command, id, '--as', who, '--ticket', 'CHG-1', '--key', key[who].path, ...more);
const gateOf = (id: string) => served.untilRotation(id, ({ gate }) => gate.binds !== null, 'an open gate');
const ended = (id: string) => served.untilRotation(id, ({ outcome }) => outcome !== null, 'its end');

/** What a person would sign to adopt what is declared now, with something in it changed. */
async function adoption(who: Name, change: Partial<RosterAdoption> = {}): Promise<RosterAdoption> {
  const { installation, digest, adopted } = await show();
  const [at, before] = [Date.now(), adopted.at(-1)];
  return {
    ...{ schemaVersion: 1, says: 'roster-adopt', installation, person: who as never, ticket: 'CHG-7', nonce: '0123456789abcdef'.repeat(2) },
    ...{ number: (before?.number ?? 0) + 1, roster: digest, previous: before?.digest ?? null },
    ...{ issuedAt: new Date(at).toISOString(), expiresAt: new Date(at + 600_000).toISOString(), ...change },
  };
}
const signedBy = (who: Name, statement: RosterAdoption): SignedAdoption => ({
  statement,
  signature: sshSign(key[who], canonicalBytes(statement), NAMESPACE),
});
const send = (signed: SignedAdoption): Promise<Answer> => served.post('/v1/roster', signed);
const kept = async (): Promise<KeptRosters> => (await served.mesh.around.store('main').rosters('acme-demo')) as KeptRosters;

beforeAll(async () => {
  served = await ServedMesh.start({ decorate: interference.decorate });
  writeRoster(...HONEST);
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

describe('the first roster', () => {
  it('is shown as not adopted, and lines with simulated nodes alone ask for none', async () => {
    const shown = await reseal('roster', 'show');
    expect(shown).toMatchObject({ exit: 0 });
    expect(shown.stdout).toContain('not adopted: nobody has adopted a roster of this installation yet');
    expect(shown.stdout).toContain('Lines with simulated nodes alone ask for none.');
    expect(shown.stdout).toContain(key.carl.fingerprint);
  });

  it.each<[string, () => Promise<SignedAdoption>, RegExp]>([
    [
      'by somebody who is not on it',
      async () => signedBy('mallory', await adoption('mallory')),
      /mallory is nobody whom the roster itself lets approve/,
    ],
    [
      'with the key of somebody else',
      async () => signedBy('mallory', await adoption('ada')),
      /is no key of ada on the roster itself that counts/,
    ],
    [
      'of another installation',
      async () => signedBy('ada', await adoption('ada', { installation: 'acme' })),
      /it is for the installation acme/,
    ],
    [
      'of another content',
      async () => signedBy('ada', await adoption('ada', { roster: 'a'.repeat(64) as never })),
      /it names the roster aaaaaaaaaaaa/,
    ],
    ['as if there had been one before', async () => signedBy('ada', await adoption('ada', { number: 2 })), /it is to be roster 2/],
    [
      'that has expired',
      async () => signedBy('ada', await adoption('ada', { issuedAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-01T00:15:00.000Z' })),
      /it expired at/,
    ],
    ['under a ticket of no form', async () => signedBy('ada', await adoption('ada', { ticket: 'today' })), /today/],
    [
      'that says something else',
      async () => signedBy('ada', await adoption('ada', { says: 'approve' as never })),
      /its says is not of the form/,
    ],
  ])('is adopted by nobody %s (T2)', async (_, made, reason) => {
    const answer = await send(await made());
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body.error?.message).toMatch(reason);
    expect(await kept()).toBeNull();
  });

  it('is shown in words before it is signed, and lies in the store with a signature that anybody can verify', async () => {
    const adopted = await adopt('ada');
    expect(adopted, adopted.stderr).toMatchObject({ exit: 0 });
    expect(adopted.stderr).toContain('roster 1, the first one:');
    expect(adopted.stderr).toContain(`  + key of grace: ${key.grace.fingerprint}`);
    expect(adopted.stderr).toContain('at        installation acme-demo, ticket CHG-7');
    expect(adopted.stdout).toContain('roster 1 is adopted by ada; what it added');
    const [step] = (await kept()).steps;
    const [one] = step?.adoptions ?? [];
    expect(sshVerifies(key.ada, canonicalBytes(one?.statement ?? {}), one?.signature ?? '', NAMESPACE)).toBe(true);
    const again = await adopt('ada');
    expect(again).toMatchObject({ exit: 4 });
    expect(again.stderr).toContain('there is nothing in it that ada has still to sign');
  });

  it('that one person alone adopted lets nothing through: preflight says so', async () => {
    await start();
    const { outcome, reasons } = await ended('ios-main-1');
    expect(outcome).toBe('refused');
    expect(reasons.join()).toMatch(/2 approvals are needed and nobody may give one .*grace was added by roster 1, which ada adopted alone/);
  });

  it('counts when a second person has signed it too', async () => {
    const adopted = await adopt('grace');
    expect(adopted.stdout).toContain('roster 1 is adopted by ada and grace');
    const shown = await reseal('roster', 'show');
    expect(shown.stdout).toMatch(/adopted as roster 1 by ada, .*; grace, /);
    expect((await show()).standing).toEqual({ kind: 'adopted', number: 1, uncounted: [] });
  });
});

describe('an edit while the gate is open', () => {
  it('adds nobody to it, and nothing passes with it afterwards; the way back is open (T2, R7)', async () => {
    await start('--after', 'ios-main-1');
    await gateOf('ios-main-2');
    writeRoster(...HONEST, 'mallory');
    const refused = await decide('approve', 'ios-main-2', 'mallory');
    expect(refused).toMatchObject({ exit: 4 });
    expect(refused.stderr).toContain('mallory is not on the roster');
    expect(await decide('rollback', 'ios-main-2', 'ada')).toMatchObject({ exit: 0 });
    expect((await ended('ios-main-2')).outcome).toBe('rolled-back');
  });

  it('that nobody has adopted lets no rotation begin, and says what to do', async () => {
    await start('--after', 'ios-main-2');
    const { outcome, reasons } = await ended('ios-main-3');
    expect(outcome).toBe('refused');
    expect(reasons.join()).toContain(
      'ROSTER_NOT_ADOPTED: roster.yaml has changed since ada and grace adopted roster 1; adopt roster.yaml: reseal roster adopt --as PERSON --ticket TICKET',
    );
    const plan = await served.post('/v1/rotations/plan', { line: 'ios-main' });
    expect(JSON.stringify(plan.body)).toContain('ROSTER_NOT_ADOPTED');
  });
});

describe('an adoption', () => {
  it('by a person whom only the new roster has is none (T2)', async () => {
    const answer = await send(signedBy('mallory', await adoption('mallory')));
    expect(answer.body.error).toMatchObject({
      code: 'SIGNATURE_REFUSED',
      message: expect.stringContaining('mallory is nobody whom roster 1 lets approve'),
    });
    expect((await kept()).steps).toHaveLength(1);
  });

  it('shows what the edit adds, against the roster before', async () => {
    writeRoster(...HONEST, 'mallory', 'trudy');
    const adopted = await adopt('ada');
    expect(adopted, adopted.stderr).toMatchObject({ exit: 0 });
    expect(adopted.stderr).toContain(
      'roster 2, after roster 1:\n  + person mallory (mallory the made-up), may approve, exclude, reject, withdraw',
    );
    expect(adopted.stderr).not.toContain('person grace');
  });

  it('of one roster more by whom that edit added is none either, nor does it make the edit count (T2)', async () => {
    expect(
      (await send(signedBy('mallory', await adoption('mallory', { number: 2, previous: (await show()).adopted[0]?.digest as never })))).body
        .error,
    ).toMatchObject({
      code: 'SIGNATURE_REFUSED',
    });
    writeRoster(...HONEST, 'mallory', 'trudy', 'zoe');
    const answer = await send(signedBy('mallory', await adoption('mallory')));
    expect(answer.body.error?.message).toMatch(/mallory does not count yet: mallory was added by roster 2, which ada adopted alone/);
    writeRoster(...HONEST, 'mallory', 'trudy');
  });
});

describe('an edit that one person adopted alone', () => {
  it('counts neither for its editor nor for the two persons it added: nothing passes by their signatures (T2)', async () => {
    await start('--after', 'ios-main-3');
    const { gate } = await gateOf('ios-main-4');
    expect([...gate.eligible].sort()).toEqual(['carl', 'grace']);
    for (const who of ['ada', 'mallory', 'trudy'] as const) {
      const refused = await decide('approve', 'ios-main-4', who);
      expect(refused, refused.stdout).toMatchObject({ exit: 4 });
      expect(refused.stderr).toContain(`Not eligible at this gate: ${who} `);
    }
    expect((await served.rotation('ios-main-4')).gate.counting).toBe(0);
  });

  it('is said at the gate, and where somebody approves', async () => {
    const status = await reseal('rotation', 'status', 'ios-main-4');
    expect(status.stdout).toMatch(/not +ada does not count: ada adopted roster 2 alone/);
    expect(status.stdout).toMatch(/not +trudy does not count: trudy was added by roster 2, which ada adopted alone/);
    const approved = await decide('approve', 'ios-main-4', 'grace');
    expect(approved.stderr).toContain('ada does not count: ada adopted roster 2 alone');
  });

  it('keeps its editor from nothing that leads back (R7)', async () => {
    const rejected = await decide('reject', 'ios-main-4', 'ada');
    expect(rejected, rejected.stderr).toMatchObject({ exit: 0 });
    expect((await ended('ios-main-4')).outcome).toBe('rolled-back');
  });

  it('counts for all when a second person of the roster before has signed it', async () => {
    const adopted = await adopt('grace');
    expect(adopted.stderr).toContain('roster 2, after roster 1, adopted by ada already:');
    expect((await show()).standing).toEqual({ kind: 'adopted', number: 2, uncounted: [] });
  });
});

describe('an old roster', () => {
  it('that somebody brings back is not adopted any more, and its old adoption, sent again, changes nothing (T2)', async () => {
    const before = await kept();
    writeRoster(...HONEST);
    const old = before.steps[0]?.adoptions[0] as SignedAdoption;
    expect(await send(old)).toMatchObject({ status: 200, body: { number: 1 } });
    expect(await kept()).toEqual(before);
    expect((await show()).standing).toMatchObject({
      kind: 'other',
      reason: 'it is roster 1 again, and roster 2 has taken its place, adopted by ada and grace',
    });
  });

  it('is adopted anew like any other edit', async () => {
    for (const who of ['carl', 'grace'] as const) expect(await adopt(who)).toMatchObject({ exit: 0 });
    expect((await show()).standing).toEqual({ kind: 'adopted', number: 3, uncounted: [] });
  });
});

it('a gate with a roster that nobody adopted stays shut in plain sight, can be turned back from, and opens once it is adopted (T2)', async () => {
  const held = interference.hold('stage');
  await start('--after', 'ios-main-4');
  await held.node();
  const roster = parse(readFileSync(file(), 'utf8')) as { readonly persons: readonly Person[] };
  writeFileSync(file(), stringify({ ...roster, persons: [...roster.persons, person('zoe')] }));
  held.release();
  const waiting = await served.untilRotation('ios-main-5', ({ gate }) => gate.awaits !== undefined, 'a gate that waits');
  expect(waiting.gate.awaits).toContain('ROSTER_NOT_ADOPTED: roster.yaml has changed since carl and grace adopted roster 3');
  expect(waiting.commands).toEqual(expect.arrayContaining(['pause', 'cancel', 'rollback']));
  expect((await reseal('rotation', 'status', 'ios-main-5')).stdout).toContain('GATE      does not open: ROSTER_NOT_ADOPTED');
  await until(
    async () =>
      (await served.mesh.ledger.eventsAfter('ios-main-5', 0)).some(({ text }) =>
        text.startsWith('the gate does not open: ROSTER_NOT_ADOPTED'),
      ),
    { what: 'its line of the record' },
  );
  expect(await adopt('ada')).toMatchObject({ exit: 0 });
  // Grace and Carl are two, without Ada, who edited it, and Zoe.
  expect([...(await gateOf('ios-main-5')).gate.eligible].sort()).toEqual(['carl', 'grace']);
  for (const who of ['grace', 'carl'] as const) expect(await decide('approve', 'ios-main-5', who)).toMatchObject({ exit: 0 });
  expect((await ended('ios-main-5')).outcome).toBe('completed');
});
