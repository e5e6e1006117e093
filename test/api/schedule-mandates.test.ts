import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { wanted } from '../../activities/manifest-store/store-items.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import type { ScheduleMandate } from '../../src/domain/schedule-mandate.js';
import type { ScheduleView } from '../../src/presenters/schedule.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const HOME = mkdtempSync(join(tmpdir(), 'reseal-schedulers-'));
const PEOPLE = ['ada', 'rita', 'ines', 'mallory'] as const;
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<(typeof PEOPLE)[number], SshKey>;
const URL = '/v1/schedule';

let served: ServedMesh;
let nonce = 0;

/** ada has a key and the right, ines a key and no right, grace the right and no key. */
beforeAll(async () => {
  served = await ServedMesh.start();
  const keysOf = (id: string) => (id === 'ada' || id === 'ines' ? [{ kind: 'ssh', public: key[id].line }] : []);
  const persons = [...ROSTER.persons, { id: 'ines', name: 'Ines', roles: ['approvers'] }];
  const document = { ...ROSTER, persons: persons.map((person) => ({ ...person, keys: keysOf(person.id) })) };
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify(document));
  expect(await served.post(URL, { action: 'ensure', by: 'grace', ticket: 'CHG-2' })).toMatchObject({ status: 200 });
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

const mandate = (change: object = {}): ScheduleMandate => ({
  ...{
    schemaVersion: 1,
    installation: 'acme-demo',
    mode: 'production',
    line: 'ios-main' as LineName,
    person: 'ada' as PersonId,
    ticket: 'CHG-5',
  },
  ...{ nonce: (nonce += 1).toString(16).padStart(32, '0'), issuedAt: new Date().toISOString() },
  ...{ expiresAt: new Date(Date.now() + 600_000).toISOString(), says: 'schedule', action: 'pause', at: null, ...change },
});
const signedBy = (who: SshKey, statement: ScheduleMandate, namespace = 'reseal-approval-v1') => ({
  statement,
  signature: sshSign(who, canonicalBytes(statement), namespace),
});
const shown = async () => (await served.get(URL)).body as unknown as ScheduleView;
const reseal = (...argv: string[]) => served.reseal(['schedule', ...argv], { env: { HOME: tmpdir(), NO_COLOR: '1' } });

describe('the schedule is changed by people of the roster (T2)', () => {
  it.each<[string, object, number, string]>([
    ['by the name of a person who has a key', { by: 'ada' }, 403, 'SIGNATURE_NEEDED'],
    ['by nobody', {}, 400, 'USAGE'],
    ['by somebody without the right', { by: 'ines' }, 403, 'NOT_ENTITLED'],
    ['by a stranger', { by: 'mallory' }, 403, 'NOT_ENTITLED'],
    ['under no ticket of the declared form', { by: 'grace', ticket: 'please' }, 400, 'WRONG_TICKET'],
  ])('%s it is not', async (_, who, status, code) => {
    const answer = await served.post(URL, { action: 'pause', ticket: 'CHG-5', ...who });
    expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
    expect(await shown()).toMatchObject({ paused: false, changed: { action: 'ensure', by: 'grace', ticket: 'CHG-2', nonce: null } });
  });

  it.each<[string, () => object, string]>([
    ['signed by another person', () => signedBy(key.ines, mandate()), 'SIGNATURE_REFUSED'],
    ['signed by a stranger', () => signedBy(key.mallory, mandate()), 'SIGNATURE_REFUSED'],
    ['changed after it was signed', () => ({ ...signedBy(key.ada, mandate()), statement: mandate({ action: 'remove' }) }), 'SIGNATURE_REFUSED'],
    ['signed for another purpose', () => signedBy(key.ada, mandate(), 'git'), 'SIGNATURE_REFUSED'],
    ['for another installation', () => signedBy(key.ada, mandate({ installation: 'acme' })), 'STATEMENT_REFUSED'],
    ['in the name of a line that there is not', () => signedBy(key.ada, mandate({ line: 'ios-beta' })), 'STATEMENT_REFUSED'],
    ['that has expired', () => signedBy(key.ada, mandate({ issuedAt: '2026-01-01T00:00:00Z', expiresAt: '2026-01-01T00:15:00Z' })), 'STATEMENT_REFUSED'],
    ['with something in it that nobody asked for', () => signedBy(key.ada, mandate({ extra: 1 })), 'STATEMENT_REFUSED'],
    ['that says something else', () => signedBy(key.ada, mandate({ says: 'node-purge' })), 'STATEMENT_REFUSED'],
    ['of somebody without the right', () => signedBy(key.ines, mandate({ person: 'ines' })), 'NOT_ENTITLED'],
  ])('a mandate %s changes nothing', async (_, body, code) => {
    expect((await served.post(URL, body())).body.error).toMatchObject({ code });
    expect(await shown()).toMatchObject({ paused: false, changed: { by: 'grace' } });
  }); // prettier-ignore

  it('signed, from the command line: shown in words, said by `schedule show`, and kept with its signature', async () => {
    const paused = await reseal('pause', '--as', 'ada', '--ticket', 'CHG-5', '--key', key.ada.path);
    expect(paused.stderr).toContain('says      stop scanning, and looking for nodes that came back (schedule, pause)');
    expect(paused).toMatchObject({ exit: 0, stdout: expect.stringMatching(/expiry-scan {2}paused .*\n {2}last {4}paused by ada under CHG-5, signed: nonce [0-9a-f]{32}/) as unknown }); // prettier-ignore
    expect((await reseal('show')).stdout).toContain('paused by ada under CHG-5, signed: nonce');
    const refused = await reseal('remove', '--as', 'ada', '--ticket', 'CHG-5', '--key', key.ines.path);
    expect(refused).toMatchObject({ exit: 4, stdout: '' });
    expect(refused.stderr).toContain(`It is signed by ${key.ines.fingerprint}, which is no key of ada on the roster.`);
  });

  it('it counts once: who replays a pause that was ended since is refused (T2)', async () => {
    const pause = signedBy(key.ada, mandate());
    expect(await served.post(URL, pause)).toMatchObject({ status: 200, body: { paused: true, changed: { nonce: pause.statement.nonce } } });
    const { digest } = wanted({ kind: 'frozen', document: { kind: 'mandate', schemaVersion: 1, ...pause } }, Date.now());
    expect(await served.mesh.around.store('main').frozen(digest)).toMatchObject(pause);
    expect(await served.post(URL, signedBy(key.ada, mandate({ action: 'unpause' })))).toMatchObject({ body: { paused: false } });
    expect((await served.post(URL, pause)).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await shown()).toMatchObject({ paused: false, changed: { action: 'unpause', by: 'ada' } });
  });

  it('another date goes with ensure alone, and is signed as a rehearsal', async () => {
    const at = '2026-12-24T00:00:00.000Z';
    expect((await served.post(URL, signedBy(key.ada, mandate({ at, mode: 'rehearsal' })))).body.error).toMatchObject({ code: 'USAGE' });
    expect((await served.post(URL, signedBy(key.ada, mandate({ action: 'ensure', at })))).body.error).toMatchObject({
      code: 'STATEMENT_REFUSED',
    });
    const ran = await reseal('ensure', '--at', '2026-12-24', '--as', 'ada', '--ticket', 'CHG-6', '--key', key.ada.path);
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('last    ensured by ada under CHG-6') as unknown });
    expect(ran.stderr).toContain(`due       as if it were ${at}`);
  });

  it('where one node of any line is not simulated, a name counts for nobody', async () => {
    const path = join(served.mesh.mesh.folders.config, 'topology.yaml');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replace('environment: simulated', 'environment: staging'));
    try {
      expect((await served.post(URL, { action: 'pause', by: 'grace', ticket: 'CHG-5' })).body.error).toMatchObject({
        code: 'SIGNATURE_NEEDED',
      });
    } finally {
      writeFileSync(path, before);
    }
  });
});
