import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { sealedImport, type SealKey } from '../../activities/imports/seal.js';
import { prepareRotation } from '../../activities/rotation/prepare.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import { keptImport, type KeptImport } from '../../src/domain/imports/kept.js';
import type { ImportStatement, Taken } from '../../src/domain/imports/statement.js';
import { sha256Hex } from '../../src/profile/index.js';
import type { CreatedMesh } from '../../src/simulator/mesh/create.js';
import { createRealMesh, REAL_DATE } from '../../src/simulator/mesh/real.js';
import { ROSTER } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { newMachineKey, readMachineKey, type MachineKey } from '../../src/statement/machine-key.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { reseal } from '../cli/terminal.js';
import { appleProfile, appleProfilePath } from '../profile/support.js';
import { adoptRoster } from '../setup/adopted-roster.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const LINE = 'ios-main' as LineName;
const FILE = appleProfilePath('c3e20987');
const PROFILE = sha256Hex(appleProfile('c3e20987'));
const OTHER = sha256Hex(appleProfile('e921776a'));
const installationKey = (): MachineKey => readMachineKey(newMachineKey(), 'the installation', 'reseal order-key new');

let folder: string;
let mesh: CreatedMesh;
let around: OpenSurroundings;
let sealKey: SealKey;
let key: Record<'ada' | 'grace' | 'ines' | 'mallory' | 'new', SshKey>;

