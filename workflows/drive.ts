import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  allHandlersFinished,
  isCancellation,
  setHandler,
  setCurrentDetails,
  sleep,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
  ApplicationFailure,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { cancel, decide, legalCommands, obey, type Command } from '../src/domain/rotation/commands.js';
import { changes, isNews, type HistoryEvent } from '../src/domain/rotation/history.js';
import { apply, isSameWork, next, settle, type Action, type NodesAction, type NodesEnded, type RotationEvent } from '../src/domain/rotation/machine.js';
import { isTerminal, type Phase } from '../src/domain/rotation/phases.js';
import { epochOf, type RotationState } from '../src/domain/rotation/state.js';
import { cohortName, statusOf } from '../src/domain/rotation/status.js';
import type { RotationRequest } from '../activities/rotation/contract.js';
import type { RotationNodeRow } from '../activities/ledger/contract.js';
import { desk, ledger, messenger } from './activities.js';
import type { cohortStep, CohortStepEnd } from './cohort-step.js';
import {
  COMMANDS,
  commandUpdate,
  decisionSignal,
  statusQuery,
  stopSignal,
  type Carried,
  type CohortStepInput,
  type CommandArguments,
  type RotationEnd,
} from './messages.js';

/** Phases before which a rotation starts a fresh history, so that patches are short-lived. */
const FRESH_HISTORY: readonly Phase[] = ['awaiting-signoff', 'rolling', 'soaking', 'retiring', 'rolling-back'];
/** Far below Temporal's warning at 10,240 events. */
const LONG_HISTORY = 4_000;
const MOST_STEPS_AT_ONCE = 10;

const KEYS = {
  line: defineSearchAttributeKey('ResealLine', 'KEYWORD'),
  rotation: defineSearchAttributeKey('ResealRotation', 'KEYWORD'),
  phase: defineSearchAttributeKey('ResealPhase', 'KEYWORD'),
  outcome: defineSearchAttributeKey('ResealOutcome', 'KEYWORD'),
  question: defineSearchAttributeKey('ResealQuestion', 'KEYWORD'),
  ticket: defineSearchAttributeKey('ResealTicket', 'KEYWORD'),
  trigger: defineSearchAttributeKey('ResealTrigger', 'KEYWORD'),
  horizon: defineSearchAttributeKey('ResealHorizon', 'DATETIME'),
};

/**
 * Drives a rotation to its end: asks the machine what is next, does it, and tells the machine what came of it. Answers the end,
 * or what to carry into a fresh history.
 */
export async function drive(carried: Carried, request: RotationRequest): Promise<{ end: RotationEnd } | { carry: Carried }> {
  const rotation = new Drive(carried, request);
  return rotation.run();
}

class Drive {
  private state: RotationState;
  private seq: number;
  private readonly unrecorded: HistoryEvent[];
  private readonly untold: HistoryEvent[];
  private readonly lateRows: RotationNodeRow[] = [];
  private statusDue = true;
  /** Deliveries that the worker has in hand. */
  private underway = 0;
  private readonly startedIn: Phase;

  constructor(
    carried: Carried,
    private readonly request: RotationRequest,
  ) {
    this.state = carried.state;
    this.seq = carried.seq;
    this.unrecorded = [...carried.unrecorded];
    this.untold = [...carried.untold];
    this.startedIn = carried.state.phase;
    this.listen();
    this.publish();
  }

  async run(): Promise<{ end: RotationEnd } | { carry: Carried }> {
    // Cancelling in Temporal is an operator's command like any other; the work itself is never torn down by it.
    CancellationScope.current().cancelRequested.catch((error: unknown) => {
      if (error instanceof CancelledFailure) this.become(cancel(this.state, 'cancelled in Temporal', Date.now()), 'reseal');
    });
    return CancellationScope.nonCancellable(async () => {
      const deliveries = new CancellationScope({ cancellable: true });
      const delivering = deliveries.run(() => Promise.all([this.deliverRecords(), this.deliverNews(), this.deliverRows()])).catch(ignoreCancellation);
      for (;;) {
        this.become(settle(this.state, Date.now()), 'reseal');
        const action = next(this.state, Date.now());
        if (action.do === 'close') break;
        if (this.wantsFreshHistory()) {
          await this.quiet();
          deliveries.cancel();
          await delivering;
          return { carry: this.carry() };
        }
        await this.perform(action);
      }
      await this.close();
      await this.quiet();
      deliveries.cancel();
      await delivering;
      return { end: { id: this.state.id, outcome: this.state.phase, reasons: this.state.reasons } };
    });
  }

