import type { LineName, NodeName, PersonId, RotationId, Sha256 } from '../../src/domain/brands.js';
import { COMMAND_NAMES, decide, type Command } from '../../src/domain/rotation/commands.js';
import { obey } from '../../src/domain/rotation/obey.js';
import { adopted } from '../../src/domain/rotation/orphan.js';
import { apply, isSameWork, newRotation, next, settle, type Action, type NodesAction } from '../../src/domain/rotation/machine.js';
import { isEmergency } from '../../src/domain/rotation/emergency.js';
import { isTerminal } from '../../src/domain/rotation/phases.js';
import type { Policy } from '../../src/domain/policy.js';
import { epochOf, type RotationState } from '../../src/domain/rotation/state.js';
import type { NodeResult } from '../../src/domain/node/report.js';
import { lookAt } from '../../src/domain/rotation/pins.js';
import { lastAutomaticRollback } from '../../src/domain/rotation/timeline.js';
import { admitAttempt, FROM, newNode, probed, stepsOf, take, TO, type Attempt, type ModelNode } from './node-model.js';
import { OPENED_WITH } from '../domain/rotation/plan.js';
import { MODEL_POLICY } from './policy.js';

/** A rotation, its mesh, the head of the line, and what may still go wrong. */
export interface World {
  readonly now: number;
  readonly state: RotationState;
  readonly nodes: readonly ModelNode[];
  readonly head: { readonly seq: number; readonly digest: Sha256 | 'other' };
  /** A task under way: nodes still to be treated. */
  readonly under: {
    readonly d: number;
    readonly action: NodesAction;
    readonly queue: readonly NodeName[];
    readonly results: readonly NodeResult[];
    readonly retried: readonly NodeName[];
  } | null;
  /** An attempt that was given up and may wake at any time. */
  readonly sleeper: Attempt | null;
  readonly faults: number;
  readonly commands: number;
  readonly attempts: number;
  /** Builds that may still begin. */
  readonly builds: number;
  /** Approvals as people really gave and withdrew them: kept apart from the machine's own books. */
  readonly given: readonly PersonId[];
  /** Whether anything went wrong since the last turn back. */
  readonly troubledSinceTurn: boolean;
}

/** One thing that happens, for the trace of a counterexample. */
export interface Move {
  /** `machine`: reseal goes on by itself, and nothing goes wrong. */
  readonly by: 'machine' | 'people' | 'fate';
  readonly what: string;
  readonly world: World;
  /** What a person said, for the count of what was covered. */
  readonly said?: string;
}

export interface Limits {
  readonly waves: readonly number[];
  readonly maxUnavailable: number;
  readonly faults: number;
  readonly commands: number;
  /** Policy `retirement.secondGate`. Default: no. */
  readonly secondGate?: boolean;
  /** A revoked asset is replaced. Default: no. */
  readonly emergency?: true;
  /** Builds that pin a manifest, one per node at a time. Default: none, and then nobody pins anything. */
  readonly builds?: number;
}

const HORIZON = 100_000;
export const ELIGIBLE = ['ada', 'grace'] as PersonId[];
export const REQUESTER = 'rita' as PersonId;
const RIGHTS = COMMAND_NAMES;
const TICKET = 'CHG-1';
const REVOKED = 'C0FFEE';

const policyOf = (limits: Limits): Policy =>
  limits.secondGate === true ? { ...MODEL_POLICY, retirement: { ...MODEL_POLICY.retirement, secondGate: true } } : MODEL_POLICY;

export function start(limits: Limits): World {
  const size = limits.waves.reduce((sum, wave) => sum + wave, 0);
  const rights = Object.fromEntries([...ELIGIBLE, REQUESTER].map((person) => [person, RIGHTS]));
  const state = newRotation('line' as LineName, { kind: 'person', by: REQUESTER, ticket: TICKET }, policyOf(limits), 0, 0);
  return {
    now: 0,
    state: { ...state, rights, ...(limits.emergency === true ? { emergency: { revoked: REVOKED } } : {}) },
    nodes: Array.from({ length: size }, (_, index) => newNode(`n${index + 1}`)),
    head: { seq: 1, digest: FROM },
    under: null,
    sleeper: null,
    faults: limits.faults,
    commands: limits.commands,
    attempts: 0,
    builds: limits.builds ?? 0,
    given: [],
    troubledSinceTurn: false,
  };
}