/** mallory may import and approve, as may everybody; ines only imports. */
function writeRoster(keys: Partial<Record<string, SshKey>> = key): void {
  const person = (id: string, ...roles: string[]) => ({ id, name: id, roles, keys: keys[id] === undefined ? [] : [{ kind: 'ssh', public: keys[id].line }] }); // prettier-ignore
  const persons = [person('ada', 'approvers', 'requesters'), person('grace', 'approvers'), person('mallory', 'approvers', 'requesters'), person('ines', 'requesters'), person('rita', 'requesters')]; // prettier-ignore
  writeFileSync(join(mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
}

function change(name: string, edit: (document: Record<string, never>) => object): void {
  const path = join(mesh.folders.config, name);
  writeFileSync(path, stringify(edit(parse(readFileSync(path, 'utf8')) as Record<string, never>)));
}

/** Apple's own profiles, one of which follows the other, on a line with one node that is not simulated. */
beforeEach(async () => {
  folder = temporaryFolder('reseal-imported-by');
  mesh = await createRealMesh(folder, dirname(FILE));
  key = Object.fromEntries(['ada', 'grace', 'ines', 'mallory', 'new'].map((name) => [name, makeSshKey(folder, name)])) as typeof key;
  writeRoster();
  change('topology.yaml', (document) => ({
    ...document,
    nodes: (document['nodes'] as unknown as readonly object[]).map((node, index) =>
      index === 11 ? { ...node, environment: 'staging' } : node,
    ),
  }));
  sealKey = 'none';
  around = { ...(await openSurroundings(mesh.folders.config, mesh.folders.root)), sealKey: async () => sealKey };
});
afterEach(async () => {
  await around.close();
  rmSync(folder, { recursive: true, force: true });
});

/** With the roster as it is then, which people have adopted. */
async function prepare() {
  await adoptRoster(around, 'main', { grace: key.grace, mallory: key.mallory });
  return prepareRotation(around, {
    id: 'ios-main-1',
    line: LINE,
    trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' },
    offset: Date.parse(REAL_DATE) - Date.now(),
  });
}
const cli = (...argv: string[]) =>
  reseal(['--config', mesh.folders.config, '--home', mesh.folders.root, ...argv], {
    env: { PATH: process.env['PATH'], HOME: tmpdir() },
    now: Date.now(),
  });
const importing = (by: string, who: SshKey | null, ...more: string[]) =>
  cli('profile', 'import', FILE, '--line', LINE, '--by', by, '--ticket', 'CHG-7', ...(who === null ? [] : ['--key', who.path]), ...more);

const STATEMENT = (change: object = {}): ImportStatement => ({
  ...{ schemaVersion: 1, installation: 'acme-demo', mode: 'production', line: LINE, person: 'ada' as PersonId, ticket: 'CHG-7' },
  ...{ nonce: 'a'.repeat(32), issuedAt: '2026-01-01T09:00:00Z', expiresAt: '2026-01-01T09:15:00Z' },
  ...({ says: 'profile-import', profiles: [PROFILE] } satisfies Taken),
  ...change,
});
const signed = (who: SshKey, statement = STATEMENT(), namespace = 'reseal-approval-v1'): KeptImport =>
  keptImport(statement.person, { signed: { statement, signature: sshSign(who, canonicalBytes(statement), namespace) } });
/** As whoever has the store's credentials writes it, past every command. */
const put = (document: KeptImport, importedBy = document.by): Promise<unknown> =>
  around.store('main').putMany([{ kind: 'profile', bytes: appleProfile('c3e20987'), importedBy }, { kind: 'import', of: [PROFILE], document }], {}); // prettier-ignore
const NOT_PROVEN = (why: string): unknown => expect.stringMatching(new RegExp(`^import-not-proven: drop/c3e20987\\.mobileprovision was imported by .*\\(.*${why}.*\\); have it imported again by somebody who signs: reseal profile import FILE --line ios-main`)); // prettier-ignore
const git = (...argv: string[]): string => execFileSync('git', ['-c', 'user.name=m', '-c', 'user.email=m@x', ...argv], { encoding: 'utf8', stdio: 'pipe' }); // prettier-ignore

/** By a commit of whoever may push to the store. */
function commit(subject: string, files: Readonly<Record<string, string>>): void {
  const clone = mkdtempSync(join(folder, 'clone-'));
  git('clone', '-q', '--branch', 'main', mesh.folders.store, clone);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    writeFileSync(join(clone, path), text);
  }
  git('-C', clone, 'add', '-A');
  git('-C', clone, 'commit', '-qm', subject);
  git('-C', clone, 'push', '-q', 'origin', 'main');
}

/** What the store's record says is another's. */
const rewriteRecord = (by: string): void =>
  commit('Correct the importer', { [`profiles/${PROFILE}.json`]: JSON.stringify({ importedBy: by, at: '2026-01-01T09:00:00.000Z' }) });

describe('on a line with a node that is not simulated, who imports signs (T2)', () => {
  it('the command shows in words what is signed, the worker finds it proven, and the importer does not approve', async () => {
    const ran = await importing('mallory', key.mallory);
    expect(ran.stderr).toContain('says      mallory imports 1 profile, and approves no rotation to them (profile-import)');
    expect(ran.stderr).toContain(`of        profile ${PROFILE}`);
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('Imported 1 profile as mallory.') as unknown });
    expect(await prepare()).toMatchObject({ reasons: [], plan: { eligible: ['ada', 'grace'], importers: ['mallory'] } });
  });

  it.each<[string, string, () => SshKey | null, string]>([
    ['by name alone', 'mallory', () => null, 'mallory signs with SHA256:'],
    ['by the name of somebody without a key', 'rita', () => null, 'the roster has no key of rita yet'],
    ["under another's name", 'ada', () => key.mallory, 'which is no key of ada on the roster'],
  ])('%s the command takes nothing in', async (_, by, who, says) => {
    const ran = await importing(by, who());
    expect(ran).toMatchObject({ exit: 4, stdout: '' });
    expect(ran.stderr).toContain(says);
    expect([await around.store('main').importer(PROFILE), await around.store('main').imports(PROFILE)]).toEqual([null, []]);
  });

  it('what lies in a drop folder alone is the source’s, and approvers approve it', async () => {
    expect(await prepare()).toMatchObject({ reasons: [], plan: { eligible: ['ada', 'grace', 'mallory'], importers: ['source:drop'] } });
  });
});

