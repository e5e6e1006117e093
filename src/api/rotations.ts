import { ServiceError, WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { LineName, PersonId, Sha256, Uuid } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { givenDate } from '../domain/given-date.js';
import type { CommandName } from '../domain/rotation/commands.js';
import type { HistoryEvent } from '../domain/rotation/history.js';
import { holdsLine, orphanInWords } from '../domain/rotation/orphan.js';
import type { BeginningStatement, CommandStatement, Signed } from '../domain/rotation/statement.js';
import { statusOf, type RotationStatus } from '../domain/rotation/status.js';
import { mayDo, type RosterCommand } from '../domain/roster.js';
import { arithmetic } from '../domain/rotation/timeline.js';
import { ticketRefusal } from '../domain/tickets.js';
import type { Ledger } from '../ledger/open.js';
import { parseManifest } from '../manifest/parse.js';
import type { PlanView } from '../presenters/plan-text.js';
import {
  changesView,
  rotationStatusView,
  withIsoInstants,
  type ChangeView,
  type RotationListView,
  type RotationNodesView,
  type RotationView,
} from '../presenters/rotation.js';
import { orphansOf } from '../temporal/orphans.js';
import type { OpenSurroundings } from '../temporal/surroundings.js';
import type { RotationRequest } from '../../activities/rotation/contract.js';
import { mustHoldNothing, surveyLines } from '../../activities/rotation/activities.js';
import { previewRotation } from '../../activities/rotation/prepare.js';
import { mustBeAskedBy } from '../../activities/approvals/start.js';
import { revokedBehind } from '../../activities/revocations/in-force.js';
import { authorityOf, headOf, rightsOf, situationOf } from '../../activities/rotation/surroundings.js';
import type { AdoptionInput, IncidentInput, RotationEnd, RotationInput } from '../../workflows/messages.js';
import { asResealError } from './errors.js';
import { insteadOfEmergency, revokedOn } from './emergencies.js';
import { refuseWrongChoices, wrongChoices } from './successor-choices.js';

export interface RotationDesk {
  readonly client: Client;
  readonly ledger: Ledger;
  readonly around: OpenSurroundings;
  readonly taskQueue: string;
  /** Of the control API on this machine. */
  readonly home: string;
}

export interface StartRequest {
  readonly line: string;
  readonly by: string;
  readonly ticket: string;
  /** ISO 8601: what expiries are compared with, instead of now. */
  readonly at?: string | undefined;
  readonly successors?: readonly string[] | undefined;
  /** The unsuccessful rotation that this one knowingly follows with the same successors. */
  readonly after?: string | undefined;
  /** An emergency: names the certificate that was revoked. Missing: what is due by the calendar. */
  readonly revoked?: string | undefined;
  /** What the person has signed, which says the same; missing: by name alone. */
  readonly signed?: Signed<BeginningStatement> | undefined;
}

export interface CommandRequest {
  readonly by: string;
  readonly ticket: string;
  readonly digest?: string | undefined;
  readonly reason?: string | undefined;
  readonly question?: string | undefined;
  readonly option?: string | undefined;
  readonly as?: 'partial' | undefined;
  readonly nodes?: readonly string[] | undefined;
}

/** How long a request waits for a worker to take something up, in milliseconds. */
const PATIENCE = 20_000;
/** How long Temporal's answer to a question is waited for, in milliseconds. */
const QUESTION = 3_000;
const ID = /^(.+)-([1-9][0-9]*)$/;
export const workflowIdOf = (line: string): string => `rotation/${line}`;

export function lineOf(id: string): LineName {
  const [, line] = ID.exec(id) ?? [];
  if (line === undefined) throw new ResealError('USAGE', `${id} is no rotation id; they look like ios-main-7.`);
  return line as LineName;
}

const handleOf = (desk: RotationDesk, line: string): WorkflowHandle => desk.client.workflow.getHandle(workflowIdOf(line));

/** What the line's workflow says of itself; null where there is none, or no worker to ask. */
async function live(desk: RotationDesk, line: string): Promise<RotationStatus | null> {
  try {
    return await desk.client.withDeadline(Date.now() + QUESTION, () => handleOf(desk, line).query<RotationStatus>('status'));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof ServiceError) return null;
    // A run that has only just begun has no answer yet.
    if (error instanceof Error && error.name === 'QueryNotRegisteredError') return null;
    throw error;
  }
}