/** Everything that can happen next. */
export function moves(world: World, limits: Limits): readonly Move[] {
  const settled = { ...world, state: settle(world.state, world.now) };
  const all: Move[] = [...commandMoves(settled), ...sleeperMoves(settled), ...buildMoves(settled)];
  if (isTerminal(settled.state.phase)) return sleeperMoves(settled);
  all.push(...adoptionMoves(settled));
  if (settled.under !== null) return [...all, ...underMoves(settled)];
  return [...all, ...actionMoves(settled, next(settled.state, settled.now), limits), ...delayMoves(settled)];
}

// ------------------------------------------------------------------------------------------------------------- commands

const saying = { ticket: TICKET };

/** Every command that a person could give, sensible or not. */
export function everyCommand(state: RotationState): readonly Command[] {
  const nodes = state.troubles.map((trouble) => trouble.node);
  const people = [...ELIGIBLE, REQUESTER];
  return [
    ...people.flatMap((by): Command[] => [
      { command: 'approve', by, ...saying, digest: TO },
      { command: 'approve', by, ...saying, digest: FROM },
    ]),
    ...people.map((by): Command => ({ command: 'reject', by, ...saying })),
    ...ELIGIBLE.map((by): Command => ({ command: 'withdraw', by, ...saying })),
    { command: 'approve', by: ELIGIBLE[0] as PersonId, ticket: 'CHG-2', digest: TO },
    { command: 'pause', by: REQUESTER, ...saying },
    { command: 'resume', by: REQUESTER, ...saying },
    { command: 'cancel', by: REQUESTER, ...saying },
    { command: 'rollback', by: REQUESTER, ...saying },
    { command: 'close', by: REQUESTER, ...saying, as: 'partial' },
    { command: 'retry', by: REQUESTER, ...saying, nodes },
    ...people.slice(1).map((by): Command => ({ command: 'exclude', by, ...saying, nodes })),
    ...(state.question?.options ?? ['retry']).map((option): Command => ({
      command: 'answer',
      by: ELIGIBLE[0] as PersonId,
      ...saying,
      question: state.question?.id ?? 'stalled',
      option,
      digest: TO,
    })),
  ];
}

function commandMoves(world: World): Move[] {
  return everyCommand(world.state).flatMap((command): Move[] => {
    if (!decide(world.state, command, world.now).accepted) return [];
    const approving = command.command === 'approve' || (command.command === 'answer' && command.option === 'approve');
    // Without approvals no rotation gets far: they cost nothing.
    if (!approving && world.commands === 0) return [];
    const state = obey(world.state, command, world.now);
    const given = approving
      ? [...new Set([...world.given, command.by])].sort()
      : command.command === 'withdraw'
        ? world.given.filter((person) => person !== command.by)
        : world.given;
    return [
      {
        by: 'people',
        said: saidIn(world.state, command),
        what: `${command.by} says ${command.command}`,
        world: turned(world, { ...world, state, given, commands: world.commands - (approving ? 0 : 1) }),
      },
    ];
  });
}

const saidIn = (state: RotationState, command: Command): string =>
  `${state.phase}: ${command.command}${command.command === 'answer' ? ` ${command.question} ${command.option}` : ''}`;

/** From a change of direction on, only what goes wrong later counts against the way back. */
const turned = (before: World, after: World): World =>
  after.state.d === before.state.d ? after : { ...after, troubledSinceTurn: after.sleeper !== null };

// --------------------------------------------------------------------------------------------------------------- builds

const BUILDING: readonly string[] = ['rolling', 'soaking', 'retiring', 'rolling-back', 'awaiting-retirement'];

/** A build begins with a manifest that its node accepts, takes as long as it likes, and ends. */
function buildMoves(world: World): Move[] {
  if (world.under !== null) return [];
  const change = (name: NodeName, pin: ModelNode['pin']): readonly ModelNode[] =>
    world.nodes.map((one) => (one.name === name ? { ...one, pin } : one));
  return world.nodes.flatMap((node): Move[] => {
    if (node.pin !== null)
      return [{ by: 'people', what: `the build on ${node.name} ends`, world: { ...world, nodes: change(node.name, null) } }];
    if (world.builds === 0 || !BUILDING.includes(world.state.phase)) return [];
    // The gate lets no build begin with what is not whole.
    const whole = node.accepted.filter((manifest) => node.files[manifest] === 'ok' && node.manifests[manifest] === true);
    return whole.map((manifest) => ({
      by: 'people',
      what: `a build on ${node.name} pins ${manifest}`,
      world: {
        ...world,
        builds: world.builds - 1,
        nodes: change(node.name, { manifest, expires: world.now + world.state.policy.retirement.maxBuildDuration }),
      },
    }));
  });
}

