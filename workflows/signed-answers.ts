import { ApplicationFailure, proxyLocalActivities, uuid4 } from '@temporalio/workflow';
import type { NodeActivities } from '../activities/node/contract.js';
import type { ReportActivities } from '../activities/reports/contract.js';
import type { AnsweredOrder, SignatureTerms, SignedAnswer } from '../src/domain/node/report-signature.js';
import type { Handout } from '../src/domain/node/routes.js';

/** Local: it takes a fraction of a millisecond, and the answer is there already. */
const { judgeReport } = proxyLocalActivities<ReportActivities>({ startToCloseTimeout: '10s' });

/** Whoever answered in the node's place may have taken the work from the one that was meant, which polls for it as well. */
const ATTEMPTS = 3;

/** Node operations whose answers count only where they are signed by a key that is enrolled for who takes them up; where none is, as they come. */
export function believedWhenSigned(nodes: NodeActivities, handout: Handout | null): NodeActivities {
  if (handout === null || handout.keys.length === 0) return nodes;
  const { keys } = handout;
  const signed =
    <O extends AnsweredOrder, T>(operation: keyof NodeActivities, operate: (order: O & { readonly sign?: SignatureTerms }) => Promise<T>) =>
    async (order: O): Promise<T> => {
      for (let attempt = 1; ; attempt += 1) {
        const sign: SignatureTerms = { nonce: uuid4(), keys };
        const answer: unknown = await operate({ ...order, sign });
        const judgement = await judgeReport({ operation, order: answeredOrder(order), sign, answer });
        if (judgement.counts) return (answer as SignedAnswer<T>).body;
        if (attempt === ATTEMPTS) throw refused(order, judgement.reason);
      }
    };
  return {
    inspectNode: signed('inspectNode', nodes.inspectNode),
    stageNode: signed('stageNode', nodes.stageNode),
    switchNode: signed('switchNode', nodes.switchNode),
    retireNode: signed('retireNode', nodes.retireNode),
    restoreNode: signed('restoreNode', nodes.restoreNode),
    unstageNode: signed('unstageNode', nodes.unstageNode),
    purgeNode: signed('purgeNode', nodes.purgeNode),
    probeNodes: signed('probeNodes', nodes.probeNodes),
  };
}

function answeredOrder({ line, rotation, epoch, opId, node, nodes }: AnsweredOrder): AnsweredOrder {
  return { line, rotation, epoch, opId, ...(node === undefined ? {} : { node }), ...(nodes === undefined ? {} : { nodes }) };
}

function refused({ node, nodes }: AnsweredOrder, reason: string): ApplicationFailure {
  const who = node ?? (nodes ?? []).join(', ');
  return ApplicationFailure.nonRetryable(
    `the answer for ${who} does not count: ${reason}, and its key is enrolled; see who else takes up its work (reseal doctor), and whether its key is still the one declared (reseal node enroll ${node ?? 'NODE'})`,
    'SIGNATURE_REFUSED',
  );
}
