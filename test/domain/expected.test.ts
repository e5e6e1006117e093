import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, Sha256 } from '../../src/domain/brands.js';
import { expectedFiles } from '../../src/domain/expected.js';
import type { LineDeclaration, NodeDeclaration, NodeRole, ProfileFolder } from '../../src/domain/topology.js';
import { manifests } from './manifest-arbitrary.js';

const DIGEST = 'a'.repeat(64) as Sha256;
const ROLES: readonly NodeRole[] = ['signer', 'compile', 'publisher'];

const nodes = fc
  .record({
    name: fc.constantFrom('ams-build-1', 'ams-build-2', 'ams-build-3'),
    roles: fc.subarray([...ROLES], { minLength: 1 }),
    profileFolders: fc.subarray<ProfileFolder>(['xcode16', 'legacy'], { minLength: 1 }),
    follows: fc.boolean(),
  })
  .map(
    ({ name, roles, profileFolders, follows }) =>
      ({ name: name as NodeName, roles, profileFolders, lines: follows ? ['ios-main' as LineName] : [] }) as unknown as NodeDeclaration,
  );
const lines = fc.subarray([...ROLES]).map((profilesOn) => ({ profilesOn }) as unknown as LineDeclaration);

describe('the expected set of a node (R2, S4)', () => {
  it('has every profile once per folder, and no other', () => {
    fc.assert(
      fc.property(nodes, lines, manifests, (node, line, manifest) => {
        const { manifest: digest, placements } = expectedFiles(node, line, manifest, DIGEST);
        expect(digest).toBe(DIGEST);
        const names = placements.map((one) => `${one.folder}/${one.fileName}`);
        expect(new Set(names).size).toBe(names.length);
        const needed = manifest.profiles.filter(
          (entry) =>
            entry.holder === node.name || (entry.holder === undefined && node.roles.some((role) => line.profilesOn.includes(role))),
        );
        const wanted = node.lines.includes(manifest.line)
          ? needed.flatMap((entry) => node.profileFolders.map((folder) => `${folder}/${entry.profile.fileName}`))
          : [];
        expect(new Set(names)).toEqual(new Set(wanted));
      }),
    );
  });

  it("never has another holder's profile", () => {
    fc.assert(
      fc.property(nodes, lines, manifests, (node, line, manifest) => {
        const foreign = new Set(
          manifest.profiles.filter((entry) => entry.holder !== undefined && entry.holder !== node.name).map((entry) => entry.profile.uuid),
        );
        for (const placement of expectedFiles(node, line, manifest, DIGEST).placements) expect(foreign.has(placement.uuid)).toBe(false);
      }),
    );
  });
});