// ----------------------------------------------------------------------------------------------------------------- time

/** The machine sleeps, and wakes late. */
function delayMoves(world: World): Move[] {
  const { plan } = world.state;
  if (world.faults === 0 || plan === null) return [];
  const late = [lastAutomaticRollback(plan.horizon, plan.nodes, plan.maxUnavailable, world.state.policy) + 1, plan.horizon + 1];
  return late
    .filter((time) => time > world.now)
    .map((now) => ({
      by: 'fate',
      what: `the clock is at ${now}`,
      world: { ...world, now, faults: world.faults - 1, troubledSinceTurn: true },
    }));
}

// ------------------------------------------------------------------------------------------------ terminated, and adopted

/**
 * The workflow is terminated, wherever it is, and people have another one go on: of work under way nothing was counted, and the order that the next node was
 * given may have got anywhere.
 */
function adoptionMoves(world: World): Move[] {
  if (world.faults === 0 || world.state.k === 0) return [];
  const state = adopted(world.state, { by: REQUESTER, ticket: TICKET, at: world.now, signed: null }, world.now);
  const left = { ...world, state, under: null, faults: world.faults - 1 };
  const what = 'terminated and adopted';
  return [{ by: 'fate', what, world: left }, ...lateOrders(world).map((late) => ({ by: 'fate' as const, what: `${what}, ${late.what}`, world: { ...left, ...late.change } }))]; // prettier-ignore
}

/** Whether a build on the node holds what the task would take away. */
function isHeld(node: ModelNode, { task, pins }: NodesAction): boolean {
  const goes = task === 'retire' ? FROM : task === 'unstage' ? TO : null;
  return goes !== null && node.pin?.manifest === goes && node.files[goes] === 'ok' && pins === 'heed';
}

/** What the dead run's last order may still do. */
function lateOrders(world: World): { readonly what: string; readonly change: Partial<World> }[] {
  const { under, state } = world;
  const node = world.nodes.find(({ name }) => name === under?.queue[0]);
  if (under === null || node === undefined || under.action.task === 'probe' || world.sleeper !== null) return [];
  const { task } = under.action;
  const fence = { epoch: epochOf(state), opId: task, sentAt: world.attempts, attempt: 1, token: `t${world.attempts}` };
  const steps = stepsOf(task);
  const attempts = world.attempts + 2;
  const admitted = admitAttempt(node, fence);
  if (admitted === null) return [];
  // A build's node takes nothing away that it holds: such an order is not begun.
  const begun = (isHeld(node, under.action) ? [] : steps).flatMap((_, cut) => {
    const partly = run(admitted, steps.slice(0, cut), fence, null);
    if (!partly.ok || steps[cut - 1]?.do === 'fence') return [];
    const nodes = world.nodes.map((one) => (one.name === node.name ? partly.node : one));
    const sleeper = { node: node.name, task, fence, admitted: true, left: steps.slice(cut) };
    return [{ what: `its ${task} of ${node.name} asleep after step ${cut}`, change: { attempts, nodes, sleeper } }];
  });
  const unheard = { node: node.name, task, fence, admitted: false, left: steps };
  return [{ what: `its ${task} of ${node.name} still on the way`, change: { attempts, sleeper: unheard } }, ...begun];
}

// -------------------------------------------------------------------------------------------------------------- actions

