import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMandateActivities } from '../../activities/mandates/activities.js';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import { prepareRotation } from '../../activities/rotation/prepare.js';
import { changeScheduleBy } from '../../src/api/schedule-mandates.js';
import type { RotationDesk } from '../../src/api/rotations.js';
import type { LineName, NodeName, PersonId } from '../../src/domain/brands.js';
import { keptImport } from '../../src/domain/imports/kept.js';
import type { ImportStatement } from '../../src/domain/imports/statement.js';
import type { Mandate } from '../../src/domain/mandate.js';
import type { StartStatement } from '../../src/domain/rotation/statement.js';
import type { ScheduleMandate } from '../../src/domain/schedule-mandate.js';
import { sha256Hex } from '../../src/profile/index.js';
import type { CreatedMesh } from '../../src/simulator/mesh/create.js';
import { createRealMesh, REAL_DATE } from '../../src/simulator/mesh/real.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { appleProfile, appleProfilePath } from '../profile/support.js';
import { adoptRoster } from '../setup/adopted-roster.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { NO_ORPHANS } from '../setup/no-orphans.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const LINE = 'ios-main' as LineName;
const FILE = appleProfilePath('c3e20987');
const PROFILE = sha256Hex(appleProfile('c3e20987'));
const OFFSET = Date.parse(REAL_DATE) - Date.now();
const NAMES = ['ada', 'grace', 'rita', 'zed', 'other'] as const;

let folder: string;
let mesh: CreatedMesh;
let around: OpenSurroundings;
let key: Record<(typeof NAMES)[number], SshKey>;
let node: NodeName;
let nonce = 0;

