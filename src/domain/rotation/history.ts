import type { Instant, PersonId, RotationId } from '../brands.js';
import { goesOnWithout } from './exclusions.js';
import { approvalsNeeded, isEmergency } from './emergency.js';
import { isTerminal } from './phases.js';
import { heldInWords } from './pins.js';
import type { Exclusion, Pause, Question, RotationState } from './state.js';

/** One line of a rotation's record. `seq` is its unique key within the rotation: writing it twice changes nothing. */
export interface HistoryEvent {
  readonly rotation: RotationId;
  readonly seq: number;
  readonly at: Instant;
  readonly kind: HistoryKind;
  /** A person, `schedule`, or `reseal`. */
  readonly actor: PersonId | 'reseal';
  /** A sentence. */
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type HistoryKind =
  | 'phase'
  | 'adopted'
  | 'wave'
  | 'approval'
  | 'withdrawal'
  | 'gate'
  | 'pause'
  | 'resume'
  | 'question'
  | 'answered'
  | 'trouble'
  | 'stand-in'
  | 'exclusion'
  | 'remark'
  | 'restored'
  | 'soak'
  | 'signal-ignored'
  | 'statement-refused'
  | 'outcome';

type Fact = Pick<HistoryEvent, 'kind' | 'text' | 'data'> & { readonly actor?: PersonId };

const iso = (at: Instant): string => new Date(at).toISOString();

const whyPaused = ({ by, because }: Pause): string =>
  because === 'withdrawn' ? `paused, for ${by} withdrew an approval` : `paused by ${by}`;

/** What became of a question, by what follows from it: who answered is the event's actor. */
function settled(before: RotationState, question: Question, after: RotationState): string {
  const reasons = after.reasons.slice(before.reasons.length);
  // Silence is a sentence of its own.
  const [first] = reasons;
  if (first?.startsWith(`the question ${question.id} `) === true) return reasons.join('; ');
  return `the question ${question.id} is settled: ${reasons.length > 0 ? reasons.join('; ') : followingFrom(before, question, after)}`;
}

/** Going on gives no reason: what it means is in the state. */
function followingFrom(before: RotationState, question: Question, after: RotationState): string {
  if (question.id === 'approve-now') return 'enough approvals came';
  if (question.id === 'pin-overdue') return 'the builds are waited for';
  if (question.id === 'past-horizon') return 'it goes on with the new assets';
  const out = newlyExcluded(before, after).map(({ node }) => node);
  if (out.length > 0) return `it goes on without ${some(out)}`;
  const cleared = before.troubles.map((trouble) => trouble.node).filter((node) => !after.troubles.some((one) => one.node === node));
  const nodes = cleared.length > 0 ? cleared : question.nodes;
  return nodes.length === 0 ? 'it is tried again' : `another turn for ${some(nodes)}`;
}

const some = (nodes: readonly string[]): string => `${nodes.slice(0, 5).join(', ')}${nodes.length > 5 ? ' and more' : ''}`;

const newlyExcluded = (before: RotationState, after: RotationState): readonly Exclusion[] =>
  (after.excluded ?? []).filter((one) => before.excluded?.includes(one) !== true);

/** Who left which node out, and who waits for a second person with it. */
function exclusionFacts(before: RotationState, after: RotationState): readonly Fact[] {
  const facts: Fact[] = [];
  for (const word of after.exclusionsAsked ?? []) {
    if (before.exclusionsAsked?.some(({ person, at }) => person === word.person && at === word.at) === true) continue;
    const text = `${word.person} asks to leave out ${some(word.nodes)}${word.reason === null ? '' : `: ${word.reason}`}; a second person has to say so too`;
    facts.push({ kind: 'exclusion', actor: word.person, text, data: { ...word } });
  }
  for (const one of newlyExcluded(before, after)) {
    const people = one.said.map(({ person, reason }) => `${person}${reason === null ? '' : ` (${reason})`}`).join(' and ');
    facts.push({ kind: 'exclusion', text: `${one.node} is left out by ${people}: ${one.trouble}`, data: { ...one } });
  }
  return facts;
}

/** What people should learn from one state following another, in order. */
export function changes(before: RotationState, after: RotationState): readonly Fact[] {
  const facts: Fact[] = [];
  const known = new Set(before.troubles.map((trouble) => `${trouble.node} ${trouble.reason}`));
  for (const trouble of after.troubles) {
    if (known.has(`${trouble.node} ${trouble.reason}`)) continue;
    facts.push({ kind: 'trouble', text: `${trouble.node}: ${trouble.reason}`, data: { ...trouble } });
  }
  for (const change of (after.standIns ?? []).slice((before.standIns ?? []).length)) {
    facts.push({ kind: 'stand-in', text: `${change.node} gives its place in the canary away: ${change.reason}`, data: { ...change } });
  }
  facts.push(...exclusionFacts(before, after));
  for (const approval of after.approvals) {
    if (before.approvals.includes(approval)) continue;
    facts.push({
      kind: 'approval',
      actor: approval.person,
      text: `${approval.person} approved ${approval.digest.slice(0, 12)} under ${approval.ticket}`,
      data: { ...approval },
    });
  }
  if (after.awaitedRoster && after.awaitedRoster.since !== before.awaitedRoster?.since) {
    facts.push({ kind: 'gate', text: `the gate does not open: ${after.awaitedRoster.reason}`, data: { ...after.awaitedRoster } });
  }
  const sameGate = before.gate?.openedAt === after.gate?.openedAt;
  for (const approval of before.approvals) {
    if (!sameGate || after.approvals.some((one) => one.person === approval.person)) continue;
    // A withdrawal brings no approval; an approval looks at the others.
    const isVoided = after.approvals.some((one) => !before.approvals.includes(one));
    facts.push({
      kind: 'withdrawal',
      ...(isVoided ? {} : { actor: approval.person }),
      text: isVoided
        ? `the approval of ${approval.person} counts no more: the roster does not bear it out any longer`
        : `${approval.person} withdrew the approval`,
      data: { person: approval.person },
    });
  }
  if (after.gate !== null && before.gate?.openedAt !== after.gate.openedAt) {
    facts.push({
      kind: 'gate',
      text: `waiting for ${approvalsNeeded(after)} approvals ${isEmergency(after) ? 'before any node is changed' : `until ${iso(after.gate.deadline)}`}`,
      data: { ...after.gate },
    });
  }
  if (
    after.gate !== null &&
    before.gate !== null &&
    sameGate &&
    after.gate.silence !== before.gate.silence &&
    after.gate.silence !== 'no'
  ) {
    const text =
      after.gate.silence === 'returning'
        ? 'nobody decided in time: the canary returns, the gate stays open'
        : 'the canary is back; the gate stays open';
    facts.push({ kind: 'gate', text, data: { ...after.gate } });
  }
  after.done.switched.forEach((reached, wave) => {
    const was = before.done.switched[wave] ?? 'no';
    if (reached === 'no' && was !== 'no' && before.only === null) {
      const name = wave === 0 ? 'canary' : `wave ${wave}`;
      const troubled = after.troubles.flatMap(({ node, task }) => (task === 'return' || task === 'restore' ? [node] : []));
      const but = troubled.length === 0 ? '' : `, but for nodes in trouble: ${some(troubled)}`;
      facts.push({ kind: 'wave', text: `${name} serves the old assets again${but}`, data: { wave, nodes: after.plan?.waves[wave] ?? 0 } });
    }
    if (reached !== 'done' || was === 'done') return;
    const name = wave === 0 ? 'canary' : `wave ${wave}`;
    facts.push({ kind: 'wave', text: `${name} serves the new assets`, data: { wave, nodes: after.plan?.waves[wave] ?? 0 } });
  });
  if (before.done.head !== 'no' && after.done.head === 'no' && after.phase === 'rolling-back') {
    facts.push({ kind: 'wave', text: 'the head of the line is the old manifest again', data: { seq: after.headSeq } });
  }
  if (before.done.head !== 'put-off' && after.done.head === 'put-off') {
    const text = 'the store does not take the head of the line back: the nodes go first, the head follows before the rollback ends';
    facts.push({ kind: 'trouble', text, data: { headTime: after.policy.rollback.headTime } });
  }
  if (before.done.retired !== 'no' && after.done.retired === 'no' && before.only === null) {
    facts.push({ kind: 'wave', text: 'the old profiles are out of quarantine', data: {} });
  }
  if (after.paused !== null && before.paused === null) {
    facts.push({
      kind: 'pause',
      actor: after.paused.by,
      text: `${whyPaused(after.paused)}, at most until ${iso(after.paused.until)}`,
      data: { ...after.paused },
    });
  }
  if (after.paused === null && before.paused !== null) {
    facts.push({ kind: 'resume', text: after.phase === before.phase ? 'goes on' : 'the pause ends', data: {} });
  }
  // One question may follow another in the same instant.
  const sameQuestion = before.question?.id === after.question?.id && before.question?.askedAt === after.question?.askedAt;
  if (before.question !== null && !sameQuestion) {
    facts.push({ kind: 'answered', text: settled(before, before.question, after), data: { question: before.question.id } });
  }
  const retried = (after.emergency?.retried ?? []).slice((before.emergency?.retried ?? []).length);
  if (retried.length > 0) facts.push({ kind: 'remark', text: `another turn by itself: ${some(retried)}`, data: { retried } });
  if (after.question !== null && !sameQuestion) {
    const { question } = after;
    const about = question.nodes.length > 0 ? ` about ${some(question.nodes)}` : '';
    facts.push({ kind: 'question', text: `asks ${question.id}${about}: ${question.options.join(' or ')}`, data: { ...question } });
  }
  if (after.soak !== null && before.soak !== null && after.soak.rounds > before.soak.rounds) {
    facts.push({ kind: 'soak', text: `soak round ${after.soak.rounds}`, data: { rounds: after.soak.rounds, endsAt: after.soak.endsAt } });
  }
  const held = after.pins?.held ?? null;
  if (held !== null && (before.pins?.held ?? null) === null)
    facts.push({ kind: 'remark', text: `what is to go is pinned by ${heldInWords(held)}`, data: { ...held } });
  if (after.restoredAt !== null && before.restoredAt === null && !(isTerminal(after.phase) && after.phase === 'completed')) {
    const out = goesOnWithout(after);
    const but = out.length === 0 ? '' : ` but ${some(out)}, left out`;
    facts.push({ kind: 'restored', text: `every node${but} serves the old assets`, data: {} });
  }
  if (after.phase !== before.phase) {
    const kind = isTerminal(after.phase) ? 'outcome' : 'phase';
    const reasons = after.reasons.slice(before.reasons.length);
    facts.push({ kind, text: [after.phase, ...reasons].join(': '), data: { from: before.phase, to: after.phase, reasons } });
  }
  return facts;
}

/** Whether people are told at once (webhook), and not only on asking. */
export const isNews = (event: Pick<HistoryEvent, 'kind'>): boolean =>
  event.kind === 'question' || event.kind === 'exclusion' || event.kind === 'outcome' || event.kind === 'gate' || event.kind === 'restored';