function actionMoves(world: World, action: Action, limits: Limits): Move[] {
  const { state, now } = world;
  const told = (what: string, event: Parameters<typeof apply>[1], change: Partial<World> = {}): Move => ({
    by: 'machine',
    what,
    world: turned(world, { ...world, ...change, state: apply(state, event, now) }),
  });
  const fault = { faults: world.faults - 1 };
  switch (action.do) {
    case 'open':
      return [
        told('opened', {
          event: 'opened',
          k: 1,
          id: 'line-1' as RotationId,
          policy: state.policy,
          rights: state.rights,
          authority: state.authority,
          heard: null,
        }),
      ];
    case 'find-successors':
      return [
        told('successors found', { event: 'successors', missing: [], ignored: [], fingerprint: '', expiresFirst: HORIZON }),
        ...fate(world, () => [
          told(
            'no successor yet',
            { event: 'successors', missing: ['a successor'], ignored: [], fingerprint: '', expiresFirst: 150 },
            fault,
          ),
          told('refused', { event: 'refused', reasons: ['refused'] }, fault),
        ]),
      ];
    case 'prepare':
      return [
        told('prepared', {
          event: 'prepared',
          plan: {
            kind: 'profile',
            fromSeq: 1,
            from: FROM,
            to: TO,
            topology: 'topology' as Sha256,
            policyDigest: 'policy' as Sha256,
            cohorts: 'cohorts' as Sha256,
            waves: limits.waves,
            nodes: world.nodes.length,
            maxUnavailable: limits.emergency === true ? world.nodes.length : limits.maxUnavailable,
            horizon: HORIZON,
            eligible: ELIGIBLE,
            importers: [],
            summary: [],
            canaryProof: world.nodes.slice(0, limits.waves[0]).map(({ name }) => name),
            ...(limits.builds === undefined ? {} : { pipelines: ['builds'] }),
          },
        }),
        told('refused', { event: 'refused', reasons: ['refused'] }),
      ];
    case 'nodes': {
      const range = world.nodes.slice(action.first, action.first + action.count).map((node) => node.name);
      const queue = [...action.again, ...range.filter((name) => !action.except.includes(name))];
      const begun = apply(state, { event: 'nodes-begun', task: action.task, wave: action.wave }, now);
      return [
        {
          by: 'machine',
          what: `${action.task} begins`,
          world: { ...world, state: begun, under: { d: state.d, action, queue, results: [], retried: [] } },
        },
      ];
    }
    case 'stand-in': {
      const { node } = action;
      const none = told('no other signer', { event: 'stand-in', node, found: { by: null, reason: 'there is none' } });
      const beyond = world.nodes.slice(limits.waves[0]).map((one) => one.name);
      return [none, ...beyond.map((by) => exchange(world, node, by))];
    }
    case 'open-gate':
      return [
        told('the gate opens', { event: 'gate-opened', rights: state.rights, keys: {}, assurance: 'name', ...OPENED_WITH }, { given: [] }),
      ];
    case 'remind':
      return [told('reminded', { event: 'reminded' })];
    case 'page':
      return [told('paged', { event: 'paged' })];
    case 'advance-head': {
      const advancing = apply(state, { event: 'head-advancing' }, now);
      const fits = world.head.seq === state.headSeq;
      const moved = { seq: world.head.seq + 1, digest: TO };
      const won: Move = {
        by: 'machine',
        what: 'the head moves',
        world: { ...world, head: moved, state: apply(advancing, { event: 'head-advanced', seq: moved.seq }, now) },
      };
      const lost = (head: World['head'], faults: number): Move => ({
        by: 'fate',
        what: 'the head was moved by someone else',
        world: {
          ...world,
          head,
          faults,
          troubledSinceTurn: true,
          // A head of somebody else is `other`, which is nobody's digest: all that counts is that it is not FROM.
          state: apply(advancing, { event: 'head-lost', reason: 'moved', found: { seq: head.seq, digest: head.digest as Sha256 } }, now),
        },
      });
      // A move whose answer was lost is repeated, and answered as the first time.
      if (!fits)
        return world.head.digest === TO
          ? [{ ...won, world: { ...won.world, head: world.head } }]
          : [{ ...lost(world.head, world.faults), by: 'machine' }];
      return [
        won,
        ...fate(world, () => [
          lost({ seq: world.head.seq + 1, digest: 'other' }, world.faults - 1),
          {
            by: 'fate',
            what: 'the store does not answer',
            world: { ...world, ...fault, now: now + state.policy.cohorts.stallTimeout, state: advancing },
          },
          {
            by: 'fate',
            what: 'the head moves, the answer is lost',
            world: { ...world, ...fault, head: moved, now: now + state.policy.cohorts.stallTimeout, state: advancing },
          },
        ]),
      ];
    }
    case 'return-head': {
      const head = { seq: world.head.seq + 1, digest: world.head.digest === TO ? FROM : world.head.digest };
      const asked = state.done.head === 'put-off' ? horizonOf(world) : now + state.policy.rollback.headTime;
      const silent = (moved: World['head']): Move => ({
        by: 'fate',
        what: `the store does not answer${moved === world.head ? '' : ', though the head returned'}`,
        world: turned(world, { ...world, ...fault, head: moved, now: asked, state: apply(state, { event: 'head-put-off' }, asked) }),
      });
      return [
        {
          by: 'machine',
          what: 'the head returns',
          world: { ...world, head, state: apply(state, { event: 'head-returned', seq: head.seq }, now) },
        },
        ...fate(world, () => [silent(world.head), silent(head)]),
      ];
    }
    case 'wait':
      // A question that stays waits for people, however long.
      if (state.question?.deadline === null) return [];
      return [{ by: 'machine', what: `waits for ${action.why}`, world: turned(world, { ...world, now: Math.max(now + 1, action.until) }) }];
    case 'close':
      return [];
  }
}

