import type { Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { ApprovedManifest, PinnedApprovers } from '../../src/domain/node/approved.js';
import { approversOf } from '../../src/statement/approved.js';
import { pinsAlong } from '../../src/statement/pinned-rosters.js';
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
  /** What the stores keep of the rosters that people of an installation have adopted; null: nothing. */
  readonly rostersOf: (installation: string) => Promise<unknown>;
  /** From now on these are pinned: a later roster of the same installation. */
  readonly follow: (pinned: PinnedApprovers) => Promise<void>;
}

/**
 * Node operations on a machine that sees for itself whether people have approved what it is to serve, whoever signed the order: a line goes
 * there to a manifest that enough of the pinned persons have approved, or of those whom enough of them have put in their place, or back to one that was in force before, and to no other. Only a
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
  const isServed = (manifest: Sha256): boolean => before.some((one) => one.line === line && one.manifest === manifest);
  // What was served before needs nothing from a store: a way back is as fast as it was.
  const unknown = [target, ...(revertTo === null ? [] : [revertTo])].filter((manifest) => !isServed(manifest));
  const pins = unknown.length === 0 ? [pinned] : await pinsOf(pinned, known);
  const refusals = new Map<Sha256, string>();
  for (const manifest of unknown) {
    const refusal = await whyNot({ line, manifest }, pins, known);
    if (refusal !== null) refusals.set(manifest, refusal);
  }
  const newest = pins.at(-1) ?? pinned;
  // Only now: what those before have approved stays approved.
  if (newest !== pinned) await known.follow(newest);
  const refusal = refusals.get(target);
  if (refusal !== undefined && !(canary === true && pinned.canary.includes(node)))
    throw new ResealError(
      'REFUSED',
      `${node} serves on ${line} what ${pinned.needed} of its approvers have approved, and not manifest ${target.slice(0, 12)}: ${refusal}. Nothing was touched. Where roster.yaml has changed and ${pinned.needed} of those pinned have not adopted it (\`reseal roster adopt\`), or the line is new: \`reseal node enroll --approvers declared\` on that machine.`,
    );
  return { revert: revertTo === null || !refusals.has(revertTo) };
}

/** Those who are pinned, and whom they have put in their place since. A store that does not say keeps nobody from counting those who are pinned. */
async function pinsOf(pinned: PinnedApprovers, known: KnownApprovals): Promise<readonly PinnedApprovers[]> {
  try {
    return pinsAlong(await known.rostersOf(pinned.installation), pinned);
  } catch (error) {
    if (error instanceof ResealError) return [pinned];
    throw error;
  }
}

/** Ends a sentence; null where the manifest may be served: enough persons of one of these rosters have approved it. */
async function whyNot(wanted: ApprovedManifest, pins: readonly PinnedApprovers[], known: KnownApprovals): Promise<string | null> {
  const document = await known.approvalsOf(wanted.manifest);
  const found = pins.map((pinned) => ({ pinned, ...approversOf(document, wanted, pinned) }));
  if (found.some(({ pinned, persons }) => persons.length >= pinned.needed)) {
    await known.remember(wanted);
    return null;
  }
  const { persons, reasons } = found.at(-1) ?? { persons: [], reasons: [] };
  const who = persons.length === 0 ? 'nobody has' : `only ${persons.join(' and ')} ${persons.length === 1 ? 'has' : 'have'}`;
  return reasons.length === 0 ? who : `${who}; ${reasons.slice(0, 3).join('; ')}`;
}
