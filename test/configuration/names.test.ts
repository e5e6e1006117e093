import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDropSource } from '../../activities/profile-source/drop.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { APPLE_ROOTS, pinRoots, VerifiedProfiles, verifyProfile } from '../../src/profile/index.js';
import { openAppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { manifestOf, TEAM } from '../node/mesh.js';
import { copyApple } from '../setup/apple.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const HOSTILE = [
  '../x', '/etc/passwd', '-oProxyCommand=touch /tmp/x', '--upload-pack=touch /tmp/x', 'a\u0000b', 'a\nb', '$(id)', '`id`', 'a;id', "a'b", 'a b', 'x'.repeat(300), '', '.', '..', 'a/../b',
]; // prettier-ignore

/** Where a name stands that becomes part of a path, a command line, a workflow's id or a ref. */
const DOORS = [
  ['a node', 'topology.yaml', 'name: ams-build-1,'],
  ['a line', 'topology.yaml', '  ios-main:\n'],
  ['a pipeline', 'topology.yaml', 'name: courier-release,'],
  ['the installation', 'topology.yaml', 'installation: acme-prod'],
  ['a host', 'topology.yaml', 'host: 10.1.0.13,'],
  ['a user of a host', 'topology.yaml', 'user: reseal }'],
  ['a person', 'roster.yaml', 'id: alice,'],
  ['a branch', 'reseal.yaml', 'branch: main }'],
  ['a branch of a match repository', 'reseal.yaml', 'branch: master,'],
  ['a ticket', 'policy.yaml', 'ticket: CHG-1 }'],
] as const;
/** Beside what the example declares. */
const MATCH = 'sources: { certificates: { kind: match, url: ./match.git, branch: master, passphrase: { environment: MATCH_PASSWORD } }, ';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('reseal-names');
  cpSync(join(import.meta.dirname, 'example'), folder, { recursive: true });
  const sources = join(folder, 'reseal.yaml');
  writeFileSync(sources, readFileSync(sources, 'utf8').replace('sources: { ', MATCH));
  expect(loadConfiguration(folder).reseal.sources).toHaveProperty('certificates');
  return () => rmSync(folder, { recursive: true, force: true });
});

describe.each(DOORS)('the name of %s', (_what, file, place) => {
  it.each(HOSTILE)('is not %j: refused, with its place', (name) => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(place);
    const quoted = JSON.stringify(name);
    const written = place.trim().endsWith(':') ? `  ${quoted}:\n` : place.replace(/: [^,}\n ]+/, () => `: ${quoted}`);
    writeFileSync(path, text.replace(place, () => written));
    let refused: unknown = null;
    try {
      loadConfiguration(folder);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'CONFIG_INVALID', details: expect.arrayContaining([expect.stringMatching(new RegExp(`^${file}:\\d+ `))]) });
  });
}); // prettier-ignore

it.each(HOSTILE)('a ticket on a command is not %j, by the form that the policy declares where it says nothing else', (ticket) => {
  expect(ticketRefusal(ticket, loadConfiguration(folder).policy)).toContain('is no ticket id');
});

/** A profile's UUID is the name of its file on every node, and both come out of a file that somebody else may have made. */
describe.each(['uuid', 'fileName'] as const)('the %s of a profile in a manifest', (field) => {
  it.each(field === 'uuid' ? [...HOSTILE, '753BAD01-23C2-521A-B90E-D56F6E4BB7E1', '753bad01-23c2-521a-b90e-d56f6e4bb7e1/..'] : HOSTILE)(
    'is not %j',
    (name) => {
      const manifest = manifestOf('2025');
      const [first, ...rest] = manifest.profiles;
      const hostile = (fields: object): object => ({
        ...manifest,
        profiles: [{ ...first, profile: { ...first?.profile, ...fields } }, ...rest],
      });
      const read = (document: object) => parseManifest(Buffer.from(canonicalJson(document)), 'profiles.json');
      expect(read(hostile({})).profiles).toHaveLength(manifest.profiles.length);
      // Also where the one fits the other.
      const both = field === 'uuid' ? { uuid: name, fileName: `${name}.mobileprovision` } : { fileName: name };
      expect(() => read(hostile(both))).toThrow(
        expect.objectContaining({ code: 'MANIFEST_INVALID', details: expect.arrayContaining([expect.stringContaining(field)]) }),
      );
    },
  );
});

it('the UUID that a profile has of itself is one, or the file is no profile: it never becomes another path', async () => {
  const apple = join(folder, 'apple');
  await copyApple(apple);
  const hierarchy = await openAppleHierarchy(apple);
  const [certificate] = await hierarchy.certificates();
  const roots = [...APPLE_ROOTS, ...pinRoots([hierarchy.rootPem])];
  const made = (uuid: string): Uint8Array =>
    hierarchy.makeProfile({
      uuid,
      name: 'Courier',
      team: TEAM,
      teamName: 'Acme GmbH',
      bundleId: 'com.acme.courier',
      kind: 'app-store',
      certificates: [certificate!],
      createdAt: new Date('2026-01-01T00:00:00Z'),
      expiresAt: certificate!.notAfter,
    });
  expect(verifyProfile(made('753BAD01-23C2-521A-B90E-D56F6E4BB7E1'), { roots }).profile.uuid).toBe('753bad01-23c2-521a-b90e-d56f6e4bb7e1');
  // What XML itself cannot hold is no property list.
  for (const uuid of HOSTILE.filter((name) => !name.includes('\u0000')))
    expect(() => verifyProfile(made(uuid), { roots })).toThrow(expect.objectContaining({ code: 'NOT_A_PROFILE' }));

  // Nor does the name that its file had where somebody dropped it.
  const drop = join(folder, 'dropped');
  mkdirSync(drop);
  const names = HOSTILE.filter((name) => !/[/\u0000]/.test(name) && !name.startsWith('.') && name.length < 200 && name !== '');
  for (const name of names) writeFileSync(join(drop, `${name}.mobileprovision`), made('753bad01-23c2-521a-b90e-d56f6e4bb7e1'));
  const { candidates, ignored } = await createDropSource({
    name: 'drop',
    folder: drop,
    profiles: new VerifiedProfiles({ roots }),
    holders: [],
  }).list();
  expect(ignored).toEqual([]);
  expect(candidates.map(({ profile }) => profile.uuid)).toEqual(names.map(() => '753bad01-23c2-521a-b90e-d56f6e4bb7e1'));
});
