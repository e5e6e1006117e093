import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { activityIdFor, audienceOfQueue } from '../../src/domain/codec/audience.js';

/**
 * Gives every activity that an agent or a gateway carries out an id that says so: by it the codec knows under whose key its orders are encrypted
 * (src/domain/codec/audience.ts).
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity: (input, next) => {
        const audience = audienceOfQueue(input.options.taskQueue ?? '');
        if (audience === 'control') return next(input);
        return next({ ...input, options: { ...input.options, activityId: activityIdFor(input.seq, audience) } });
      },
    },
  ],
});
