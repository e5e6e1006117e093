import { createHash } from 'node:crypto';
import type { BundleSignature, Seal } from '../domain/triage/bundle.js';
import { SLOTS, type CodeDirectory, type CodeSignature } from '../mac/code-signature.js';
import { readCmsSignature } from '../mac/cms-signature.js';
import { readCertificate, type Certificate } from '../profile/certificate.js';
import { isoSeconds } from '../profile/digest.js';
import { readExecutable } from './mach-o.js';
import { dictionary, isDictionary, plainEntitlements } from './property-list.js';
import type { ArtifactTree } from './tree.js';

/** Some lines per file of the app. */
const MOST_RESOURCES = 64 * 1_048_576;
/** Magic and length before a blob's content. */
const BLOB_HEADER = 8;

/**
 * The signature in a bundle's executable, and the seal beside it.
 * @param executable as Info.plist names it
 * @param profile bytes of the embedded profile, by which it is told whether it is the one that was sealed
 */
export async function readSignature(
  tree: ArtifactTree,
  path: string,
  executable: string,
  profile: Uint8Array | null,
): Promise<BundleSignature> {
  if (executable.includes('/') || executable === '..')
    return { state: 'unreadable', reason: `Info.plist names the executable ${JSON.stringify(executable)}, which leads out of the bundle` };
  const bytes = await tree.open(`${path}/${executable}`);
  if (bytes === null) return { state: 'unreadable', reason: `its executable ${executable} is not there` };
  try {
    const read = await readExecutable(bytes);
    if (read.kind === 'not-code') return { state: 'unreadable', reason: `its executable ${executable} is no Mach-O file` };
    if (read.kind === 'damaged') return { state: 'unreadable', reason: `its executable ${executable} cannot be read: ${read.reason}` };
    const signed = read.slices.filter((slice) => slice !== null);
    const [first] = signed;
    if (first === undefined) return { state: 'none' };
    if (signed.length < read.slices.length)
      return {
        state: 'unreadable',
        reason: `${read.slices.length - signed.length} of the ${read.slices.length} architectures of ${executable} are not signed`,
      };
    return described(first, await sealOf(tree, path, strongest(first), profile));
  } finally {
    await bytes.close();
  }
}

const strongest = ({ codeDirectory, alternates }: CodeSignature): CodeDirectory => alternates.at(-1) ?? codeDirectory;

function described(signature: CodeSignature, seal: Seal): BundleSignature {
  const { identifier, team } = signature.codeDirectory;
  if (signature.cms === null) return { state: 'ad-hoc', source: 'read', identifier, seal };
  try {
    const { chain, isOf } = readCmsSignature(signature.cms);
    const certificates = chain.map((one) => readCertificate(one.raw));
    return {
      state: 'signed',
      source: 'read',
      identifier,
      team,
      authorities: certificates.map((one) => one.commonName),
      signer: signerOf(certificates[0]),
      made: isOf(signature.codeDirectory.bytes),
      entitlements: entitlementsOf(signature),
      seal,
    };
  } catch (cause) {
    return { state: 'unreadable', reason: `its CMS signature cannot be read (${cause instanceof Error ? cause.message : String(cause)})` };
  }
}

const signerOf = (leaf: Certificate | undefined) =>
  leaf === undefined ? null : { sha1: leaf.sha1, commonName: leaf.commonName, notAfter: isoSeconds(leaf.notAfter) };

function entitlementsOf({ blobs }: CodeSignature) {
  const blob = blobs.get(SLOTS.entitlements);
  const list = blob === undefined ? null : dictionary(blob.subarray(BLOB_HEADER));
  return list === null ? null : plainEntitlements(list);
}

async function sealOf(tree: ArtifactTree, path: string, directory: CodeDirectory, profile: Uint8Array | null): Promise<Seal> {
  const bytes = await tree.read(`${path}/_CodeSignature/CodeResources`, MOST_RESOURCES);
  if (bytes === null) return { state: 'none' };
  const list = dictionary(bytes);
  const files = list?.['files2'] ?? list?.['files'];
  if (!isDictionary(files)) return { state: 'unreadable', reason: '_CodeSignature/CodeResources is no property list of sealed files' };
  const sealed = files['embedded.mobileprovision'];
  const digest = isDictionary(sealed) ? sealed['hash2'] : undefined;
  return {
    state: 'sealed',
    files: Object.keys(files).length,
    bound: createHash(directory.digest).update(bytes).digest('hex') === directory.special.get(SLOTS.resources),
    profileAsSealed: profile === null ? null : asSealed(profile, sealed === undefined, digest),
  };
}

/** A profile that was put there after signing is not sealed at all. */
function asSealed(profile: Uint8Array, unsealed: boolean, digest: unknown): boolean | null {
  if (unsealed) return false;
  return digest instanceof Uint8Array ? createHash('sha256').update(profile).digest().equals(digest) : null;
}
