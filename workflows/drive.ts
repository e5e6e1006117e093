import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  condition,
  patched,
  setHandler,
  sleep,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { COMMAND_NAMES, decide, decideSigned, keysOf, legalCommands } from '../src/domain/rotation/commands.js';
import { wordsBeside } from '../src/domain/rotation/exclusions.js';
import { cancel, obey, obeySigned } from '../src/domain/rotation/obey.js';
import { approvalsNeeded, isEmergency } from '../src/domain/rotation/emergency.js';
import { changes, type HistoryEvent } from '../src/domain/rotation/history.js';
import {
  apply,
  canaryReportOf,
  isSameWork,
  mustAsk,
  next,
  settle,
  wakeAt,
  type Action,
  type NodesAction,
  type NodesEnded,
  type RotationEvent,
} from '../src/domain/rotation/machine.js';
import type { Phase } from '../src/domain/rotation/phases.js';
import { lockedSentences } from '../src/domain/rotation/stand-ins.js';
import type { Plan, RotationState } from '../src/domain/rotation/state.js';
import { together } from '../src/domain/rotation/pins.js';
import { statusOf } from '../src/domain/rotation/status.js';
import { urgentInWords } from '../src/domain/rotation/urgent.js';
import { isSettled } from '../src/domain/write-back.js';
import { unwellInWords, type UnwellNode } from '../src/domain/unwell-nodes.js';
import type { RotationRequest } from '../activities/rotation/contract.js';
import type { Judgement } from '../activities/approvals/contract.js';
import type { CommandStatement, Signed } from '../src/domain/rotation/statement.js';
import type { AuditHead } from '../src/domain/audit/record.js';
import { haveNodesTold, headsOfWorkers, headsSeen, noteHeads } from './audit-heads.js';
import { approvals, desk, steadyDesk } from './activities.js';
import type { CohortStepEnd } from './cohort-step.js';
import { Deliveries } from './deliveries.js';
import {
  commandUpdate,
  decisionSignal,
  stateQuery,
  statusQuery,
  type Carried,
  type CommandArguments,
  type RotationEnd,
} from './messages.js';
import { heard, noted, type Heard } from './heard.js';
import { stepInput, takeSteps } from './node-steps.js';
import { publish } from './visibility.js';
import { writeBackLater } from './write-back-later.js';

