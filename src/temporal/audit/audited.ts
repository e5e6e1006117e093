import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { effectOf } from '../../../activities/audit/effects.js';
import type { AuditLog } from '../../../activities/audit/log.js';
import { AUDIT_HEADER, type AuditedAnswer } from '../../domain/audit/answer.js';
import { ResealError } from '../../domain/errors.js';

/** The one place where activities meet the audit log: around each of them, whatever it does. */
export const audited =
  (log: AuditLog): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        try {
          const answer = await log.around({ name: info.activityType, attempt: info.attempt, order: input.args[0] }, () => next(input));
          const isAsked = AUDIT_HEADER in input.headers && effectOf(info.activityType)?.kind === 'effect';
          // The workflow takes the answer out again (workflows/interceptors/audit.ts).
          return isAsked && log.head !== null ? ({ auditHead: log.head, answer } satisfies AuditedAnswer) : answer;
        } catch (error) {
          // Trying again is Temporal's work: a disk has room again, a copy is back.
          if (!(error instanceof ResealError)) throw error;
          throw ApplicationFailure.create({ message: error.message, type: error.code, cause: error });
        }
      },
    },
  });
