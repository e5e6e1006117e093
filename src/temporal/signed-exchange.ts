import type { NodeActivities } from '../../activities/node/contract.js';
import { signingAnswers } from '../../activities/node/signed-answers.js';
import { obeyingSignedOrders } from '../../activities/node/signed-orders.js';
import { enrolledKeysIn } from '../identity/enrolled-keys.js';
import { pinnedKeysIn } from '../identity/pinned-keys.js';

/**
 * Node operations as an agent or a gateway does them: orders of the keys that are pinned on its machine, answers under the one that was made there.
 * @param folder where both lie: state of the node, or of the gateway
 */
export const exchangingSigned = (nodes: NodeActivities, folder: string): NodeActivities =>
  obeyingSignedOrders(
    signingAnswers(nodes, () => enrolledKeysIn(folder)),
    () => pinnedKeysIn(folder),
  );