/** Who is on roster.yaml from now on, with which keys. */
function writeRoster(keys: Partial<Record<string, SshKey>>, roles: Readonly<Record<string, readonly string[]>> = {}): void {
  const persons = Object.entries(keys).map(([id, own]) => ({
    ...{ id, name: id, roles: roles[id] ?? ['requesters', 'approvers', 'incident'] },
    keys: own === undefined ? [] : [{ kind: 'ssh', public: own.line }],
  }));
  writeFileSync(join(mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
}

/** Apple's own profiles, on a line with one node that is not simulated, and a roster that two persons have adopted. */
beforeEach(async () => {
  folder = temporaryFolder('reseal-adopted-standing');
  mesh = await createRealMesh(folder, dirname(FILE));
  key = Object.fromEntries(NAMES.map((name) => [name, makeSshKey(folder, name)])) as typeof key;
  writeRoster({ ada: key.ada, grace: key.grace, rita: key.rita }, { rita: ['requesters'] });
  const path = join(mesh.folders.config, 'topology.yaml');
  const topology = parse(readFileSync(path, 'utf8')) as { nodes: { name: string }[] };
  node = topology.nodes[11]?.name as NodeName;
  const nodes = topology.nodes.map((one) => (one.name === node ? { ...one, environment: 'staging' } : one));
  writeFileSync(path, stringify({ ...topology, nodes }));
  around = { ...(await openSurroundings(mesh.folders.config, mesh.folders.root)), sealKey: async () => 'none' };
});
afterEach(async () => {
  await around.close();
  rmSync(folder, { recursive: true, force: true });
});
const adopt = (signers: Record<string, SshKey> = { ada: key.ada, grace: key.grace }) => adoptRoster(around, 'main', signers);

const said = (person: string) => ({
  ...{ schemaVersion: 1 as const, installation: 'acme-demo', mode: 'production' as const, line: LINE, person: person as PersonId },
  ...{ ticket: 'CHG-7', nonce: (nonce += 1).toString(16).padStart(32, '0') },
  ...{ issuedAt: new Date(Date.now() - 1_000).toISOString(), expiresAt: new Date(Date.now() + 600_000).toISOString() },
});
const sign = <S extends object>(who: SshKey, statement: S): { statement: S; signature: string } => ({
  statement,
  signature: sshSign(who, canonicalBytes(statement), 'reseal-approval-v1'),
});

/** Each thing that goes by what somebody signs and is no approval. */
const start = (person: string, who: SshKey): Promise<unknown> => {
  const statement: StartStatement = { ...said(person), says: 'start', mode: 'rehearsal', at: REAL_DATE, successors: [], after: null };
  const request = { line: LINE, trigger: { kind: 'person', by: person as PersonId, ticket: 'CHG-7' }, offset: OFFSET } as const;
  return createRotationActivities(around, NO_ORPHANS).openRotation({
    ...request,
    signed: sign(who, statement),
    key: `run-${nonce}`,
    askedAt: Date.now(),
  });
};
const purge = (person: string, who: SshKey): Promise<unknown> => {
  const statement: Mandate = { ...said(person), says: 'node-purge', node };
  const desk = {
    around,
    ledger: { rotations: async () => [], rotationNodes: async () => [], nodes: async () => [] },
    inFlight: async () => false,
  };
  const asked = { node, line: LINE, by: person as PersonId, ticket: 'CHG-7', key: `run-${nonce}`, signed: sign(who, statement) };
  return createMandateActivities(desk).orderPurge(asked);
};
const schedule = (person: string, who: SshKey): Promise<unknown> => {
  const statement: ScheduleMandate = { ...said(person), says: 'schedule', action: 'pause', at: null };
  // Whoever may not is told before Temporal is asked anything.
  const refuses = { get: (): never => { throw new Error('Temporal was asked'); } }; // prettier-ignore
  return changeScheduleBy({ around, client: { schedule: { getHandle: refuses.get } } } as unknown as RotationDesk, sign(who, statement));
};
const imported = async (person: string, who: SshKey): Promise<void> => {
  const statement: ImportStatement = { ...said(person), says: 'profile-import', profiles: [PROFILE] };
  const document = keptImport(statement.person, { signed: sign(who, statement) });
  await around.store('main').putMany([{ kind: 'profile', bytes: appleProfile('c3e20987'), importedBy: person }, { kind: 'import', of: [PROFILE], document }], {}); // prettier-ignore
  const prepared = await prepareRotation(around, { id: 'ios-main-1', line: LINE, trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' }, offset: OFFSET }); // prettier-ignore
  const finding = prepared.reasons.find((reason) => reason.startsWith('import-not-proven'));
  if (finding !== undefined) throw new Error(finding);
};
const DEEDS: readonly (readonly [string, (person: string, who: SshKey) => Promise<unknown>])[] = [
  ['a rotation begins', start],
  ['a keychain is purged', purge],
  ['the schedule is paused', schedule],
  ['an import is proven', imported],
];

/** Past what this is about the schedule's test has no Temporal to ask. */
const counts = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: unknown) => {
    if (!(error instanceof Error) || error.message !== 'Temporal was asked') throw error;
  });

describe('what is no approval goes by the roster that people have adopted, whatever roster.yaml says since (T2)', () => {
  it.each(DEEDS)('%s by the word of somebody who stands on it', async (_, deed) => {
    await adopt();
    await counts(deed('ada', key.ada));
  });

  it.each(DEEDS)('%s not by the word of a person made up since', async (_, deed) => {
    await adopt();
    writeRoster({ ada: key.ada, grace: key.grace, rita: key.rita, zed: key.zed });
    await expect(counts(deed('zed', key.zed))).rejects.toThrow(/zed is not on roster 1, the newest that people have adopted/);
  });

  it.each(DEEDS)('%s not by a key that was put beside those of somebody else since', async (_, deed) => {
    await adopt();
    writeRoster({ ada: key.other, grace: key.grace, rita: key.rita });
    await expect(counts(deed('ada', key.other))).rejects.toThrow(/ada has not the key that signed it on roster 1/);
  });

  it.each(DEEDS)('%s not by a right that was given since', async (_, deed) => {
    writeRoster({ ada: key.ada, grace: key.grace, rita: key.rita }, { rita: [] });
    await adopt();
    writeRoster({ ada: key.ada, grace: key.grace, rita: key.rita });
    await expect(counts(deed('rita', key.rita))).rejects.toThrow(/roster 1, the newest that people have adopted, does not let rita/);
  });

  it.each(DEEDS)('%s not by the word of who adopted it alone of late, nor of whom that brought in', async (_, deed) => {
    await adopt({ ada: key.ada });
    await expect(counts(deed('ada', key.ada))).rejects.toThrow(/ada adopted roster 1 alone/);
    await expect(counts(deed('grace', key.grace))).rejects.toThrow(/grace was added by roster 1, which ada adopted alone/);
  });

  it.each(DEEDS)('before anybody has adopted a roster %s by roster.yaml as it is', async (_, deed) => {
    await counts(deed('ada', key.ada));
  });
});
