import type { Policy } from '../../src/domain/policy.js';

/** Small numbers: only their order matters. No reminders and no calendar, which change nothing that an invariant speaks of. */
export const MODEL_POLICY: Policy = {
  schemaVersion: 1,
  scan: { every: 1, at: '06:00', zone: 'UTC', lookAhead: 0, ticket: 'CHG-1' },
  window: { appStore: 1, development: 1, adHoc: 1, enterprise: 1 },
  successor: { minLifeBeyondWindow: 0, lookEvery: 100, askEvery: 100, pageWhenLeft: [] },
  specifiers: 'uuid-only',
  wipeable: [],
  cohorts: { canary: { perImage: 1, share: { count: 1 } }, waves: [{ percent: 100 }], maxUnavailable: { count: 1 }, stallTimeout: 50 },
  probe: { passes: 3, interval: 1, checkTimeout: 1, inconclusiveFor: 4 },
  soak: { duration: 20, interval: 100, floor: 0 },
  gate: { approvals: 2, timeout: 200, calendar: null, remindEvery: 1_000_000, widenAfter: 1_000_000, approvalValid: 1_000_000 },
  retirement: { secondGate: false, maxBuildDuration: 10, overduePinPageEvery: 1_000_000 },
  rollback: { headTime: 20, nodeTime: 100, safetyMargin: 100, minLifeAfterRollback: 1_000 },
  escalation: { pageEvery: 1_000_000 },
  emergency: { approvals: 2, canary: 1, wave: { percent: 100 } },
  clock: { maxSkew: 60_000 },
  limits: { stepNodes: 100, activitiesPerSecond: 100, nodeOperationTimeout: 1_000, nodeOfflineAfter: 1_000 },
  seats: { lease: 100, longest: 400, heartbeat: 10, longestWait: 400, rotationWait: 50, rollbackWait: 5 },
  tickets: { pattern: '^CHG-[0-9]+$' },
  calendars: {},
  audience: { owner: [], widened: [], page: [] },
};
