import type { LineName, NodeName, Sha1, Sha256 } from './brands.js';
import type { Manifest, ManifestEntry } from './manifest.js';
import type { ManifestFiles, Placement } from './node/steps.js';
import type { LineDeclaration, NodeDeclaration } from './topology.js';

/**
 * Whether a node needs an entry: a holder named by the entry alone, whatever its roles; without one, every node that has a
 * role of the line's `profilesOn`. A node that does not follow the manifest's line needs nothing.
 */
export function needsEntry(node: NodeDeclaration, line: LineDeclaration, manifest: Pick<Manifest, 'line'>, entry: ManifestEntry): boolean {
  if (!node.lines.includes(manifest.line)) return false;
  if (entry.holder !== undefined) return entry.holder === node.name;
  return node.roles.some((role) => line.profilesOn.includes(role));
}

/** The nodes that a manifest of this line concerns: those that need something of it, and who publishes it. */
export const concernedNodes = (nodes: readonly NodeDeclaration[], line: LineDeclaration, manifest: Manifest): readonly NodeDeclaration[] =>
  nodes.filter(
    (node) =>
      expectedEntries(node, line, manifest).length > 0 ||
      (line.distribution === 'mount' && node.name === line.publisher && node.lines.includes(manifest.line)),
  );

/** The entries that this node should have, in the manifest's order. */
export function expectedEntries(node: NodeDeclaration, line: LineDeclaration, manifest: Manifest): readonly ManifestEntry[] {
  return manifest.profiles.filter((entry) => needsEntry(node, line, manifest, entry));
}

/**
 * `expected(node, manifest)` as files: every profile that the node needs, once per folder that Xcode reads on it. A profile
 * that serves several entries is one file.
 */
export function expectedFiles(node: NodeDeclaration, line: LineDeclaration, manifest: Manifest, manifestDigest: Sha256): ManifestFiles {
  const profiles = new Map(expectedEntries(node, line, manifest).map(({ profile }) => [profile.uuid, profile]));
  const placements = node.profileFolders.flatMap((folder) =>
    [...profiles.values()].map(({ fileName, uuid, sha256 }): Placement => ({ folder, fileName, uuid, sha256 })),
  );
  return { manifest: manifestDigest, placements, identities: heldIdentities(node, line, manifest) };
}

/** The identities that are to be on this node: those of a sidecar are there, and those of signers on signers alone. Each once. */
export function expectedIdentities(node: NodeDeclaration, line: LineDeclaration, manifest: Manifest): readonly Sha1[] {
  const elsewhere = line.identity === 'sidecar' || (line.identity === 'signers' && !node.roles.includes('signer'));
  return elsewhere ? [] : [...new Set(expectedEntries(node, line, manifest).map((entry) => entry.identity))];
}

/** The identities with which a node has its sidecar sign: those of all its entries, each once; none where keys are elsewhere. */
export const aliasedIdentities = (node: NodeDeclaration, line: LineDeclaration, manifest: Manifest): readonly Sha1[] =>
  line.identity === 'sidecar' ? [...new Set(expectedEntries(node, line, manifest).map((entry) => entry.identity))] : [];

/**
 * The nodes that an identity of this line is to be brought to: those that may hold keys, and of the roles that the line's topology gives them.
 * @param holder with an identity per node: the one that it is for
 */
export function identityHolders(
  nodes: readonly NodeDeclaration[],
  name: LineName,
  line: LineDeclaration,
  holder?: NodeName,
): readonly NodeDeclaration[] {
  if (line.identity === 'sidecar') return [];
  return nodes.filter(
    (node) =>
      node.lines.includes(name) &&
      node.keys === 'allowed' &&
      (line.identity !== 'signers' || node.roles.includes('signer')) &&
      (holder === undefined || node.name === holder),
  );
}

/** Those of them that reseal looks after: on a node that may hold keys. */
export const heldIdentities = (node: NodeDeclaration, line: LineDeclaration, manifest: Manifest): readonly Sha1[] =>
  node.keys === 'allowed' ? expectedIdentities(node, line, manifest) : [];

/** The holder whose settings a node reads: its own name where the manifest has entries of its own for it, else nobody's. */
export function settingsHolder(node: NodeName, manifest: Manifest): NodeName | null {
  return manifest.profiles.some((entry) => entry.holder === node) ? node : null;
}
