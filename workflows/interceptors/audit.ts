import { defaultPayloadConverter } from '@temporalio/common';
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { AUDIT_HEADER, auditedAnswer, mayTell } from '../../src/domain/audit/answer.js';
import { audienceOfQueue } from '../../src/domain/codec/audience.js';
import { noteHeads } from '../audit-heads.js';

/** Asks whoever carries activities out for the heads of the chains that their effects are recorded in, and keeps them for the rotation to anchor. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity: async (input, next) => {
        const headers = { ...input.headers, [AUDIT_HEADER]: defaultPayloadConverter.toPayload('heads') };
        const answer = await next({ ...input, headers });
        const audited = auditedAnswer(answer);
        if (audited === null) return answer;
        const { auditHead: head, besideHeads = [] } = audited;
        const audience = audienceOfQueue(input.options.taskQueue ?? '');
        const told = audience === 'control' ? [head, ...besideHeads] : [head];
        noteHeads(told.filter((one) => mayTell(audience, one)).map(({ chain, seq, digest }) => ({ chain, seq, digest })));
        return audited.answer;
      },
    },
  ],
});
