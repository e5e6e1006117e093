import { ResealError } from '../../domain/errors.js';
import { profileFilesView, profileFileView, type ProfileFilesView } from '../../presenters/profile.js';
import { inspectProfile, readProfileFile, type InspectedProfile, type PinnedRoot } from '../../profile/index.js';

export interface ReadOptions {
  /** Apple's roots, and for a simulated mesh its own. */
  readonly roots: readonly PinnedRoot[];
  /** The clock's time, by which a signer's certificate has expired since or not. */
  readonly at: number;
}

/** `profile inspect`: looks at each file on its own, so that one that is no profile does not keep the others from being reported. */
export async function inspectFiles(paths: readonly string[], options: ReadOptions): Promise<ProfileFilesView> {
  const views = await Promise.all(paths.map(async (path) => profileFileView(path, await inspectFile(path, options.roots), options.at)));
  return profileFilesView(views);
}

/** 0: every file is a profile whose signature counts; 1: one is not. */
export const exitCodeOf = (view: { readonly ok: boolean }): 0 | 1 => (view.ok ? 0 : 1);

async function inspectFile(path: string, roots: readonly PinnedRoot[]): Promise<InspectedProfile | ResealError> {
  try {
    return inspectProfile(await readProfileFile(path, { links: 'followed' }), { roots });
  } catch (error) {
    if (error instanceof ResealError) return error;
    throw error;
  }
}
