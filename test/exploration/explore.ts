import { decide, legalCommands } from '../../src/domain/rotation/commands.js';
import { obey } from '../../src/domain/rotation/obey.js';
import { next, settle } from '../../src/domain/rotation/machine.js';
import { isTerminal } from '../../src/domain/rotation/phases.js';
import { INVARIANTS } from './invariants.js';
import { keyOf } from './key.js';
import { Liveness } from './liveness.js';
import { everyCommand, moves, start, type Limits, type Move, type World } from './world.js';

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  readonly trace: readonly string[];
}

export interface Explored {
  readonly limits: Limits;
  readonly states: number;
  readonly transitions: number;
  /** How often each phase was an end. */
  readonly ends: Readonly<Record<string, number>>;
  readonly phases: ReadonlySet<string>;
  /** `phase: command` of every command that was accepted somewhere. */
  readonly said: ReadonlySet<string>;
  readonly commandsJudged: number;
  readonly violation: Violation | null;
}

const CHECKS = Object.entries(INVARIANTS);
const LIVENESS = '9 liveness: every rotation ends or asks a named question';

/** Walks every world that can be reached within the limits; stops at the first that breaks an invariant. */
export function explore(limits: Limits, mostStates = 5_000_000): Explored {
  return new Exploration(limits, mostStates).walk();
}

class Exploration {
  private readonly numbers = new Map<string, number>();
  private readonly parents: number[] = [];
  private readonly whats: string[] = [];
  private readonly ends: Record<string, number> = {};
  private readonly phases = new Set<string>();
  private readonly said = new Set<string>();
  private readonly liveness = new Liveness();
  private readonly stack: { readonly world: World; readonly number: number }[] = [];
  private transitions = 0;
  private commandsJudged = 0;

  constructor(
    private readonly limits: Limits,
    private readonly mostStates: number,
  ) {}

  walk(): Explored {
    this.meet(start(this.limits), -1, 'start');
    for (let entry = this.stack.pop(); entry !== undefined; entry = this.stack.pop()) {
      const violation = this.visit(entry.world, entry.number);
      if (violation !== null) return this.result(violation);
    }
    const stuck = this.liveness.stuck(this.parents.length);
    return this.result(
      stuck === null
        ? null
        : this.violation(LIVENESS, 'left to itself it goes on for ever without an end or a question', stuck, 'and so on'),
    );
  }

  /** Numbers a world, and puts it on the stack when it is new. */
  private meet(world: World, parent: number, what: string): number {
    const key = keyOf(world);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.parents.length;
    this.numbers.set(key, number);
    this.parents.push(parent);
    this.whats.push(what);
    this.stack.push({ world, number });
    return number;
  }

  private visit(world: World, number: number): Violation | null {
    const problem = this.judgeCommands(world);
    if (problem !== null) return this.violation('6 one writer: an illegal command changes nothing', problem, number, 'a command');
    let following: readonly Move[];
    try {
      following = moves(world, this.limits);
    } catch (error) {
      return this.violation(
        'the machine moves only as the diagram allows',
        error instanceof Error ? error.message : String(error),
        number,
        'settle',
      );
    }
    const before = { ...world, state: settle(world.state, world.now) };
    this.phases.add(before.state.phase);
    const named = isTerminal(before.state.phase) || before.state.question !== null;
    if (named) this.liveness.good(number);
    if (following.length === 0) {
      this.ends[before.state.phase] = (this.ends[before.state.phase] ?? 0) + 1;
      if (!named)
        return this.violation(
          LIVENESS,
          `stuck in ${before.state.phase}: ${JSON.stringify(next(before.state, before.now))}`,
          number,
          'nothing can happen',
        );
    }
    for (const move of following) {
      const violation = this.follow(before, move, number);
      if (violation !== null) return violation;
    }
    return null;
  }

