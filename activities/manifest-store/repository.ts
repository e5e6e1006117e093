import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git, GitFailure } from '../git/command.js';
import { outOfReach, type StorePlace } from './out-of-reach.js';

/** Creates an empty bare repository, whole or not at all; answers false and does nothing where one is. @throws ResealError STORE_UNREACHABLE */
export async function createRepository(place: StorePlace, branch: string): Promise<boolean> {
  const { repository } = place;
  try {
    if (await isRepository(repository)) return false;
    await mkdir(dirname(repository), { recursive: true });
    const fresh = await mkdtemp(join(dirname(repository), '.reseal-store-'));
    try {
      await git({ repository: null, command: ['init', '--quiet', '--bare', '-b', branch, fresh] });
      await rename(fresh, repository);
      return true;
    } catch (error) {
      // Another process was first: its repository is as good as ours.
      if (!(await isRepository(repository))) throw error;
      return false;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } catch (cause) {
    throw await outOfReach(place, cause);
  }
}

async function isRepository(path: string): Promise<boolean> {
  try {
    await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  const bare = await git({ repository: path, command: ['rev-parse', '--is-bare-repository'] });
  if (bare.trim() !== 'true') throw new GitFailure('rev-parse', 0, `${path} is a working tree; a store is a bare repository`);
  return true;
}
