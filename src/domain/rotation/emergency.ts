import type { Instant, PersonId } from '../brands.js';
import type { Policy } from '../policy.js';
import type { Phase } from './phases.js';
import type { Emergency, Plan, RotationState } from './state.js';
import type { GateKind } from './statement.js';

/** What is read of a rotation, or of what is asked for. */
interface Urgency {
  readonly emergency?: Pick<Emergency, 'revoked'>;
}

/** Whether a revoked asset is replaced: forward only, for a mesh is never returned to an asset that cannot sign. */
export const isEmergency = <S extends Urgency>(state: S): state is S & { readonly emergency: NonNullable<S['emergency']> } =>
  state.emergency !== undefined;

/** How many distinct persons have to approve. */
export const approvalsNeeded = (state: Urgency & Pick<RotationState, 'policy'>): number =>
  isEmergency(state) ? state.policy.emergency.approvals : state.policy.gate.approvals;

/** The canary and the waves of an emergency: so many nodes first, whatever images there are. */
export const cohortsInEmergency = (policy: Policy): Policy => ({
  ...policy,
  cohorts: { ...policy.cohorts, canary: { perImage: 0, share: { count: policy.emergency.canary } }, waves: [policy.emergency.wave] },
});

/** Who asked for a rotation decides on nothing; who started an emergency may be one of those who approve what it brings, and signs that too. */
export const mustNotDecide = (state: Pick<RotationState, 'emergency' | 'trigger'>, person: PersonId): boolean =>
  !isEmergency(state) && person === state.trigger.by;

/** The gate of a phase; null: it has none. That of an emergency comes before any node is changed, and is its only one. */
export function gateOf(state: Pick<RotationState, 'emergency' | 'phase' | 'plan'>): GateKind | null {
  if (isEmergency(state)) return state.phase === 'preflight' && state.plan !== null ? 'emergency' : null;
  if (state.phase === 'awaiting-signoff') return 'signoff';
  return state.phase === 'awaiting-retirement' ? 'retirement' : null;
}

/** What preflight froze. Whatever the calendar says, a revoked asset was dead when the emergency began. */
export const planIn = (state: RotationState, plan: Plan): Plan =>
  isEmergency(state) ? { ...plan, horizon: Math.min(plan.horizon, state.startedAt + state.offset) } : plan;

/** How long an emergency may be held up: nobody can sign meanwhile. Then it goes on, or asks. */
export const longestPause = (state: RotationState, now: Instant): Instant => now + state.policy.cohorts.stallTimeout;

/** Whether those whose approvals stand are enough, whenever they were given: what was withdrawn lets nobody go on. */
export const isApprovedStill = (state: RotationState): boolean =>
  state.approvals.filter(({ person, digest }) => digest === state.plan?.to && state.plan.eligible.includes(person)).length >=
  approvalsNeeded(state);

/** Whether an emergency asks for approvals after its gate: one was withdrawn while nodes were changed. */
export const asksAgain = (state: RotationState): boolean => isEmergency(state) && state.question?.id === 'approve-now';

/** Where a rotation that people tell to go on takes up its work again. */
export function resumedPhase(state: RotationState): Phase {
  if (!isEmergency(state)) return 'rolling';
  const { staged, switched } = state.done;
  if (staged !== 'done') return 'staging';
  return switched[0] === 'done' ? 'rolling' : 'canary';
}
