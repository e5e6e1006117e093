import type { Place, Stated } from '../domain/project-signing.js';
import { applyOperators } from './operators.js';
import { fits, type Condition } from './conditions.js';

/** `KEY[sdk=iphoneos*] = value`, as a project or an xcconfig file says it. */
export interface Assignment extends Place {
  readonly key: string;
  readonly conditions: readonly Condition[];
  readonly value: string;
}

/** What a setting comes to, or why it comes to nothing definite. */
export interface Resolved {
  /** Null where nothing assigns it. */
  readonly stated: Stated | null;
  /** Settings that it refers to and nothing assigns: they count as empty, as in Xcode. */
  readonly unset: readonly string[];
  /** `A → B → A` where it comes back to itself with nothing beneath; counts as empty, too. */
  readonly circular: string | null;
  /** Given up: it refers to more, or grows longer, than any setting in earnest. */
  readonly endless: boolean;
}

/** Of one evaluation. */
const LIMITS = { references: 5_000, depth: 100, length: 65_536 } as const;

interface Step {
  readonly key: string;
  readonly position: number;
}

/**
 * The build settings of one target in one configuration. Later assignments come before earlier ones, conditional or not, as in Xcode: `$(inherited)`,
 * and a reference of a setting to itself, is the next one beneath that applies. Source: swift-build, MacroValueAssignmentTable and MacroEvaluationContext.
 */
export class BuildSettings {
  readonly #byKey = new Map<string, readonly Assignment[]>();

  /**
   * @param assignments from the lowest level to the highest
   * @param surroundings values of what conditions ask for (`sdk`, `arch`, `config`)
   */
  constructor(assignments: readonly Assignment[], surroundings: Readonly<Record<string, string>>) {
    const byKey = new Map<string, Assignment[]>();
    for (const assignment of assignments) {
      if (!assignment.conditions.every((condition) => fits(condition, surroundings))) continue;
      const list = byKey.get(assignment.key);
      if (list === undefined) byKey.set(assignment.key, [assignment]);
      else list.push(assignment);
    }
    this.#byKey = byKey;
  }

  resolve(key: string): Resolved {
    const own = this.#byKey.get(key)?.at(-1);
    if (own === undefined) return { stated: null, unset: [], circular: null, endless: false };
    const evaluation = new Evaluation(this.#byKey);
    const value = evaluation.value(key, []);
    const { unset, circular, endless } = evaluation;
    return { stated: { value: value.trim(), file: own.file, line: own.line }, unset: [...unset], circular, endless };
  }
}

class Evaluation {
  readonly unset = new Set<string>();
  circular: string | null = null;
  endless = false;
  #references = 0;
  /** References within references, whether by what a setting refers to or by brackets within brackets. */
  #depth = 0;

  constructor(private readonly byKey: ReadonlyMap<string, readonly Assignment[]>) {}

  value(key: string, above: readonly Step[]): string {
    const within = above.findLast((step) => step.key === key);
    const assignments = this.byKey.get(key) ?? [];
    const position = (within?.position ?? assignments.length) - 1;
    const assignment = assignments[position];
    if (assignment === undefined) {
      if (within !== undefined) this.circular ??= cycleText(above, key);
      else this.unset.add(key);
      return '';
    }
    return this.expand(assignment.value, [...above, { key, position }]);
  }

  expand(text: string, above: readonly Step[]): string {
    this.#depth += 1;
    if (this.#depth > LIMITS.depth) this.endless = true;
    let result = '';
    let at = 0;
    while (at < text.length && !this.endless) {
      const dollar = text.indexOf('$', at);
      if (dollar === -1) break;
      result += text.slice(at, dollar);
      const reference = referenceAt(text, dollar);
      result += reference.kind === 'plain' ? reference.text : this.#refer(reference.inner, above);
      at = reference.end;
      this.#references += 1;
      if (this.#references > LIMITS.references || result.length > LIMITS.length) this.endless = true;
    }
    this.#depth -= 1;
    return this.endless ? '' : result + text.slice(at);
  }

  /** `inner` is what stands between the brackets: a name, which may hold references itself, and operators after colons. */
  #refer(inner: string, above: readonly Step[]): string {
    const [name = '', ...operators] = this.expand(inner, above).split(':');
    const current = above.at(-1);
    if (name === 'inherited' && current !== undefined) return applyOperators(this.#inherited(current, above), operators);
    const known = this.unset.has(name);
    const value = this.value(name, above);
    // A default stands in for what is not there, which is then no gap.
    if (!known && operators.some((operator) => operator.startsWith('default='))) this.unset.delete(name);
    return applyOperators(value, operators);
  }

  #inherited(current: Step, above: readonly Step[]): string {
    const beneath = this.byKey.get(current.key)?.[current.position - 1];
    if (beneath === undefined) return '';
    return this.expand(beneath.value, [...above.slice(0, -1), { key: current.key, position: current.position - 1 }]);
  }
}

const cycleText = (above: readonly Step[], key: string): string =>
  [...above.slice(above.findIndex((step) => step.key === key)).map((step) => step.key), key].join(' → ');

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' };

type Reference =
  | { readonly kind: 'plain'; readonly text: string; readonly end: number }
  | { readonly kind: 'reference'; readonly inner: string; readonly end: number };

/** `$(NAME)`, `${NAME}`, `$[NAME]`, `$NAME`; `$$` is one dollar, and a bracket that is never closed stands for itself. */
function referenceAt(text: string, dollar: number): Reference {
  const next = text[dollar + 1] ?? '';
  if (next === '$') return { kind: 'plain', text: '$', end: dollar + 2 };
  const closing = CLOSING[next];
  if (closing === undefined) {
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(dollar + 1, dollar + 257))?.[0];
    if (name === undefined) return { kind: 'plain', text: '$', end: dollar + 1 };
    return { kind: 'reference', inner: name, end: dollar + 1 + name.length };
  }
  let depth = 0;
  for (let at = dollar + 1; at < text.length; at += 1) {
    if (text[at] === next) depth += 1;
    else if (text[at] === closing) depth -= 1;
    if (depth === 0) return { kind: 'reference', inner: text.slice(dollar + 2, at), end: at + 1 };
  }
  return { kind: 'plain', text: text.slice(dollar), end: text.length };
}
