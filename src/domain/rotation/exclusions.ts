import type { Instant, NodeName, PersonId } from '../brands.js';
import { maxUnavailable } from './cohorts.js';
import { isEmergency } from './emergency.js';
import { move } from './moves.js';
import type { Phase } from './phases.js';
import type { Approval, Assurance, Exclusion, ExclusionWord, NodeTask, RotationState } from './state.js';
import type { CommandStatement } from './statement.js';

/** Where nodes in trouble may be left out; in an escalation: what it asks is about them. */
const MAY_EXCLUDE: readonly Phase[] = ['staging', 'canary', 'rolling', 'soaking'];

export const mayExclude = ({ phase, question, troubles }: RotationState): boolean =>
  troubles.length > 0 &&
  (MAY_EXCLUDE.includes(phase) || (phase === 'escalated' && (question?.id === 'retire-failed' || question?.id === 'node-not-back')));

/** What leads back: a node that may have been switched has its turn all the same. */
const BACK: readonly NodeTask[] = ['return', 'restore', 'unstage'];

/**
 * Nodes that the task does not touch. On a way back, that of a silent gate's canary included, one that may have been switched has its turn all the same: that people did not wait for
 * it on the way forward says nothing of where it is to stay.
 */
export const leftOut = ({ excluded = [] }: Pick<RotationState, 'excluded'>, task: NodeTask): readonly NodeName[] =>
  excluded.filter((one) => one.left !== 'after-switch' || !BACK.includes(task)).map(({ node }) => node);

/** Of a rotation on its way, or at its end: nodes that it goes on without. */
export const goesOnWithout = (state: Pick<RotationState, 'excluded' | 'phase'>): readonly NodeName[] =>
  leftOut(state, state.phase === 'rolling-back' ? 'return' : 'probe');

/** A word for leaving a node out is of the trouble that it was in then: with that it goes. */
export function withoutStaleWords(state: RotationState): RotationState {
  const words = state.exclusionsAsked ?? [];
  const inTrouble = new Set(state.troubles.map(({ node }) => node));
  if (words.every(({ nodes }) => nodes.every((node) => inTrouble.has(node)))) return state;
  const left = words.map((word) => ({ ...word, nodes: word.nodes.filter((node) => inTrouble.has(node)) }));
  return { ...state, exclusionsAsked: left.filter(({ nodes }) => nodes.length > 0) };
}

/** Everybody whose word counts for leaving a node out now: of this direction, and as fresh as an approval has to be. */
const wordsFor = (state: RotationState, node: NodeName, now: Instant): readonly ExclusionWord[] =>
  (state.exclusionsAsked ?? []).filter(
    (word) => word.nodes.includes(node) && word.d === state.d && now - word.at <= state.policy.gate.approvalValid,
  );

/** Who asked for it and waits for a second person; status and record show it. */
export const asked = (state: RotationState, now: Instant): readonly { readonly node: NodeName; readonly by: readonly PersonId[] }[] =>
  mayExclude(state)
    ? state.troubles.flatMap(({ node }) => {
        const by = wordsFor(state, node, now).map(({ person }) => person);
        return by.length === 0 ? [] : [{ node, by }];
      })
    : [];

/** What others have said that counts together with this statement, and goes by the roster of now as it does. */
export const wordsBeside = (
  { approvals, exclusionsAsked = [] }: RotationState,
  { says }: CommandStatement,
): readonly (Approval | ExclusionWord)[] => (says === 'exclude' ? exclusionsAsked : approvals);

/** How many nodes one person may leave out of a rotation; for more, two name each of them. */
export const byOnePerson = ({ plan, policy }: RotationState): number =>
  plan === null ? 0 : maxUnavailable(policy.cohorts.maxUnavailable, plan.nodes);

/** Those of the nodes that are left out once this person has spoken too. */
function decided(state: RotationState, person: PersonId, nodes: readonly NodeName[], now: Instant): readonly NodeName[] {
  const out = new Set([...(state.excluded ?? []).map(({ node }) => node), ...nodes]);
  if (out.size <= byOnePerson(state)) return nodes;
  return nodes.filter((node) => wordsFor(state, node, now).some((word) => word.person !== person));
}

/** Why these nodes are not to be left out; null: they may be. In words that end a sentence and begin with one. */
export function exclusionRefusal(state: RotationState, person: PersonId, nodes: readonly NodeName[], now: Instant): string | null {
  if (nodes.length === 0) return 'name the nodes to leave out';
  const unknown = nodes.filter((node) => !state.troubles.some((trouble) => trouble.node === node));
  if (unknown.length > 0) return `not in trouble, so not to be left out: ${unknown.join(', ')}`;
  const told = nodes.filter((node) => wordsFor(state, node, now).some((word) => word.person === person));
  if (told.length === nodes.length && decided(state, person, nodes, now).length === 0)
    return `once is enough: ${person} has asked for it already, and a second person is waited for`;
  const out = new Set([...(state.excluded ?? []).map(({ node }) => node), ...nodes]);
  return out.size >= (state.plan?.nodes ?? 0) ? 'then no node would be left: roll back, or close it' : unproven(state, out);
}

