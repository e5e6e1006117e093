import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { LineName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { mayDo } from '../../domain/roster.js';
import { ticketRefusal } from '../../domain/tickets.js';
import { AppsSchema, assembleManifest } from '../../manifest/assemble.js';
import { freezeManifest } from '../../manifest/freeze.js';
import { readProfileFile, verifyProfile } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { defineCommand } from '../command.js';
import { refuseControlCharacters } from '../said.js';
import { withStores } from './read.js';

const SUFFIX = '.mobileprovision';

async function profileFiles(folder: string): Promise<readonly string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).sort();
    if (names.length > 0) return names.map((name) => join(folder, name));
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${folder} cannot be read: it should be a folder with profiles and apps.yaml.`, {
      cause: error,
    });
  }
  throw new ResealError('FILE_UNREADABLE', `${folder} holds no ${SUFFIX} file.`);
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
  arguments: { dir: { kind: 'text', description: 'Folder with *.mobileprovision and apps.yaml', required: true } },
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
      const files = await Promise.all((await profileFiles(folder)).map((path) => readProfileFile(path, { links: 'followed' })));
      const profiles = files.map((bytes) => verifyProfile(bytes, { roots }).profile);
      const frozen = freezeManifest(assembleManifest(line as LineName, profiles, await appsOf(folder)));
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
        profiles: profiles.length,
        head: first,
        storeCreated: created,
      };
      context.output.show(view, () => [
        ...(created ? [`There was no store for ${line}: made a new one, ${store.path}.`] : []),
        `Froze ${profiles.length} profiles as ${frozen.sha256}${first ? `, the first manifest of ${line}` : ''}.`,
      ]);
    });
  },
});
