import type { Instant, NodeName, Sha256 } from '../brands.js';
import type { PinsSeen } from '../node/pins.js';
import { isEmergency } from './emergency.js';
import { lineClock } from './moves.js';
import type { HeldBuilds, RotationPins, RotationState } from './state.js';

/** One look at the pins of some nodes. */
export interface PinsLook {
  /** Nodes on which no pipeline has pinned lately: unknown, and unknown is not zero. */
  readonly silent: number;
  readonly pipelines: readonly string[];
  readonly held: HeldBuilds | null;
}

const NOTHING_KNOWN: RotationPins = { held: null, known: 'some', lookAgainAt: 0, patience: null, orders: 'heed' };
const MOST_NODES = 5;
const MOST_JOBS = 3;

/** What the answers of some nodes say of builds on a manifest; null where no node was asked for pins. */
export function lookAt(answers: readonly { readonly node: NodeName; readonly pins?: PinsSeen }[], manifest: Sha256): PinsLook | null {
  if (answers.every((one) => one.pins === undefined)) return null;
  return together(
    answers.map(({ node, pins }): PinsLook => {
      const on = pins?.manifests.find((one) => one.manifest === manifest);
      return {
        silent: pins === undefined || pins.pipelines.length === 0 ? 1 : 0,
        pipelines: pins?.pipelines ?? [],
        held: on === undefined ? null : { builds: on.builds, nodes: [node], jobs: on.jobs, soonest: on.soonest },
      };
    }),
  );
}

/** Looks at different nodes as one; null: there was none. */
export function together(looks: readonly PinsLook[]): PinsLook | null {
  if (looks.length === 0) return null;
  const held = looks.flatMap((look) => (look.held === null ? [] : [look.held]));
  return {
    silent: looks.reduce((sum, look) => sum + look.silent, 0),
    pipelines: [...new Set(looks.flatMap((look) => look.pipelines))].sort(),
    held:
      held.length === 0
        ? null
        : {
            builds: held.reduce((sum, one) => sum + one.builds, 0),
            nodes: held.flatMap((one) => one.nodes).slice(0, MOST_NODES),
            jobs: [...new Set(held.flatMap((one) => one.jobs))].slice(0, MOST_JOBS),
            soonest: Math.min(...held.map((one) => one.soonest)),
          },
  };
}

/** The state after a round of probes, which sees every node. */
export function seenInSoak(state: RotationState, look: PinsLook, now: Instant): RotationPins {
  const declared = state.plan?.pipelines;
  const known = look.silent === 0 && declared !== undefined && declared.every((name) => look.pipelines.includes(name)) ? 'all' : 'some';
  return { ...(state.pins ?? NOTHING_KNOWN), held: look.held, known, lookAgainAt: now + state.policy.soak.interval };
}

/** The state after nodes were told to let a manifest go; `look` is of those whose builds hold it. */
export const seenInRemoval = (state: RotationState, look: PinsLook | null, now: Instant): RotationPins => ({
  ...(state.pins ?? NOTHING_KNOWN),
  held: look?.held ?? null,
  lookAgainAt: now + state.policy.soak.interval,
});

/** Builds that hold it are waited for again, for as long as one may take. */
export const waitMore = (state: RotationState, now: Instant): RotationPins => ({
  ...(state.pins ?? NOTHING_KNOWN),
  patience: now + state.policy.retirement.maxBuildDuration,
  lookAgainAt: now,
});

export const letGo = (state: RotationState, now: Instant): RotationPins => ({
  ...(state.pins ?? NOTHING_KNOWN),
  orders: 'ignore',
  lookAgainAt: now,
});

/**
 * Builds that began before the last switch may still read `from`. Where every node and pipeline pins, the pins say which; where not, the longest
 * build is waited for. In an emergency they are reported, and not waited for: what they sign with is revoked.
 */
export const buildsDrainedAt = (state: RotationState): Instant =>
  lastSwitch(state) + (state.pins?.known === 'all' || isEmergency(state) ? 0 : state.policy.retirement.maxBuildDuration);

/** On the way back no round of probes says what is known, so the longest build is waited for in any case. */
export const returnDrainedAt = (state: RotationState): Instant =>
  state.served ? (state.lastReturnAt ?? state.since) + state.policy.retirement.maxBuildDuration : state.since;

const lastSwitch = (state: RotationState): Instant => state.lastSwitchAt ?? state.since;

/**
 * Whether builds keep a manifest on the nodes. `held`: until when, at most, nothing is asked. `overdue`: a build has outlived its own lease, or
 * all that the policy gives a build after the wait for the longest one.
 */
export type PinVerdict = { readonly pins: 'free' } | { readonly pins: 'held'; readonly until: Instant } | { readonly pins: 'overdue' };

export function judgePins(state: RotationState, now: Instant): PinVerdict {
  const { pins, plan, policy, phase } = state;
  if (pins === undefined || pins === null || pins.held === null || ordersOf(state, now) === 'ignore') return { pins: 'free' };
  const { maxBuildDuration } = policy.retirement;
  const drained = phase === 'rolling-back' ? returnDrainedAt(state) : lastSwitch(state) + maxBuildDuration;
  const overdueAt = pins.patience ?? Math.min(pins.held.soonest, drained + maxBuildDuration);
  if (now >= overdueAt) return { pins: 'overdue' };
  const horizon = (plan?.horizon ?? Number.POSITIVE_INFINITY) - state.offset;
  return { pins: 'held', until: phase === 'rolling-back' ? overdueAt : Math.min(overdueAt, horizon) };
}

/** What nodes are told: from the horizon on the old asset is dead, and no build is helped by it. */
export const ordersOf = (state: RotationState, now: Instant): RotationPins['orders'] =>
  state.phase !== 'rolling-back' && state.plan !== null && lineClock(state, now) >= state.plan.horizon
    ? 'ignore'
    : (state.pins?.orders ?? 'heed');

/** For people: how many, where, and some of them by name. */
export const heldInWords = ({ builds, nodes, jobs }: HeldBuilds): string =>
  `${builds} ${builds === 1 ? 'build' : 'builds'} on ${nodes.join(', ')}: ${jobs.join(', ')}${builds > jobs.length ? ' and more' : ''}`;
