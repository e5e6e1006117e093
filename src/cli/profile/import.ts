import type { ManifestStore, StoreContext } from '../../../activities/manifest-store/contract.js';
import type { ProfileImportView } from '../../presenters/profile-verdict.js';
import { ResealError } from '../../domain/errors.js';
import { readProfileFile, sha256Hex, verifyProfile, type VerifiedProfile } from '../../profile/index.js';
import { profileVerdictsView } from '../../presenters/profile-verdict.js';
import type { ReadOptions } from './inspect.js';

export interface ImportOptions extends ReadOptions {
  readonly store: Pick<ManifestStore, 'putProfile'>;
  /** A person of the roster with the right to import; recorded beside the bytes, and never an approver of them. */
  readonly importedBy: string;
  readonly context: StoreContext;
}

type Read = { readonly path: string; readonly bytes: Uint8Array; readonly outcome: VerifiedProfile | ResealError };

/**
 * `profile import`: verifies every file first, then writes the bytes that were verified and who imported them. One file that
 * does not count keeps all of them out, so that half a group is never in the store.
 *
 * @throws ResealError STORE_UNREACHABLE; DIGEST_MISMATCH where the store answers with another digest than was sent
 */
export async function importFiles(paths: readonly string[], options: ImportOptions): Promise<ProfileImportView> {
  const files = await Promise.all(paths.map((path) => read(path, options)));
  const verdicts = profileVerdictsView(files, options.at);
  if (!verdicts.ok) return { ...verdicts, imported: false, importedBy: options.importedBy };
  for (const { path, bytes } of files) await put(path, bytes, options);
  return { ...verdicts, imported: true, importedBy: options.importedBy };
}

async function read(path: string, options: ImportOptions): Promise<Read> {
  let bytes: Uint8Array = new Uint8Array();
  try {
    bytes = await readProfileFile(path, { links: 'followed' });
    return { path, bytes, outcome: verifyProfile(bytes, { roots: options.roots }) };
  } catch (error) {
    if (error instanceof ResealError) return { path, bytes, outcome: error };
    throw error;
  }
}

async function put(path: string, bytes: Uint8Array, options: ImportOptions): Promise<void> {
  const sent = sha256Hex(bytes);
  const stored = await options.store.putProfile(bytes, options.importedBy, options.context);
  if (stored === sent) return;
  throw new ResealError('DIGEST_MISMATCH', `The store took ${path} as ${stored}, expected ${sent}. Check the store with \`reseal manifest verify\` before going on.`);
}
