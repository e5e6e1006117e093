import { setTimeout } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import type { OpenStore } from '../manifest-store/contract.js';
import type { ContentStore } from '../node/frozen-contents.js';

type AskedStore = ContentStore & Pick<OpenStore, 'revocations'>;
import type { StoreWithin } from './contents.js';

/** A store that does not answer by then is away, in milliseconds. */
const PATIENCE = 20_000;

/** A store that is opened only when something is asked of it, and asked no more once it was away. */
export class StoreIfThere implements StoreWithin {
  private opened: Promise<OpenStore> | null = null;
  private away = false;
  why = 'no store was asked';

  constructor(
    private readonly open: () => Promise<OpenStore>,
    private readonly patience = PATIENCE,
  ) {}

  async ask<T>(question: (store: AskedStore) => Promise<T>): Promise<T | null> {
    if (this.away) return null;
    const patience = new AbortController();
    const tooLate = setTimeout(this.patience, null, { signal: patience.signal }).then(() => {
      throw new ResealError('STORE_UNREACHABLE', `The store did not answer within ${this.patience / 1000} s.`);
    });
    try {
      const answer = await Promise.race([this.asked(question), tooLate]);
      if (answer === null) this.why = 'the store has it not either';
      return answer;
    } catch (error) {
      if (!(error instanceof ResealError) || !['STORE_UNREACHABLE', 'NOT_FOUND'].includes(error.code)) throw error;
      this.away = error.code === 'STORE_UNREACHABLE';
      this.why = this.away ? `the store is away: ${ended(error.message)}` : 'the store has it not either';
      return null;
    } finally {
      patience.abort();
      tooLate.catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    // One that hangs is left to the end of the process.
    if (!this.away) await (await this.opened?.catch(() => null))?.close();
  }

  private async asked<T>(question: (store: AskedStore) => Promise<T>): Promise<T> {
    this.opened ??= this.open();
    return question(await this.opened);
  }
}

const ended = (sentence: string): string => sentence.replace(/\.$/, '');
