import { resolve } from 'node:path';
import type { ManifestStore, StoreContext } from '../../../activities/manifest-store/contract.js';
import type { ProfileImportView } from '../../presenters/profile-verdict.js';
import { ResealError } from '../../domain/errors.js';
import { readProfileFile, sha256Hex, verifyProfile, type VerifiedProfile } from '../../profile/index.js';
import { profileVerdictsView } from '../../presenters/profile-verdict.js';
import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import { type Configuration, loadConfiguration } from '../../configuration/load.js';
import { profileImportText } from '../../presenters/profile-text.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { defineCommand } from '../command.js';
import { configFolder } from '../config-folder.js';
import { homeFolder } from '../home.js';
import { refuseStranger } from '../entitled.js';
import { refuseControlCharacters } from '../said.js';
import { exitCodeOf, type ReadOptions } from './inspect.js';

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
    bytes = await readProfileFile(resolve(options.cwd, path), { links: 'followed' });
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
  throw new ResealError(
    'DIGEST_MISMATCH',
    `The store took ${path} as ${stored}, expected ${sent}. Check the store with \`reseal manifest verify\` before going on.`,
  );
}

export const command = defineCommand({
  description: 'Verify provisioning profiles and take their bytes into the store',
  arguments: { file: { kind: 'list', required: true, description: '.mobileprovision files' } },
  options: {
    by: { kind: 'text', required: true, value: 'PERSON', description: 'who imports: a person of roster.yaml with the right to' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    store: { kind: 'text', value: 'NAME', description: 'a store of reseal.yaml (needed where there are several)' },
  },
  async handler(context, { file }, { by, ticket, store: wanted }) {
    refuseControlCharacters({ by, ticket });
    const configuration = loadConfiguration(configFolder(context));
    refuseStranger(configuration, by, ticket);
    const home = homeFolder(context.home, context.env, context.cwd);
    const store = await openDeclaredStore(configuration.reseal, storeOf(configuration, wanted), home);
    try {
      const options = { roots: trustedRoots(configuration), at: context.now(), cwd: context.cwd };
      const view = await importFiles(file, { ...options, store, importedBy: by, context: { ticket, by } });
      context.output.show(view, profileImportText);
      return exitCodeOf(view);
    } finally {
      await store.close();
    }
  },
});

function storeOf(configuration: Configuration, wanted: string | undefined): string {
  const { stores } = configuration.reseal;
  const names = Object.keys(stores);
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || stores[name] === undefined) {
    const found = wanted === undefined ? 'There are several stores' : `reseal.yaml has no store ${wanted}`;
    throw new ResealError('USAGE', `${found}. Give --store with one of: ${names.join(', ')}.`);
  }
  return name;
}
