import { decide, legalCommands, obey } from '../../src/domain/rotation/commands.js';
import { next, settle } from '../../src/domain/rotation/machine.js';
import { isTerminal } from '../../src/domain/rotation/phases.js';
import { INVARIANTS } from './invariants.js';
import { everyCommand, moves, start, type Limits, type World } from './world.js';

export interface Explored {
  readonly limits: Limits;
  readonly states: number;
  readonly transitions: number;
  /** How often each phase was an end. */
  readonly ends: Readonly<Record<string, number>>;
  readonly commandsJudged: number;
  readonly violation: { readonly invariant: string; readonly what: string; readonly trace: readonly string[] } | null;
}

/** What tells two worlds apart; constants left out. */
function keyOf(world: World): string {
  const { state } = world;
  const { policy: _policy, rights: _rights, reasons: _reasons, trigger: _trigger, plan: _plan, ...rest } = state;
  // Tokens only matter as equal or not.
  const nodes = world.nodes.map((node) => [
    node.files,
    node.manifests,
    node.accepted,
    node.active,
    node.health,
    node.fence?.epoch,
    node.fence?.token === world.sleeper?.fence.token,
  ]);
  return JSON.stringify([
    world.now,
    rest,
    plannedOr(state.plan),
    nodes,
    world.head,
    world.under,
    world.sleeper?.node,
    world.sleeper?.left.length,
    world.sleeper?.task,
    world.faults,
    world.commands,
    world.given,
    world.troubledSinceTurn,
  ]);
}
const plannedOr = (plan: unknown): boolean => plan !== null;

/** Walks every world that can be reached within the limits; stops at the first that breaks an invariant. */
export function explore(limits: Limits, mostStates = 5_000_000): Explored {
  const first = start(limits);
  const seen = new Map<string, { parent: string | null; what: string }>([[keyOf(first), { parent: null, what: 'start' }]]);
  const stack: { world: World; key: string }[] = [{ world: first, key: keyOf(first) }];
  const ends: Record<string, number> = {};
  let transitions = 0;
  let commandsJudged = 0;
  const result = (violation: Explored['violation']): Explored => ({
    limits,
    states: seen.size,
    transitions,
    ends,
    commandsJudged,
    violation,
  });
  const traceOf = (key: string | null): string[] => {
    const trace: string[] = [];
    for (let at = key; at !== null; at = seen.get(at)?.parent ?? null) trace.unshift(seen.get(at)?.what ?? '');
    return trace;
  };

  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { world, key } = entry;
    const fail = (invariant: string, what: string, move: string): Explored => result({ invariant, what, trace: [...traceOf(key), move] });
    const judged = judgeCommands(world);
    commandsJudged += judged.count;
    if (judged.problem !== null) return fail('6 one writer: an illegal command changes nothing', judged.problem, 'a command');
    let following: readonly { what: string; world: World }[];
    try {
      following = moves(world, limits);
    } catch (error) {
      return fail('the machine moves only as the diagram allows', error instanceof Error ? error.message : String(error), 'settle');
    }
    if (following.length === 0) {
      const settled = settle(world.state, world.now);
      ends[settled.phase] = (ends[settled.phase] ?? 0) + 1;
      const named = isTerminal(settled.phase) || settled.question !== null;
      if (!named)
        return fail(
          '9 liveness: every rotation ends or asks a named question',
          `stuck in ${settled.phase}: ${JSON.stringify(next(settled, world.now))}`,
          'nothing can happen',
        );
    }
    const before = { ...world, state: settle(world.state, world.now) };
    for (const move of following) {
      transitions += 1;
      for (const [invariant, holds] of Object.entries(INVARIANTS)) {
        const settledAfter = { ...move.world, state: settle(move.world.state, move.world.now) };
        const what = holds(before, settledAfter) ?? holds(before, move.world);
        if (what !== null) return fail(invariant, what, move.what);
      }
      const following = keyOf(move.world);
      if (seen.has(following)) continue;
      if (seen.size >= mostStates) return fail('the exploration is finite', `more than ${mostStates} states`, move.what);
      seen.set(following, { parent: key, what: move.what });
      stack.push({ world: move.world, key: following });
    }
  }
  return result(null);
}

/** Every command in every state is either named as legal and obeyed, or refused with a reason. */
function judgeCommands(world: World): { count: number; problem: string | null } {
  const state = settle(world.state, world.now);
  const commands = everyCommand(state);
  for (const command of commands) {
    const decision = decide(state, command, world.now);
    if (decision.accepted) {
      if (!legalCommands(state).includes(command.command))
        return { count: commands.length, problem: `${command.command} was accepted though it is not legal in ${state.phase}` };
      obey(state, command, world.now);
    } else if (decision.reason === '') {
      return { count: commands.length, problem: `${command.command} was refused without a reason` };
    }
  }
  return { count: commands.length, problem: null };
}

/** The meshes that are explored: up to four nodes, a fault at every position. */
export const MESHES: readonly Limits[] = [
  { waves: [1], maxUnavailable: 1, faults: 2, commands: 1 },
  { waves: [1, 1], maxUnavailable: 1, faults: 1, commands: 1 },
  { waves: [1, 1, 1], maxUnavailable: 1, faults: 1, commands: 1 },
  { waves: [1, 1, 2], maxUnavailable: 2, faults: 1, commands: 1 },
];
