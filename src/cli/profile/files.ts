import { ResealError } from '../../domain/errors.js';
import { profileFilesView, profileFileView, type ProfileFilesView } from '../../presenters/profile.js';
import { inspectProfile, readProfileFile, type InspectedProfile, type PinnedRoot } from '../../profile/index.js';

/**
 * Looks at each file on its own: one that is no profile does not keep the others from being reported.
 *
 * @param options.at by which a signer's certificate has expired or not; the clock's time
 */
export async function inspectFiles(paths: readonly string[], options: { readonly roots: readonly PinnedRoot[]; readonly at: number }): Promise<ProfileFilesView> {
  const views = await Promise.all(paths.map(async (path) => profileFileView(path, await inspectFile(path, options.roots), options.at)));
  return profileFilesView(views);
}

async function inspectFile(path: string, roots: readonly PinnedRoot[]): Promise<InspectedProfile | ResealError> {
  try {
    return inspectProfile(await readProfileFile(path, { links: 'followed' }), { roots });
  } catch (error) {
    if (error instanceof ResealError) return error;
    throw error;
  }
}