  // ------------------------------------------------------------------------------------------------------- what people say

  private listen(): void {
    setHandler(statusQuery, () => statusOf(this.state, Date.now()));
    for (const name of COMMANDS) {
      setHandler(
        commandUpdate(name),
        (said: CommandArguments) => {
          const command = { ...said, command: name } as Command;
          this.become(settle(this.state, Date.now()), 'reseal');
          this.become(obey(this.state, command, Date.now()), command.by);
          this.become(settle(this.state, Date.now()), 'reseal');
          return statusOf(this.state, Date.now());
        },
        {
          validator: (said: CommandArguments) => {
            this.mayObey({ ...said, command: name } as Command);
          },
        },
      );
    }
    setHandler(decisionSignal, (command) => {
      try {
        this.mayObey(command);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.note({ kind: 'signal-ignored', text: `a signal had no effect: ${reason}`, data: { command: { ...command } } });
        return;
      }
      this.become(settle(this.state, Date.now()), 'reseal');
      this.become(obey(this.state, command, Date.now()), command.by);
    });
  }

  /** Refuses an illegal command before it leaves a trace. */
  private mayObey(command: Command): void {
    if (!(COMMANDS as readonly unknown[]).includes(command.command) || typeof command.by !== 'string' || typeof command.ticket !== 'string') {
      throw ApplicationFailure.nonRetryable('a command needs its name, the person (by) and the ticket', 'USAGE');
    }
    // Time has passed since the last step: judge by what holds now.
    const settled = settle(this.state, Date.now());
    const decision = decide(settled, command, Date.now());
    if (!decision.accepted) {
      const legal = legalCommands(settled);
      const can = legal.length > 0 ? `; now possible: ${legal.join(', ')}` : '';
      throw ApplicationFailure.nonRetryable(`${decision.reason}${can}`, decision.code, { phase: settled.phase, legal });
    }
  }

  // ---------------------------------------------------------------------------------------------------------- what happens

  private tell(event: RotationEvent): void {
    this.become(apply(this.state, event, Date.now()), 'reseal');
  }

  /** The one place where the state changes: what follows from it for the record and for Temporal's UI follows here. */
  private become(after: RotationState, actor: string): void {
    const before = this.state;
    if (after === before) return;
    this.state = after;
    this.statusDue = true;
    for (const fact of changes(before, after)) this.note({ ...fact, actor: fact.actor ?? (actor as HistoryEvent['actor']) });
    if (before.phase !== after.phase || before.question !== after.question || before.id !== after.id || before.plan !== after.plan) this.publish();
  }

  private note(fact: Pick<HistoryEvent, 'kind' | 'text' | 'data'> & { readonly actor?: HistoryEvent['actor'] }): void {
    const event: HistoryEvent = { actor: 'reseal', ...fact, rotation: this.state.id, seq: ++this.seq, at: Date.now() };
    this.unrecorded.push(event);
    if (isNews(event)) this.untold.push(event);
  }

  private publish(): void {
    const { state } = this;
    const pairs: SearchAttributeUpdatePair[] = [
      { key: KEYS.line, value: state.line },
      { key: KEYS.rotation, value: state.id },
      { key: KEYS.phase, value: state.phase },
      { key: KEYS.outcome, value: isTerminal(state.phase) ? state.phase : 'running' },
      { key: KEYS.question, value: state.question?.id ?? 'none' },
      { key: KEYS.ticket, value: state.trigger.ticket },
      { key: KEYS.trigger, value: state.trigger.kind },
      ...(state.plan === null ? [] : [{ key: KEYS.horizon, value: new Date(state.plan.horizon) }]),
    ];
    upsertSearchAttributes(pairs);
    setCurrentDetails(details(state));
  }

  // ----------------------------------------------------------------------------------------------------------- what is done

  private async perform(action: Action): Promise<void> {
    switch (action.do) {
      case 'open':
        return this.orRefuse(() => this.open());
      case 'find-successors':
        return this.orRefuse(() => this.findSuccessors());
      case 'prepare':
        return this.orRefuse(() => this.prepare());
      case 'nodes':
        return this.treatNodes(action);
      case 'open-gate':
        return this.tell({ event: 'gate-opened', rights: (await desk.gateRoster()).rights });
      case 'remind':
        return this.remind(action.widened);
      case 'page':
        return this.page();
      case 'advance-head':
        return this.advanceHead();
      case 'return-head':
        return this.returnHead();
      case 'wait':
        await this.wait(action.until);
        return;
      case 'close':
        return;
    }
  }

