import { describe, expect, it } from 'vitest';
import type { LineDeclaration } from '../../src/domain/topology.js';
import { lineExpected, nodeExpectedText } from '../../src/presenters/node-expected.js';
import type { Sha256 } from '../../src/domain/brands.js';
import { declaration, IDENTITY, LINE, manifestOf } from '../node/mesh.js';

const line: LineDeclaration = {
  identity: 'signers',
  distribution: 'copy',
  profilesOn: ['signer', 'compile'],
  store: 'main',
  sources: [],
  successorOwner: 'alice' as never,
};
const manifest = manifestOf('2026');
const known = { head: { line: LINE, seq: 3, digest: 'a'.repeat(64) as Sha256 }, manifest } as never;
const pen = { styled: (text: string) => text } as never;

describe('what a node should have', () => {
  it('a signer: profiles in both folders, the identity, the settings', () => {
    const expected = lineExpected(declaration('/h', { roles: ['signer'] }), line, LINE, known);
    expect(expected).toMatchObject({
      manifest: 'a'.repeat(64),
      files: 8,
      folders: ['xcode16', 'legacy'],
      identities: [{ sha1: IDENTITY }],
    });
    expect(expected.profiles.map((one) => one.uuid)).toEqual(manifest.profiles.map((one) => one.profile.uuid));
    expect(expected.settings).toEqual([`settings/${'a'.repeat(64)}/app-store`]);
  });

  it('a compile host: the same profiles and no identity; a line without a manifest: nothing', () => {
    const expected = lineExpected(declaration('/h'), line, LINE, known);
    expect(expected).toMatchObject({ files: 8, identities: [] });
    const view = { schemaVersion: 1, node: 'n', keys: 'forbidden', image: 'i', signing: 'b'.repeat(64), lines: [expected, lineExpected(declaration('/h'), line, 'other', null)] } as const; // prettier-ignore
    const text = nodeExpectedText(view, pen).join('\n');
    expect(text).toContain('    identity  none');
    expect(text).toContain(`    profile   ${manifest.profiles[0]!.profile.uuid}  com.acme.courier (app-store), until 2026-11-29T09:14:07Z`);
    expect(text).toContain('  other  manifest none yet: nothing is expected');
    expect(text).toContain(`    gate      --expect-manifest ${'a'.repeat(64)} --expect-signing ${'b'.repeat(64)}`);
    expect(text.match(/--expect-manifest/g)).toHaveLength(1);
  });
});
