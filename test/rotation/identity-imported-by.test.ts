import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { StoreItem } from '../../activities/manifest-store/contract.js';
import { prepareRotation } from '../../activities/rotation/prepare.js';
import type { LineName, NodeName, PersonId } from '../../src/domain/brands.js';
import type { KeptImport } from '../../src/domain/imports/kept.js';
import { legacyPkcs12 } from '../../src/identity/pkcs12.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { sealedTo } from '../../src/simulator/mesh/signers.js';
import { ROSTER, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { reseal } from '../cli/terminal.js';
import { copyApple } from '../setup/apple.js';
import { adoptRoster } from '../setup/adopted-roster.js';
import { macTool } from '../setup/mac-tool.js';
import { makeSshKey, sshVerifies, type SshKey } from '../setup/ssh-keys.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

let folder: string;
let mesh: SimulatedMesh;
let around: OpenSurroundings;
let mallory: SshKey;
let ines: SshKey;
let grace: SshKey;

function change(name: string, edit: (document: Record<string, never>) => object): void {
  const path = join(mesh.folders.config, name);
  writeFileSync(path, stringify(edit(parse(readFileSync(path, 'utf8')) as Record<string, never>)));
}

/** A mesh whose successors bring a new certificate, which somebody has sealed to its signers by the name of rita; then one of its nodes becomes a real one. */
beforeAll(async () => {
  folder = temporaryFolder('reseal-identity');
  await copyApple(join(folder, 'apple'));
  mesh = await createMesh({ folder, nodes: simulatedNodes(3), macs: { tool: await macTool() }, successors: 'new-certificate' });
  around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  [mallory, ines, grace] = [makeSshKey(folder, 'mallory'), makeSshKey(folder, 'ines'), makeSshKey(folder, 'grace')];
  const person = (id: string, key: SshKey, ...roles: string[]) => ({ id, name: id, roles, keys: [{ kind: 'ssh', public: key.line }] });
  const persons = [
    person('ada', makeSshKey(folder, 'ada'), 'approvers'),
    person('grace', grace, 'approvers'),
    person('mallory', mallory, 'approvers', 'requesters'),
    person('ines', ines, 'requesters'),
    { id: 'rita', name: 'rita', roles: ['requesters'], keys: [] },
  ];
  writeFileSync(join(mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
  change('topology.yaml', (document) => ({
    ...document,
    nodes: (document['nodes'] as unknown as readonly object[]).map((node, index) =>
      index === 2 ? { ...node, environment: 'staging' } : node,
    ),
  }));
  await adoptRoster(around, 'main', { grace, mallory });
  writeFileSync(join(folder, 'next.p12'), legacyPkcs12(mesh.nextCertificate, 'p12-secret'));
  writeFileSync(join(folder, 'password'), 'p12-secret\n');
}, 60_000);
afterAll(async () => {
  await around.close();
  rmSync(folder, { recursive: true, force: true });
});

const prepare = () =>
  prepareRotation(around, {
    id: 'ios-main-1',
    line: 'ios-main' as LineName,
    trigger: { kind: 'person', by: 'schedule' as PersonId, ticket: 'CHG-7' },
    offset: 0,
  });
const importing = (by: string, who: SshKey | null) =>
  reseal(
    ['--config', mesh.folders.config, '--home', mesh.folders.root, 'certificate', 'import', join(folder, 'next.p12')].concat(
      ['--password-file', join(folder, 'password'), '--line', 'ios-main', '--by', by, '--ticket', 'CHG-7'],
      who === null ? [] : ['--key', who.path],
    ),
    { env: { PATH: process.env['PATH'], HOME: tmpdir() }, now: Date.now() },
  );
const deliveryKeys = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    around.configuration().topology.nodes.flatMap(({ name, deliveryKey }) => (deliveryKey === undefined ? [] : [[name, deliveryKey]])),
  );
const kept = async () => (await around.store('main').imports(mesh.nextCertificate.sha1)) as readonly KeptImport[];

it('an identity that was imported by name alone keeps the rotation from beginning, node by node (T2)', async () => {
  const { plan, reasons } = await prepare();
  expect(plan).toBeNull();
  expect(reasons).toHaveLength(Object.keys(deliveryKeys()).length);
  for (const reason of reasons)
    expect(reason).toMatch(
      /^import-not-proven: the copy of identity \w{8} for \S+ was imported by rita, the store says, and nothing proves it \(rita: by name alone.*reseal certificate import FILE --line ios-main/,
    );
});

it('by a name, or by the name of somebody else, the command takes nothing in (T2)', async () => {
  expect((await importing('mallory', null)).exit).toBe(4);
  const refused = await importing('ines', mallory);
  expect(refused).toMatchObject({ exit: 4, stdout: '' });
  expect(refused.stderr).toContain(`It is signed by ${mallory.fingerprint}, which is no key of ines on the roster.`);
  expect(await kept()).toEqual([]);
});

it('signed, over every copy by node and digest, it begins; the importer does not approve, nor whoever was named before (T2)', async () => {
  const ran = await importing('mallory', mallory);
  expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('imported by  mallory') as unknown });
  expect(ran.stderr).toContain(
    `says      mallory imports identity ${mesh.nextCertificate.sha1}, and approves no rotation to it (certificate-import)`,
  );
  const [document] = await kept();
  const { statement, signature } = document!.signed!;
  for (const [node, recipient] of Object.entries(deliveryKeys())) {
    const sealed = await around.store('main').sealedIdentity({ identity: mesh.nextCertificate.sha1, node: node as NodeName, recipient });
    expect(statement).toMatchObject({ copies: expect.arrayContaining([{ node, sha256: sealed?.sha256 }]) as unknown });
    expect(ran.stderr).toContain(`of        copy for ${node} ${sealed?.sha256 ?? ''}`);
  }
  expect(sshVerifies(mallory, canonicalBytes(statement), signature, 'reseal-approval-v1')).toBe(true);
  expect(ran.stdout + ran.stderr + JSON.stringify(document)).not.toMatch(/p12-secret|PRIVATE KEY|AGE-SECRET/);
  expect(await prepare()).toMatchObject({ reasons: [], plan: { eligible: ['ada', 'grace'] } });
});

it('another copy put in its place, under the name of who has signed, is not what they signed (T2)', async () => {
  const items = await sealedTo(deliveryKeys(), [mesh.nextCertificate], 'mallory');
  await around.store('main').putMany(items.slice(0, 1), {});
  const { plan, reasons } = await prepare();
  expect(plan).toBeNull();
  const { node } = items[0] as Extract<StoreItem, { kind: 'sealed-identity' }>;
  expect(reasons).toEqual([
    expect.stringMatching(`^import-not-proven: the copy of identity \\w{8} for ${node} .*mallory: signed for something else`),
  ]);
});

it('imported again by another, who imported it first is washed away by nobody: neither approves (T2)', async () => {
  expect(await importing('ines', ines)).toMatchObject({ exit: 0 });
  const { plan } = await prepare();
  expect(plan).toMatchObject({ eligible: ['ada', 'grace'] });
  expect(plan?.importers).toEqual(expect.arrayContaining(['mallory', 'ines']));
});
