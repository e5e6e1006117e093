import type { AuditFacts } from '../../src/domain/audit/record.js';
import type { ExportedIdentity } from '../../src/domain/exports/export.js';
import type { NodeResult } from '../../src/domain/node/report.js';
import { signedAnswer } from '../../src/domain/node/report-signature.js';
import { isReturn } from '../../src/domain/node/order.js';
import { epochOf } from '../../src/domain/rotation/state.js';
import type { ApprovalActivities } from '../approvals/contract.js';
import type { BreakGlassActivities } from '../break-glass/contract.js';
import type { ExportActivities, ExportContext } from '../exports/contract.js';
import type { LedgerActivities } from '../ledger/contract.js';
import type { MandateActivities } from '../mandates/contract.js';
import type { NodeActivities } from '../node/contract.js';
import type { NotifyActivities } from '../notify/contract.js';
import type { OrderActivities } from '../orders/contract.js';
import type { ReportActivities } from '../reports/contract.js';
import type { ReturningActivities } from '../returning/contract.js';
import type { RevocationActivities } from '../revocations/contract.js';
import type { RosterActivities } from '../roster/contract.js';
import type { RotationActivities, ScanActivities } from '../rotation/contract.js';

/** Everything that any worker of reseal may be asked to do. */
export type AllActivities = RotationActivities &
  ScanActivities &
  ApprovalActivities &
  OrderActivities &
  ReportActivities &
  ReturningActivities &
  MandateActivities &
  RosterActivities &
  RevocationActivities &
  NodeActivities &
  ExportActivities &
  LedgerActivities &
  NotifyActivities;

/** `forward`: it may wait, and does while it cannot be recorded. `back`: it goes on whatever stands in the way of its record. */
export type EffectWay = 'forward' | 'back';

/** What of an activity goes into the audit log. Facts are named one by one: what is not named here is never written. */
export type Effect<Order, Answer> =
  | {
      readonly kind: 'effect';
      readonly way: (order: Order) => EffectWay;
      readonly facts: (order: Order) => AuditFacts;
      /** Of the answer. */
      readonly result: (answer: Answer) => AuditFacts;
    }
  | { readonly kind: 'none'; readonly because: string };

type Declared<A> = {
  readonly [Name in keyof A]: A[Name] extends (order: infer Order) => Promise<infer Answer> ? Effect<Order, Answer> : never;
};

const none = (because: string) => ({ kind: 'none', because }) as const;
const READS = none('it only reads');

type Fact = string | number | boolean | readonly string[] | null | undefined;

/** Longer texts are nobody's names or digests. */
const LONGEST = 300;
const MOST_NAMES = 100;

/** What is there of these, in the length of a name. */
export function facts(named: Readonly<Record<string, Fact>>): AuditFacts {
  const kept: Record<string, AuditFacts[string]> = {};
  for (const [name, value] of Object.entries(named)) {
    if (value === null || value === undefined) continue;
    if (typeof value === 'number') kept[name] = value;
    else if (typeof value === 'object') kept[name] = value.slice(0, MOST_NAMES).map((one) => one.slice(0, LONGEST));
    else kept[name] = String(value).slice(0, LONGEST);
  }
  return kept;
}

const forward = () => 'forward' as const;
const back = () => 'back' as const;

interface AnyOrder {
  readonly node: string;
  readonly line: string;
  readonly rotation: string;
  readonly epoch: number;
  readonly opId: string;
}

const nodeOrder = ({ node, line, rotation, epoch, opId }: AnyOrder) => ({ node, line, rotation, epoch, opId });
/** Of an answer as the node gave it, or in the envelope of its signature. */
function nodeResult(answer: NodeResult): AuditFacts {
  const { outcome, active } = (signedAnswer(answer)?.body ?? answer) as NodeResult;
  return facts({ outcome, active });
}

const exportFacts = ({ id, line, ticket, binds, approvedBy }: ExportContext) => ({
  ...{ export: id, line, node: binds.node, identity: binds.identity, receiver: binds.receiver, recipient: binds.recipient },
  ...{ by: binds.requestedBy, ticket, approvedBy },
});

