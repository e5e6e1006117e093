import { resolve } from 'node:path';
import { ResealError } from '../../domain/errors.js';
import { profileFilesView, profileFileView, type ProfileFilesView } from '../../presenters/profile.js';
import { profileFilesText } from '../../presenters/profile-text.js';
import { inspectProfile, readProfileFile, type InspectedProfile, type PinnedRoot } from '../../profile/index.js';
import { defineCommand, type Context } from '../command.js';
import { rootsOf } from './roots.js';

export interface ReadOptions {
  /** Apple's roots, and for a simulated mesh its own. */
  readonly roots: readonly PinnedRoot[];
  /** The clock's time, by which a signer's certificate has expired since or not. */
  readonly at: number;
  /** Paths are relative to it. */
  readonly cwd: string;
}

/** `profile inspect`: looks at each file on its own, so that one that is no profile does not keep the others from being reported. */
export async function inspectFiles(paths: readonly string[], options: ReadOptions): Promise<ProfileFilesView> {
  const views = await Promise.all(
    paths.map(async (path) => profileFileView(path, await inspectFile(resolve(options.cwd, path), options.roots), options.at)),
  );
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

export const readOptions = (context: Context): ReadOptions => ({ roots: rootsOf(context), at: context.now(), cwd: context.cwd });

export const command = defineCommand({
  description: 'Show what provisioning profiles hold and whether their signatures are good',
  arguments: { file: { kind: 'list', required: true, description: '.mobileprovision files' } },
  options: {},
  async handler(context, { file }) {
    const options = readOptions(context);
    const view = await inspectFiles(file, options);
    context.output.show(view, () => profileFilesText(view, (at) => context.output.time(at, options.at)));
    return exitCodeOf(view);
  },
});
