import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { StoreItem } from '../../activities/manifest-store/contract.js';
import type { LineName, PersonId, Sha256 } from '../../src/domain/brands.js';
import { keptImport, type KeptImport } from '../../src/domain/imports/kept.js';
import type { ImportStatement } from '../../src/domain/imports/statement.js';
import { sha256Hex } from '../../src/profile/index.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { newMachineKey } from '../../src/statement/machine-key.js';
import { adoptRoster } from '../setup/adopted-roster.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const HOME = mkdtempSync(join(tmpdir(), 'reseal-importers-'));
const PEOPLE = ['ada', 'grace', 'rita', 'mallory'] as const;
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<(typeof PEOPLE)[number], SshKey>;

let served: ServedMesh;
let profiles: readonly Buffer[];
let digests: readonly Sha256[];

function change(name: string, edit: (document: Record<string, never>) => object): void {
  const path = join(served.mesh.mesh.folders.config, name);
  writeFileSync(path, stringify(edit(parse(readFileSync(path, 'utf8')) as Record<string, never>)));
}

/** A mesh whose installation has a key; once it is served, a node that is not simulated follows its line, and mallory both imports and approves. */
beforeAll(async () => {
  writeFileSync(join(HOME, 'order.key'), newMachineKey(), { mode: 0o600 });
  served = await ServedMesh.start({
    changed: async ({ folders }) => {
      const path = join(folders.config, 'reseal.yaml');
      const declared = parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(path, stringify({ ...declared, orders: { key: { file: join(HOME, 'order.key') } } }));
    },
  });
  const persons = [...ROSTER.persons, { id: 'mallory', name: 'Mallory', roles: ['requesters', 'approvers'] }];
  const keysOf = (id: string) => [{ kind: 'ssh', public: key[id as keyof typeof key].line }];
  change('roster.yaml', () => ({ ...ROSTER, persons: persons.map((person) => ({ ...person, keys: keysOf(person.id) })) }));
  change('topology.yaml', (document) => ({
    ...document,
    nodes: [
      ...(document['nodes'] as unknown as readonly object[]),
      { name: 'ams-volume-1', region: 'eu-west', roles: ['publisher'], environment: 'staging', image: 'tahoe-1' },
    ],
  }));
  await adoptRoster(served.mesh.around, 'main', { ada: key.ada, grace: key.grace });
  const { drop } = served.mesh.mesh.folders;
  profiles = readdirSync(drop).map((name) => readFileSync(join(drop, name)));
  digests = profiles.map((bytes) => sha256Hex(bytes));
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

const start = (after: string | null) =>
  served.reseal(
    ['rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1', '--key', key.rita.path].concat(
      after === null ? [] : ['--after', after],
    ),
    { env: { HOME } },
  );
/** As whoever has the store's credentials writes it. */
const put = (by: string, document: KeptImport) =>
  served.mesh.around
    .store('main')
    .putMany(
      [...profiles.map((bytes): StoreItem => ({ kind: 'profile', bytes, importedBy: by })), { kind: 'import', of: digests, document }],
      {},
    );
function signed(who: keyof typeof key, of: readonly Sha256[], line = 'ios-main'): KeptImport {
  const at = Date.now();
  const statement: ImportStatement = {
    ...{
      schemaVersion: 1,
      installation: 'acme-demo',
      mode: 'production',
      line: line as LineName,
      person: who as PersonId,
      ticket: 'CHG-1',
    },
    ...{ nonce: 'b'.repeat(32), issuedAt: new Date(at).toISOString(), expiresAt: new Date(at + 600_000).toISOString() },
    ...{ says: 'profile-import', profiles: of },
  };
  return keptImport(who, { signed: { statement, signature: sshSign(key[who], canonicalBytes(statement), 'reseal-approval-v1') } });
}
const refusedReasons = async (id: string, after: string | null): Promise<readonly string[]> => {
  expect(await start(after)).toMatchObject({ exit: 0 });
  await served.desk.client.workflow.getHandle('rotation/ios-main').result();
  return (await served.rotation(id)).reasons;
};

it('a worker begins no rotation to what its importer, with the credentials of the store, has put there under source:drop or in the name of another (T2)', async () => {
  await put('source:drop', keptImport('source:drop'));
  const reasons = await refusedReasons('ios-main-1', null);
  expect(reasons).toHaveLength(profiles.length);
  for (const reason of reasons)
    expect(reason).toMatch(/^import-not-proven: drop\/\S+ was imported by source:drop, .*without the seal of this installation/);

  await put('mallory', signed('mallory', [digests[0]!]));
  const others = await refusedReasons('ios-main-2', 'ios-main-1');
  expect(others).toHaveLength(profiles.length - 1);
  expect(others.join('\n')).toMatch(/mallory: signed for something else/);

  await put('mallory', signed('mallory', digests, 'ios-beta'));
  expect((await refusedReasons('ios-main-3', 'ios-main-2')).join('\n')).toMatch(/mallory: signed for line ios-beta/);
});

it('what they sign themselves lets it begin, and they are not among those who approve it (T2)', async () => {
  await put('mallory', signed('mallory', digests));
  expect(await start('ios-main-3')).toMatchObject({ exit: 0 });
  const { gate, reasons } = await served.untilRotation('ios-main-4', ({ to }) => to !== null, 'its plan');
  expect(reasons).toEqual([]);
  expect(gate.eligible).toEqual(['ada', 'grace']);
});