export async function showRotation(desk: RotationDesk, id: string): Promise<RotationView> {
  const line = lineOf(id);
  const now = await live(desk, line);
  const status = now?.id === id ? now : await desk.ledger.rotation(id);
  if (status === null) throw new ResealError('NOT_FOUND', `There is no rotation ${id}. List them with \`reseal rotation list\`.`);
  const driving = await drivingOf(desk, status);
  if (driving === 'itself' || now?.id === id) return viewOf(desk, status, now?.id === id ? 'workflow' : 'ledger', driving);
  const left = await asLeft(desk, status);
  return viewOf(desk, left ?? status, left === null ? 'ledger' : 'workflow', 'nothing');
}

/** Who looks is shown what there is: while Temporal or the store is away nobody knows that a rotation is orphaned. */
async function drivingOf(desk: RotationDesk, status: RotationStatus): Promise<'itself' | 'nothing'> {
  try {
    const orphaned = await desk.client.withDeadline(Date.now() + QUESTION, () => orphansOf(desk).isOrphaned(status));
    return orphaned ? 'nothing' : 'itself';
  } catch (error) {
    if (error instanceof ResealError || error instanceof ServiceError) return 'itself';
    throw error;
  }
}

/** What the run of an orphaned rotation says of itself; the ledger may have been away when it was cut off. Null: nobody can say. */
async function asLeft(desk: RotationDesk, { id, line }: RotationStatus): Promise<RotationStatus | null> {
  try {
    return statusOf((await orphansOf(desk).leftBehind(workflowIdOf(line), id)).state, Date.now());
  } catch (error) {
    if (error instanceof ResealError) return null;
    throw error;
  }
}

async function viewOf(
  desk: RotationDesk,
  status: RotationStatus,
  source: RotationView['source'],
  driving: 'itself' | 'nothing' = 'itself',
): Promise<RotationView> {
  // What undoes a rotation is the line's next workflow: while this one still answers as the newest, nothing does.
  const undoing = source === 'workflow' ? [] : await desk.ledger.rotations({ undoes: status.id });
  const revoked = await revokedOf(desk, status);
  return {
    ...{ schemaVersion: 1, rotation: rotationStatusView(status, undoing, driving), ...(await changesOf(desk, status)) },
    ...(revoked.length === 0 ? {} : { revoked }),
    source,
  };
}

/** A configuration that somebody has just broken, or a store that is away, keeps nobody from looking at a rotation, nor from turning it back. */
async function changesOf(desk: RotationDesk, status: RotationStatus): Promise<Pick<RotationView, 'changes' | 'changesUnknown'>> {
  try {
    return { changes: await readChanges(desk, status), changesUnknown: null };
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    return { changes: null, changesUnknown: [error.message, ...error.details.slice(0, 3)].join(' ') };
  }
}

/** What it would go back to, and should not. Whoever cannot be asked about that keeps nobody from looking at it, nor from turning it back. */
async function revokedOf(desk: RotationDesk, { line, from, to, outcome }: RotationStatus): Promise<readonly string[]> {
  if (from === null || to === null || outcome !== null) return [];
  try {
    return await revokedBehind(desk.around, line as LineName, { from, to });
  } catch (error) {
    if (error instanceof ResealError) return [];
    throw error;
  }
}

async function readChanges(desk: RotationDesk, status: RotationStatus): Promise<readonly ChangeView[] | null> {
  if (status.from === null || status.to === null) return null;
  const { store } = situationOf(desk.around, status.line as LineName);
  const read = async (digest: Sha256): Promise<ReturnType<typeof parseManifest>> =>
    parseManifest(await store.manifest(digest), `manifests/${digest}.json`);
  return changesView(await read(status.from), await read(status.to));
}

export async function listRotations(desk: RotationDesk, line: string | undefined): Promise<RotationListView> {
  const recorded = await desk.ledger.rotations(line === undefined ? {} : { line });
  const driving = await Promise.all(recorded.map((status) => drivingOf(desk, status)));
  return { schemaVersion: 1, rotations: recorded.map((status, at) => rotationStatusView(status, recorded, driving[at])) };
}

export async function rotationNodes(desk: RotationDesk, id: string): Promise<RotationNodesView> {
  const rows = await desk.ledger.rotationNodes(id);
  // No rows yet, or no such rotation.
  if (rows.length === 0) await showRotation(desk, id);
  return { schemaVersion: 1, rotation: id, nodes: rows.map((row) => withIsoInstants(row)) };
}

