import { loadConfiguration } from '../configuration/load.js';
import type { LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { ManifestEntry } from '../domain/manifest.js';
import { sbomView } from '../presenters/sbom.js';
import { version } from '../temporal/version.js';
import { defineCommand, type Context } from './command.js';
import { configFolderToRead } from './config-folder.js';
import { readNamed, type NamedManifest } from './manifest/read.js';

export const command = defineCommand({
  description: 'Print what may be published of what apps are signed with, as CycloneDX 1.6: aliases, expiries, last six digits',
  arguments: {},
  options: {
    profile: { kind: 'list', description: 'Profiles by UUID; all of the manifest where none is named', value: 'UUID' },
    manifest: { kind: 'text', description: 'Manifest: a path, a SHA-256, or a line (its head)', value: 'MANIFEST' },
  },
  async handler(context, _, { profile: uuids, manifest: name }) {
    if (name === undefined && uuids.length === 0)
      throw new ResealError('USAGE', 'Give --profile UUID, or --manifest with a path, a SHA-256 or a line.');
    const wanted = uuids.map((uuid) => uuid.toLowerCase());
    const named = name === undefined ? await headWith(context, wanted) : await readNamed(context, name);
    const view = sbomView(named.manifest, named.sha256, entriesOf(named, wanted), version());
    context.output.show(view, () => JSON.stringify(view.bom, null, 2));
  },
});

/** The entries of the profiles that are asked for; all where none is. @throws ResealError NOT_FOUND */
function entriesOf({ name, manifest }: NamedManifest, wanted: readonly string[]): readonly ManifestEntry[] {
  const missing = wanted.find((uuid) => !manifest.profiles.some(({ profile }) => profile.uuid === uuid));
  if (missing !== undefined)
    throw new ResealError('NOT_FOUND', `The manifest ${name} names no profile ${JSON.stringify(missing)}; it names those that \`reseal manifest show\` lists.`);
  return wanted.length === 0 ? manifest.profiles : manifest.profiles.filter(({ profile }) => wanted.includes(profile.uuid));
} // prettier-ignore

/** The head that names the first of these profiles. @throws ResealError NOT_FOUND */
async function headWith(context: Context, [wanted = '']: readonly string[]): Promise<NamedManifest> {
  const { topology } = loadConfiguration(await configFolderToRead(context));
  const lines = Object.keys(topology.lines) as LineName[];
  for (const line of lines) {
    const head = await readNamed(context, line).catch((error: unknown) => {
      // A line that has no manifest yet names no profile.
      if (error instanceof ResealError && error.code === 'NOT_FOUND') return null;
      throw error;
    });
    if (head?.manifest.profiles.some(({ profile }) => profile.uuid === wanted) === true) return head;
  }
  throw new ResealError(
    'NOT_FOUND',
    `The head of no line names a profile ${JSON.stringify(wanted)}; looked at ${lines.join(', ')}. For one that was in force before, name its manifest: --manifest SHA256.`,
  );
}
