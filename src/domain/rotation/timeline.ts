import type { Duration, Instant } from '../brands.js';
import type { Policy } from '../policy.js';

/** How long each part of a rotation takes at its worst, in milliseconds. */
export interface Arithmetic {
  readonly now: Instant;
  readonly horizon: Instant;
  readonly parts: readonly { readonly name: string; readonly duration: Duration }[];
  readonly needed: Duration;
  readonly available: Duration;
  readonly feasible: boolean;
}

export interface MeshSize {
  readonly nodes: number;
  /** Sizes of canary and waves. */
  readonly waves: readonly number[];
  readonly maxUnavailable: number;
}

const proving = (policy: Policy): Duration => policy.probe.interval * Math.max(0, policy.probe.passes - 1);
const rounds = (nodes: number, at: number): number => Math.ceil(nodes / Math.max(1, at));

/** `rollback.headTime + ceil(switched / maxUnavailable) x rollback.nodeTime`: the time to bring that many nodes back, at its worst. */
export const rollbackTime = (switched: number, maxUnavailable: number, policy: Policy): Duration =>
  policy.rollback.headTime + rounds(switched, maxUnavailable) * policy.rollback.nodeTime;

const stageTime = (mesh: MeshSize, policy: Policy): Duration => rounds(mesh.nodes, policy.limits.stepNodes) * policy.rollback.nodeTime;
const switchTime = (nodes: number, mesh: MeshSize, policy: Policy): Duration =>
  rounds(nodes, mesh.maxUnavailable) * (policy.rollback.nodeTime + proving(policy));

/** `now + stage + canary + gate at its worst + roll + soak + maxBuildDuration + rollbackTime + safetyMargin <= horizon`. */
export function arithmetic(now: Instant, horizon: Instant, mesh: MeshSize, policy: Policy): Arithmetic {
  const canary = mesh.waves[0] ?? 0;
  const parts = [
    { name: 'staging', duration: stageTime(mesh, policy) },
    { name: 'canary', duration: switchTime(canary, mesh, policy) },
    { name: 'signoff at its longest', duration: policy.gate.timeout },
    { name: 'rolling', duration: switchTime(mesh.nodes - canary, mesh, policy) },
    { name: 'soak', duration: policy.soak.duration },
    { name: 'builds that still run', duration: policy.retirement.maxBuildDuration },
    { name: 'rollback of every node', duration: rollbackTime(mesh.nodes, mesh.maxUnavailable, policy) },
    { name: 'safety margin', duration: policy.rollback.safetyMargin },
  ];
  const needed = parts.reduce((sum, part) => sum + part.duration, 0);
  const available = horizon - now;
  return { now, horizon, parts, needed, available, feasible: needed <= available };
}

/** The horizon less everything that must follow the gate: the last moment at which an approval still fits. */
export function latestApproval(horizon: Instant, mesh: MeshSize, policy: Policy): Instant {
  const after = new Set(['rolling', 'soak', 'builds that still run', 'rollback of every node', 'safety margin']);
  const parts = arithmetic(0, horizon, mesh, policy).parts.filter((part) => after.has(part.name));
  return horizon - parts.reduce((sum, part) => sum + part.duration, 0);
}

/** From here on an automatic rollback is not begun: it would not end before the horizon. */
export const lastAutomaticRollback = (horizon: Instant, switched: number, maxUnavailable: number, policy: Policy): Instant =>
  horizon - rollbackTime(switched, maxUnavailable, policy);

/** A policy by itself: whether the window leaves room for a whole rotation that starts when the window opens. */
export function policyFits(window: Duration, mesh: MeshSize, policy: Policy): Arithmetic {
  return arithmetic(0, window, mesh, policy);
}
