import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import type { ChainWriter } from './chain-writer.js';
import type { Gate } from './log.js';

/** A copy of a chain somewhere else. */
export interface ChainCopy {
  /** Of reseal.yaml. */
  readonly name: string;
  /** Less often than this it is not looked at, in milliseconds: what is appended meanwhile goes over together. */
  readonly every?: number;
  /** @param source folder of the chain @throws ResealError AUDIT_SINK_DOWN */
  catchUp(source: string): Promise<void>;
  /** Before the first look. @throws ResealError CONFIG_INVALID where the place will never do */
  begin?(): Promise<void>;
  /** Lets go of connections. */
  close?(): Promise<void>;
}

export interface KeptCopy {
  readonly copy: ChainCopy;
  /** What goes forward while the copy cannot be written. */
  readonly whenDown: 'stop' | 'go-on';
}

/** A disk that hangs keeps no worker from ending, in milliseconds. */
const LAST_LOOK = 5_000;
/** After a failure, in milliseconds. */
const AGAIN_AFTER = 2_000;

/** Keeps copies of a chain behind its writer. The chain itself is the spool: what a copy that was away lacks, it gets when it is back. */
export class Copies implements Gate {
  private readonly troubles = new Map<string, Error>();
  private readonly at = new Map<ChainCopy, Promise<void>>();
  private readonly due = new Set<ChainCopy>();
  private readonly timers = new Map<ChainCopy, NodeJS.Timeout>();
  private ended = false;

  private constructor(
    private readonly chain: ChainWriter,
    private readonly kept: readonly KeptCopy[],
    private readonly againAfter: number,
  ) {}

  /** The first look at each copy has ended then, one way or the other. @param againAfter a failure, in milliseconds @throws ResealError CONFIG_INVALID */
  static async keep(chain: ChainWriter, kept: readonly KeptCopy[], againAfter = AGAIN_AFTER): Promise<Copies> {
    await Promise.all(kept.map(async ({ copy }) => copy.begin?.()));
    const copies = new Copies(chain, kept, againAfter);
    chain.onAppended(() => {
      if (copies.ended) return;
      for (const { copy } of kept) copies.appended(copy);
    });
    await Promise.all(kept.map(({ copy }) => copies.wake(copy)));
    return copies;
  }

  mustBeOpen(): void {
    for (const { copy, whenDown } of this.kept) {
      const trouble = this.troubles.get(copy.name);
      if (trouble === undefined || whenDown === 'go-on') continue;
      throw new ResealError(
        'AUDIT_SINK_DOWN',
        `${trouble.message} Nothing goes forward until it can (audit.sinks.${copy.name}.whenDown in reseal.yaml); rollbacks do.`,
        { cause: trouble },
      );
    }
  }

  /** Brings over what is there, once more; what cannot be copied now is copied when the chain is taken up again. */
  async close(): Promise<void> {
    this.ended = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    const last = Promise.all(this.kept.map(({ copy }) => this.wake(copy)));
    const patience = new AbortController();
    await Promise.race([last, setTimeoutAsync(LAST_LOOK, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    await Promise.all(this.kept.map(async ({ copy }) => copy.close?.()));
  }

  /** One at a time for each copy; what comes meanwhile is seen to after that. */
  private wake(copy: ChainCopy): Promise<void> {
    this.due.add(copy);
    const running = this.at.get(copy);
    if (running !== undefined) return running;
    const work = this.work(copy).finally(() => this.at.delete(copy));
    this.at.set(copy, work);
    return work;
  }

  private async work(copy: ChainCopy): Promise<void> {
    while (this.due.delete(copy)) {
      try {
        await copy.catchUp(this.chain.folder);
        this.troubles.delete(copy.name);
      } catch (error) {
        this.troubles.set(copy.name, error instanceof Error ? error : new Error(String(error)));
        this.later(copy, this.againAfter);
        return;
      }
    }
  }

  private appended(copy: ChainCopy): void {
    if (copy.every === undefined || copy.every === 0) void this.wake(copy);
    else if (!this.timers.has(copy)) this.later(copy, copy.every);
  }

  private later(copy: ChainCopy, wait: number): void {
    if (this.ended) return;
    clearTimeout(this.timers.get(copy));
    const timer = setTimeout(() => {
      this.timers.delete(copy);
      void this.wake(copy);
    }, wait);
    this.timers.set(copy, timer);
  }
}
