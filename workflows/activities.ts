import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { believedWhenSigned } from './signed-answers.js';
import { signedByInstallation } from './signed-orders.js';
import type { ApprovalActivities } from '../activities/approvals/contract.js';
import type { ExportActivities } from '../activities/exports/contract.js';
import type { LedgerActivities } from '../activities/ledger/contract.js';
import type { MandateActivities } from '../activities/mandates/contract.js';
import type { NodeActivities } from '../activities/node/contract.js';
import type { NotifyActivities } from '../activities/notify/contract.js';
import type { ReturningActivities } from '../activities/returning/contract.js';
import type { RevocationActivities } from '../activities/revocations/contract.js';
import type { RosterActivities } from '../activities/roster/contract.js';
import type { RotationActivities, ScanActivities } from '../activities/rotation/contract.js';
import type { Handout } from '../src/domain/node/routes.js';

/** Failures that trying again cannot mend; the same codes as in `src/domain/errors.ts`. */
const FINAL = [
  'STALE_EPOCH',
  'ORDER_EXPIRED',
  'CLOCK_SKEW',
  'DIGEST_MISMATCH',
  'UNSUPPORTED_PROTOCOL',
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'MANIFEST_INVALID',
  'NOT_FOUND',
  'REFUSED',
  'NOT_ENTITLED',
  'SIGNATURE_NEEDED',
  'SIGNATURE_REFUSED',
  'STATEMENT_REFUSED',
  'ALREADY_DECIDED',
];

/** And of profiles, where their bytes are judged before a rotation begins. */
const NO_PROFILE = ['NOT_A_PROFILE', 'PROFILE_UNTRUSTED'];

/** The store, the configuration, the profile sources: seconds at most; tried for as long as the rotation wants it. */
export const desk = proxyActivities<RotationActivities & ScanActivities>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: [...FINAL, ...NO_PROFILE] },
});

/** A person has a rotation go on, and waits for the answer; the run that was cut off is replayed for it. */
export const adopting = proxyActivities<Pick<RotationActivities, 'adoptRotation'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: [...FINAL, 'WRONG_TICKET'] },
});

/**
 * The same for a rotation that has changed nodes: nothing is final any more. A configuration that somebody has just broken, a store that
 * answers nonsense, come right again, and until then the rotation waits (or is told to turn back).
 */
export const steadyDesk = proxyActivities<
  Pick<RotationActivities, 'cohortNodes' | 'findStandIn' | 'keepApprovals' | 'advanceHead' | 'returnHead' | 'closeRotation'> &
    Pick<ApprovalActivities, 'gateTerms'>
>({
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s' },
});

/** Successors into sources that others read; what cannot be done in that time is tried again after a pause. */
export const writingBack = proxyActivities<Pick<RotationActivities, 'writeBackSuccessors'>>({
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: FINAL },
});

/** A person waits for the answer; nothing but the roster is read for it. */
export const approvals = proxyActivities<Pick<ApprovalActivities, 'judgeStatement'>>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '1m',
  retry: { initialInterval: '200ms', maximumInterval: '2s' },
});

/** What an export is begun and ordered with, and what was sealed into the store: somebody waits for it. */
export const exportDesk = proxyActivities<Pick<ExportActivities, 'openExport' | 'orderExport' | 'keepExport'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '5m',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: [...FINAL, 'USAGE', 'WRONG_TICKET'] },
});

export const exportJudge = proxyActivities<Pick<ExportActivities, 'judgeExportWord'>>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '1m',
  retry: { initialInterval: '200ms', maximumInterval: '2s' },
});

/** What became of an export, into the store; a store that is away for a day is back the next. */
export const exportKeeper = proxyActivities<Pick<ExportActivities, 'closeExport'>>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '500ms', maximumInterval: '1m' },
});

/** The look for nodes that came back: store and ledger may be away for a while; the next look comes anyway. */
export const returning = proxyActivities<ReturningActivities>({
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: FINAL },
});

/** What a person asks of a node: they wait for the answer, and what is refused is refused at once. */
export const mandates = proxyActivities<MandateActivities>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  retry: {
    initialInterval: '500ms',
    maximumInterval: '15s',
    nonRetryableErrorTypes: [...FINAL, 'USAGE', 'WRONG_TICKET', 'ROTATION_IN_FLIGHT'],
  },
});

/** A person adopts a roster, and waits for the answer. */
export const rosters = proxyActivities<RosterActivities>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: [...FINAL, 'USAGE', 'WRONG_TICKET'] },
});

/** A person records a revocation, and waits for the answer; stores that are away are told, and not waited for. */
export const revocations = proxyActivities<RevocationActivities>({
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '3m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '15s', nonRetryableErrorTypes: [...FINAL, 'USAGE', 'WRONG_TICKET'] },
});

/** The ledger: a database may be gone for a while, and comes back. */
export const ledger = proxyActivities<LedgerActivities>({
  startToCloseTimeout: '15s',
  retry: { initialInterval: '200ms', maximumInterval: '5s' },
});

/** The ledger when a step forward waits for it; what it does not take in that time it gets later. */
export const ledgerPatiently = proxyActivities<Pick<LedgerActivities, 'recordStep'>>({
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '200ms', maximumInterval: '5s' },
});

/** The ledger when nothing may wait for it. */
export const ledgerBriefly = proxyActivities<Pick<LedgerActivities, 'recordStep'>>({
  startToCloseTimeout: '5s',
  scheduleToCloseTimeout: '5s',
  retry: { initialInterval: '200ms', maximumAttempts: 3 },
});

export const messenger = proxyActivities<NotifyActivities>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '1s', maximumInterval: '1m' },
});

/**
 * Heartbeats tell a dead worker from a slow node; the node operation's own time is the policy's. An operation that takes longer is not begun
 * again: the node does not answer. Nor is anything tried for ever, whatever goes wrong with it.
 */
export const nodeOptions = (operationTimeout: number): ActivityOptions => ({
  startToCloseTimeout: operationTimeout,
  scheduleToCloseTimeout: 12 * operationTimeout,
  heartbeatTimeout: '10s',
  cancellationType: 'TRY_CANCEL',
  retry: { initialInterval: '200ms', maximumInterval: '10s', nonRetryableErrorTypes: [...FINAL, 'TemporalTimeout:StartToClose'] },
});

/**
 * @param summary what Temporal's UI shows beside the operation: the node's name
 * @param handout who carries it out; null: the workers that this workflow runs on
 */
export const nodesWith = (operationTimeout: number, summary: string, handout: Handout | null): NodeActivities =>
  exchanged(proxyActivities<NodeActivities>({ ...nodeOptions(operationTimeout), ...handedOut(summary, handout) }), handout);

/** The same where a person waits for the answer: a node that does not answer five times, within some seconds, is said to be away. */
export const nodesAtOnce = (operationTimeout: number, summary: string, handout: Handout | null): NodeActivities => {
  const options = nodeOptions(operationTimeout);
  return exchanged(
    proxyActivities<NodeActivities>({ ...options, retry: { ...options.retry, maximumAttempts: 5 }, ...handedOut(summary, handout) }),
    handout,
  );
};

/** Orders signed by the installation, answers by who gives them, where either is so. */
const exchanged = (nodes: NodeActivities, handout: Handout | null): NodeActivities =>
  believedWhenSigned(signedByInstallation(nodes, handout), handout);

const handedOut = (summary: string, handout: Handout | null): ActivityOptions => ({
  summary,
  ...(handout === null ? {} : { taskQueue: handout.taskQueue, scheduleToStartTimeout: handout.patience }),
});