/** Another signer has the place in the canary: the cohort plan is frozen anew, and nothing on any node changes. */
function exchange(world: World, node: NodeName, by: NodeName): Move {
  const at = (name: NodeName): ModelNode => world.nodes.find((one) => one.name === name) as ModelNode;
  const nodes = world.nodes.map((one) => (one.name === node ? at(by) : one.name === by ? at(node) : one));
  const found = { by, cohorts: `${world.state.plan?.cohorts ?? ''} ${node}-${by}` as Sha256, reason: 'it holds the same' };
  const state = apply(world.state, { event: 'stand-in', node, found }, world.now);
  return { by: 'machine', what: `${by} stands in for ${node}`, world: turned(world, { ...world, nodes, state }) };
}

const horizonOf = ({ state, now }: World): number => Math.max(now + 1, state.plan?.horizon ?? now);

const fate = (world: World, then: () => readonly Move[]): readonly Move[] =>
  world.faults > 0 ? then().map((one) => ({ ...one, by: 'fate' })) : [];

// ---------------------------------------------------------------------------------------------------------- work on nodes

/** The next node of the task under way, with every fault at every position; or the end of the task. */
function underMoves(world: World): Move[] {
  const { under, state } = world;
  if (under === null) return [];
  const outdated = !isSameWork(under.action, next(state, world.now));
  const unwell = under.results.filter((result) => result.outcome !== 'done').length;
  const full = (under.action.inFlight !== null && unwell >= under.action.inFlight) || (under.action.stopAtFirst && unwell > 0);
  const [name] = under.queue;
  if (name === undefined || outdated || full) return [finish(world)];
  const node = world.nodes.find((one) => one.name === name) as ModelNode;
  const lostStep = fate(world, () => [loseStep(world)]);
  const treated = treat(world, node).map(({ what, change, result, sleeper, fault }): Move => ({
    by: fault ? 'fate' : 'machine',
    what: `${under.action.task} ${name}: ${what}`,
    world: {
      ...world,
      nodes: world.nodes.map((one) => (one.name === name ? change : one)),
      attempts: world.attempts + 2,
      faults: world.faults - (fault ? 1 : 0),
      troubledSinceTurn: world.troubledSinceTurn || fault,
      sleeper: sleeper ?? world.sleeper,
      under: {
        ...under,
        queue: under.queue.slice(1),
        results: [...under.results, result],
        retried: under.action.again.includes(name) ? [...under.retried, name] : under.retried,
      },
    },
  }));
  return [...treated, ...lostStep];
}

/** The child workflow ends without an answer, too often to be begun again. */
function loseStep(world: World): Move {
  const { under, state } = world;
  const task = under?.action.task ?? 'probe';
  const lost = apply(state, { event: 'nodes-lost', task, reason: 'terminated' }, world.now);
  return {
    by: 'fate',
    what: `${task} is lost`,
    world: turned(world, { ...world, under: null, faults: world.faults - 1, troubledSinceTurn: true, state: lost }),
  };
}

