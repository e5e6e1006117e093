import type { AuditFacts, AuditHead, AuditSubject } from '../../src/domain/audit/record.js';
import { ResealError } from '../../src/domain/errors.js';
import type { ChainWriter } from './chain-writer.js';
import { effectOf, type EffectWay } from './effects.js';

/** Whether what goes forward may go on, by what stands between this machine and the copies of its chain. */
export interface Gate {
  /** @throws ResealError AUDIT_SINK_DOWN */
  mustBeOpen(): void;
}

/** What is appended is on disk when the promise resolves. */
export type Chain = Pick<ChainWriter, 'head' | 'append'>;

export interface Performed {
  /** Of the activity. */
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  readonly order: unknown;
}

export interface Begun {
  /** Its name. */
  readonly effect: string;
  /** From 1. */
  readonly attempt: number;
  readonly way: EffectWay;
  readonly facts: AuditFacts;
}

/** Something whose intent is written. */
export interface Beginning {
  /** Once, when it is over. @param code one of reseal's, where it failed */
  end(outcome: 'done' | 'failed', code: string | null, facts: AuditFacts): Promise<void>;
}

/** Writes what is done outside into one chain: the intent before, on disk, and the result after. */
export class AuditLog {
  private unwritten = { records: 0, since: '' };

  constructor(
    private readonly chain: Chain,
    private readonly gate: Gate,
    private readonly clock: () => number = Date.now,
  ) {}

  /** The newest record of the chain; null while it cannot be written. */
  get head(): AuditHead | null {
    return this.chain.head;
  }

  /**
   * Does the work between its intent and its result. What goes forward is refused while it cannot be recorded, or a copy that is required is away; a way
   * back goes on, and the chain says later what it lacks.
   * @throws ResealError AUDIT_UNWRITABLE, AUDIT_SINK_DOWN; what the work throws
   */
  async around<T>({ name, attempt, order }: Performed, work: () => Promise<T>): Promise<T> {
    const effect = effectOf(name);
    if (effect === null)
      throw new ResealError('INTERNAL', `Nobody has declared whether the activity ${name} has an effect (activities/audit/effects.ts).`);
    if (effect.kind === 'none') return work();
    const way = effect.way(order as never);
    const begun = await this.begin({ effect: name, attempt, way, facts: effect.facts(order as never) });
    try {
      const answer = await work();
      await begun.end('done', null, effect.result(answer));
      return answer;
    } catch (error) {
      await begun.end('failed', codeOf(error), {});
      throw error;
    }
  }

  /**
   * Writes the intent of something that is about to be done. What goes forward is refused while it cannot be recorded, or a copy that is required is away.
   * @throws ResealError AUDIT_UNWRITABLE, AUDIT_SINK_DOWN
   */
  async begin({ effect, attempt, way, facts }: Begun): Promise<Beginning> {
    if (way === 'forward') this.gate.mustBeOpen();
    const told: AuditSubject = { kind: 'intent', effect, attempt, facts };
    const intent = await this.write(told, way);
    return {
      end: async (outcome, code, found) => {
        // A result without an intent belongs to nothing: then the intent is there, late.
        await this.write(intent === null ? told : { kind: 'result', of: intent.seq, effect, outcome, code, facts: found }, 'back');
      },
    };
  }

  private async write(subject: AuditSubject, way: EffectWay): Promise<AuditHead | null> {
    try {
      if (this.unwritten.records > 0) {
        const told = this.unwritten;
        await this.chain.append({ kind: 'unwritten', unwritten: told });
        this.unwritten = { records: this.unwritten.records - told.records, since: told.since };
      }
      return await this.chain.append(subject);
    } catch (error) {
      if (way === 'forward') throw error;
      const since = this.unwritten.records === 0 ? new Date(this.clock()).toISOString() : this.unwritten.since;
      this.unwritten = { records: this.unwritten.records + 1, since };
      return null;
    }
  }
}

/** One of reseal's codes, where there is one; never a message, which might repeat what it was given. */
function codeOf(error: unknown): string {
  if (error instanceof ResealError) return error.code;
  const type = typeof error === 'object' && error !== null && 'type' in error ? error.type : null;
  return typeof type === 'string' && /^[A-Z_]{1,40}$/.test(type) ? type : 'INTERNAL';
}
