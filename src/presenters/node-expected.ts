import type { Head } from '../../activities/manifest-store/contract.js';
import { expectedEntries, expectedFiles, expectedIdentities, heldIdentities, settingsHolder } from '../domain/expected.js';
import type { LineName } from '../domain/brands.js';
import type { Manifest } from '../domain/manifest.js';
import { expectedSummaryText } from '../domain/node/identities.js';
import { settingsSelections } from '../domain/settings.js';
import type { LineDeclaration, NodeDeclaration, Topology } from '../domain/topology.js';
import { sha256Of } from '../manifest/digest.js';
import { freezeManifest } from '../manifest/freeze.js';
import type { Pen } from './rotation-text.js';

/** What a node should have by declaration and by the manifest in force, without asking it. */
export interface NodeExpectedView {
  readonly schemaVersion: 1;
  readonly node: string;
  readonly keys: string;
  readonly image: string;
  /** Digest of the identity summary that the gate is told to expect (`--expect-signing`): over all lines of the node. */
  readonly signing: string;
  readonly lines: readonly LineExpectedView[];
}

export interface LineExpectedView {
  readonly line: string;
  /** Digest of the line's head; null: the line has none yet, and nothing is expected. */
  readonly manifest: string | null;
  /** Its SHA-1, as `shasum` prints it by default. */
  readonly manifestSha1: string | null;
  readonly profiles: readonly {
    readonly bundleId: string;
    readonly method: string;
    readonly uuid: string;
    readonly sha256: string;
    readonly name: string;
    readonly expiresAt: string;
  }[];
  /** Files, counted over the folders that Xcode reads. */
  readonly files: number;
  readonly folders: readonly string[];
  /** SHA-1 of certificates whose private keys are to be on the node. */
  readonly identities: readonly { readonly sha1: string; readonly commonName: string; readonly expiresAt: string }[];
  /** Folders below the line's mount, with what builds read. */
  readonly settings: readonly string[];
  /** What of it is revoked, or said to be, with what to do; missing where there is none. In sentences without their full stop. */
  readonly revoked?: readonly string[];
}

/** A manifest in force on a line; null: the line has none yet. */
type InForce = { readonly head: Head; readonly manifest: Manifest } | null;

/** What a node should have by these heads of its lines. */
export function nodeExpected(
  node: NodeDeclaration,
  lines: Topology['lines'],
  heads: Readonly<Record<LineName, InForce>>,
): NodeExpectedView {
  const own = node.lines.flatMap((name) => {
    const line = lines[name];
    return line === undefined ? [] : [{ name, line, known: heads[name] ?? null }];
  });
  const identities = own.flatMap(({ line, known }) => (known === null ? [] : heldIdentities(node, line, known.manifest)));
  return {
    schemaVersion: 1,
    node: node.name,
    keys: node.keys,
    image: node.image,
    signing: sha256Of(Buffer.from(expectedSummaryText(identities), 'utf8')),
    lines: own.map(({ name, line, known }) => lineExpected(node, line, name, known)),
  };
}

export function lineExpected(node: NodeDeclaration, line: LineDeclaration, name: string, known: InForce): LineExpectedView {
  const folders = node.profileFolders;
  if (known === null)
    return { line: name, manifest: null, manifestSha1: null, profiles: [], files: 0, folders, identities: [], settings: [] };
  const { head, manifest } = known;
  return {
    line: name,
    manifest: head.digest,
    manifestSha1: freezeManifest(manifest).sha1,
    profiles: expectedEntries(node, line, manifest).map(({ bundleId, method, profile }) => {
      const { uuid, sha256, expiresAt } = profile;
      return { bundleId, method, uuid, sha256, name: profile.name, expiresAt };
    }),
    files: expectedFiles(node, line, manifest, head.digest).placements.length,
    folders,
    identities: expectedIdentities(node, line, manifest).map((sha1) => {
      const { commonName = '', expiresAt = '' } = manifest.certificates[sha1] ?? {};
      return { sha1, commonName, expiresAt };
    }),
    settings: settingsSelections(manifest, settingsHolder(node.name, manifest)).map(({ method, variant }) =>
      ['settings', head.digest, method, ...(variant === null ? [] : [variant])].join('/'),
    ),
  };
}

export function nodeExpectedText(view: NodeExpectedView, pen: Pen): string[] {
  const lines = [`${pen.styled(view.node, 'bold')}  image ${view.image}, keys ${view.keys}`];
  for (const line of view.lines) {
    lines.push(`  ${pen.styled(line.line, 'bold')}  manifest ${line.manifest ?? 'none yet: nothing is expected'}`);
    for (const one of line.profiles) lines.push(`    profile   ${one.uuid}  ${one.bundleId} (${one.method}), until ${one.expiresAt}`);
    lines.push(`    files     ${line.files} in ${line.folders.join(' and ')}`);
    for (const one of line.identities) lines.push(`    identity  ${one.sha1}  ${one.commonName}, until ${one.expiresAt}`);
    if (line.identities.length === 0) lines.push('    identity  none');
    for (const one of line.revoked ?? []) lines.push(`    ${pen.styled('REVOKED', 'red')}   ${one}`);
    for (const one of line.settings) lines.push(`    settings  ${one}`);
    if (line.manifest !== null) lines.push(`    gate      --expect-manifest ${line.manifest} --expect-signing ${view.signing}`);
  }
  return lines;
}
