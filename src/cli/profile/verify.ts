import { resolve } from 'node:path';
import { profileVerdictsText } from '../../presenters/profile-text.js';
import { profileVerdictsView, type ProfileVerdictsView } from '../../presenters/profile-verdict.js';
import { ResealError } from '../../domain/errors.js';
import { readProfileFile, verifyProfile } from '../../profile/index.js';
import { defineCommand } from '../command.js';
import { exitCodeOf, readOptions, type ReadOptions } from './inspect.js';

/** `profile verify`: whether each file is a profile whose signature and chain hold. */
export async function verifyFiles(paths: readonly string[], options: ReadOptions): Promise<ProfileVerdictsView> {
  const outcomes = await Promise.all(
    paths.map(async (path) => {
      try {
        return {
          path,
          outcome: verifyProfile(await readProfileFile(resolve(options.cwd, path), { links: 'followed' }), { roots: options.roots }),
        };
      } catch (error) {
        if (error instanceof ResealError) return { path, outcome: error };
        throw error;
      }
    }),
  );
  return profileVerdictsView(outcomes, options.at);
}

export const command = defineCommand({
  description: 'Check that provisioning profiles are signed as Apple signs them',
  arguments: { file: { kind: 'list', required: true, description: '.mobileprovision files' } },
  options: {},
  async handler(context, { file }) {
    const view = await verifyFiles(file, readOptions(context));
    context.output.show(view, profileVerdictsText);
    return exitCodeOf(view);
  },
});
