import type { Configuration } from '../../src/configuration/load.js';
import { isSha1, type Duration, type LineName, type NodeName, type Sha1 } from '../../src/domain/brands.js';
import { describeDuration } from '../../src/domain/duration.js';
import { ResealError } from '../../src/domain/errors.js';
import { heldIdentities } from '../../src/domain/expected.js';
import type { Manifest } from '../../src/domain/manifest.js';
import type { Receiver } from '../../src/domain/roster.js';
import type { ExportAsk } from '../../src/domain/exports/statement.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import { manifestOf, situationOf, type Surroundings } from '../rotation/surroundings.js';

/** What somebody wants exported, in their words. */
export interface WantedExport {
  readonly identity: string;
  readonly receiver: string;
  readonly node?: string | undefined;
  readonly line?: string | undefined;
  readonly fetchWithin?: Duration | undefined;
}

export interface FoundExport {
  readonly line: LineName;
  readonly node: NodeDeclaration;
  readonly receiver: Receiver;
  readonly commonName: string;
  readonly team: string;
  readonly asks: Omit<ExportAsk, 'reason'>;
}

/**
 * What is declared of it: the node that holds the identity, its certificate, the receiver's key.
 * @throws ResealError USAGE, NOT_FOUND, REFUSED in words that say what to do
 */
export async function findExport(around: Surroundings, wanted: WantedExport): Promise<FoundExport> {
  const configuration = around.configuration();
  const identity = wanted.identity.toLowerCase();
  if (!isSha1(identity))
    throw new ResealError('USAGE', `An identity is named by the SHA-1 of its certificate, 40 hexadecimal digits, not by ${JSON.stringify(wanted.identity)}.`); // prettier-ignore
  const receiver = receiverOf(configuration, wanted.receiver);
  const { line, node, manifest } = await holderOf(around, configuration, identity, wanted);
  const certificate = manifest.certificates[identity];
  if (certificate === undefined)
    throw new ResealError('NOT_FOUND', `The manifest in force on ${line} says nothing of the certificate ${identity}.`);
  const { commonName, team, serial, expiresAt } = certificate;
  const asks = {
    ...{ identity, serial, certificateExpiresAt: new Date(expiresAt).toISOString(), node: node.name },
    ...{ receiver: receiver.id, recipient: receiver.recipient, fetchWithin: within(configuration, wanted.fetchWithin) },
  };
  return { line, node, receiver, commonName, team, asks };
}

/** @throws ResealError NOT_FOUND */
function receiverOf({ roster }: Configuration, id: string): Receiver {
  const { receivers = [] } = roster;
  const found = receivers.find((one) => one.id === id);
  if (found !== undefined) return found;
  const known = receivers.length === 0 ? 'it declares none' : `it declares ${receivers.map((one) => one.id).join(', ')}`;
  throw new ResealError(
    'NOT_FOUND',
    `roster.yaml has no receiver ${id}: ${known}. Declare it there under receivers, with its public age key (\`age-keygen -o key.txt\` makes one) and who may fetch for it.`,
  );
}

/** @throws ResealError USAGE */
function within({ policy }: Configuration, asked: Duration | undefined): Duration {
  const { fetchWithin, longest } = policy.exports;
  const chosen = asked ?? Math.min(fetchWithin, longest);
  if (Number.isSafeInteger(chosen) && chosen > 0 && chosen <= longest) return chosen;
  throw new ResealError('USAGE', `What is exported lies there for ${describeDuration(longest)} at most (exports.longest in policy.yaml).`);
}

interface Holder {
  readonly line: LineName;
  readonly node: NodeDeclaration;
  readonly manifest: Manifest;
}

async function holderOf(
  around: Surroundings,
  { topology }: Configuration,
  identity: Sha1,
  { node: name, line: only }: WantedExport,
): Promise<Holder> {
  if (name !== undefined && !topology.nodes.some((one) => one.name === name))
    throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}. List them with \`reseal node list\`.`);
  const lines = (Object.keys(topology.lines) as LineName[]).filter((line) => only === undefined || line === only);
  if (lines.length === 0) throw new ResealError('NOT_FOUND', `topology.yaml declares no line ${only ?? ''}.`);
  const found: Holder[] = [];
  const atSidecars: LineName[] = [];
  const signing: LineName[] = [];
  for (const line of lines) {
    const { declaration, store } = situationOf(around, line);
    const head = await store.head(line);
    if (head === null) continue;
    const manifest = await manifestOf(store, head.digest);
    if (!manifest.profiles.some((entry) => entry.identity === identity)) continue;
    signing.push(line);
    if (declaration.identity === 'sidecar') atSidecars.push(line);
    for (const node of topology.nodes)
      if (heldIdentities(node, declaration, manifest).includes(identity)) found.push({ line, node, manifest });
  }
  const fitting = found.filter(({ node }) => name === undefined || node.name === name);
  const nodes = [...new Set(fitting.map(({ node }) => node.name))];
  const [first] = fitting;
  if (first !== undefined && nodes.length === 1) return first;
  if (first !== undefined)
    throw new ResealError(
      'USAGE',
      `${identity.slice(0, 8)} is on ${nodes.join(', ')}. Say which of them is to export it with --node NODE.`,
    );
  throw nobodyHolds(identity, name as NodeName | undefined, {
    signing,
    atSidecars,
    holders: [...new Set(found.map(({ node }) => node.name))],
  });
}

function nobodyHolds(
  identity: Sha1,
  name: NodeName | undefined,
  seen: { readonly signing: readonly LineName[]; readonly atSidecars: readonly LineName[]; readonly holders: readonly NodeName[] },
): ResealError {
  const short = identity.slice(0, 8);
  if (seen.signing.length === 0)
    return new ResealError('NOT_FOUND', `No manifest in force signs with the identity ${identity}. What a manifest in force does not name is not exported; see \`reseal impact --certificate ${identity}\`.`); // prettier-ignore
  if (seen.holders.length > 0)
    return new ResealError('REFUSED', `${name ?? ''} is not to hold the identity ${short}: ${seen.holders.join(', ')} ${seen.holders.length === 1 ? 'is' : 'are'}.`); // prettier-ignore
  if (seen.atSidecars.length > 0)
    return new ResealError('REFUSED', `The keys of ${seen.atSidecars.join(', ')} are at a sidecar, and on no node: reseal has no way to them, and exports none. Take ${short} from there as its owner does; docs/sidecar.md says where it lies.`); // prettier-ignore
  return new ResealError('REFUSED', `No node of ${seen.signing.join(', ')} may hold the identity ${short}: look at keys and roles in topology.yaml.`); // prettier-ignore
}
