import { profileVerdictsView, type ProfileVerdictsView } from '../../presenters/profile-verdict.js';
import { ResealError } from '../../domain/errors.js';
import { readProfileFile, verifyProfile } from '../../profile/index.js';
import type { ReadOptions } from './inspect.js';

/** `profile verify`: whether each file is a profile whose signature and chain hold. */
export async function verifyFiles(paths: readonly string[], options: ReadOptions): Promise<ProfileVerdictsView> {
  const outcomes = await Promise.all(
    paths.map(async (path) => {
      try {
        return { path, outcome: verifyProfile(await readProfileFile(path, { links: 'followed' }), { roots: options.roots }) };
      } catch (error) {
        if (error instanceof ResealError) return { path, outcome: error };
        throw error;
      }
    }),
  );
  return profileVerdictsView(outcomes, options.at);
}
