import type { NodeActivities } from '../../activities/node/contract.js';
import { switchingToApproved } from '../../activities/node/approved-switches.js';
import type { ContentStore } from '../../activities/node/frozen-contents.js';
import { signingAnswers } from '../../activities/node/signed-answers.js';
import { obeyingSignedOrders } from '../../activities/node/signed-orders.js';
import { enrolledKeysIn } from '../identity/enrolled-keys.js';
import { approvedIn, followApprovers, pinnedApproversIn, rememberApproved } from '../identity/pinned-approvers.js';
import { pinnedKeysIn } from '../identity/pinned-keys.js';

/**
 * Node operations as an agent or a gateway does them: orders of the keys that are pinned on its machine, to what the approvers have approved that are
 * pinned there, and answers under the key that was made there.
 * @param folder where all of it lies: state of the node, or of the gateway
 */
export function exchangingSigned(
  nodes: NodeActivities,
  folder: string,
  content: Pick<ContentStore, 'approvals' | 'rosters'>,
): NodeActivities {
  const approved = switchingToApproved(nodes, {
    pinned: () => pinnedApproversIn(folder),
    approved: () => approvedIn(folder),
    remember: (one) => rememberApproved(folder, one),
    approvalsOf: (manifest) => content.approvals(manifest),
    rostersOf: (installation) => content.rosters(installation),
    follow: (pinned) => followApprovers(folder, pinned),
  });
  return obeyingSignedOrders(
    signingAnswers(approved, () => enrolledKeysIn(folder)),
    () => pinnedKeysIn(folder),
  );
}
