import type { Role } from '../domain/manifest.js';
import type { Bundle, EmbeddedProfile } from '../domain/triage/bundle.js';
import { ResealError } from '../domain/errors.js';
import { inspectProfile, MAX_PROFILE_BYTES, type PinnedRoot } from '../profile/index.js';
import { dictionary, textOf } from './property-list.js';
import { readSignature } from './signature.js';
import type { ArtifactTree } from './tree.js';

const MOST_INFO = 1_048_576;

/** Reads what a bundle says of itself: Info.plist, profile, signature, seal. @throws ResealError FILE_UNREADABLE */
export async function readBundle(tree: ArtifactTree, path: string, role: Role, roots: readonly PinnedRoot[]): Promise<Bundle> {
  const product = path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:app|appex)$/, '');
  const bytes = await tree.read(`${path}/Info.plist`, MOST_INFO);
  const info = bytes === null ? null : dictionary(bytes);
  const profile = await tree.read(`${path}/embedded.mobileprovision`, MAX_PROFILE_BYTES);
  return {
    path,
    role,
    product,
    bundleId: textOf(info, 'CFBundleIdentifier'),
    profile: embedded(profile, roots),
    signature: await readSignature(tree, path, textOf(info, 'CFBundleExecutable') ?? product, profile),
  };
}

function embedded(bytes: Uint8Array | null, roots: readonly PinnedRoot[]): EmbeddedProfile {
  if (bytes === null) return { state: 'missing' };
  try {
    const { profile, signature, error } = inspectProfile(bytes, { roots });
    if (error !== null) return { state: 'untrusted', reason: error.message, profile };
    if (signature.status !== 'valid' || profile === null)
      return { state: 'untrusted', reason: `Its signature does not count: ${signature.reason}.`, profile };
    return { state: 'read', profile };
  } catch (error) {
    if (error instanceof ResealError && error.code === 'NOT_A_PROFILE') return { state: 'not-a-profile', reason: error.message };
    throw error;
  }
}
