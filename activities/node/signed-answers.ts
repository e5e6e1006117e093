import { ApplicationFailure } from '@temporalio/common';
import type { NodeOrder } from '../../src/domain/node/order.js';
import { reportStatement, type AnsweredOrder, type SignedAnswer } from '../../src/domain/node/report-signature.js';
import type { NodeKey } from '../../src/statement/node-key.js';
import type { NodeActivities } from './contract.js';

/**
 * Node operations that sign their answers where an order asks for it, with the first of the keys it names that is there.
 * @param keysOf those of this machine, read when they are needed: enrolling does not want a restart
 */
export function signingAnswers(nodes: NodeActivities, keysOf: () => Promise<readonly NodeKey[]>): NodeActivities {
  const signing =
    <O extends AnsweredOrder & Pick<NodeOrder, 'sign'>, T>(operation: keyof NodeActivities, operate: (order: O) => Promise<T>) =>
    async (order: O): Promise<T> => {
      const { sign } = order;
      if (sign === undefined) return operate(order);
      // Before anything is done: what is done and cannot be told would count as not done.
      const key = (await keysOf()).find(({ line }) => sign.keys.includes(line));
      if (key === undefined)
        throw ApplicationFailure.nonRetryable(
          `This machine has none of the keys that are declared for ${order.node ?? (order.nodes ?? []).join(', ')}, so it cannot sign what it says: nothing was touched. See \`reseal node enroll\`.`,
          'IDENTITY_UNAVAILABLE',
        );
      const body = await operate(order);
      const answer: SignedAnswer<T> = { body, signature: key.sign(reportStatement(operation, order, sign.nonce, body)) };
      // The workflow that asked for a signature takes the body out of the envelope again (workflows/signed-answers.ts).
      return answer as T;
    };
  return {
    inspectNode: signing('inspectNode', nodes.inspectNode),
    stageNode: signing('stageNode', nodes.stageNode),
    switchNode: signing('switchNode', nodes.switchNode),
    retireNode: signing('retireNode', nodes.retireNode),
    restoreNode: signing('restoreNode', nodes.restoreNode),
    unstageNode: signing('unstageNode', nodes.unstageNode),
    purgeNode: signing('purgeNode', nodes.purgeNode),
    probeNodes: signing('probeNodes', nodes.probeNodes),
  };
}
