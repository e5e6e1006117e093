import { ResealError } from '../domain/errors.js';
import { ZipTree } from './zip-tree.js';

const PROFILE = '/embedded.mobileprovision';
/** A profile has some ten kilobytes; what unpacks to more than this is none. */
const MOST_BYTES = 1_048_576;

/** The embedded profiles of an .ipa, by path inside it. Null: it is no ZIP archive that can be trusted, as `ZipTree` judges it. */
export async function profilesInIpa(bytes: Uint8Array): Promise<ReadonlyMap<string, Uint8Array> | null> {
  try {
    const tree = await ZipTree.ofBytes(bytes, 'the .ipa');
    try {
      const profiles = new Map<string, Uint8Array>();
      for (const path of tree.paths().filter((one) => one.endsWith(PROFILE))) {
        const profile = await tree.read(path, MOST_BYTES);
        if (profile !== null) profiles.set(path, profile);
      }
      return profiles;
    } finally {
      await tree.close();
    }
  } catch (error) {
    if (error instanceof ResealError && error.code === 'FILE_UNREADABLE') return null;
    throw error;
  }
}