/** Phases before which a rotation starts a fresh history, so that patches are short-lived. */
const FRESH_HISTORY: readonly Phase[] = ['awaiting-signoff', 'rolling', 'soaking', 'retiring', 'rolling-back'];
/** Far below Temporal's warning at 10,240 events. */
const LONG_HISTORY = 4_000;
/** How often a round of node work may end without an answer before the rotation turns back, and the pause after each. */
const MOST_LOST_ROUNDS = 3;
const LOST_ROUND_PAUSE = '5s';

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
  private readonly deliveries: Deliveries;
  private readonly startedIn: Phase;
  /** The length of the history in the workflow task that answered the last Update: a task of its own per length. */
  private answeredIn = 0;
  /** Rounds of node work in a row that ended without an answer. */
  private lostRounds = 0;
  /** In this run: the next one writes them again, which changes nothing. */
  private approvalsKept = false;

  constructor(
    carried: Carried,
    private readonly request: RotationRequest,
  ) {
    this.state = carried.state;
    this.deliveries = new Deliveries(carried, () => this.state);
    this.startedIn = carried.state.phase;
    noteHeads(carried.state.audit);
    this.listen();
    publish(this.state);
  }

  async run(): Promise<{ end: RotationEnd } | { carry: Carried }> {
    // Cancelling in Temporal is an operator's command like any other; the work itself is never torn down by it.
    CancellationScope.current().cancelRequested.catch((error: unknown) => {
      if (error instanceof CancelledFailure) this.become(cancel(this.state, 'cancelled in Temporal', Date.now()), 'reseal');
    });
    return CancellationScope.nonCancellable(async () => {
      this.deliveries.start();
      for (;;) {
        this.become(settle(this.state, Date.now()), 'reseal');
        const action = next(this.state, Date.now());
        if (action.do === 'close') break;
        if (this.wantsFreshHistory()) {
          await this.quiet();
          await this.deliveries.stop();
          return { carry: { state: anchored(this.state, headsSeen()), ...this.deliveries.carry() } };
        }
        await this.perform(action);
      }
      await this.close();
      await this.quiet();
      await this.deliveries.stop();
      return { end: { id: this.state.id, outcome: this.state.phase, reasons: this.state.reasons } };
    });
  }

  // ------------------------------------------------------------------------------------------------------- what people say

  private listen(): void {
    setHandler(statusQuery, () => statusOf(this.state, Date.now()));
    setHandler(stateQuery, () => ({ request: this.request, state: this.state, ...this.deliveries.carry() }));
    for (const name of COMMAND_NAMES) {
      setHandler(
        commandUpdate(name),
        async (said: CommandArguments) => {
          try {
            await this.obey(heard(name, said));
            this.become(settle(this.state, Date.now()), 'reseal');
            return statusOf(this.state, Date.now());
          } finally {
            this.answeredIn = workflowInfo().historyLength;
          }
        },
        {
          validator: (said: CommandArguments) => {
            this.mayObey(heard(name, said));
          },
        },
      );
    }
    setHandler(decisionSignal, async (said) => {
      try {
        const word = 'statement' in said ? heard(null, said) : heard(said.command, said);
        this.mayObey(word);
        await this.obey(word);
      } catch (error) {
        // Whatever a signal brings, and whoever sends it, must not hold up the rotation.
        const reason = error instanceof Error ? error.message : String(error);
        this.deliveries.note({ kind: 'signal-ignored', text: `a signal had no effect: ${reason}`, data: { command: noted(said) } });
      }
    });
  }

  /** Does what was said, once it is known who said it. What was signed is judged again after that: other things may have happened meanwhile. */
  private async obey(word: Heard): Promise<void> {
    if (word.kind === 'command') {
      this.become(settle(this.state, Date.now()), 'reseal');
      return this.become(obey(this.state, word.command, Date.now()), word.command.by);
    }
    const { statement } = word.signed;
    const judged = await this.judge(word.signed);
    if (!judged.counts) {
      const text = `what is said to be signed by ${statement.person} does not count: ${judged.reason}`;
      this.deliveries.note({ kind: 'statement-refused', text, data: { ...word.signed } });
      throw ApplicationFailure.nonRetryable(text, 'SIGNATURE_REFUSED');
    }
    this.mayObey(word);
    this.become(settle(this.state, Date.now()), 'reseal');
    this.become(obeySigned(this.state, { key: judged.key, signed: word.signed, voided: judged.voided }, Date.now()), statement.person);
  }

  /** Whoever can tell may be away: the word is then given again, and the rotation goes on. */
  private async judge(signed: Signed<CommandStatement>): Promise<Judgement> {
    try {
      // A rotation that was cancelled in Temporal still has to be told what to do.
      return await CancellationScope.nonCancellable(() =>
        approvals.judgeStatement({
          ...signed,
          keys: keysOf(this.state.authority, signed.statement.person),
          uncounted: (this.state.gate?.uncounted ?? []).flatMap(({ person, keys }) =>
            person === signed.statement.person ? (keys ?? []) : [],
          ),
          approvals: wordsBeside(this.state, signed.statement).map((word) => ({
            person: word.person,
            key: word.assurance === 'signed' ? word.key : null,
          })),
        }),
      );
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const reason = `nobody could tell in time who signed this; say it again: ${rootCauseOf(error)}`;
      throw ApplicationFailure.nonRetryable(reason, 'TEMPORAL_UNREACHABLE');
    }
  }

  /** Refuses an illegal command before it leaves a trace. */
  private mayObey(word: Heard): void {
    // Time has passed since the last step: judge by what holds now.
    const settled = settle(this.state, Date.now());
    const decision =
      word.kind === 'command' ? decide(settled, word.command, Date.now()) : decideSigned(settled, word.signed.statement, Date.now());
    if (!decision.accepted) {
      const can = decision.legal.length > 0 ? `; now possible: ${decision.legal.join(', ')}` : '';
      throw ApplicationFailure.nonRetryable(`${decision.reason}${can}`, decision.code, {
        phase: settled.phase,
        legal: legalCommands(settled),
      });
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
    this.state = anchored(after, headsOfWorkers());
    this.deliveries.statusChanged();
    for (const fact of changes(before, after)) this.deliveries.note({ ...fact, actor: fact.actor ?? (actor as HistoryEvent['actor']) });
    if (before.phase !== after.phase || before.question !== after.question || before.id !== after.id || before.plan !== after.plan)
      publish(this.state);
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
      case 'stand-in':
        return this.findStandIn(action);
      case 'open-gate':
        return this.openGate(action);
      case 'remind':
        return this.remind(action.widened);
      case 'page':
        return this.page();
      case 'advance-head':
        return this.advanceHead(action);
      case 'return-head':
        return this.returnHead(action);
      case 'wait':
        await this.wait(action.until);
        return;
      case 'close':
        return;
    }
  }

  private async wait(until: number): Promise<void> {
    const seen = this.state;
    // What is refused changes nothing, and fills the history all the same.
    await condition(() => this.state !== seen || this.wantsFreshHistory(), Math.max(1, until - Date.now()));
  }

  /** Before a node is touched, what trying again cannot mend is a refusal with its reason. */
  private async orRefuse(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : undefined;
      if (cause instanceof ApplicationFailure) this.tell({ event: 'refused', reasons: [cause.message] });
      else if (error instanceof ChildWorkflowFailure)
        this.tell({ event: 'refused', reasons: [`looking at the nodes came to no end: ${rootCauseOf(error)}`] });
      else throw error;
    }
  }

  private async open(): Promise<void> {
    const opened = await desk.openRotation({
      ...this.request,
      key: workflowInfo().firstExecutionRunId,
      askedAt: Math.min(this.state.startedAt, workflowInfo().startTime.getTime()),
    });
    // The name comes before the news of it, so that every line of the record bears it.
    this.state = { ...this.state, id: opened.id };
    this.deliveries.note({
      kind: 'phase',
      text: `asked for by ${this.state.trigger.by} under ${this.state.trigger.ticket}`,
      data: { trigger: this.state.trigger },
    });
    this.tell({ event: 'opened', ...opened });
  }

  private async findSuccessors(): Promise<void> {
    const found = await desk.findSuccessors(this.request);
    const ask = mustAsk(this.state, Date.now());
    this.tell({ event: 'successors', ...found });
    if (found.missing.length === 0 || !ask) return;
    const left = found.expiresFirst - this.state.offset - Date.now();
    const { audience, successor } = this.state.policy;
    const urgent = isEmergency(this.state) || successor.pageWhenLeft.some((limit) => left <= limit);
    this.deliveries.send('successor', `a successor is needed: ${found.missing.join('; ')}`, urgent ? audience.page : audience.owner);
  }

  /** Node truth of the whole mesh is read also where successors or policy refuse already: every reason comes at once. */
  private async prepare(): Promise<void> {
    const prepared = await desk.prepareRotation({ ...this.request, id: this.state.id });
    if (prepared.plan !== null) {
      const unwell = await this.inspectMesh(prepared.plan);
      // With a revoked asset no node is well: how each of them is stands on the record, and what is frozen waits for people.
      if (isEmergency(this.state)) {
        for (const text of unwell) this.deliveries.note({ kind: 'remark', text: `before anything is changed: ${text}`, data: {} });
        return this.tell({ event: 'prepared', plan: prepared.plan });
      }
      return this.tell(unwell.length > 0 ? { event: 'refused', reasons: unwell } : { event: 'prepared', plan: prepared.plan });
    }
    const { reasons, inspect } = prepared;
    const unwell = inspect === undefined || isEmergency(this.state) ? [] : await this.inspectMesh({ ...inspect, to: inspect.from });
    this.tell({ event: 'refused', reasons: [...reasons, ...unwell] });
  }

  /** What is wrong with nodes before anything is changed, in sentences. */
  private async inspectMesh(mesh: InspectedMesh): Promise<readonly string[]> {
    const unwell: UnwellNode[] = [];
    let first = 0;
    while (first < mesh.nodes) {
      const round = await takeSteps(
        wholeMeshFrom(first, mesh.nodes),
        stepInput(this.state, mesh, 'inspect'),
        () => this.state,
        () => this.state.phase !== 'preflight',
      );
      unwell.push(...round.flatMap((step) => step.troubled));
      if (this.state.phase !== 'preflight') break;
      first += round.reduce((sum, step) => sum + step.handled, 0);
    }
    return unwellInWords(unwell);
  }

  private async treatNodes(action: NodesAction): Promise<void> {
    const { plan } = this.state;
    if (plan === null) return;
    const approved = action.wave !== 0 || isEmergency(this.state);
    if (action.task === 'switch' && approved && !(await this.keptApprovals(action))) return;
    this.tell({ event: 'nodes-begun', task: action.task, wave: action.wave });
    const { d } = this.state;
    const outdated = (): boolean => !isSameWork(action, next(settle(this.state, Date.now()), Date.now()));
    const ends = await this.orLost(action, () => takeSteps(action, stepInput(this.state, plan, action.task), () => this.state, outdated));
    if (ends === null) return;
    for (const end of ends) noteHeads(end.audit);
    const all = <T>(of: (end: CohortStepEnd) => readonly T[]): readonly T[] => ends.flatMap((end) => [...of(end)]);
    const ended: NodesEnded = {
      d,
      task: action.task,
      wave: action.wave,
      handled: ends.reduce((sum, end) => sum + end.handled, 0),
      troubled: all((end) => end.troubled).map(({ passes: _passes, remark: _remark, ...trouble }) => trouble),
      untried: all((end) => end.untried),
      retried: all((end) => end.retried),
      pinned: all((end) => end.pinned ?? []),
      ...pinsOf(ends),
    };
    this.deliveries.addRows(all((end) => end.unrecorded));
    for (const text of all((end) => end.remarks ?? [])) this.deliveries.note({ kind: 'remark', text, data: {} });
    this.tell({ event: 'nodes-ended', ...ended });
  }

  /**
   * Before the first node beyond the canary is switched, what people signed lies where nodes can read it. False: the rotation has something else to do
   * meanwhile; a store that is away keeps nobody from turning back.
   */
  private async keptApprovals(action: NodesAction): Promise<boolean> {
    const { plan, line, id, trigger, approvals } = this.state;
    if (plan === null || this.approvalsKept) return true;
    const signed = approvals.flatMap((one) => (one.assurance === 'signed' && one.digest === plan.to ? [one.signed] : []));
    // A rotation that an earlier version took beyond its gate goes on without.
    if (signed.length > 0 && patched('approvals-in-store')) {
      const kept = steadyDesk.keepApprovals({ line, id, ticket: trigger.ticket, to: plan.to, approvals: signed }).then(() => true);
      if ((await this.unless(kept, action)) === null) return false;
    }
    this.approvalsKept = true;
    return true;
  }

  /**
   * A round that ended without an answer (its child was terminated, or broke) is begun again: every operation is idempotent. When it will
   * not end well, that is a failure of the rotation like any other.
   */
  private async orLost<T>(action: NodesAction, work: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await work();
      this.lostRounds = 0;
      return answer;
    } catch (error) {
      if (!(error instanceof ChildWorkflowFailure)) throw error;
      this.lostRounds += 1;
      if (this.lostRounds >= MOST_LOST_ROUNDS) {
        this.lostRounds = 0;
        this.tell({ event: 'nodes-lost', task: action.task, reason: rootCauseOf(error) });
      }
      const seen = this.state;
      await condition(() => this.state !== seen, LOST_ROUND_PAUSE);
      return null;
    }
  }

  /** A store that is away keeps nobody from turning back meanwhile. */
  private async findStandIn(action: Action & { readonly do: 'stand-in' }): Promise<void> {
    const { plan, line, id, trigger } = this.state;
    if (plan === null) return;
    const tried = (this.state.standIns ?? []).map(({ node }) => node);
    const { cohorts, topology, to } = plan;
    const asked = steadyDesk.findStandIn({ line, id, ticket: trigger.ticket, node: action.node, tried, cohorts, topology, to });
    const found = await this.unless(asked, action);
    if (found !== null) this.tell({ event: 'stand-in', node: action.node, found });
  }

  /** A roster that cannot be read now keeps nobody from turning back. */
  private async openGate(action: Action): Promise<void> {
    const canary = canaryReportOf(this.state);
    const { line, offset, authority } = this.state;
    const terms = await this.unless(steadyDesk.gateTerms({ line, offset, canary, assurance: authority.assurance }), action);
    if (terms !== null) this.tell({ event: 'gate-opened', nonce: uuid4(), canary, ...terms });
  }

  private remind(widened: boolean): void {
    const { audience } = this.state.policy;
    const { approvals: have, awaitedRoster } = this.state;
    this.deliveries.send(
      'reminder',
      awaitedRoster
        ? `the gate does not open: ${awaitedRoster.reason}`
        : `${have.length} of ${approvalsNeeded(this.state)} approvals so far`,
      isEmergency(this.state) ? audience.page : widened ? [...audience.owner, ...audience.widened] : audience.owner,
    );
    this.tell({ event: 'reminded' });
  }

  private page(): void {
    const { question } = this.state;
    if (question !== null) {
      const answers = `${question.id}: ${question.options.join(' or ')}${urgentInWords(this.state, question.id, Date.now())}`;
      const { page } = this.state.policy.audience;
      if (question.id === 'keychain-locked') this.deliveries.send('keychain', [...lockedSentences(this.state), answers].join('\n'), page);
      else this.deliveries.send('page', answers, page);
    }
    this.tell({ event: 'paged' });
  }

  private async advanceHead(action: Action): Promise<void> {
    const { plan, line, headSeq, id, trigger } = this.state;
    if (plan === null) return;
    this.tell({ event: 'head-advancing' });
    const answer = await this.unless(
      steadyDesk.advanceHead({ line, expectedSeq: headSeq, to: plan.to, id, ticket: trigger.ticket }),
      action,
    );
    if (answer === null) return;
    if (answer.moved) this.tell({ event: 'head-advanced', seq: answer.seq });
    else this.tell({ event: 'head-lost', reason: answer.reason, found: answer.found });
  }

  private async returnHead(action: Action): Promise<void> {
    const { plan, line, id, trigger } = this.state;
    if (plan === null) return;
    // What is given up for now is given up in the store's queue too: it must not move the head when nobody expects it any more.
    const scope = new CancellationScope({ cancellable: true });
    const asked = scope.run(() => steadyDesk.returnHead({ line, from: plan.from, to: plan.to, id, ticket: trigger.ticket }));
    const answer = await this.unless(asked, action);
    if (answer !== null) return this.tell({ event: 'head-returned', seq: answer.seq });
    scope.cancel();
    const { done, policy } = this.state;
    if (next(settle(this.state, Date.now()), Date.now()).do !== action.do || done.head === 'put-off') return;
    this.tell({ event: 'head-put-off' });
    this.deliveries.send('page', `the store does not take the head of ${line} back; the nodes go first`, policy.audience.page);
  }

  /** The answer, or null once the rotation has something else to do first: a command came, or the time for it has run out. */
  private async unless<T>(asked: Promise<T>, action: Action): Promise<T | null> {
    const answer: { value: T | null } = { value: null };
    asked.then(
      (value) => {
        answer.value = value;
      },
      () => undefined,
    );
    const moot = (): boolean => !isSameWork(action, next(settle(this.state, Date.now()), Date.now()));
    const wake = wakeAt(this.state, Date.now());
    if (wake === null) await condition(() => answer.value !== null || moot());
    else await condition(() => answer.value !== null || moot(), Math.max(1, wake - Date.now()));
    return answer.value;
  }

  // ------------------------------------------------------------------------------------------------------------ the record

  private wantsFreshHistory(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    const boundary = this.state.phase !== this.startedIn && FRESH_HISTORY.includes(this.state.phase);
    return boundary || continueAsNewSuggested || historyLength > LONG_HISTORY;
  }

  /**
   * A run that ends in the very task that answers an Update may take that answer with it (the server fails the task as soon as anything else has
   * happened meanwhile, and the Update is lost). Such a run ends in a later task; with nothing under way, all do.
   */
  private async quiet(): Promise<void> {
    await this.deliveries.rest();
    await condition(allHandlersFinished);
    while (this.answeredIn === workflowInfo().historyLength) await sleep(1);
  }

  /** The closing record, then what the ledger has not heard. */
  private async close(): Promise<void> {
    this.state = anchored(this.state, headsSeen());
    if (haveNodesTold()) this.deliveries.statusChanged();
    const closed = await steadyDesk.closeRotation(this.state);
    // Rotations that were closed by an earlier version have no answer.
    const writtenBack = (closed as typeof closed | null | undefined)?.writtenBack ?? null;
    if (writtenBack !== null && !isSettled(writtenBack)) await writeBackLater(this.state, writtenBack, this.deliveries);
    await this.deliveries.drained();
  }
}

/** With the heads of the audit chains that hold what was done, those of nodes only at the end: none of them can be cut off below these unnoticed. */
const anchored = ({ audit: _before, ...state }: RotationState, audit: readonly AuditHead[]): RotationState =>
  audit.length === 0 ? state : { ...state, audit };

function pinsOf(ends: readonly CohortStepEnd[]): Pick<NodesEnded, 'pins'> {
  const pins = together(ends.flatMap((end) => end.pins ?? []));
  return pins === null ? {} : { pins };
}

type InspectedMesh = Pick<Plan, 'from' | 'to' | 'topology' | 'policyDigest' | 'cohorts' | 'nodes'>;

const wholeMeshFrom = (first: number, nodes: number): NodesAction => ({
  do: 'nodes',
  task: 'probe',
  wave: null,
  first,
  count: nodes - first,
  again: [],
  except: [],
  inFlight: null,
  stopAtFirst: false,
  pins: 'heed',
});

function rootCauseOf(error: Error): string {
  return error.cause instanceof Error ? rootCauseOf(error.cause) : error.message;
}