  private follow(before: World, move: Move, number: number): Violation | null {
    this.transitions += 1;
    if (move.said !== undefined) this.said.add(move.said);
    const settled = { ...move.world, state: settle(move.world.state, move.world.now) };
    for (const [invariant, holds] of CHECKS) {
      const what = holds(before, settled) ?? (settled.state === move.world.state ? null : holds(before, move.world));
      if (what !== null) return this.violation(invariant, what, number, move.what);
    }
    const reached = this.meet(move.world, number, move.what);
    if (move.by === 'machine') this.liveness.edge(number, reached);
    return this.parents.length > this.mostStates
      ? this.violation('the exploration is finite', `more than ${this.mostStates} states`, number, move.what)
      : null;
  }

  /** Every command in every state is either named as legal and obeyed, or refused with a reason. */
  private judgeCommands(world: World): string | null {
    const state = settle(world.state, world.now);
    for (const command of everyCommand(state)) {
      this.commandsJudged += 1;
      const decision = decide(state, command, world.now);
      if (decision.accepted) {
        if (!legalCommands(state).includes(command.command))
          return `${command.command} was accepted though it is not legal in ${state.phase}`;
        obey(state, command, world.now);
      } else if (decision.reason === '') {
        return `${command.command} was refused without a reason`;
      }
    }
    return null;
  }

  private violation(invariant: string, what: string, number: number, last: string): Violation {
    const trace: string[] = [last];
    for (let at = number; at >= 0; at = this.parents[at] ?? -1) trace.unshift(this.whats[at] ?? '');
    return { invariant, what, trace };
  }

  private result(violation: Violation | null): Explored {
    const { limits, transitions, ends, phases, said, commandsJudged } = this;
    return { limits, states: this.parents.length, transitions, ends, phases, said, commandsJudged, violation };
  }
}

/** Small meshes for every run of the tests: a fault or two commands at every position, each gate. */
export const SMALL_MESHES: readonly Limits[] = [
  { waves: [1], maxUnavailable: 1, faults: 1, commands: 1, secondGate: true },
  { waves: [1, 1], maxUnavailable: 1, faults: 0, commands: 2 },
  { waves: [1], maxUnavailable: 1, faults: 0, commands: 2, secondGate: true },
  { waves: [1], maxUnavailable: 1, faults: 0, commands: 2, builds: 1 },
];

/** Emergencies: what was revoked is replaced, and nothing leads back. */
export const SMALL_EMERGENCIES: readonly Limits[] = [
  { waves: [1], maxUnavailable: 1, faults: 1, commands: 1, emergency: true },
  { waves: [1, 1], maxUnavailable: 1, faults: 0, commands: 2, secondGate: true, emergency: true },
  { waves: [1], maxUnavailable: 1, faults: 0, commands: 2, builds: 1, emergency: true },
];

/** The meshes of `npm run explore`: up to four nodes, two faults, two commands. */
export const MESHES: readonly Limits[] = [
  ...SMALL_MESHES,
  ...SMALL_EMERGENCIES,
  { waves: [1], maxUnavailable: 1, faults: 2, commands: 1, emergency: true },
  { waves: [1, 1], maxUnavailable: 1, faults: 1, commands: 1, emergency: true },
  { waves: [1], maxUnavailable: 1, faults: 1, commands: 2 },
  { waves: [1, 1], maxUnavailable: 1, faults: 1, commands: 1 },
  { waves: [1], maxUnavailable: 1, faults: 2, commands: 1 },
  { waves: [1, 1, 1], maxUnavailable: 1, faults: 1, commands: 1 },
  { waves: [1, 1, 2], maxUnavailable: 2, faults: 1, commands: 1 },
  { waves: [1, 1], maxUnavailable: 1, faults: 0, commands: 1, builds: 1 },
  { waves: [1], maxUnavailable: 1, faults: 1, commands: 1, builds: 1 },
  { waves: [2], maxUnavailable: 1, faults: 1, commands: 1 },
];