  private async wait(until: number): Promise<void> {
    const seen = this.state;
    await condition(() => this.state !== seen, Math.max(1, until - Date.now()));
  }

  /** Before a node is touched, what trying again cannot mend is a refusal with its reason. */
  private async orRefuse(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : undefined;
      if (!(cause instanceof ApplicationFailure)) throw error;
      this.tell({ event: 'refused', reasons: [cause.message] });
    }
  }

  private async open(): Promise<void> {
    const opened = await desk.openRotation({ ...this.request, key: workflowInfo().firstExecutionRunId });
    // The name comes before the news of it, so that every line of the record bears it.
    this.state = { ...this.state, id: opened.id };
    this.note({ kind: 'phase', text: `asked for by ${this.state.trigger.by} under ${this.state.trigger.ticket}`, data: { trigger: this.state.trigger } });
    this.tell({ event: 'opened', ...opened });
  }

  private async findSuccessors(): Promise<void> {
    const found = await desk.findSuccessors(this.request);
    this.tell({ event: 'successors', ...found });
    if (found.missing.length === 0) return;
    const left = found.expiresFirst - this.state.offset - Date.now();
    const { audience, successor } = this.state.policy;
    const urgent = successor.pageWhenLeft.some((limit) => left <= limit);
    void this.send('successor', `a successor is needed: ${found.missing.join('; ')}`, urgent ? audience.page : audience.owner);
  }

  private async prepare(): Promise<void> {
    const { plan, reasons } = await desk.prepareRotation({ ...this.request, id: this.state.id });
    if (plan === null || reasons.length > 0) return this.tell({ event: 'refused', reasons });
    const wholeMesh: NodesAction = { do: 'nodes', task: 'probe', wave: null, first: 0, count: plan.nodes, again: [], except: [], inFlight: null, stopAtFirst: false };
    const inspected = await this.steps(wholeMesh, { ...this.stepInput(plan), task: 'inspect' }, () => this.state.phase !== 'preflight');
    const unwell = inspected.flatMap((step) => step.troubled).map((result) => `${result.node}: ${result.reason}`);
    if (unwell.length > 0) return this.tell({ event: 'refused', reasons: unwell });
    this.tell({ event: 'prepared', plan });
  }

  private stepInput(plan: NonNullable<RotationState['plan']>): Omit<CohortStepInput, 'task' | 'first' | 'count' | 'again' | 'except' | 'inFlight' | 'stopAtFirst' | 'cohort'> {
    const { state } = this;
    return {
      line: state.line,
      rotation: state.id,
      epoch: epochOf(state),
      offset: state.offset,
      from: plan.from,
      to: plan.to,
      topology: plan.topology,
      policyDigest: plan.policyDigest,
      cohorts: plan.cohorts,
      operationTimeout: state.policy.limits.nodeOperationTimeout,
      waitForLedger: state.phase !== 'rolling-back',
    };
  }

  private async treatNodes(action: NodesAction): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    this.tell({ event: 'nodes-begun', task: action.task, wave: action.wave });
    const { d } = this.state;
    const outdated = (): boolean => !isSameWork(action, next(settle(this.state, Date.now()), Date.now()));
    const ends = await this.steps(action, { ...this.stepInput(plan), task: action.task }, outdated);
    const all = <T>(of: (end: CohortStepEnd) => readonly T[]): readonly T[] => ends.flatMap((end) => [...of(end)]);
    const ended: NodesEnded = {
      d,
      task: action.task,
      wave: action.wave,
      handled: ends.reduce((sum, end) => sum + end.handled, 0),
      troubled: all((end) => end.troubled).map(({ node, outcome, active, reason }) => ({ node, outcome, active, reason })),
      untried: all((end) => end.untried),
      retried: all((end) => end.retried),
    };
    this.lateRows.push(...all((end) => end.unrecorded));
    this.tell({ event: 'nodes-ended', ...ended });
  }

  /**
   * One round of steps: as many children side by side as the allowance has room for. When the work is outdated (a command, a
   * pause) no further node is begun; for a change of direction what is in flight is given up too, and the fence keeps it harmless.
   */
  private async steps(action: NodesAction, base: Omit<CohortStepInput, 'first' | 'count' | 'again' | 'except' | 'inFlight' | 'stopAtFirst' | 'cohort'>, outdated: () => boolean): Promise<readonly CohortStepEnd[]> {
    const size = this.state.policy.limits.stepNodes;
    const inputs = portions(action, size).map((portion): CohortStepInput => ({
      ...base,
      ...portion,
      except: action.except,
      stopAtFirst: action.stopAtFirst,
      cohort: action.wave === null ? 'all' : cohortName(action.wave),
    }));
    const scope = new CancellationScope({ cancellable: true });
    const children: ChildWorkflowHandle<typeof cohortStep>[] = [];
    let finished = false;
    const working = scope
      .run(() =>
        Promise.all(
          inputs.map(async (input) => {
            const child = await startChild<typeof cohortStep>('cohortStep', {
              args: [input],
              workflowId: stepId(input),
              cancellationType: 'WAIT_CANCELLATION_COMPLETED',
              staticSummary: `${input.task} ${input.count + input.again.length} nodes of ${input.cohort}`,
            });
            children.push(child);
            return child.result();
          }),
        ),
      )
      .finally(() => {
        finished = true;
      });
    const direction = this.state.d;
    const watching = (async () => {
      await condition(() => finished || outdated());
      if (finished) return;
      if (this.state.d !== direction || isTerminal(this.state.phase)) return scope.cancel();
      await Promise.all(children.map((child) => child.signal(stopSignal).catch(() => undefined)));
      await condition(() => finished || this.state.d !== direction);
      if (!finished) scope.cancel();
    })();
    try {
      const ends = await working;
      await watching;
      return ends;
    } catch (error) {
      if (!isCancellation(error) && !isChildCancellation(error)) throw error;
      await watching;
      return [];
    }
  }

  private async remind(widened: boolean): Promise<void> {
    const { audience, gate } = this.state.policy;
    const have = this.state.approvals.length;
    await this.send('reminder', `${have} of ${gate.approvals} approvals so far`, widened ? [...audience.owner, ...audience.widened] : audience.owner);
    this.tell({ event: 'reminded' });
  }

  private async page(): Promise<void> {
    const { question } = this.state;
    if (question !== null) await this.send('page', `${question.id}: ${question.options.join(' or ')}`, this.state.policy.audience.page);
    this.tell({ event: 'paged' });
  }

  private async advanceHead(): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    this.tell({ event: 'head-advancing' });
    const asked = desk.advanceHead({ line: this.state.line, expectedSeq: this.state.headSeq, to: plan.to, id: this.state.id, ticket: this.state.trigger.ticket });
    const answer = await this.unless(asked, () => this.state.phase !== 'cutover' || this.state.question !== null);
    if (answer === null) return;
    if (answer.moved) this.tell({ event: 'head-advanced', seq: answer.seq });
    else this.tell({ event: 'head-lost', reason: answer.reason });
  }

  private async returnHead(): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    const { seq } = await desk.returnHead({ line: this.state.line, from: plan.from, to: plan.to, id: this.state.id, ticket: this.state.trigger.ticket });
    this.tell({ event: 'head-returned', seq });
  }

  /** The answer, or null once `moot` holds first. */
  private async unless<T>(asked: Promise<T>, moot: () => boolean): Promise<T | null> {
    let settled = false;
    const answer = asked.finally(() => {
      settled = true;
    });
    answer.catch(() => undefined);
    await condition(() => settled || moot());
    return settled ? answer : null;
  }

  // ------------------------------------------------------------------------------------------------------------ the record

  private wantsFreshHistory(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    const boundary = this.state.phase !== this.startedIn && FRESH_HISTORY.includes(this.state.phase);
    return boundary || continueAsNewSuggested || historyLength > LONG_HISTORY;
  }

  /**
   * A run that ends in the very task that answers an Update may take that answer with it (the server fails the task as soon as anything else has
   * happened meanwhile, and the Update is lost). So a run ends in a task of its own, with nothing under way.
   */
  private async quiet(): Promise<void> {
    do {
      await condition(() => this.underway === 0, '3s');
      await sleep(1);
      await condition(allHandlersFinished);
    } while (!allHandlersFinished());
  }

  private carry(): Carried {
    return { state: this.state, seq: this.seq, unrecorded: [...this.unrecorded], untold: [...this.untold] };
  }

  /** The closing record, then what the ledger has not heard; the ledger may be away, but not for ever. */
  private async close(): Promise<void> {
    await desk.closeRotation(this.state);
    await condition(() => this.unrecorded.length === 0 && this.untold.length === 0 && this.lateRows.length === 0 && !this.statusDue, '10m');
  }

  private async deliverRecords(): Promise<void> {
    for (;;) {
      await condition(() => this.unrecorded.length > 0 || this.statusDue);
      const batch = this.unrecorded.slice(0, 100);
      this.statusDue = false;
      await this.deliver(async () => {
        if (this.state.k > 0) await ledger.recordRotation(statusOf(this.state, Date.now()));
        if (batch.length > 0) await ledger.recordEvents(batch);
      });
      this.unrecorded.splice(0, batch.length);
    }
  }

  private async deliverRows(): Promise<void> {
    for (;;) {
      await condition(() => this.lateRows.length > 0);
      const batch = this.lateRows.slice(0, 100);
      await this.deliver(() => ledger.recordNodes(batch));
      this.lateRows.splice(0, batch.length);
    }
  }

  private async deliverNews(): Promise<void> {
    for (;;) {
      await condition(() => this.untold.length > 0);
      const [event] = this.untold;
      if (event === undefined) continue;
      const kind = event.kind === 'question' || event.kind === 'gate' || event.kind === 'restored' ? event.kind : 'outcome';
      await this.deliver(() => this.send(kind, event.text, this.state.policy.audience.owner, event));
      this.untold.shift();
    }
  }

  private async deliver(work: () => Promise<void>): Promise<void> {
    this.underway += 1;
    try {
      await work();
    } finally {
      this.underway -= 1;
    }
  }

  /** A notice that cannot be delivered holds nothing up; it stays on the record. */
  private async send(event: 'question' | 'outcome' | 'gate' | 'reminder' | 'page' | 'successor' | 'restored', text: string, audience: readonly string[], history: HistoryEvent | null = null): Promise<void> {
    try {
      await messenger.notify({ event, text, audience, rotation: statusOf(this.state, Date.now()), history });
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}

/** A cancelled child that had nothing to report fails with the cancellation as its cause. */
const isChildCancellation = (error: unknown): boolean => error instanceof Error && isCancellation(error.cause);

/** Below the rotation's own workflow id: what is unique there is unique in the namespace, whoever shares it. */
const stepId = (input: CohortStepInput): string =>
  `${workflowInfo().workflowId}/${input.rotation}/${input.epoch}/${input.task}/${input.cohort.replace(' ', '-')}/${input.count > 0 ? input.first : `again-${input.again[0] ?? ''}`}`;

type Portion = Pick<CohortStepInput, 'first' | 'count' | 'again' | 'inFlight'>;

/** Divides a task among children of at most `size` nodes, and the allowance among those that run side by side. */
function portions(action: NodesAction, size: number): readonly Portion[] {
  const left = action.inFlight === null ? Number.POSITIVE_INFINITY : action.inFlight;
  const all: Portion[] = [];
  for (let start = 0; start < action.again.length; start += size) {
    all.push({ first: action.first, count: 0, again: action.again.slice(start, start + size), inFlight: null });
  }
  for (let start = 0; start < action.count; start += size) {
    all.push({ first: action.first + start, count: Math.min(size, action.count - start), again: [], inFlight: null });
  }
  const round: Portion[] = [];
  let room = left;
  for (const portion of all) {
    if (round.length >= MOST_STEPS_AT_ONCE || room <= 0) break;
    const share = Math.min(room, portion.count + portion.again.length);
    round.push({ ...portion, inFlight: Number.isFinite(left) ? share : null });
    room -= share;
  }
  return round;
}

/** What Temporal's own UI shows of the rotation, in Markdown. */
function details(state: RotationState): string {
  const lines = [`**${state.id}** is **${state.phase}** (${state.trigger.kind}, ${state.trigger.ticket})`];
  const { plan } = state;
  if (plan !== null) {
    lines.push(`\`${plan.from.slice(0, 12)}\` → \`${plan.to.slice(0, 12)}\`, ${plan.nodes} nodes, rollback possible until ${new Date(plan.horizon).toISOString()}`);
    lines.push(...plan.summary.map((line) => `- ${line}`));
  }
  if (state.question !== null) lines.push(`Question **${state.question.id}**: ${state.question.options.join(' or ')}`);
  lines.push(...state.reasons.map((reason) => `> ${reason}`));
  return lines.join('\n\n');
}

