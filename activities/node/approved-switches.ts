import type { Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { ApprovedManifest, PinnedApprovers } from '../../src/domain/node/approved.js';
import { approversOf } from '../../src/statement/approved.js';
import type { NodeActivities } from './contract.js';
import { activityFailure } from './failures.js';

/** What a machine knows of approvals. */
export interface KnownApprovals {
  /** Null: nobody is pinned, and orders alone say what is served. */
  readonly pinned: () => Promise<PinnedApprovers | null>;
  readonly approved: () => Promise<readonly ApprovedManifest[]>;
  readonly remember: (approved: ApprovedManifest) => Promise<void>;
  /** What the store keeps of a manifest's approvals; null: none. */
  readonly approvalsOf: (manifest: Sha256) => Promise<unknown>;
}

/**
 * Node operations on a machine that sees for itself whether people have approved what it is to serve, whoever signed the order: a line goes
 * there to a manifest that enough of the pinned persons have approved, or back to one that was in force before, and to no other. Only a
 * node that may be in a canary serves there what nobody has approved yet.
 */
export function switchingToApproved(nodes: NodeActivities, known: KnownApprovals): NodeActivities {
  return {
    ...nodes,
    switchNode: async (order) => {
      const allowed = await judge(order, known).catch((error: unknown) => {
        throw activityFailure(error, 1);
      });
      // By itself a node goes back to nothing that it may not be sent to.
      return nodes.switchNode({ ...order, revertTo: allowed.revert ? order.revertTo : null });
    },
  };
}

type Order = Parameters<NodeActivities['switchNode']>[0];

async function judge(order: Order, known: KnownApprovals): Promise<{ readonly revert: boolean }> {
  const pinned = await known.pinned();
  if (pinned === null) return { revert: true };
  const { line, target, revertTo, canary, node } = order;
  const before = await known.approved();
  const refusal = await whyNot({ line, manifest: target }, before, pinned, known);
  if (refusal !== null && !(canary === true && pinned.canary.includes(node)))
    throw new ResealError(
      'REFUSED',
      `${node} serves on ${line} what ${pinned.needed} of its approvers have approved, and not manifest ${target.slice(0, 12)}: ${refusal}. Nothing was touched. Where roster.yaml has changed since they were pinned, or the line is new: \`reseal node enroll --approvers declared\` on that machine.`,
    );
  return { revert: revertTo === null || (await whyNot({ line, manifest: revertTo }, before, pinned, known)) === null };
}

/** Ends a sentence; null where the manifest may be served. */
async function whyNot(
  wanted: ApprovedManifest,
  before: readonly ApprovedManifest[],
  pinned: PinnedApprovers,
  known: KnownApprovals,
): Promise<string | null> {
  if (before.some(({ line, manifest }) => line === wanted.line && manifest === wanted.manifest)) return null;
  const { persons, reasons } = approversOf(await known.approvalsOf(wanted.manifest), wanted, pinned);
  if (persons.length >= pinned.needed) {
    await known.remember(wanted);
    return null;
  }
  const who = persons.length === 0 ? 'nobody has' : `only ${persons.join(' and ')} ${persons.length === 1 ? 'has' : 'have'}`;
  return reasons.length === 0 ? who : `${who}; ${reasons.slice(0, 3).join('; ')}`;
}