function finish(world: World): Move {
  const { under, state } = world;
  if (under === null) return { by: 'machine', what: 'nothing', world };
  const { task } = under.action;
  const pinned = under.results.filter((result) => result.outcome === 'pinned');
  const look = lookAt(task === 'probe' ? under.results : pinned, task === 'unstage' ? TO : FROM);
  const event = {
    event: 'nodes-ended',
    d: under.d,
    task: under.action.task,
    wave: under.action.wave,
    handled: under.action.count,
    troubled: under.results
      .filter((result) => result.outcome !== 'done' && result.outcome !== 'pinned')
      .map(({ node, outcome, active, reason, locked }) => ({ node, outcome, active, reason, ...(locked === undefined ? {} : { locked }) })),
    untried: under.queue,
    retried: under.retried,
    pinned: pinned.map((result) => result.node),
    ...(look === null ? {} : { pins: look }),
  } as const;
  return {
    by: 'machine',
    what: `${under.action.task} ends`,
    world: turned(world, { ...world, under: null, state: apply(state, event, world.now) }),
  };
}

interface Treated {
  readonly what: string;
  readonly change: ModelNode;
  readonly result: NodeResult;
  readonly sleeper?: Attempt;
  readonly fault: boolean;
}

function treat(world: World, node: ModelNode): Treated[] {
  const { under, state } = world;
  if (under === null) return [];
  const { task } = under.action;
  const forward = isEmergency(state);
  const fence = { epoch: epochOf(state), opId: task, sentAt: world.attempts, attempt: 1, token: `t${world.attempts}` };
  // Tried again by Temporal under the same order.
  const retryFence = { ...fence, attempt: 2, token: `t${world.attempts + 1}` };
  if (task === 'probe') return probeOnly(world, node).map((one) => ({ ...one, result: { ...one.result, ...pinsOf(one.change) } }));
  const admitted = admitAttempt(node, fence);
  if (admitted === null) return [{ what: 'refused as stale', change: node, result: outcome(node, 'failed', 'STALE_EPOCH'), fault: false }];
  if (isHeld(node, under.action))
    return [{ what: 'is pinned', change: admitted, result: { ...outcome(node, 'pinned', 'a build'), ...pinsOf(node) }, fault: false }];
  const steps = stepsOf(task);
  const treated: Treated[] = [{ what: 'done', ...complete(admitted, task, fence, null, forward), fault: false }];
  if (world.faults === 0) return treated;

  treated.push({ what: 'offline', change: node, result: outcome(node, 'unreachable', 'offline'), fault: true });
  const retried = admitAttempt(node, retryFence);
  if (retried !== null && world.sleeper === null)
    treated.push({
      what: 'is late to be admitted, and retried meanwhile',
      ...complete(retried, task, retryFence, null, forward),
      sleeper: { node: node.name, task, fence, admitted: false, left: steps },
      fault: true,
    });
  for (let cut = 0; cut <= steps.length; cut++) {
    const partly = run(admitted, steps.slice(0, cut), fence, null);
    if (!partly.ok) break;
    const again = admitAttempt(partly.node, retryFence);
    if (again !== null)
      treated.push({ what: `cut off after step ${cut}, then retried`, ...complete(again, task, retryFence, null, forward), fault: true });
    treated.push({
      what: `fails after step ${cut}`,
      change: partly.node,
      result: outcome(partly.node, 'failed', 'disk full'),
      fault: true,
    });
    // Between a fence and its step the node's lock is held: whoever sleeps there keeps everyone else out.
    if (world.sleeper === null && cut < steps.length && steps[cut - 1]?.do !== 'fence') {
      const sleeper = { node: node.name, task, fence, admitted: true, left: steps.slice(cut) };
      treated.push({
        what: `sleeps after step ${cut}`,
        change: partly.node,
        result: outcome(partly.node, 'unreachable', 'no answer'),
        sleeper,
        fault: true,
      });
    }
    if (steps[cut]?.do === 'put-profile')
      treated.push({ what: `the disk lies in step ${cut}`, ...complete(admitted, task, fence, cut, forward), fault: true });
  }
  if (task === 'stage' || task === 'switch') {
    // Nothing is signed in staging: another signer is no help there.
    for (const then of task === 'stage' ? (['page'] as const) : (['another-signer', 'page'] as const)) {
      const locked = { keychain: 'k', why: 'locked', remedy: 'unlock it', then };
      treated.push({ what: `its keychain stays locked: ${then}`, change: admitted, result: { ...outcome(admitted, 'locked', 'locked'), locked }, fault: true }); // prettier-ignore
    }
  }
  if (task === 'switch') {
    for (const health of ['broken', 'unclear'] as const) {
      treated.push({
        what: `the new assets are ${health} here`,
        ...complete({ ...admitted, health }, task, fence, null, forward),
        fault: true,
      });
    }
  }
  return treated;
}

