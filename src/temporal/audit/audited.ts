import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { effectOf } from '../../../activities/audit/effects.js';
import type { AllActivities } from '../../../activities/audit/effects.js';
import type { AuditLog } from '../../../activities/audit/log.js';
import { AUDIT_HEADER, type AuditedAnswer } from '../../domain/audit/answer.js';
import type { AuditHead } from '../../domain/audit/record.js';
import { ResealError } from '../../domain/errors.js';

/** With the answers to these the heads of the other chains of the home come along: a few times in each rotation, for a look costs a read of each chain's end. */
const TELL_BESIDE: readonly (keyof AllActivities)[] = ['openRotation', 'prepareRotation', 'advanceHead', 'returnHead'];

/**
 * The one place where activities meet the audit log: around each of them, whatever it does.
 * @param beside heads of other chains that this process answers for; never rejects
 */
export const audited =
  (log: AuditLog, beside: () => Promise<readonly AuditHead[]> = () => Promise.resolve([])): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        try {
          const answer = await log.around({ name: info.activityType, attempt: info.attempt, order: input.args[0] }, () => next(input));
          const isAsked = AUDIT_HEADER in input.headers && effectOf(info.activityType)?.kind === 'effect';
          // The workflow takes the answer out again (workflows/interceptors/audit.ts).
          if (!isAsked || log.head === null) return answer;
          const besideHeads = TELL_BESIDE.some((name) => name === info.activityType) ? await beside() : [];
          const own: AuditedAnswer = { auditHead: log.head, answer };
          return besideHeads.length === 0 ? own : { ...own, besideHeads };
        } catch (error) {
          // Trying again is Temporal's work: a disk has room again, a copy is back.
          if (!(error instanceof ResealError)) throw error;
          throw ApplicationFailure.create({ message: error.message, type: error.code, cause: error });
        }
      },
    },
  });