/** A canary of which nothing is left proves nothing: approvers would be asked about what no node has served. */
function unproven(state: RotationState, out: ReadonlySet<NodeName>): string | null {
  if (state.phase !== 'staging' && state.phase !== 'canary') return null;
  if (isEmergency(state)) return unseen(state, out);
  if (state.gate !== null) return 'people are asked about what this canary shows: wait for it, or roll back';
  const proof = state.plan?.canaryProof;
  if (proof === undefined)
    return state.phase === 'canary' ? 'this rotation began with a version that leaves no node of the canary out' : null;
  const standing = proof.map((node) => (state.standIns ?? []).reduce((now, one) => (one.node === now ? one.by : now), node));
  return standing.some((node) => !out.has(node))
    ? null
    : `without ${standing.join(', ')} the canary would prove nothing: bring it back, or roll back`;
}

/** In an emergency a canary that is away may be left out, for nobody can sign; one that has tried the new assets and failed may not. */
function unseen({ troubles }: RotationState, out: ReadonlySet<NodeName>): string | null {
  const failed = troubles.find(({ node, outcome }) => out.has(node) && outcome !== 'unreachable' && outcome !== 'locked');
  return failed === undefined ? null : `${failed.node} shows that something is wrong with what is to come: mend that, and retry`;
}

/** The state once a person has asked for it: nodes are left out, or a second person is waited for. */
export function exclude(
  state: RotationState,
  {
    by,
    ticket,
    nodes,
    reason,
  }: { readonly by: PersonId; readonly ticket: string; readonly nodes: readonly NodeName[]; readonly reason?: string },
  now: Instant,
  how: Assurance,
): RotationState {
  const word: ExclusionWord = { person: by, ticket, nodes, at: now, d: state.d, reason: reason ?? null, ...how };
  const gone = decided(state, by, nodes, now);
  const kept = (state.exclusionsAsked ?? []).filter((one) => one.d === state.d);
  // Who repeats a word replaces it.
  const others = kept.filter((one) => one.person !== by || one.nodes.some((node) => !nodes.includes(node)));
  const heard: RotationState = { ...state, exclusionsAsked: [...others, word] };
  return gone.length === 0 ? heard : withoutNodes(heard, gone, now);
}

const inShort = (word: ExclusionWord): Exclusion['said'][number] => {
  const { person, ticket, reason, at } = word;
  return { person, ticket, reason, at, key: word.assurance === 'signed' ? word.key : null };
};

function withoutNodes(state: RotationState, gone: readonly NodeName[], now: Instant): RotationState {
  const { phase, question, work } = state;
  const back = question?.id === 'node-not-back';
  const out = state.troubles
    .filter(({ node }) => gone.includes(node))
    .map(({ node, task, reason }) => ({
      node,
      at: now,
      trouble: reason,
      left: back ? ('on-the-way-back' as const) : task === 'stage' ? ('before-switch' as const) : ('after-switch' as const),
      said: wordsFor(state, node, now).map(inShort),
    }));
  const troubles = state.troubles.filter(({ node }) => !gone.includes(node));
  const words = (state.exclusionsAsked ?? [])
    .map((word) => ({ ...word, nodes: word.nodes.filter((node) => !gone.includes(node)) }))
    .filter(({ nodes }) => nodes.length > 0);
  const left: RotationState = {
    ...state,
    excluded: [...(state.excluded ?? []).filter(({ node }) => !gone.includes(node)), ...out],
    exclusionsAsked: words,
    troubles,
    stalledSince: null,
    work: work === null ? null : { ...work, again: work.again.filter((node) => !gone.includes(node)) },
    question: question === null || troubles.length > 0 ? narrowed(question, gone) : null,
  };
  if (phase !== 'escalated' || left.question !== null) return left;
  return back ? move({ ...left, d: state.d + 1, only: [] }, 'rolling-back', now) : move({ ...left, d: state.d + 1 }, 'retiring', now);
}

/** What is asked is asked of the others; of none, it is no question. */
function narrowed(question: RotationState['question'], gone: readonly NodeName[]): RotationState['question'] {
  if (question === null) return null;
  const nodes = question.nodes.filter((node) => !gone.includes(node));
  return nodes.length === 0 && question.nodes.length > 0 ? null : { ...question, nodes };
}

/** What an end is told of those whom people have left out of it: a sentence's end, or nothing. */
export function withoutWhom(state: Pick<RotationState, 'excluded' | 'phase'>): readonly string[] {
  const out = goesOnWithout(state);
  return out.length === 0 ? [] : [`without ${out.join(', ')}, which people have left out`];
}