function probeOnly(world: World, node: ModelNode): Treated[] {
  const seen = (one: ModelNode): NodeResult => {
    const result = probed(one);
    return result === 'proven' && one.active === TO ? outcome(one, 'done', '') : outcome(one, 'failed', 'probe failed');
  };
  const well: Treated = { what: 'probed', change: node, result: seen(node), fault: false };
  if (world.faults === 0) return [well];
  const flipped = { ...node, files: { ...node.files, [TO]: 'bad' as const } };
  return [
    well,
    { what: 'a byte has flipped', change: flipped, result: seen(flipped), fault: true },
    { what: 'offline', change: node, result: outcome(node, 'unreachable', 'offline'), fault: true },
  ];
}

/** What a node says of its build; every pipeline of the model pins, where any does. */
const pinsOf = ({ pin }: ModelNode): Pick<NodeResult, 'pins'> => ({
  pins: {
    pipelines: ['builds'],
    manifests: pin === null ? [] : [{ manifest: pin.manifest, builds: 1, soonest: pin.expires, jobs: ['a build'] }],
  },
});

const outcome = (node: ModelNode, what: NodeResult['outcome'], reason: string): NodeResult => ({
  node: node.name,
  outcome: what,
  active: node.active,
  reason,
});

function run(node: ModelNode, steps: ReturnType<typeof stepsOf>, fence: Attempt['fence'], lyingAt: number | null): ReturnType<typeof take> {
  let current = node;
  for (const [index, step] of steps.entries()) {
    const taken = take(current, step, fence, index === lyingAt);
    if (!taken.ok) return taken;
    current = taken.node;
  }
  return { node: current, ok: true };
}

/** A whole attempt, with the probes after an activation and the node's own return when they fail. */
function complete(
  node: ModelNode,
  task: NodesAction['task'],
  fence: Attempt['fence'],
  lyingAt: number | null,
  forward: boolean,
): { change: ModelNode; result: NodeResult } {
  const ran = run(node, stepsOf(task), fence, lyingAt);
  if (!ran.ok) return { change: ran.node, result: outcome(ran.node, 'failed', ran.reason) };
  if (task !== 'switch' && task !== 'return' && task !== 'repair') return { change: ran.node, result: outcome(ran.node, 'done', '') };
  const verdict = probed(ran.node);
  if (verdict === 'proven') return { change: ran.node, result: outcome(ran.node, 'done', '') };
  const what = verdict === 'failed' ? 'failed' : 'inconclusive';
  // Nor does a node go back by itself to what was revoked.
  if (task !== 'switch' || forward) return { change: ran.node, result: outcome(ran.node, what, 'probe') };
  const back = run(ran.node, stepsOf('return'), fence, null);
  return { change: back.node, result: outcome(back.node, what, 'probe') };
}

/** As in `activities/node/operations.ts`: a removal looks at pins once more when it has un-accepted, and accepts again what a build holds. */
const noticesPin = ({ task, left }: Attempt, { pin }: ModelNode): boolean =>
  (task === 'retire' || task === 'unstage') &&
  pin?.manifest === (task === 'retire' ? FROM : TO) &&
  left.some((step) => step.do === 'un-accept');

/** An attempt given up long ago goes on where it slept. */
function sleeperMoves(world: World): Move[] {
  const { sleeper } = world;
  if (sleeper === null) return [];
  const node = world.nodes.find((one) => one.name === sleeper.node) as ModelNode;
  const begun = sleeper.admitted ? node : admitAttempt(node, sleeper.fence);
  const ran = begun === null ? { node } : noticesPin(sleeper, begun) ? { node: begun } : run(begun, sleeper.left, sleeper.fence, null);
  return [
    {
      by: 'fate',
      what: `${sleeper.task} on ${sleeper.node} wakes`,
      world: { ...world, sleeper: null, nodes: world.nodes.map((one) => (one.name === node.name ? ran.node : one)) },
    },
  ];
}
