import { resolve } from 'node:path';
import type { ManifestStore, StoreContext, StoreItem } from '../../../activities/manifest-store/contract.js';
import type { ProfileImportView } from '../../presenters/profile-verdict.js';
import type { LineName, Sha256 } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { KeptImport } from '../../domain/imports/kept.js';
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
import { signImport } from '../signed-import.js';
import { KEY_OPTION } from '../signing-key.js';
import { exitCodeOf, type ReadOptions } from './inspect.js';

export interface ImportOptions extends ReadOptions {
  readonly store: Pick<ManifestStore, 'putMany'>;
  /** A person of the roster with the right to import; recorded beside the bytes, and never an approver of them. */
  readonly importedBy: string;
  readonly context: StoreContext;
  /** By what the person stands for just these profiles. */
  readonly vouch: (profiles: readonly Sha256[]) => Promise<KeptImport>;
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
  await put(files, options);
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

async function put(files: readonly Read[], { store, importedBy, context, vouch }: ImportOptions): Promise<void> {
  const sent = files.map(({ bytes }) => sha256Hex(bytes));
  const of = [...new Set(sent)];
  const document = await vouch(of);
  const profiles = files.map(({ bytes }): StoreItem => ({ kind: 'profile', bytes, importedBy }));
  const stored = await store.putMany([...profiles, { kind: 'import', of, document }], context);
  const other = sent.findIndex((digest, index) => stored[index] !== digest);
  if (other === -1) return;
  throw new ResealError(
    'DIGEST_MISMATCH',
    `The store took ${files[other]?.path ?? ''} as ${stored[other] ?? 'nothing'}, expected ${sent[other] ?? ''}. Check the store with \`reseal manifest verify\` before going on.`,
  );
}

export const command = defineCommand({
  description: 'Verify provisioning profiles and take their bytes into the store',
  arguments: { file: { kind: 'list', required: true, description: '.mobileprovision files' } },
  options: {
    line: { kind: 'text', value: 'LINE', description: 'the line that they are for (needed where a store has several)' },
    by: { kind: 'text', required: true, value: 'PERSON', description: 'who imports: a person of roster.yaml with the right to' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    ...KEY_OPTION,
    store: { kind: 'text', value: 'NAME', description: 'a store of reseal.yaml, instead of --line where nothing is signed' },
  },
  async handler(context, { file }, { line: named, by, ticket, key, store: wanted }) {
    refuseControlCharacters({ by, ticket });
    const configuration = loadConfiguration(configFolder(context));
    refuseStranger(configuration, by, ticket);
    const { store: storeName, lines } = placeOf(configuration, named, wanted);
    const home = homeFolder(context.home, context.env, context.cwd);
    const store = await openDeclaredStore(configuration.reseal, storeName, home);
    const vouch = (profiles: readonly Sha256[]): Promise<KeptImport> =>
      signImport(context, configuration, lines, { by, ticket, key }, { says: 'profile-import', profiles });
    try {
      const options = { roots: trustedRoots(configuration), at: context.now(), cwd: context.cwd };
      const view = await importFiles(file, { ...options, store, importedBy: by, context: { ticket, by }, vouch });
      context.output.show(view, profileImportText);
      return exitCodeOf(view);
    } finally {
      await store.close();
    }
  },
});

/** The store, and the lines that what is taken in may be for. @throws ResealError USAGE, NOT_FOUND */
function placeOf(
  { reseal, topology }: Configuration,
  line: string | undefined,
  wanted: string | undefined,
): { readonly store: string; readonly lines: readonly LineName[] } {
  if (line !== undefined) {
    const declared = topology.lines[line as LineName];
    if (declared === undefined)
      throw new ResealError('NOT_FOUND', `topology.yaml has no line ${line}. It declares: ${Object.keys(topology.lines).join(', ')}.`);
    if (wanted !== undefined && wanted !== declared.store)
      throw new ResealError('USAGE', `The store of ${line} is ${declared.store}, not ${wanted}. Leave --store out.`);
    return { store: declared.store, lines: [line as LineName] };
  }
  const store = storeOf(reseal.stores, wanted);
  return { store, lines: Object.entries(topology.lines).flatMap(([name, one]) => (one.store === store ? [name as LineName] : [])) };
}

function storeOf(stores: Configuration['reseal']['stores'], wanted: string | undefined): string {
  const names = Object.keys(stores);
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || stores[name] === undefined) {
    const found = wanted === undefined ? 'There are several stores' : `reseal.yaml has no store ${wanted}`;
    throw new ResealError('USAGE', `${found}. Give --line, or --store with one of: ${names.join(', ')}.`);
  }
  return name;
}
