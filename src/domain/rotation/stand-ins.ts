import type { Instant, NodeName, Sha1, Sha256 } from '../brands.js';
import { heldIdentities } from '../expected.js';
import { lockedInWords } from '../node/locked-keychain.js';
import type { Manifest } from '../manifest.js';
import type { LineDeclaration, NodeDeclaration } from '../topology.js';
import { groupOf, mayBeCanary, type CohortPlan } from './cohorts.js';
import type { RotationState, Trouble } from './state.js';

/** The signer of the canary that another one is to stand in for now; null: there is none. One at a time. */
export function replaceable({ phase, troubles }: Pick<RotationState, 'phase' | 'troubles'>): Trouble | null {
  if (phase !== 'canary') return null;
  return troubles.find(({ outcome, locked }) => outcome === 'locked' && locked?.then === 'another-signer') ?? null;
}

/** What a search for another signer came to. `cohorts`: the digest of the plan in which the two have changed places. */
export type StandInFound =
  { readonly by: NodeName; readonly cohorts: Sha256; readonly reason: string } | { readonly by: null; readonly reason: string };

/** The state once another signer was looked for: it has its turn in the canary, or people are asked. */
export function standIn(state: RotationState, node: NodeName, found: StandInFound, now: Instant): RotationState {
  const trouble = replaceable(state);
  if (trouble?.node !== node || state.plan === null || state.work === null) return state;
  const others = state.troubles.filter((one) => one !== trouble);
  if (found.by === null) {
    const locked = trouble.locked === undefined ? undefined : { ...trouble.locked, then: 'page' as const };
    const reason = `${trouble.reason} No other signer takes its place: ${found.reason}.`;
    return { ...state, troubles: [...others, { ...trouble, reason, ...(locked === undefined ? {} : { locked }) }] };
  }
  const { by, cohorts, reason } = found;
  const again = [...state.work.again.filter((one) => one !== node && one !== by), by];
  return {
    ...state,
    troubles: others,
    plan: { ...state.plan, cohorts },
    work: { ...state.work, again },
    standIns: [...(state.standIns ?? []), { node, by, at: now, reason }],
  };
}

/** Two nodes with their places in the cohort plan changed. */
export const exchanged = (plan: CohortPlan, one: NodeName, other: NodeName): CohortPlan =>
  plan.map((wave) => wave.map((node) => (node === one ? other : node === other ? one : node)));

/**
 * Who signs in the canary in a node's place: a node beyond the canary that is to hold every identity which that node was to sign with, of its image
 * where there is one, in the order of switching. The canary keeps its size, has a node that really signs, and never all of a role in a pool.
 *
 * @param tried nodes whose keychains stayed locked before
 */
export function otherSigner(
  plan: CohortPlan,
  node: NodeName,
  tried: readonly NodeName[],
  mesh: { readonly nodes: readonly NodeDeclaration[]; readonly line: LineDeclaration; readonly to: Manifest },
): { readonly by: NodeName; readonly reason: string } | { readonly by: null; readonly reason: string } {
  const byName = new Map(mesh.nodes.map((one) => [one.name, one]));
  const held = (one: NodeDeclaration): readonly Sha1[] => heldIdentities(one, mesh.line, mesh.to);
  const locked = byName.get(node);
  const needed = locked === undefined ? [] : held(locked);
  if (locked === undefined || needed.length === 0) return { by: null, reason: `the manifest has ${node} sign with nothing` };
  const [canary = [], ...waves] = plan;
  const all = plan.flat().flatMap((name) => byName.get(name) ?? []);
  const wouldTakeAll = (one: NodeDeclaration): boolean => {
    const group = all.filter((other) => groupOf(other) === groupOf(one));
    return group.length > 1 && group.every((other) => other === one || (canary.includes(other.name) && other !== locked));
  };
  const able = waves
    .flat()
    .filter((name) => !tried.includes(name))
    .flatMap((name) => byName.get(name) ?? [])
    .filter((one) => mayBeCanary(one) && needed.every((identity) => held(one).includes(identity)) && !wouldTakeAll(one));
  const names = needed.map((identity) => identity.slice(0, 8)).join(', ');
  const chosen = able.find((one) => one.image === locked.image) ?? able[0];
  if (chosen === undefined) return { by: null, reason: `beyond the canary no other node that could be spared is to hold ${names}` };
  const imageSeen = chosen.image === locked.image || canary.some((name) => name !== node && byName.get(name)?.image === locked.image);
  const unseen = imageSeen ? '' : `; the canary shows nothing of image ${locked.image} any more`;
  return { by: chosen.name, reason: `${chosen.name} holds ${names} too and signs in its place, ${node} follows in a later wave${unseen}` };
}

/** What people are told where keychains stay locked: of each node, which, why, and what to do. */
export const lockedSentences = ({ troubles }: Pick<RotationState, 'troubles'>): readonly string[] =>
  troubles.flatMap(({ node, locked }) => (locked === undefined ? [] : [lockedInWords(node, locked)]));
