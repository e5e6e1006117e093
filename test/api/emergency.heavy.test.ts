import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { draftCommand, draftEmergency } from '../../src/cli/rotation/draft.js';
import type { CommandStatement, GateBinding } from '../../src/domain/rotation/statement.js';
import type { RotationView } from '../../src/presenters/rotation.js';
import type { TermsView } from '../../src/presenters/statement.js';
import { ROSTER, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { activeManifests, meshTruth } from '../e2e/node-truth.js';
import { macTool } from '../setup/mac-tool.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { ServedMesh, type Answer } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const ID = 'ios-main-2';
const HOME = mkdtempSync(join(tmpdir(), 'reseal-emergency-'));
const PEOPLE = ['ada', 'grace', 'rita'] as const;
type Person = (typeof PEOPLE)[number];
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<Person, SshKey>;

let served: ServedMesh;
let before: ReturnType<typeof meshTruth>;
const serial = (): string => served.mesh.mesh.certificate.serial;
const reseal = (...argv: string[]) => served.reseal(argv, { env: { HOME, NO_COLOR: '1' } });
const said = (person: Person): string[] => ['--as', person, '--ticket', 'INC-1', '--key', key[person].path];
const start = (person: Person, ...more: string[]) => reseal('rotation', 'start', '--line', 'ios-main', ...said(person), ...more);
const emergency = (person: Person, of = serial()) => start(person, '--emergency', '--revoked', of);
const approve = (person: Person) => reseal('rotation', 'approve', ID, ...said(person));

/** What a person would sign to approve now, with something in it changed, sent with their own signature. */
async function approval(
  person: Person,
  change: Partial<CommandStatement> & { readonly binds?: Partial<GateBinding> } = {},
): Promise<Answer> {
  const view = (await (await served.fetch(`/v1/rotations/${ID}`)).json()) as RotationView;
  const draft = draftCommand('approve', view, { as: person, ticket: 'INC-1' }, {}, Date.now());
  const binds = 'binds' in draft ? { ...draft.binds, ...change.binds } : {};
  return send(`/v1/rotations/${ID}/approve`, person, { ...draft, ...change, binds });
}
const send = (path: string, person: Person, statement: object): Promise<Answer> =>
  served.post(path, { statement, signature: sshSign(key[person], canonicalBytes(statement), 'reseal-approval-v1') });

beforeAll(async () => {
  served = await ServedMesh.start({ nodes: simulatedNodes(3), successors: 'new-certificate', macs: { tool: await macTool() } });
  const persons = ROSTER.persons.map((person) => ({
    ...person,
    keys: [{ kind: 'ssh', public: key[person.id as Person].line }],
  }));
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
  before = meshTruth(served.mesh);
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

describe('an emergency that does not begin (R11, T2)', () => {
  it('where it does not say what was revoked, or is of another day', async () => {
    expect(await start('ada', '--emergency')).toMatchObject({ exit: 2, stderr: expect.stringContaining('go together') });
    expect(await start('ada', '--revoked', serial())).toMatchObject({ exit: 2 });
    expect(await start('ada', '--emergency', '--revoked', serial(), '--at', '2027-01-01')).toMatchObject({ exit: 2 });
  });

  it('where nothing in force signs with it, and says what does', async () => {
    const refused = await emergency('ada', 'c0ffee');
    expect(refused.exit).not.toBe(0);
    expect(refused.stderr).toContain(
      `nothing on ios-main signs with a certificate of serial …C0FFEE; it signs with …${serial().slice(-6)}`,
    );
  });

  it('where the roster does not let whoever asks, with a right signature and every other right', async () => {
    expect(await emergency('rita')).toMatchObject({ exit: 4, stderr: expect.stringContaining('does not let rita start-emergency') });
  });

  it('by a statement of another certificate, of a planned rotation, or of a rehearsal', async () => {
    const terms = (await (await served.fetch('/v1/lines/ios-main/terms')).json()) as TermsView;
    const draft = draftEmergency(terms, { as: 'ada', ticket: 'INC-1' }, { revoked: serial(), successors: [] }, Date.now());
    const other = { ...draft, revoked: served.mesh.mesh.nextCertificate.serial };
    expect((await send('/v1/rotations', 'ada', other)).body.error).toMatchObject({ code: 'NOT_FOUND' });
    expect((await send('/v1/rotations', 'ada', { ...draft, mode: 'rehearsal' })).body.error).toMatchObject({ code: 'STATEMENT_REFUSED' });
    expect((await send('/v1/rotations', 'ada', { ...draft, revoked: serial().slice(-8) })).body.error).toMatchObject({
      code: 'STATEMENT_REFUSED',
      message: expect.stringContaining('as revoked, and asked is'),
    });
    expect((await send('/v1/rotations', 'grace', draft)).body.error).toMatchObject({ code: 'SIGNATURE_REFUSED' });
  });

  it('while something else is in flight on the line, and says how that is ended', async () => {
    expect(await start('rita', '--successor', ...(await successors()))).toMatchObject({ exit: 0 });
    const refused = await emergency('ada');
    expect(refused).toMatchObject({ exit: 4 });
    expect(refused.stderr).toMatch(/ios-main-1 is in flight .*: `reseal rotation cancel ios-main-1 --as PERSON --ticket TICKET`/s);
    await reseal('rotation', 'cancel', 'ios-main-1', '--as', 'ada', '--ticket', 'INC-1', '--key', key.ada.path);
    await served.untilRotation('ios-main-1', ({ outcome }) => outcome !== null, 'its end');
  });
});

async function successors(): Promise<readonly string[]> {
  const plan = await served.post('/v1/rotations/plan', { line: 'ios-main', revoked: serial() });
  expect(plan.body).toMatchObject({ feasible: true, arithmetic: null, cohorts: [expect.any(Array), expect.any(Array)] });
  return readdirSync(served.mesh.mesh.folders.drop).flatMap((file) =>
    file.endsWith('.mobileprovision') ? [file.split('.')[0] ?? ''] : [],
  );
}

describe('an emergency that begins (R11, T2)', () => {
  it('shows what falls with the certificate and what is signed, and records the revocation', async () => {
    const begun = await emergency('ada', served.mesh.mesh.certificate.sha1);
    expect(begun, begun.stderr).toMatchObject({ exit: 0 });
    expect(begun.stderr).toContain('says      start-emergency a rotation of ios-main');
    expect(begun.stderr).toContain(`revoked   the certificate of serial ${serial()}`);
    expect(begun.stderr).toContain('com.acme.courier');
    await served.untilRotation(ID, ({ gate }) => gate.binds !== null, 'its gate');
    const listed = await reseal('revoke', 'list');
    expect(listed.stdout).toContain(serial().slice(-6));
    expect(listed.stdout).toContain('ada');
  });

  it('shows what it waits for, and changes nothing before that', async () => {
    const shown = await reseal('rotation', 'status', ID);
    expect(shown.stdout).toMatch(/EMERGENCY +the certificate of serial …[0-9A-F]{6} was revoked; forward only/);
    expect(shown.stdout).toMatch(/gate +0 of 2 approvals; may approve: ada, grace; no node is changed before that/);
    expect(shown.stdout).toContain(`reseal rotation approve ${ID} --as PERSON --ticket INC-1`);
    expect(shown.stdout).not.toContain('the canary returns');
    expect(meshTruth(served.mesh)).toEqual(before);
  });

  it('is not begun twice', async () => {
    const refused = await emergency('grace');
    expect(refused).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining(`It is an emergency already, of the certificate of serial …`),
    });
  });

  it.each<[string, Partial<CommandStatement> & { readonly binds?: Partial<GateBinding> }, string]>([
    ['of another manifest', { binds: { to: 'a'.repeat(64) as never } }, 'WRONG_DIGEST'],
    ['of another kind of gate', { binds: { gate: 'signoff' } }, 'STATEMENT_REFUSED'],
    ['of another opening of the gate', { binds: { gateNonce: 'another' } }, 'STATEMENT_REFUSED'],
    ['of a rehearsal', { mode: 'rehearsal' }, 'STATEMENT_REFUSED'],
    ['under another ticket', { ticket: 'INC-2' }, 'WRONG_TICKET'],
  ])('counts no approval %s', async (_, change, code) => {
    expect((await approval('grace', change)).body.error).toMatchObject({ code });
    expect((await served.rotation(ID)).gate.counting).toBe(0);
  });

  it('counts nobody who has imported what it brings', async () => {
    expect((await approval('rita')).body.error).toMatchObject({ code: 'NOT_ENTITLED' });
  });

  it('counts who started it once, and only a second person lets it begin', async () => {
    const first = await approve('ada');
    expect(first, first.stderr).toMatchObject({ exit: 0 });
    expect(first.stderr).toContain('canary: none yet; this is asked before any node is changed');
    expect((await approval('ada')).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await served.rotation(ID)).toMatchObject({ phase: 'preflight', gate: { counting: 1, needed: 2 } });
    expect(meshTruth(served.mesh)).toEqual(before);
    expect(await approve('grace')).toMatchObject({ exit: 0 });
    const { to } = await served.untilRotation(ID, ({ outcome }) => outcome === 'completed', 'its end');
    expect(new Set(Object.values(activeManifests(served.mesh)))).toEqual(new Set([to]));
  });

  it('leads back to nothing once it has completed', async () => {
    const refused = await reseal('rotation', 'rollback', ID, ...said('ada'));
    expect(refused.exit).not.toBe(0);
    expect(refused.stderr).toContain('what it replaced was revoked, and cannot sign');
    expect(await served.rotation(ID)).toMatchObject({ outcome: 'completed' });
  });
});
