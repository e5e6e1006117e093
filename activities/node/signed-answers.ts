import { ApplicationFailure } from '@temporalio/common';
import { eachOperation } from '../../src/domain/node/each-operation.js';
import type { NodeOrder } from '../../src/domain/node/order.js';
import { reportStatement, type AnsweredOrder, type SignedAnswer } from '../../src/domain/node/report-signature.js';
import type { MachineKey } from '../../src/statement/machine-key.js';
import type { NodeActivities } from './contract.js';

/**
 * Node operations that sign their answers where an order asks for it, with the first of the keys it names that is there.
 * @param keysOf those of this machine, read when they are needed: enrolling does not want a restart
 */
export function signingAnswers(nodes: NodeActivities, keysOf: () => Promise<readonly MachineKey[]>): NodeActivities {
  return eachOperation(nodes, (operation, operate) => async (order: AnsweredOrder & Pick<NodeOrder, 'sign'>) => {
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
    // The workflow that asked for a signature takes the body out of the envelope again (workflows/signed-answers.ts).
    const answer: SignedAnswer<unknown> = { body, signature: key.sign(reportStatement(operation, order, sign.nonce, body)) };
    return answer;
  });
}
