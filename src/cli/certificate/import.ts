import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OpenStore, StoreItem } from '../../../activities/manifest-store/contract.js';
import type { Configuration } from '../../configuration/load.js';
import type { LineName, NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { identityHolders } from '../../domain/expected.js';
import { subjectsOf } from '../../domain/imports/statement.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { readPkcs12, type SigningIdentity } from '../../identity/pkcs12.js';
import { sealIdentity } from '../../identity/sealed.js';
import { sha256Of } from '../../manifest/digest.js';
import { parseManifest } from '../../manifest/parse.js';
import { certificateImportText, type CertificateImportView } from '../../presenters/certificate.js';
import { defineCommand } from '../command.js';
import { refuseStranger } from '../entitled.js';
import { withStores } from '../manifest/read.js';
import { refuseControlCharacters } from '../said.js';
import { signImport } from '../signed-import.js';
import { KEY_OPTION } from '../signing-key.js';

/** A PKCS#12 of one identity has a few kilobytes. */
const MOST = 1024 * 1024;

export const command = defineCommand({
  description: 'Take a signing identity (.p12) into the store, sealed to each node that is to sign with it',
  arguments: { file: { kind: 'text', required: true, description: 'PKCS#12 file with one certificate and its private key' } },
  options: {
    line: { kind: 'text', required: true, value: 'LINE', description: 'the line whose nodes are to sign with it' },
    by: { kind: 'text', required: true, value: 'PERSON', description: 'who imports: a person of roster.yaml with the right to' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    ...KEY_OPTION,
    passwordFile: { kind: 'text', value: 'FILE', description: 'file whose first line is the password of the .p12 (- for stdin)' },
    passwordEnv: { kind: 'text', value: 'NAME', description: 'environment variable that holds the password of the .p12' },
    holder: { kind: 'text', value: 'NODE', description: 'with an identity per node: the node that it is for' },
  },
  async handler(context, { file }, options) {
    const { by, ticket, line: name, holder } = options;
    refuseControlCharacters({ by, ticket });
    const view = await withStores(context, async (configuration, storeOf): Promise<CertificateImportView> => {
      refuseStranger(configuration, by, ticket);
      const password = await passwordOf(options.passwordFile, options.passwordEnv, context.env, context.cwd);
      const identity = readPkcs12(await fileOf(resolve(context.cwd, file)), password, file);
      refuseExpired(identity, file, context.now());
      const nodes = receivers(configuration, name as LineName, holder as NodeName | undefined);
      const store = await storeOf(name);
      await refuseOtherTeam(store, name as LineName, identity, file);
      const sealed = await Promise.all(nodes.map((node) => sealedItem(identity, node, by)));
      const copies = sealed.map(({ node, bytes }) => ({ node, sha256: sha256Of(bytes) }));
      const taken = { says: 'certificate-import', identity: identity.facts.sha1, copies } as const;
      const document = await signImport(context, configuration, [name as LineName], { by, ticket, key: options.key }, taken);
      await store.putMany([...sealed, { kind: 'import', of: subjectsOf(taken), document }], { ticket, by });
      return { schemaVersion: 1, line: name, identity: identity.facts, importedBy: by, sealedFor: nodes.map((node) => node.name) };
    });
    context.output.show(view, (shown) => certificateImportText(shown, (at) => context.output.time(at, context.now())));
  },
});

async function sealedItem(
  identity: SigningIdentity,
  node: Receiver,
  importedBy: string,
): Promise<Extract<StoreItem, { kind: 'sealed-identity' }>> {
  const recipient = node.deliveryKey;
  const bytes = await sealIdentity(identity, recipient);
  return { kind: 'sealed-identity', identity: identity.facts.sha1, node: node.name, recipient, bytes, importedBy };
}

type Receiver = NodeDeclaration & { readonly deliveryKey: string };

function receivers({ topology }: Configuration, name: LineName, holder: NodeName | undefined): readonly Receiver[] {
  const line = topology.lines[name];
  if (line === undefined)
    throw new ResealError('NOT_FOUND', `topology.yaml has no line ${name}. It declares: ${Object.keys(topology.lines).join(', ')}.`);
  if (line.identity === 'sidecar')
    throw new ResealError(
      'REFUSED',
      `The identities of ${name} are at its sidecar, and on no node. Add the key there as an alias; docs/sidecar.md says how.`,
    );
  if (line.identity === 'per-node' && holder === undefined)
    throw new ResealError('USAGE', `On ${name} every node has an identity of its own. Say whose this is with --holder NODE.`);
  const nodes = identityHolders(topology.nodes, name, line, holder);
  if (nodes.length === 0) {
    const who = holder === undefined ? 'No node of it may hold keys and signs' : `${holder} is no node of it that may hold keys and signs`;
    throw new ResealError('REFUSED', `Nobody is to sign with this on ${name}. ${who}: look at keys, roles and lines in topology.yaml.`);
  }
  const without = nodes.filter((node) => node.deliveryKey === undefined).map((node) => node.name);
  if (without.length > 0)
    throw new ResealError(
      'REFUSED',
      `${without.join(', ')} ${without.length === 1 ? 'declares' : 'declare'} no deliveryKey in topology.yaml, so nothing was sealed for anybody. Make one with \`reseal node delivery-key ${without[0] ?? ''}\`, and declare it.`,
    );
  return nodes as readonly Receiver[];
}

function refuseExpired({ facts }: SigningIdentity, file: string, now: number): void {
  if (Date.parse(facts.expiresAt) > now && Date.parse(facts.notBefore) <= now) return;
  throw new ResealError(
    'NOT_AN_IDENTITY',
    `${file} cannot be used: its certificate ${facts.commonName} is valid from ${facts.notBefore} to ${facts.expiresAt}. Expected is one that is valid now; look at this machine's clock too.`,
  );
}

/** A certificate of another team signs nothing on this line. A line without a manifest has no team yet. */
async function refuseOtherTeam(store: OpenStore, line: LineName, { facts }: SigningIdentity, file: string): Promise<void> {
  const head = await store.head(line);
  if (head === null) return;
  const { profiles } = parseManifest(await store.manifest(head.digest), `manifests/${head.digest}.json`);
  const teams = [...new Set(profiles.map((entry) => entry.team as string))];
  if (teams.includes(facts.team)) return;
  throw new ResealError(
    'NOT_AN_IDENTITY',
    `${file} is of team ${facts.team}, and line ${line} signs for ${teams.join(', ')}. Use a certificate of that team.`,
  );
}

async function fileOf(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ResealError('FILE_UNREADABLE', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      cause,
    });
  });
  if (bytes.length <= MOST) return bytes;
  throw new ResealError('NOT_AN_IDENTITY', `${path} has ${bytes.length} bytes; a PKCS#12 of one identity has a few thousand.`);
}

/** Never an argument: those are seen by everybody on the machine, and kept in a shell's history. */
async function passwordOf(file: string | undefined, variable: string | undefined, env: NodeJS.ProcessEnv, cwd: string): Promise<string> {
  if ((file === undefined) === (variable === undefined))
    throw new ResealError(
      'USAGE',
      'Say where the password of the .p12 is, in one way: --password-file FILE (- for stdin) or --password-env NAME.',
    );
  if (variable !== undefined) {
    const value = env[variable];
    if (value === undefined) throw new ResealError('USAGE', `The environment variable ${variable} is not set.`);
    return value;
  }
  const text = file === '-' ? await stdin() : Buffer.from(await fileOf(resolve(cwd, file ?? ''))).toString('utf8');
  return text.split(/\r?\n/)[0] ?? '';
}

async function stdin(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