export const rotationEvents = (desk: RotationDesk, id: string, after: number): Promise<readonly HistoryEvent[]> =>
  desk.ledger.eventsAfter(id, after);

/** @throws ResealError WRONG_TICKET */
export function mustBeTicket(desk: RotationDesk, ticket: string): void {
  const refusal = ticketRefusal(ticket, desk.around.configuration().policy);
  if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}.`);
}

/** The roster lets this person do it, and the ticket is of the declared form. Before a workflow exists nobody else can check. */
export function mayAsk(desk: RotationDesk, by: string, ticket: string, command: RosterCommand): void {
  mustBeTicket(desk, ticket);
  const { roster } = desk.around.configuration();
  if (!mayDo(roster, by, command)) {
    const able = roster.persons.filter((person) => mayDo(roster, person.id, command)).map((person) => person.id);
    throw new ResealError('NOT_ENTITLED', `The roster does not let ${by} ${command}; it lets ${able.join(', ') || 'nobody'}.`);
  }
}

/** Milliseconds from now to the date that expiries are compared with. @throws ResealError USAGE */
export function offsetOf(at: string | undefined): number {
  return at === undefined ? 0 : givenDate(at) - Date.now();
}

/** @throws ResealError NOT_FOUND where nothing in force signs with what is named as revoked; REFUSED */
async function requestOf({ around }: RotationDesk, asked: StartRequest): Promise<RotationRequest> {
  const { revoked } = asked;
  if (revoked !== undefined && (asked.at ?? asked.after) !== undefined)
    throw new ResealError(
      'REFUSED',
      'An emergency is of today, and follows whatever ended before it: it takes neither another date nor --after.',
    );
  return {
    line: asked.line as LineName,
    trigger: { kind: 'person', by: asked.by as PersonId, ticket: asked.ticket },
    offset: offsetOf(asked.at),
    ...(asked.successors === undefined || asked.successors.length === 0 ? {} : { successors: asked.successors as readonly Uuid[] }),
    ...(asked.signed === undefined ? {} : { signed: asked.signed }),
    ...(revoked === undefined ? {} : { emergency: { revoked: (await revokedOn(around, asked.line as LineName, revoked)).serial } }),
  };
}

/** Starts a rotation and answers once it has its number, or has been refused. */
export async function startRotation(desk: RotationDesk, asked: StartRequest): Promise<RotationView> {
  mayAsk(desk, asked.by, asked.ticket, asked.revoked === undefined ? 'start' : 'start-emergency');
  const request = await requestOf(desk, asked);
  mustBeAskedBy(desk.around.configuration(), request, Date.now(), null);
  await headOf(situationOf(desk.around, request.line).store, request.line);
  await mustHoldNothing(orphansOf(desk), request.line);
  const running = await live(desk, request.line);
  // Of one that is in flight Temporal itself says so below; what this one chooses or repeats is no question then.
  if (running === null || running.outcome !== null || !(await isRunning(desk, request.line))) {
    await refuseWrongChoices(desk.around, request);
    const repeats = await repetition(desk, request, asked.after);
    if (repeats !== null) throw new ResealError('REFUSED', `${repeats}.`);
  }
  const configuration = desk.around.configuration();
  const input: RotationInput = {
    ...request,
    policy: configuration.policy,
    rights: rightsOf(configuration),
    authority: authorityOf(configuration, request.line, request.offset),
  };
  const handle = await startOn(desk, 'rotation', request.line, input);
  return untilNamed(desk, handle, request.line);
}

const SUMMARY = { rotation: 'rotation of', incidentRollback: 'incident rollback on', adoptedRotation: 'adopted rotation of' } as const;

export async function startOn(
  desk: RotationDesk,
  type: keyof typeof SUMMARY,
  line: string,
  input: RotationInput | IncidentInput | AdoptionInput,
): Promise<WorkflowHandle> {
  try {
    return await desk.client.workflow.start(type, {
      workflowId: workflowIdOf(line),
      taskQueue: desk.taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      args: [input],
      staticSummary: `${SUMMARY[type]} ${line}`,
    });
  } catch (error) {
    const known = asResealError(error);
    if (known.code !== 'ROTATION_IN_FLIGHT') throw known;
    const running = await live(desk, line);
    // One that has reached its end closes within moments: what people ask for next need not wait for a second try.
    if (await endsNow(desk, line, running)) return startOn(desk, type, line, input);
    const instead = isUrgent(input) ? insteadOfEmergency(running) : 'See `reseal rotation list`.';
    throw new ResealError('ROTATION_IN_FLIGHT', `${inFlight(running, line)}: one at a time. ${instead}`, { cause: error });
  }
}

const isUrgent = (input: RotationInput | IncidentInput | AdoptionInput): boolean => 'emergency' in input;

const inFlight = (running: RotationStatus | null, line: string): string =>
  running === null ? `A rotation is just starting on ${line}` : `${running.id} is in flight on ${line} (${running.phase})`;

/** For what must not come between a rotation and its nodes. @throws ResealError ROTATION_IN_FLIGHT; REFUSED where it waits to be adopted */
export async function refuseInFlight(desk: RotationDesk, line: string): Promise<void> {
  if (!(await isRunning(desk, line))) return mustHoldNothing(orphansOf(desk), line as LineName);
  const running = await live(desk, line);
  if (await endsNow(desk, line, running)) return;
  throw new ResealError(
    'ROTATION_IN_FLIGHT',
    `${inFlight(running, line)}, and takes care of its nodes itself. Wait for its end, or let it try a node again: \`reseal rotation retry\`.`,
  );
}