/** Which activities have an effect outside of Temporal, and what is written of it. Whoever adds an activity says so here. */
export const EFFECTS: Declared<AllActivities & BreakGlassActivities> = {
  openRotation: {
    kind: 'effect',
    way: forward,
    facts: ({ line, trigger }) => facts({ line, by: trigger.by, ticket: trigger.ticket }),
    result: ({ k, id }) => facts({ rotation: id, number: k }),
  },
  adoptRotation: {
    kind: 'effect',
    way: forward,
    facts: ({ line, rotation, by, ticket }) => facts({ line, rotation, by, ticket }),
    result: ({ state }) => facts({ epoch: epochOf(state), found: state.phase }),
  },
  findSuccessors: {
    kind: 'effect',
    way: forward,
    facts: ({ line, trigger }) => facts({ line, by: trigger.by, ticket: trigger.ticket }),
    result: ({ fingerprint, missing }) => facts({ fingerprint, missing: missing.length }),
  },
  prepareRotation: {
    kind: 'effect',
    way: forward,
    facts: ({ line, id, trigger }) => facts({ line, rotation: id, ticket: trigger.ticket }),
    result: ({ plan, reasons }) =>
      facts({ from: plan?.from, to: plan?.to, topology: plan?.topology, policy: plan?.policyDigest, cohorts: plan?.cohorts, refused: reasons.length }), // prettier-ignore
  },
  cohortNodes: READS,
  findStandIn: {
    kind: 'effect',
    way: forward,
    facts: ({ line, id, ticket, node, cohorts, to }) => facts({ line, rotation: id, ticket, node, cohorts, to }),
    result: () => facts({}),
  },
  keepApprovals: {
    kind: 'effect',
    way: forward,
    facts: ({ line, id, ticket, to, approvals }) =>
      facts({ line, rotation: id, ticket, to, by: approvals.map(({ statement }) => statement.person) }),
    result: () => facts({}),
  },
  advanceHead: {
    kind: 'effect',
    way: forward,
    facts: ({ line, id, ticket, expectedSeq, to }) => facts({ line, rotation: id, ticket, expectedSeq, to }),
    result: (answer) => (answer.moved ? facts({ moved: true, seq: answer.seq }) : facts({ moved: false, seq: answer.found?.seq, digest: answer.found?.digest })), // prettier-ignore
  },
  returnHead: {
    kind: 'effect',
    way: back,
    facts: ({ line, id, ticket, from, to }) => facts({ line, rotation: id, ticket, from, to }),
    result: ({ seq, digest }) => facts({ seq, digest }),
  },
  closeRotation: {
    kind: 'effect',
    way: back,
    facts: (state) =>
      facts({ line: state.line, rotation: state.id, ticket: state.trigger.ticket, epoch: epochOf(state), outcome: state.phase }),
    result: ({ writtenBack }) => facts({ taken: writtenBack?.taken, notTaken: writtenBack?.notTaken.map(({ source }) => source) }),
  },
  writeBackSuccessors: {
    kind: 'effect',
    way: forward,
    facts: ({ line, id, ticket, from, to }) => facts({ line, rotation: id, ticket, from, to }),
    result: ({ taken, notTaken, rest }) => facts({ taken, notTaken: notTaken.map(({ source }) => source), rest }),
  },
  prepareIncident: {
    kind: 'effect',
    way: back,
    facts: ({ rotation, request }) =>
      facts({ line: request.line, undoes: rotation, by: request.trigger.by, ticket: request.trigger.ticket }),
    result: ({ state, reasons }) => facts({ rotation: state?.id, to: state?.plan?.from, refused: reasons.length }),
  },
  surveyLines: READS,
  judgeStatement: READS,
  gateTerms: READS,
  judgeReport: READS,
  signOrder: none('whoever follows the order records what it does'),
  surveyReturning: READS,
  nodesToLookAt: none('it reads, and freezes the configuration of the moment, which changes nothing that was there'),
  orderReturn: {
    kind: 'effect',
    way: back,
    facts: ({ line, node }) => facts({ line, node }),
    result: (answer) => facts({ number: answer?.number, manifest: answer?.manifest }),
  },
  orderRestore: {
    kind: 'effect',
    way: back,
    facts: ({ line, node, by, ticket, signed }) => facts({ line, node, by, ticket, statement: signed?.statement.nonce }),
    result: ({ number, manifest }) => facts({ number, manifest }),
  },
  orderPurge: {
    kind: 'effect',
    way: forward,
    facts: ({ line, node, by, ticket, signed }) => facts({ line, node, by, ticket, statement: signed?.statement.nonce }),
    result: ({ topology, policyDigest }) => facts({ topology, policy: policyDigest }),
  },
  orderRelease: {
    kind: 'effect',
    way: back,
    facts: ({ line, node, by, ticket, signed, holder, job }) =>
      facts({ line, node, by, ticket, statement: signed?.statement.nonce, holder, job }),
    result: () => facts({}),
  },
  judgeReturn: READS,
  adoptRoster: {
    kind: 'effect',
    way: forward,
    facts: ({ statement: { person, ticket, number, roster, previous, nonce } }) =>
      facts({ by: person, ticket, number, roster, previous, statement: nonce }),
    result: ({ number, by }) => facts({ number, by }),
  },
  recordRevocation: {
    kind: 'effect',
    way: ({ statement: { says } }) => (says === 'revocation-record' ? 'back' : 'forward'),
    facts: ({ statement: { person, ticket, says, certificate, nonce } }) =>
      facts({ by: person, ticket, says, identity: certificate ?? undefined, statement: nonce }),
    result: ({ keptIn, missing }) => facts({ stores: keptIn, missing: missing.map(({ store }) => store) }),
  },
  inspectNode: READS,
  probeNodes: READS,
  stageNode: {
    kind: 'effect',
    way: forward,
    facts: (order) => facts({ ...nodeOrder(order), to: order.to }),
    result: nodeResult,
  },
  switchNode: {
    kind: 'effect',
    way: (order) => (isReturn(order) ? 'back' : 'forward'),
    facts: (order) => facts({ ...nodeOrder(order), target: order.target, revertTo: order.revertTo }),
    result: nodeResult,
  },
  retireNode: {
    kind: 'effect',
    way: forward,
    facts: (order) => facts({ ...nodeOrder(order), old: order.old, keep: order.keep, pins: order.pins }),
    result: nodeResult,
  },
  restoreNode: {
    kind: 'effect',
    way: back,
    facts: (order) => facts({ ...nodeOrder(order), manifest: order.manifest }),
    result: nodeResult,
  },
  unstageNode: {
    kind: 'effect',
    way: back,
    facts: (order) => facts({ ...nodeOrder(order), remove: order.remove, keep: order.keep, pins: order.pins }),
    result: nodeResult,
  },
  purgeNode: {
    kind: 'effect',
    way: forward,
    facts: (order) => facts({ ...nodeOrder(order), ticket: order.ticket }),
    result: () => facts({}),
  },
  restoreUnasked: {
    kind: 'effect',
    way: back,
    facts: ({ node, line, ticket, by, account, before, manifest, source, overtakes }) =>
      facts({ node, line, ticket, by, account, before, manifest, from: source.from, overtakes }),
    result: ({ outcome, before, active }) => facts({ outcome, before, active }),
  },
  exportIdentity: {
    kind: 'effect',
    way: forward,
    facts: (order) => {
      const asked = order.warrant.request.statement;
      const asks = 'asks' in asked ? asked.asks : null;
      return facts({
        ...nodeOrder(order),
        ...{ identity: asks?.identity, receiver: asks?.receiver, recipient: asks?.recipient, by: asked.person, ticket: asked.ticket },
        approvedBy: order.warrant.approvals.map(({ statement }) => statement.person),
      });
    },
    result: (answer) => facts({ sealed: ((signedAnswer(answer)?.body ?? answer) as ExportedIdentity).sha256 }),
  },
  openExport: READS,
  judgeExportWord: READS,
  orderExport: {
    kind: 'effect',
    way: forward,
    facts: (of) => facts(exportFacts(of)),
    result: ({ topology, policyDigest }) => facts({ topology, policy: policyDigest }),
  },
  keepExport: {
    kind: 'effect',
    way: forward,
    facts: ({ exported, ...of }) => facts({ ...exportFacts(of), sealed: exported.sha256 }),
    result: (document) => facts({ document }),
  },
  closeExport: {
    kind: 'effect',
    way: back,
    facts: ({ status, refused }) =>
      facts({
        refused: refused.length,
        ...{ export: status.id, line: status.line, node: status.binds.node, identity: status.binds.identity, ticket: status.ticket },
        ...{ receiver: status.binds.receiver, outcome: status.phase, endedBy: status.ended?.by, sealed: status.sealed?.sha256 },
      }),
    result: (record) => facts({ record }),
  },
  recordExport: none('the ledger is a projection of what is recorded elsewhere'),
  recordProgress: none('the ledger is a projection of what is recorded elsewhere'),
  recordStep: none('the ledger is a projection of what is recorded elsewhere'),
  recordSeatUses: none('the ledger is a projection of what is recorded elsewhere'),
  recordSignings: {
    kind: 'effect',
    way: back,
    facts: (signings) =>
      facts({ artifacts: signings.map(({ key }) => key.artifact), signed: signings.map(({ signed }) => signed), holders: signings.map(({ holder }) => holder) }), // prettier-ignore
    result: () => facts({}),
  },
  signings: READS,
  notify: {
    kind: 'effect',
    way: back,
    facts: ({ event, audience, rotation }) => facts({ event, audience, rotation: rotation?.id, line: rotation?.line }),
    result: () => facts({}),
  },
};

/** What is declared of an activity by its name; null: nobody has declared it. */
export const effectOf = (name: string): Effect<never, unknown> | null =>
  Object.hasOwn(EFFECTS, name) ? (EFFECTS[name as keyof typeof EFFECTS] as Effect<never, unknown>) : null;
