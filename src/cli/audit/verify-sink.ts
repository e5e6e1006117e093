import { BucketChains } from '../../../activities/audit/bucket-chains.js';
import { chainEnd } from '../../../activities/audit/chain-end.js';
import { chainsIn } from '../../../activities/audit/chains-in.js';
import type { CopiedChain } from '../../../activities/audit/pieces.js';
import { itemsOf, verifyItems } from '../../../activities/audit/verify-chain.js';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import type { KnownHead } from '../../domain/audit/verify.js';
import { ResealError } from '../../domain/errors.js';
import { auditVerdictText } from '../../presenters/audit-text.js';
import { auditChainView, type AuditChainView, type AuditVerdictView } from '../../presenters/audit.js';
import type { AuditSinkDeclaration } from '../../schema/reseal.js';
import { auditFolder, presenceOf } from '../../temporal/audit/hold-chain.js';
import { ledgerPieces, placeOf } from '../../temporal/audit/worker-log.js';
import type { Context, ExitCode } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { anchoredHeads, auditedHome } from './sources.js';

/** The copies of a sink, against themselves, what rotations have anchored, and the chains of this home that nobody writes now. */
export async function verifySink(context: Context, folders: readonly string[], name: string): Promise<ExitCode> {
  if (folders.length > 0) throw new ResealError('USAGE', 'Name folders, or a sink with --sink, not both.');
  const { reseal } = loadConfiguration(await configFolderToRead(context));
  const copied = chainsOfSink(context, reseal, declaredSink(reseal, name));
  const home = await auditedHome(context);
  const { ends, writing } = await chainsOf(home);
  const known = [...(await anchoredHeads(context, home)), ...ends];
  const chains: AuditChainView[] = [];
  try {
    const copies = await copied.all();
    if (copies.length === 0 && ends.length === 0) throw new ResealError('NOT_FOUND', `The sink ${name} holds no chain yet. Look at audit.sinks.${name} in reseal.yaml, and whether a worker has run with it.`); // prettier-ignore
    for (const copy of copies) {
      context.output.progress(`Verifying ${copy.chain}`);
      const of = known.filter((head) => head.chain === copy.chain);
      const read = await verifyItems(copy.chain, copy.items(), of, null, writing.has(copy.chain) ? 'at-work' : 'gone');
      chains.push(auditChainView(copy.place, { ...read, findings: [...copy.findings, ...read.findings] }));
    }
  } finally {
    await copied.close();
  }
  const there = new Set(chains.map(({ chain }) => chain));
  const elsewhere = ends
    .filter(({ chain }) => !there.has(chain))
    .map(({ chain, seq, from }) => ({ fault: 'gone' as const, chain, seq: null, text: `The chain ${chain} is not in the sink ${name}: ${from} knows it up to record ${seq}.` })); // prettier-ignore
  const whole = elsewhere.length === 0 && chains.every(({ verdict }) => verdict === 'whole');
  const view: AuditVerdictView = { schemaVersion: 1, verdict: whole ? 'whole' : 'broken', chains, elsewhere, onNodes: 0 };
  context.output.show(view, (one) => auditVerdictText(one, (heading, rows) => context.output.table(heading, rows)));
  return whole ? 0 : 1;
}

function declaredSink({ audit: { sinks } }: Configuration['reseal'], name: string): AuditSinkDeclaration {
  const sink = Object.hasOwn(sinks, name) ? sinks[name] : undefined;
  if (sink !== undefined) return sink;
  const others = Object.keys(sinks).length === 0 ? 'It declares none' : `It declares ${Object.keys(sinks).join(', ')}`;
  throw new ResealError('NOT_FOUND', `reseal.yaml declares no sink ${name} of the audit log. ${others}.`);
}

/** Where the chains of this home end. Of one that is being written the copy is a moment behind. */
async function chainsOf(home: string): Promise<{ readonly ends: readonly KnownHead[]; readonly writing: ReadonlySet<string> }> {
  const ends: KnownHead[] = [];
  const writing = new Set<string>();
  for (const { chain, folder } of await chainsIn(auditFolder(home))) {
    if (presenceOf(folder) === 'at-work') {
      writing.add(chain);
      continue;
    }
    const end = await chainEnd(folder);
    if (end.kind === 'end') ends.push({ ...end.head, from: `the chain in ${folder}` });
  }
  return { ends, writing };
}

interface SinkChains {
  /** @throws ResealError AUDIT_SINK_DOWN */
  all(): Promise<readonly CopiedChain[]>;
  close(): Promise<void>;
}

function chainsOfSink({ env }: Context, reseal: Configuration['reseal'], sink: AuditSinkDeclaration): SinkChains {
  switch (sink.kind) {
    case 'file':
      return { all: () => inFolder(sink.path), close: () => Promise.resolve() };
    case 'bucket':
      return new BucketChains(placeOf(sink));
    case 'ledger':
      return ledgerPieces(reseal, env);
  }
}

const inFolder = async (path: string): Promise<readonly CopiedChain[]> =>
  (await chainsIn(path)).map(({ chain, folder }) => ({ chain, place: folder, findings: [], items: () => itemsOf(folder) }));
