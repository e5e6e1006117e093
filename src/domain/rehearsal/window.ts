import type { Duration, Instant } from '../brands.js';
import type { Policy } from '../policy.js';
import type { Phase } from '../rotation/phases.js';
import { arithmetic, type MeshSize } from '../rotation/timeline.js';

/** A stretch of the real window: when it begins at the latest, and how long it may take. */
export interface WindowStretch {
  readonly phase: Phase;
  /** On the line's clock, if everything before took its longest. */
  readonly beginsBy: Instant;
  /** Milliseconds. */
  readonly atMost: Duration;
}

export interface RealWindow {
  readonly at: Instant;
  readonly horizon: Instant;
  readonly stretches: readonly WindowStretch[];
  /** When it is over, if everything takes its longest. */
  readonly endsBy: Instant;
  /** From here on a failure no longer turns the whole mesh back by itself. */
  readonly turnsBackUntil: Instant;
  /** What is left of the window then; negative: it does not fit. */
  readonly spare: Duration;
}

/** Parts of the arithmetic that are phases, in their order. */
const PHASES: readonly (readonly [Phase, string])[] = [
  ['staging', 'staging'],
  ['canary', 'canary'],
  ['awaiting-signoff', 'signoff at its longest'],
  ['rolling', 'rolling'],
  ['soaking', 'soak'],
  ['retiring', 'builds that still run'],
];

/** The calendar of a rotation that begins at `at`, by the policy as it is, every part at its longest. */
export function realWindow(at: Instant, horizon: Instant, mesh: MeshSize, policy: Policy): RealWindow {
  const sum = arithmetic(at, horizon, mesh, policy);
  const lasts = (name: string): Duration => sum.parts.find((part) => part.name === name)?.duration ?? 0;
  let begins = at;
  const stretches = PHASES.map(([phase, part]): WindowStretch => {
    const stretch = { phase, beginsBy: begins, atMost: lasts(part) };
    begins += stretch.atMost;
    return stretch;
  });
  const turnsBackUntil = horizon - lasts('rollback of every node');
  return { at, horizon, stretches, endsBy: begins, turnsBackUntil, spare: sum.available - sum.needed };
}