describe('the importer who would approve, with the store’s credentials (T2)', () => {
  it.each<[string, () => KeptImport, string]>([
    ["under another's name", () => keptImport('ada'), 'ada: by name alone'],
    ["under another's name, signed with their own key", () => signed(key.mallory), 'ada: signed by SHA256:\\S+, which is no key of ada on the roster'],
    ['with a signature of another digest', () => signed(key.ada, STATEMENT({ profiles: [OTHER] })), 'ada: signed for something else'],
    ['with a signature of another line', () => signed(key.ada, STATEMENT({ line: 'ios-beta' })), 'ada: signed for line ios-beta'],
    ['with a signature of another installation', () => signed(key.ada, STATEMENT({ installation: 'acme' })), 'it is for the installation acme'],
    ['with a signature of another kind', () => signed(key.ada, STATEMENT(), 'git'), 'made for the namespace "git"'],
    ['with a signature changed since', () => ({ ...signed(key.ada), signed: { ...signed(key.ada).signed!, statement: STATEMENT({ ticket: 'CHG-8' }) } }), 'does not fit what it is said to sign'],
    ['with one dated to come', () => signed(key.ada, STATEMENT({ issuedAt: '2036-01-01T09:00:00Z', expiresAt: '2036-01-01T09:15:00Z' })), 'it was issued at 2036'],
    ['with that of somebody who may not import', () => signed(key.grace, STATEMENT({ person: 'grace' })), 'the roster does not let grace import'],
    ['with a statement of nothing', () => keptImport('ada', { signed: { statement: {}, signature: 'x' } as never }), 'what is kept is no signed statement'],
    ['with a document of nobody', () => ({}) as KeptImport, 'ada: by name alone'],
  ])('%s keeps the rotation from beginning', async (_, document, why) => {
    await put(document(), 'ada');
    const { plan, reasons } = await prepare();
    expect(plan).toBeNull();
    expect(reasons[0]).toEqual(NOT_PROVEN(why));
  }); // prettier-ignore

  it('replayed: the signature that was given for another import of another profile proves nothing of this one', async () => {
    await importing('ada', key.ada);
    const kept = (await around.store('main').imports(PROFILE)) as readonly KeptImport[];
    await around.store('main').putMany([{ kind: 'import', of: [OTHER], document: kept[0]! }], {});
    rmSync(join(mesh.folders.drop, 'c3e20987.mobileprovision'));
    writeFileSync(join(mesh.folders.drop, 'e921776a.mobileprovision'), appleProfile('e921776a'));
    const { plan, reasons } = await prepare();
    expect(plan).toBeNull();
    expect(reasons).toContainEqual(expect.stringMatching(/^import-not-proven: .*ada: signed for something else/));
  });

  it('who imported it once stays where they are when another imports it again, and when the record is written over', async () => {
    await importing('mallory', key.mallory);
    await importing('ines', key.ines);
    expect(await prepare()).toMatchObject({ reasons: [], plan: { eligible: ['ada', 'grace'] } });
    rewriteRecord('ines');
    expect((await prepare()).plan).toMatchObject({
      eligible: ['ada', 'grace'],
      importers: expect.arrayContaining(['mallory', 'ines']) as unknown,
    });
    rewriteRecord('source:drop');
    expect((await prepare()).plan).toMatchObject({ eligible: ['ada', 'grace'] });
  });

  it('a document that is no JSON keeps it from beginning, and no worker busy', async () => {
    const digest = sha256Hex(Buffer.from('x'));
    commit('Nonsense', { [`frozen/${digest}.json`]: 'x', [`imports/${PROFILE}/${digest}.json`]: '{}' });
    const { plan, reasons } = await prepare();
    expect(plan).toBeNull();
    expect(reasons).toEqual([NOT_PROVEN('somebody: what is kept of it names nobody')]);
  });

  it('who is named without proof is no way past it: imported again with a signature it begins, and neither of them approves', async () => {
    await put(keptImport('ada'));
    expect(await prepare()).toMatchObject({ plan: null });
    expect(await importing('ines', key.ines)).toMatchObject({ exit: 0 });
    expect(await prepare()).toMatchObject({ reasons: [], plan: { eligible: ['grace', 'mallory'], importers: expect.arrayContaining(['ada', 'ines']) as unknown } }); // prettier-ignore
  });

  it('a key that was replaced since proves nothing any more; signed with the new one it does', async () => {
    await importing('ines', key.ines);
    writeRoster({ ...key, ines: key.new });
    expect(await prepare()).toMatchObject({
      plan: null,
      reasons: [NOT_PROVEN('ines: signed by SHA256:\\S+, which is no key of ines on the roster')],
    });
    expect(await importing('ines', key.new)).toMatchObject({ exit: 0 });
    expect(await prepare()).toMatchObject({ reasons: [], plan: { importers: ['ines'] } });
  });
});

