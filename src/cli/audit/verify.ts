import { resolve } from 'node:path';
import { anchorsIn, chainsIn, type FoundChain } from '../../../activities/audit/chains-in.js';
import { itemsOf, verifyItems } from '../../../activities/audit/verify-chain.js';
import type { AuditFinding } from '../../domain/audit/finding.js';
import { isOfNodes, writerPart } from '../../domain/audit/record.js';
import type { KnownHead } from '../../domain/audit/verify.js';
import { ResealError } from '../../domain/errors.js';
import { auditVerdictText } from '../../presenters/audit-text.js';
import { auditChainView, type AuditChainView, type AuditVerdictView } from '../../presenters/audit.js';
import { auditFolder, presenceOf } from '../../temporal/audit/hold-chain.js';
import { defineCommand, type Context } from '../command.js';
import { verifySink } from './verify-sink.js';
import { anchoredHeads, auditedHome } from './sources.js';

interface Given {
  readonly chains: readonly FoundChain[];
  readonly known: readonly KnownHead[];
}

/** What is named, with what exports have brought along; else what this home has, against what rotations have anchored. */
async function given(context: Context, folders: readonly string[]): Promise<Given> {
  const home = await auditedHome(context);
  const places = folders.length === 0 ? [auditFolder(home)] : folders.map((folder) => resolve(context.cwd, folder));
  const chains = (await Promise.all(places.map(chainsIn))).flat();
  if (chains.length === 0)
    throw new ResealError('NOT_FOUND', `There is no audit chain in ${places.join(' or ')}. Name a home with --home, or folders that \`reseal audit export\` has made.`); // prettier-ignore
  const brought = (await Promise.all(places.map(anchorsIn))).flat();
  return { chains, known: folders.length > 0 && brought.length > 0 ? brought : await anchoredHeads(context, home) };
}

async function verifyChain({ chain, folder }: FoundChain, known: readonly KnownHead[]): Promise<AuditChainView> {
  const of = known.filter((head) => head.chain === chain);
  return auditChainView(folder, await verifyItems(chain, itemsOf(folder), of, null, presenceOf(folder)));
}

/** Whether a chain that is not here lies where it should: nodes have theirs on their own machines. Where one is of the same agent or gateway as a chain here, it should be here too. */
function isOnItsNode(name: string, { chains }: Given): boolean {
  return isOfNodes(name) && !chains.some(({ chain }) => writerPart(chain) === writerPart(name));
}

/** Chains that are known and not here: taken away, or of another machine. */
function notHere({ chains, known }: Given): readonly AuditFinding[] {
  const here = new Set(chains.map(({ chain }) => chain));
  const newest = new Map<string, KnownHead>();
  for (const head of known) if (!here.has(head.chain) && (newest.get(head.chain)?.seq ?? 0) < head.seq) newest.set(head.chain, head);
  return [...newest.values()].map(({ chain, seq, from }) => ({
    ...{ fault: 'gone', chain, seq: null },
    text: `The chain ${chain} is not here: ${from} knows it up to record ${seq}. Where it is another machine's, bring its export along, or verify here alone with --here.`,
  }));
}

export const command = defineCommand({
  description: 'Verify audit chains against themselves, their signatures and what rotations have anchored; exit 1 when something is wrong',
  arguments: {
    folder: { kind: 'list', description: 'Chains, or folders of them, as `reseal audit export` makes them; none: those of the home' },
  },
  options: {
    here: { kind: 'flag', description: 'whatever chains rotations have anchored elsewhere' },
    sink: { kind: 'text', value: 'NAME', description: 'the copy in a sink of reseal.yaml, also against the chains of this home' },
  },
  async handler(context, { folder }, { here, sink }) {
    if (sink !== undefined) return verifySink(context, folder, sink);
    const found = await given(context, folder);
    const chains: AuditChainView[] = [];
    for (const chain of found.chains) {
      context.output.progress(`Verifying ${chain.chain}`);
      chains.push(await verifyChain(chain, found.known));
    }
    const missing = notHere(found);
    const elsewhere = here ? [] : missing.filter(({ chain }) => !isOnItsNode(chain, found));
    const onNodes = missing.filter(({ chain }) => isOnItsNode(chain, found)).length;
    const whole = elsewhere.length === 0 && chains.every(({ verdict }) => verdict === 'whole');
    const view: AuditVerdictView = { schemaVersion: 1, verdict: whole ? 'whole' : 'broken', chains, elsewhere, onNodes };
    context.output.show(view, (one) => auditVerdictText(one, (heading, rows) => context.output.table(heading, rows)));
    return whole ? 0 : 1;
  },
});
