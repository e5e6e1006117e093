import { describeDistance, describeDuration } from '../domain/duration.js';
import { canRollBack } from '../domain/rotation/phases.js';
import { fingerprintOf } from '../statement/standing.js';
import { shortDigest } from './digest.js';
import type { AssetView, ChangeView, EventView, RotationListView, RotationNodesView, RotationView } from './rotation.js';

/** What texts need of a terminal: styles that take no room, aligned tables, local times. */
export interface Pen {
  styled(text: string, style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'): string;
  table(
    heading: readonly string[],
    rows: readonly (readonly (
      string | { readonly text: string; readonly style: 'red' | 'green' | 'yellow' | 'dim' | 'bold' | 'cyan' }
    )[])[],
  ): string[];
  time(at: number, now: number): string;
}

type Rotation = RotationView['rotation'];
type Colour = 'green' | 'red' | 'yellow' | 'cyan';

const short = (digest: string | null): string => (digest === null ? '-' : shortDigest(digest));
const at = (iso: string | number | null): number => (typeof iso === 'number' ? iso : Date.parse(iso ?? ''));
const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** The colour of a phase: how it stands at a glance. */
export function phaseColour(phase: string): Colour {
  switch (phase) {
    case 'completed':
      return 'green';
    case 'rolled-back':
    case 'parked':
    case 'cancelled':
    case 'awaiting-signoff':
    case 'awaiting-successor':
    case 'rolling-back':
      return 'yellow';
    case 'refused':
    case 'escalated':
    case 'partial':
      return 'red';
    default:
      return 'cyan';
  }
}

const COHORT_MARK: Readonly<Record<string, string>> = { switched: '✓', switching: '…', waiting: '·' };

export function cohortsText(rotation: Rotation): string {
  return rotation.cohorts.map((cohort) => `${COHORT_MARK[cohort.state] ?? '·'} ${cohort.name} (${cohort.nodes})`).join('   ');
}

/** Of two nodes with a profile each for one bundle an approver sees which is which. */
const ownedBundle = ({ bundleId, holder }: ChangeView): string => (holder === null ? bundleId : `${bundleId} on ${holder}`);

/** What would be replaced, the new below the old so that digits can be compared: what an approver approves. */
export function changesText(changes: readonly ChangeView[], pen: Pen): string[] {
  return pen.table(
    ['BUNDLE', 'METHOD', '', 'UUID', 'UNTIL', 'CERTIFICATE'],
    changes.flatMap((change) => [
      [ownedBundle(change), change.method, 'old', change.old.uuid, change.old.expiresAt.slice(0, 10), certificateText(change.old)],
      [
        '',
        '',
        { text: 'new', style: 'green' },
        { text: change.new.uuid, style: 'green' },
        { text: change.new.expiresAt.slice(0, 10), style: 'green' },
        certificateText(change.new, change.old),
      ],
    ]),
  );
}

function certificateText({ certificate }: AssetView, before?: AssetView): string {
  if (certificate === null) return '-';
  return before?.certificate?.serialLast6 === certificate.serialLast6 ? 'as before' : `…${certificate.serialLast6}`;
}

/** How long it has been in its phase, or took. */
function age(rotation: Rotation, now: number): string {
  const started = at(rotation.startedAt);
  if (rotation.endedAt === null)
    return `for ${describeDuration(Math.max(0, now - at(rotation.since)))}, started ${describeDistance(started, now)}`;
  const end = at(rotation.endedAt);
  return `ended ${describeDistance(end, now)}, took ${describeDuration(Math.max(0, end - started))}`;
}

/** How long the old assets can still sign, and how long a failure turns the rotation back by itself. On the line's clock. */
function horizonText({ phase, horizon, rollbackUntil }: Rotation, clock: number): string {
  const distance = describeDistance(at(horizon), clock);
  if (phase === 'rolling-back') return `${distance}: every node has to be back by then`;
  if (!canRollBack(phase)) return distance;
  const left = at(rollbackUntil) - clock;
  return left > 0
    ? `${distance}; a failure within ${describeDuration(left)} turns back by itself`
    : `${distance}; too late to turn back by itself: a failure is put to people`;
}

/** What nobody does by itself, and until when it has to be done. */
function nextAfterParking({ id, line, horizon }: Rotation, clock: number): string {
  const dead = horizon !== null && at(horizon) <= clock;
  const urgency = horizon === null ? '' : `the old assets ${dead ? 'died' : 'die'} ${describeDistance(at(horizon), clock)}; `;
  return `${urgency}the scan does not try the same successors again: offer others, or reseal rotation start --line ${line} --after ${id} --as PERSON --ticket TICKET`;
}

function shownPhase({ phase, paused, orphaned }: Rotation): string {
  if (orphaned) return `orphaned in ${phase}`;
  return paused === null ? phase : `${phase}, paused`;
}

const colourOf = ({ phase, orphaned }: Rotation): Colour => (orphaned ? 'red' : phaseColour(phase));

const adoptHint = ({ id }: Rotation): string =>
  `nothing goes on until somebody has it go on from there: reseal rotation start --adopt ${id} --as PERSON --ticket TICKET`;

export function rotationText(view: RotationView, pen: Pen, now: number): string[] {
  const { rotation } = view;
  const lines: string[] = [];
  const row = (name: string, text: string): void => void lines.push(`  ${pen.styled(`${name} `.padEnd(10), 'dim')}${text}`);
  lines.push(`${pen.styled(rotation.id, 'bold')}  ${pen.styled(shownPhase(rotation), colourOf(rotation))}  ${age(rotation, now)}`);
  if (rotation.orphaned) row('ORPHANED', pen.styled(`its workflow has ended without an outcome: ${adoptHint(rotation)}`, 'red'));
  row('asked by', `${rotation.trigger.by} under ${rotation.trigger.ticket}`);
  if (rotation.emergency !== undefined)
    row(
      'EMERGENCY',
      pen.styled(`the certificate of serial …${rotation.emergency.serialLast6} was revoked; forward only, nothing goes back to it`, 'red'),
    );
  for (const { by, ticket, phase, at: when } of rotation.adoptions ?? [])
    row('adopted', `in ${phase} by ${by} under ${ticket}, ${describeDistance(at(when), now)}`);
  if (rotation.undoes !== null) row('undoes', rotation.undoes);
  if (rotation.undoneBy !== null)
    row('undone by', `${rotation.undoneBy}: how far it came, says reseal rotation status ${rotation.undoneBy}`);
  if (rotation.offset !== 0)
    row(
      'as if at',
      pen
        .time(now + rotation.offset, now)
        .replace(/ \(.*\)$/, '')
        .concat(' (expiries only)'),
    );
  if (rotation.to !== null)
    row(
      'manifest',
      `${short(rotation.from)} -> ${short(rotation.to)}  (kind ${rotation.kind ?? '?'}, ${view.changes === null ? '' : `${plural(view.changes.length, 'profile')}, `}${plural(rotation.nodes, 'node')}, at most ${rotation.maxUnavailable} unavailable)`,
    );
  if (rotation.cohorts.length > 0) row('cohorts', cohortsText(rotation));
  if (rotation.progress !== null) row('now', `${rotation.progress.task} ${rotation.progress.handled} of ${rotation.progress.of}`);
  if (rotation.horizon !== null && rotation.outcome === null && rotation.emergency === undefined)
    row('horizon', horizonText(rotation, now + rotation.offset));
  for (const what of view.revoked ?? []) row('REVOKED', pen.styled(what, 'red'));
  for (const what of rotation.missing) row('missing', what);
  for (const what of rotation.ignored) row('ignored', what);
  if (rotation.gate.awaits !== undefined) row('GATE', pen.styled(`does not open: ${rotation.gate.awaits}`, 'yellow'));
  if (rotation.gate.openedAt !== null) lines.push(...gateText(rotation, pen, now));
  if (rotation.pins && rotation.outcome === null) {
    const { builds, nodes, jobs, soonest } = rotation.pins;
    row(
      'pinned',
      `by ${plural(builds, 'build')} on ${nodes.join(', ')}: ${jobs.join(', ')}; the first lease ends ${describeDistance(at(soonest), now)}`,
    );
  }
  if (rotation.soak !== null && rotation.phase === 'soaking')
    row('soak', `${plural(rotation.soak.rounds, 'round')}, ends ${describeDistance(at(rotation.soak.endsAt), now)}`);
  if (rotation.paused !== null) row('paused', `by ${rotation.paused.by}, at most until ${pen.time(at(rotation.paused.until), now)}`);
  for (const trouble of rotation.troubles) row(trouble.outcome, `${trouble.node}: ${trouble.reason}`);
  for (const { node, trouble, said } of rotation.excluded ?? [])
    row('left out', `${node}, by ${said.map(({ person }) => person).join(' and ')}: ${trouble}`);
  for (const { node, by } of rotation.exclusionsAsked ?? [])
    row(
      'leave out',
      pen.styled(`${node}? ${by.join(', ')} asks for it, a second person has to: ${excludeCommand(rotation.id, [node])}`, 'yellow'),
    );
  if (rotation.question !== null) {
    const { question } = rotation;
    row(
      'QUESTION',
      pen.styled(
        `${question.id}${question.nodes.length > 0 ? ` about ${question.nodes.join(', ')}` : ''}: ${question.options.join(' | ')}`,
        'yellow',
      ),
    );
    row(
      '',
      `${question.deadline === null ? 'it waits for an answer' : `unanswered ${describeDistance(at(question.deadline), now)}: ${question.unanswered}`}; answer: reseal rotation answer ${rotation.id} --question ${question.id} OPTION --as PERSON --ticket TICKET`,
    );
  }
  for (const reason of rotation.reasons) row('because', reason);
  if (rotation.headPutOff)
    row('store', "it does not take the line's head back; the nodes go first, the head follows when the store answers");
  if (rotation.restoredAt !== null && rotation.outcome !== 'completed')
    row('restored', `every node${butFor(rotation)} serves the old assets since ${pen.time(at(rotation.restoredAt), now)}`);
  if (rotation.outcome === 'parked') {
    row('on nodes', 'the old assets serve everywhere; the new ones lie beside them, staged and not in use');
    row('next', nextAfterParking(rotation, now + rotation.offset));
  }
  if (rotation.commands.length > 0) row('you can', rotation.commands.join(', '));
  else if (
    rotation.outcome === 'completed' &&
    rotation.undoneBy === null &&
    rotation.horizon !== null &&
    at(rotation.horizon) > now + rotation.offset
  )
    row('you can', `bring the old assets back: reseal rotation rollback ${rotation.id} --as PERSON --ticket TICKET`);
  if (view.changesUnknown !== null) row('changes', `cannot be shown now: ${view.changesUnknown}`);
  const asks = rotation.phase === 'awaiting-signoff' || waitsToBegin(rotation);
  if (asks && !rotation.orphaned && view.changes !== null) lines.push('', ...changesText(view.changes, pen), '', ...approveHint(rotation));
  return lines;
}

/** Whom people left out of the way back as well. */
function butFor({ excluded = [] }: Rotation): string {
  const out = excluded.filter(({ left }) => left === 'on-the-way-back').map(({ node }) => node);
  return out.length === 0 ? '' : ` but ${out.join(', ')}, left out,`;
}

const excludeCommand = (id: string, nodes: readonly string[]): string =>
  `reseal rotation exclude ${id} ${nodes.map((node) => `--node ${node}`).join(' ')} --as PERSON --ticket TICKET`;
/** Whether an emergency asks for approvals, with everything on the nodes as it was. */
const waitsToBegin = ({ phase, gate }: Rotation): boolean => phase === 'preflight' && gate.binds?.gate === 'emergency';

const approveHint = (rotation: Rotation): string[] => [
  `Approve exactly this (${short(rotation.to)}): reseal rotation approve ${rotation.id} --as PERSON --ticket ${rotation.trigger.ticket}`,
];

function gateText(rotation: Rotation, pen: Pen, now: number): string[] {
  const { gate } = rotation;
  const names = gate.approvals.map((approval) => approval.person).join(', ');
  const have = `${gate.counting} of ${gate.needed} approvals${names === '' ? '' : ` (${names})`}`;
  const left = gate.eligible.filter((person) => !gate.approvals.some((approval) => approval.person === person));
  const waiting = waitsToBegin(rotation)
    ? `; may approve: ${left.join(', ')}; no node is changed before that`
    : gate.silence === 'no'
      ? `; may approve: ${left.join(', ')}; the canary returns ${describeDistance(at(gate.deadline), now)} without a decision`
      : '; nobody decided in time: the canary is back on the old assets, the gate is open';
  const row = (name: string, text: string): string => `  ${pen.styled(name.padEnd(10), 'dim')}${text}`;
  return [
    row('gate', `${have}${rotation.commands.includes('approve') ? waiting : ''}`),
    ...uncountedText(rotation).map((text) => row('not', text)),
  ];
}

/** Who may approve by the roster, and does not count at the open gate; with the reason. */
export const uncountedText = ({ gate }: Rotation): readonly string[] =>
  (gate.uncounted ?? []).map(({ person, keys, because }) =>
    keys === null
      ? `${person} does not count: ${person} ${because}`
      : `${keys.map((key) => fingerprintOf(key) ?? key).join(', ')} does not count: ${person} ${because}`,
  );

/** The phase, and which other rotation it has to do with. */
function listedPhase({ phase, undoes, undoneBy, orphaned }: Rotation): string {
  if (orphaned) return `orphaned in ${phase}`;
  if (undoneBy !== null) return `${phase}, undone by ${undoneBy}`;
  return undoes === null ? phase : `${phase}, undoes ${undoes}`;
}

export function rotationListText(view: RotationListView, pen: Pen, now: number): string[] {
  if (view.rotations.length === 0)
    return ['No rotation yet. The schedule starts them; or: reseal rotation start --line LINE --as PERSON --ticket TICKET'];
  return pen.table(
    ['ROTATION', 'PHASE', 'NODES', 'BY', 'TICKET', 'STARTED', 'OPEN QUESTION'],
    view.rotations.map((one) => [
      one.id,
      { text: listedPhase(one), style: one.undoneBy === null ? colourOf(one) : 'yellow' },
      String(one.nodes),
      one.trigger.by,
      one.trigger.ticket,
      pen.time(at(one.startedAt), now),
      one.question?.id ?? '',
    ]),
  );
}

export function rotationNodesText(view: RotationNodesView, pen: Pen): string[] {
  return pen.table(
    ['NODE', 'COHORT', 'STATE', 'ACTIVE', 'PASSES', 'REASON'],
    view.nodes.map((node) => [
      node.node,
      node.cohort,
      { text: node.state, style: node.state.endsWith('done') ? 'green' : 'red' },
      short(node.active),
      String(node.passes),
      node.reason,
    ]),
  );
}

const EVENT_COLOUR: Readonly<Record<string, Colour>> = {
  trouble: 'red',
  question: 'yellow',
  approval: 'green',
  outcome: 'green',
  gate: 'yellow',
};

const INSTANT = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g;

/** Going on is said by somebody, or by nobody when its time has come; other sentences name who it was. */
const saidBy = ({ kind, actor, text }: EventView): string =>
  (kind === 'answered' || kind === 'resume') && actor !== 'reseal' && !text.includes(actor) ? `, by ${actor}` : '';

/** `10:04:11  approval  grace approved 281794afb1b4 under CHG-7`; instants in the sentence as the reader's clock has them. */
export function eventText(event: EventView, pen: Pen): string {
  const time = new Date(at(event.at)).toTimeString().slice(0, 8);
  const colour = event.kind === 'outcome' ? phaseColour(event.text.split(':')[0] ?? '') : (EVENT_COLOUR[event.kind] ?? 'cyan');
  return `${pen.styled(time, 'dim')}  ${pen.styled(event.kind.padEnd(10), colour)}  ${event.text.replace(INSTANT, (iso) => pen.time(at(iso), at(event.at)))}${saidBy(event)}`;
}
