import { changeSchedule } from '../../api/schedule.js';
import { commandRotation, listRotations, rotationEvents, rotationNodes, showRotation, untilClosed } from '../../api/rotations.js';
import type { RunningService } from '../../api/service.js';
import type { LineName, NodeName, Sha256 } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { PhaseSpan, RehearsedRun } from '../../domain/rehearsal/run.js';
import type { CohortPlan } from '../../domain/rotation/cohorts.js';
import type { HistoryEvent } from '../../domain/rotation/history.js';
import { ALL_PHASES, type Outcome } from '../../domain/rotation/phases.js';
import { cohortName } from '../../domain/rotation/status.js';
import type { RotationView } from '../../presenters/rotation.js';
import type { StepRecorder } from '../../simulator/rehearsal/recorder.js';

/** Between two looks at the rotation, in milliseconds. */
const LOOK_EVERY = 200;
/** How long the scan may take to start a rotation, and after how long it is asked once more. */
const SCAN_PATIENCE = 60_000;
const SCAN_AGAIN = 10_000;

/** One rotation that is to be seen. */
export interface Scene {
  readonly line: LineName;
  readonly expected: readonly Outcome[];
  /** What is broken on purpose, in words; null: nothing. */
  readonly fault: string | null;
  /** Whether those who sign off say no. */
  readonly signoff: 'approve' | 'reject';
  readonly cohorts: CohortPlan;
  /** How long it may take, in milliseconds. */
  readonly patience: number;
}

export interface Stage {
  readonly service: RunningService;
  readonly recorder: StepRecorder;
  /** Added to the clock in expiry comparisons, in milliseconds. */
  readonly offset: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: HistoryEvent) => void;
}

/** Lets the scan start a rotation, signs it off for the team, and looks on to its end. Null when it was interrupted. */
export async function perform(stage: Stage, scene: Scene): Promise<RehearsedRun | null> {
  const id = await begin(stage, scene);
  if (id === null) return null;
  const began = Date.now();
  const signedOff = new Set<string>();
  let seen = 0;
  const events: HistoryEvent[] = [];
  const look = async (): Promise<void> => {
    for (const event of await rotationEvents(stage.service.desk, id, seen)) {
      seen = event.seq;
      events.push(event);
      stage.onEvent(event);
    }
  };
  for (;;) {
    if (stage.signal.aborted) return null;
    await look();
    const view = await showRotation(stage.service.desk, id);
    const { rotation } = view;
    if (rotation.outcome !== null) {
      await untilClosed(stage.service.desk, id);
      await look();
      return runOf(stage, scene, view, events);
    }
    // Escalated it waits for people for ever, and a rehearsal has none.
    if (rotation.phase === 'escalated' || Date.now() - began > scene.patience) return runOf(stage, scene, view, events);
    if (rotation.commands.includes('approve')) await signOff(stage, scene, view, signedOff);
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));

/** The Schedule's own scan starts it, now instead of tomorrow morning. */
async function begin({ service, offset, signal }: Stage, { line }: Scene): Promise<string | null> {
  const known = new Set((await listRotations(service.desk, line)).rotations.map(({ id }) => id));
  await changeSchedule(service.desk, 'ensure', { offset });
  const deadline = Date.now() + SCAN_PATIENCE;
  for (let asked = 0; Date.now() < deadline;) {
    if (signal.aborted) return null;
    if (Date.now() - asked > SCAN_AGAIN) {
      await changeSchedule(service.desk, 'trigger');
      asked = Date.now();
    }
    const found = (await listRotations(service.desk, line)).rotations.find(({ id }) => !known.has(id));
    if (found !== undefined) return found.id;
    await pause();
  }
  throw new ResealError(
    'TEMPORAL_UNREACHABLE',
    `The scan of the rehearsal has started no rotation of ${line} within a minute. Look at what this machine is busy with, and rehearse again.`,
  );
}

/** As many as are needed, in the roster's order; once per gate. */
async function signOff({ service }: Stage, { signoff }: Scene, { rotation }: RotationView, signedOff: Set<string>): Promise<void> {
  const { gate, trigger, id, to } = rotation;
  const key = gate.openedAt ?? '';
  if (signedOff.has(key) || to === null) return;
  signedOff.add(key);
  const persons = gate.eligible.slice(0, gate.needed);
  if (signoff === 'reject') {
    await commandRotation(service.desk, id, 'reject', {
      by: persons.at(-1) ?? '',
      ticket: trigger.ticket,
      reason: 'the rehearsal asks for it',
    });
    return;
  }
  for (const by of persons) await commandRotation(service.desk, id, 'approve', { by, ticket: trigger.ticket, digest: to });
}

async function runOf(
  { service, recorder }: Stage,
  { cohorts, expected, fault }: Scene,
  { rotation }: RotationView,
  events: readonly HistoryEvent[],
): Promise<RehearsedRun> {
  const rows = rotation.nodes === 0 ? [] : (await rotationNodes(service.desk, rotation.id)).nodes;
  const ofKind = (kind: HistoryEvent['kind']): readonly HistoryEvent[] => events.filter((event) => event.kind === kind);
  return {
    rotation: rotation.id,
    fault,
    expected,
    outcome: rotation.outcome ?? (rotation.phase === 'escalated' ? 'escalated' : null),
    reasons: rotation.reasons,
    from: rotation.from as Sha256 | null,
    to: rotation.to as Sha256 | null,
    maxUnavailable: rotation.maxUnavailable,
    cohorts: cohorts.map((nodes, wave) => ({ name: cohortName(wave), nodes })),
    phases: spansOf(events),
    approvals: ofKind('approval').map(({ actor, at }) => ({ person: actor, at })),
    questions: ofKind('question').map(({ text }) => text),
    troubles: ofKind('trouble').map(({ text }) => text),
    steps: recorder.stepsOf(rotation.id),
    restoredAt: ofKind('restored')[0]?.at ?? null,
    serving: rows.map(({ node, active }) => ({ node: node as NodeName, active: active as Sha256 | null })),
  };
}

/** Every phase it went through, by its record. */
function spansOf(events: readonly HistoryEvent[]): readonly PhaseSpan[] {
  const entered = events.flatMap(({ kind, at, data }) => {
    const phase = ALL_PHASES.find((one) => one === data['to']);
    return (kind === 'phase' || kind === 'outcome') && phase !== undefined ? [{ phase, at }] : [];
  });
  return entered.map(({ phase, at }, index): PhaseSpan => ({ phase, began: at, ended: entered[index + 1]?.at ?? at }));
}
