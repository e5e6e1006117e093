import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { LineName, NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { mayDo } from '../../domain/roster.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { ticketRefusal } from '../../domain/tickets.js';
import { AppsSchema, assembleHeldManifest } from '../../manifest/assemble.js';
import { freezeManifest } from '../../manifest/freeze.js';
import { readProfileFile, verifyProfile } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { defineCommand } from '../command.js';
import { refuseControlCharacters } from '../said.js';
import { withStores } from './read.js';

const SUFFIX = '.mobileprovision';

/** Profiles by the folder that they are in: the named one itself, and folders in it, each called after the node that alone holds what is in it. */
interface HeldFiles {
  readonly holder: NodeName | null;
  readonly paths: readonly string[];
}

async function profileFiles(folder: string, line: string, nodes: readonly NodeDeclaration[]): Promise<readonly HeldFiles[]> {
  const entries = await entriesOf(folder);
  const groups: HeldFiles[] = [{ holder: null, paths: profilesAmong(folder, entries) }];
  for (const { name } of entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))) {
    const below = join(folder, name);
    const inside = await entriesOf(below);
    refuseDeeper(below, inside);
    const paths = profilesAmong(below, inside);
    if (paths.length === 0) continue;
    const node = nodes.find((one) => one.name === name && one.lines.includes(line as LineName));
    if (node === undefined)
      throw new ResealError(
        'MANIFEST_INVALID',
        `${below} holds profiles, and ${name} is no node of line ${line}. Name the folder after the node that alone is to have them, or put them into ${folder} for all.`,
      );
    groups.push({ holder: node.name, paths });
  }
  const found = groups.filter(({ paths }) => paths.length > 0);
  if (found.length === 0) throw new ResealError('FILE_UNREADABLE', `${folder} holds no ${SUFFIX} file.`);
  return found;
}

const profilesAmong = (folder: string, entries: readonly Dirent[]): readonly string[] =>
  entries
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith(SUFFIX))
    .map((entry) => join(folder, entry.name))
    .sort();

/** What lies deeper would not be frozen, and nobody would notice. */
function refuseDeeper(folder: string, entries: readonly Dirent[]): void {
  const deeper = entries.find((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  if (deeper === undefined) return;
  throw new ResealError(
    'MANIFEST_INVALID',
    `${join(folder, deeper.name)} lies too deep: profiles to freeze are in the folder that is named, or one below it called after a node. A variant is said in apps.yaml.`,
  );
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${folder} cannot be read: it should be a folder with profiles and apps.yaml.`, {
      cause: error,
    });
  }
}

async function appsOf(folder: string): Promise<ReturnType<typeof AppsSchema.parse>> {
  const path = join(folder, 'apps.yaml');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ResealError(
      'FILE_UNREADABLE',
      `${path} is missing. It says what no profile tells: apps: {courier: {com.acme.courier: {role: host, targets: [Courier]}}}`,
      { cause: error },
    );
  }
  const parsed = AppsSchema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => `${path}: ${issue.path.join('.')}: ${issue.message}`);
  throw new ResealError('CONFIG_INVALID', `${path} is not of the form that it should have.`, { details });
}

export const command = defineCommand({
  description: "Verify a folder's profiles and freeze them as a line's first manifest",
  arguments: {
    dir: { kind: 'text', description: 'Folder with *.mobileprovision and apps.yaml; NODE/ in it: for that node alone', required: true },
  },
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml', required: true, value: 'LINE' },
    first: { kind: 'flag', description: "Make it the line's head; refused where the line has one" },
    as: { kind: 'text', description: 'The person who freezes, by the roster', required: true, value: 'PERSON' },
    ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
  },
  async handler(context, { dir }, { line, first, as, ticket }) {
    const folder = resolve(context.cwd, dir);
    refuseControlCharacters({ as, ticket });
    await withStores(context, async (configuration, storeOf) => {
      if (!mayDo(configuration.roster, as, 'freeze')) throw new ResealError('NOT_ENTITLED', `The roster does not let ${as} freeze.`);
      const refusal = ticketRefusal(ticket, configuration.policy);
      if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}.`);
      const store = await storeOf(line);
      // Only a line's first manifest may begin a store: elsewhere one that is not there is away, and an empty one in its place would hide that.
      const head = first && !(await store.isThere()) ? null : await store.head(line as LineName);
      if (first && head !== null)
        throw new ResealError('REFUSED', `Line ${line} has a head already: ${head.digest} (seq ${head.seq}). It moves by rotations only.`);
      const roots = trustedRoots(configuration);
      const held = await Promise.all(
        (await profileFiles(folder, line, configuration.topology.nodes)).map(async ({ holder, paths }) => {
          const bytes = await Promise.all(paths.map((path) => readProfileFile(path, { links: 'followed' })));
          return { holder, bytes, profiles: bytes.map((one) => verifyProfile(one, { roots }).profile) };
        }),
      );
      const files = held.flatMap(({ bytes }) => bytes);
      const frozen = freezeManifest(assembleHeldManifest(line as LineName, held, await appsOf(folder)));
      const by = { by: as, ticket };
      const created = first && (await store.create());
      await store.putMany(
        [...files.map((bytes) => ({ kind: 'profile', bytes, importedBy: as }) as const), { kind: 'manifest', bytes: frozen.bytes }],
        by,
      );
      if (first) {
        const { moved } = await store.advance(line as LineName, 0, frozen.sha256, by);
        if (!moved)
          throw new ResealError(
            'HEAD_MOVED',
            `Someone else gave ${line} its first manifest in this moment. See \`reseal manifest show ${line}\`.`,
          );
      }
      const view = {
        schemaVersion: 1,
        line,
        sha256: frozen.sha256,
        sha1: frozen.sha1,
        profiles: files.length,
        head: first,
        storeCreated: created,
      };
      context.output.show(view, () => [
        ...(created ? [`There was no store for ${line}: made a new one, ${store.path}.`] : []),
        `Froze ${files.length} profiles as ${frozen.sha256}${first ? `, the first manifest of ${line}` : ''}.`,
      ]);
    });
  },
});
