import type { Duration } from '../brands.js';
import type { Policy } from '../policy.js';

/** The waits of a policy that a rehearsal shortens, in milliseconds; what work takes is not among them. */
export interface CompressedWaits {
  readonly cohorts: Pick<Policy['cohorts'], 'stallTimeout'>;
  readonly probe: Pick<Policy['probe'], 'interval' | 'inconclusiveFor'>;
  readonly soak: Policy['soak'];
  readonly gate: Pick<Policy['gate'], 'timeout' | 'remindEvery' | 'widenAfter'>;
  readonly retirement: Pick<Policy['retirement'], 'maxBuildDuration' | 'overduePinPageEvery'>;
  readonly escalation: Policy['escalation'];
  readonly limits: Pick<Policy['limits'], 'nodeOfflineAfter'>;
}

const SECOND = 1_000;
/** A wait is never so short that what is waited for, which is not compressed, could not happen in it. */
const AT_LEAST = {
  probe: 100,
  soakRound: SECOND,
  build: 2 * SECOND,
  stall: 10 * SECOND,
  offline: 5 * SECOND,
  signoff: 60 * SECOND,
} as const;
/** What a rotation's waits take together where nobody says by how much they are compressed. */
const WATCHABLE: Duration = 20 * SECOND;

type Waiting = Pick<Policy, 'soak'> & { readonly retirement: Pick<Policy['retirement'], 'maxBuildDuration'> };

/** How long a rotation of this policy waits when nothing goes wrong and signoffs come at once. */
export const waitsOf = ({ soak, retirement }: Waiting): Duration => soak.duration + retirement.maxBuildDuration;

/** The factor with which a rotation's waits take about twenty seconds; 1 where they take less as they are. */
export const watchableFactor = (policy: Waiting): number => Math.max(1, Math.ceil(waitsOf(policy) / WATCHABLE));

/**
 * Waits divided by a factor.
 * @param factor 1 or more
 */
export function compressWaits(policy: Policy, factor: number): CompressedWaits {
  const shorter = (wait: Duration, least: Duration): Duration => Math.min(wait, Math.max(least, Math.round(wait / factor)));
  const { cohorts, probe, soak, gate, retirement, escalation, limits } = policy;
  return {
    cohorts: { stallTimeout: shorter(cohorts.stallTimeout, AT_LEAST.stall) },
    probe: { interval: shorter(probe.interval, AT_LEAST.probe), inconclusiveFor: shorter(probe.inconclusiveFor, AT_LEAST.stall) },
    soak: {
      duration: shorter(soak.duration, AT_LEAST.soakRound),
      interval: shorter(soak.interval, AT_LEAST.soakRound),
      floor: Math.min(soak.floor, Math.round(soak.floor / factor)),
    },
    gate: {
      timeout: shorter(gate.timeout, AT_LEAST.signoff),
      remindEvery: shorter(gate.remindEvery, AT_LEAST.signoff),
      widenAfter: shorter(gate.widenAfter, AT_LEAST.signoff),
    },
    retirement: {
      maxBuildDuration: shorter(retirement.maxBuildDuration, AT_LEAST.build),
      overduePinPageEvery: shorter(retirement.overduePinPageEvery, AT_LEAST.signoff),
    },
    escalation: { pageEvery: shorter(escalation.pageEvery, AT_LEAST.signoff) },
    limits: { nodeOfflineAfter: shorter(limits.nodeOfflineAfter, AT_LEAST.offline) },
  };
}