describe('where the installation has a key, what its workers import themselves is sealed (T2)', () => {
  beforeEach(() => (sealKey = installationKey()));

  it('the seal of a worker proves it the next time; it is kept beside the profile', async () => {
    expect(await prepare()).toMatchObject({ reasons: [] });
    expect(await around.store('main').imports(PROFILE)).toMatchObject([
      { by: 'source:drop', sealed: { statement: { profiles: [PROFILE] } } },
    ]);
    expect(await prepare()).toMatchObject({ reasons: [], plan: { importers: ['source:drop'] } });
  });

  it.each<[string, () => KeptImport, string]>([
    ['without a seal', () => keptImport('source:drop'), 'source:drop: without the seal of this installation'],
    ['with the seal of another key', () => sealedImport(installationKey(), 'acme-demo', [PROFILE], 'drop'), 'sealed by another key'],
    ['with the seal of another profile', () => sealedImport(sealKey as MachineKey, 'acme-demo', [OTHER], 'drop'), 'sealed for something else'],
    ['with the seal of another source', () => ({ ...sealedImport(sealKey as MachineKey, 'acme-demo', [PROFILE], 'apple'), by: 'source:drop' }), 'sealed for something else'],
    ['with the seal of another installation', () => sealedImport(sealKey as MachineKey, 'acme', [PROFILE], 'drop'), 'sealed for the installation acme'],
    ['with something that is no seal', () => keptImport('source:drop', { sealed: { statement: {}, signature: 1 } as never }), 'what is kept is no seal'],
  ])('an importer who writes source:drop on their own import %s keeps the rotation from beginning', async (_, document, why) => {
    await put(document(), 'source:drop');
    expect(await prepare()).toMatchObject({ plan: null, reasons: [NOT_PROVEN(why)] });
  }); // prettier-ignore

  it('who had imported it, and writes source:drop over their record, approves as little as before', async () => {
    await importing('mallory', key.mallory);
    rewriteRecord('source:drop');
    expect(await prepare()).toMatchObject({ plan: { eligible: ['ada', 'grace'] } });
  });

  it('whoever only looks reports no seal as missing that they cannot verify', async () => {
    await prepare();
    sealKey = 'elsewhere';
    expect(await prepare()).toMatchObject({ reasons: [] });
  });
});

describe('who froze the manifest that is to come into force (T2)', () => {
  const freezing = (as: string, who: SshKey | null) => {
    return cli('manifest', 'freeze', join(folder, 'next'), '--line', LINE, '--as', as, '--ticket', 'CHG-7', ...(who === null ? [] : ['--key', who.path])); // prettier-ignore
  };
  beforeEach(() => {
    mkdirSync(join(folder, 'next'));
    writeFileSync(join(folder, 'next/c3e20987.mobileprovision'), appleProfile('c3e20987'));
    writeFileSync(
      join(folder, 'next/apps.yaml'),
      stringify({ apps: { jigx: { 'com.jigx.test.ios': { role: 'host', targets: ['Jigx'] } } } }),
    );
  });

  it('signs it, and its profiles with it; by name alone nothing is frozen', async () => {
    expect(await freezing('mallory', null)).toMatchObject({ exit: 4, stdout: '' });
    const ran = await freezing('mallory', key.mallory);
    expect(ran.stderr).toContain('says      mallory freezes 1 profile as a manifest, and approves no rotation to them (manifest-freeze)');
    expect(ran).toMatchObject({ exit: 0 });
    const { plan } = await prepare();
    expect(ran.stdout).toContain(plan!.to);
    expect(plan).toMatchObject({ eligible: ['ada', 'grace'], importers: ['mallory'] });
  });

  it('is proven like an importer', async () => {
    const { plan } = await prepare();
    await around.store('main').putMany([{ kind: 'import', of: [plan!.to], document: keptImport('ada') }], {});
    expect(await prepare()).toMatchObject({
      plan: null,
      reasons: [
        expect.stringMatching(
          /^freeze-not-proven: manifest \w{12} was frozen by ada, the store says, and nothing proves it \(ada: by name alone/,
        ),
      ],
    });
  });
});

it('on a line where every node is simulated names count as they are, and whoever imports it again approves as little', async () => {
  change('topology.yaml', (document) => ({ ...document, nodes: (document['nodes'] as unknown as readonly object[]).map((node) => ({ ...node, environment: 'simulated' })) })); // prettier-ignore
  writeRoster({});
  for (const by of ['mallory', 'ada']) expect(await importing(by, null)).toMatchObject({ exit: 0, stderr: '' });
  change('policy.yaml', (document) => ({ ...document, gate: { ...(document['gate'] as unknown as object), approvals: 1 } }));
  expect(await prepare()).toMatchObject({ reasons: [], plan: { eligible: ['grace'], importers: ['mallory', 'ada'] } });
});