async function isRunning(desk: RotationDesk, line: string): Promise<boolean> {
  try {
    return (await handleOf(desk, line).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Whether what is running has reached its end, and is closed within a little time. */
const endsNow = async (desk: RotationDesk, line: string, running: RotationStatus | null): Promise<boolean> =>
  running !== null && running.outcome !== null && (await closes(desk, line));

/** Whether the line's workflow is closed within a little time. */
async function closes(desk: RotationDesk, line: string): Promise<boolean> {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline;) {
    const { status } = await handleOf(desk, line).describe();
    if (status.name !== 'RUNNING') return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

/** After an unsuccessful end the same successors are only tried again on purpose. Null, or why not. */
async function repetition(desk: RotationDesk, request: RotationRequest, after: string | undefined): Promise<string | null> {
  // An emergency is asked for by people, who know why.
  if (request.emergency !== undefined) return null;
  const { lines } = await surveyLines(desk.around, orphansOf(desk), request.offset);
  const found = lines.find((line) => line.line === request.line);
  if (found === undefined || found.start) return null;
  const { store } = situationOf(desk.around, request.line);
  const last = (await store.records(request.line)).at(-1);
  return after !== undefined && after === last ? null : found.reason;
}

export async function untilNamed(desk: RotationDesk, handle: WorkflowHandle, line: string): Promise<RotationView> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const status = await live(desk, line);
    if (status !== null && status.number > 0) return viewOf(desk, status, 'workflow');
    if (status?.outcome === 'refused') throw new ResealError('REFUSED', status.reasons.join(' '));
    const { status: run } = await handle.describe();
    if (run.name !== 'RUNNING' && status === null) {
      const end = (await handle.result()) as RotationEnd;
      throw new ResealError(
        end.reasons.some((reason) => /expired|died/.test(reason)) ? 'PAST_HORIZON' : 'REFUSED',
        `It was refused: ${end.reasons.map((reason) => reason.replace(/\.$/, '')).join('; ')}.`,
      );
    }
    if (Date.now() > deadline)
      throw new ResealError(
        'TEMPORAL_UNREACHABLE',
        `The rotation of ${line} was started and no worker has taken it up. Is one running? See \`reseal doctor\`.`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until the workflow of a rotation that has ended is closed too; false when that takes too long. */
export const untilClosed = (desk: RotationDesk, id: string): Promise<boolean> => closes(desk, lineOf(id));

/** Sends a command to the rotation; one that has completed is rolled back by a workflow of its own. */
export async function commandRotation(
  desk: RotationDesk,
  id: string,
  command: CommandName,
  asked: CommandRequest | Signed<CommandStatement>,
): Promise<RotationView> {
  const line = lineOf(id);
  const now = await live(desk, line);
  if (now?.id !== id || now.outcome !== null) {
    const ended = now?.id === id ? now : await desk.ledger.rotation(id);
    if (ended === null) throw new ResealError('NOT_FOUND', `There is no rotation ${id}. List them with \`reseal rotation list\`.`);
    if (ended.outcome === null) {
      await mustBeDriven(desk, ended);
      throw new ResealError(
        'TEMPORAL_UNREACHABLE',
        `${id} is ${ended.phase} by the record, and no worker answers for it. Start one (\`reseal up\` or \`reseal worker\`); what nodes serve stays as it is meanwhile.`,
      );
    }
    if (command === 'rollback' && ended.phase === 'completed') return rollBackCompleted(desk, ended, asked);
    throw new ResealError('ILLEGAL_COMMAND', `${id} ended as ${ended.phase}: ${command} has no meaning any more.`);
  }
  await mustBeDriven(desk, now);
  return viewOf(desk, await update(desk, line, command, asked), 'workflow');
}

/** A closed workflow still answers questions, and takes no commands. @throws ResealError ILLEGAL_COMMAND */
async function mustBeDriven(desk: RotationDesk, status: RotationStatus): Promise<void> {
  const orphans = orphansOf(desk);
  if (!(await orphans.isOrphaned(status))) return;
  const orphan = await orphans.on(status.line as LineName);
  const { id, phase } = status;
  const words = orphan?.id === id ? orphanInWords(orphan) : `${id} is orphaned in ${phase}, and another rotation has begun since`;
  throw new ResealError('ILLEGAL_COMMAND', `${words}.`);
}

/** How often an Update is sent again that Temporal lost with a failed workflow task. */
const UPDATE_TRIES = 4;

async function update(
  desk: RotationDesk,
  line: string,
  command: CommandName,
  asked: CommandRequest | Signed<CommandStatement>,
): Promise<RotationStatus> {
  const said = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  for (let tries = 1; ; tries++) {
    try {
      return await handleOf(desk, line).executeUpdate<RotationStatus, [unknown]>(command, { args: [said] });
    } catch (error) {
      const lost = error instanceof ServiceError && /FAILED_PRECONDITION|workflow task failure/.test(String(error.cause));
      if (!lost || tries >= UPDATE_TRIES) throw asResealError(error);
    }
  }
}

async function rollBackCompleted(
  desk: RotationDesk,
  { id, line, offset, epoch }: Pick<RotationStatus, 'id' | 'line' | 'offset' | 'epoch'>,
  asked: CommandRequest | Signed<CommandStatement>,
): Promise<RotationView> {
  const signed = 'statement' in asked ? asked : null;
  const [by, ticket] = 'statement' in asked ? [asked.statement.person, asked.statement.ticket] : [asked.by as PersonId, asked.ticket];
  mayAsk(desk, by, ticket, 'rollback');
  const configuration = desk.around.configuration();
  const request: RotationRequest = {
    line: line as LineName,
    trigger: { kind: 'person', by, ticket },
    offset,
    ...(signed === null ? {} : { signed }),
  };
  mustBeAskedBy(configuration, request, Date.now(), { id, epoch });
  const input: IncidentInput = {
    rotation: id,
    request,
    policy: configuration.policy,
    rights: rightsOf(configuration),
  };
  const handle = await startOn(desk, 'incidentRollback', line, input);
  return untilNamed(desk, handle, line);
}

/** What a rotation would do; nothing is written anywhere. */
export async function planRotation(desk: RotationDesk, asked: StartRequest): Promise<PlanView> {
  const request = await requestOf(desk, asked);
  const preview = await previewRotation(desk.around, request);
  const { mesh, horizon } = preview;
  const reasons = [...(await obstacles(desk, request, asked.after)), ...preview.reasons];
  const { policy } = desk.around.configuration();
  const wrong = wrongChoices(preview.survey);
  return {
    schemaVersion: 1,
    line: request.line,
    feasible: reasons.length === 0 && preview.missing.length === 0,
    kind: preview.kind,
    replacements: preview.summary,
    missing: preview.missing,
    ignored: preview.ignored,
    cohorts: preview.cohorts,
    maxUnavailable: mesh.maxUnavailable,
    horizon: horizon === null ? null : new Date(horizon).toISOString(),
    arithmetic: horizon === null || request.emergency !== undefined ? null : arithmetic(Date.now() + request.offset, horizon, mesh, policy),
    reasons,
    offers: wrong?.offers ?? [],
  };
}

/** What `start` would refuse whatever preflight finds. */
async function obstacles(desk: RotationDesk, request: RotationRequest, after: string | undefined): Promise<readonly string[]> {
  const orphan = await orphansOf(desk).on(request.line);
  if (orphan !== null && holdsLine(orphan)) return [orphanInWords(orphan)];
  const running = await live(desk, request.line);
  if (running !== null && running.outcome === null && orphan === null)
    return [`${running.id} is in flight (${running.phase}); one at a time`];
  const reason = await repetition(desk, request, after);
  return reason === null ? [] : [reason];
}
