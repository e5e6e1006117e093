import { SshSession } from './session.js';
import type { SshSettings, SshTarget } from './settings.js';

interface Entry {
  readonly opening: Promise<SshSession>;
  session: SshSession | null;
  /** Counts up with every use. */
  used: number;
}

/** The connections of one gateway worker: one per node, shared by all that ask that node, and never more than `settings.connections`. */
export class SshSessions {
  private readonly entries = new Map<string, Entry>();
  private readonly waiting: (() => void)[] = [];
  private uses = 0;
  /** Sessions that hold a lock on their node, and how many: those stay open. */
  private readonly holding = new Map<SshSession, number>();

  constructor(private readonly settings: SshSettings) {}

  /** A session that is open now. @throws ResealError NODE_UNREACHABLE, UNSUPPORTED_PROTOCOL */
  async to(target: SshTarget): Promise<SshSession> {
    const key = `${target.user}@${target.host}:${target.port}`;
    for (;;) {
      const known = this.entries.get(key);
      if (known !== undefined && known.session?.ended !== true) {
        known.used = ++this.uses;
        return known.opening;
      }
      if (known === undefined && this.entries.size < this.settings.connections) break;
      // A place is free when its process has gone, and not before.
      if (known === undefined) this.evict();
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    const leave = (): void => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
      if (entry.session !== null) this.holding.delete(entry.session);
      this.wake();
    };
    const opening = SshSession.open(target, this.settings, leave);
    const entry: Entry = { opening, session: null, used: ++this.uses };
    this.entries.set(key, entry);
    try {
      entry.session = await opening;
      return entry.session;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Says that a session holds a lock (1), or one less (-1). */
  hold(session: SshSession, change: 1 | -1): void {
    const held = (this.holding.get(session) ?? 0) + change;
    if (held > 0) this.holding.set(session, held);
    else this.holding.delete(session);
    if (change === -1) this.wake();
  }

  /** A place may be had by now: whoever waits for one looks again. */
  wake(): void {
    for (const look of this.waiting.splice(0)) look();
  }

  get crowded(): boolean {
    return this.waiting.length > 0;
  }

  close(): void {
    for (const { session, opening } of [...this.entries.values()]) {
      if (session === null)
        opening.then(
          (late) => late.close(),
          () => undefined,
        );
      else session.close();
    }
  }

  /** The connection that was not used for longest gives way, where nothing is under way on it and it holds no lock. */
  private evict(): void {
    const idle = [...this.entries.values()]
      .filter(({ session }) => session !== null && !session.ended && session.idle && !this.holding.has(session))
      .sort((a, b) => a.used - b.used);
    idle[0]?.session?.close();
  }
}
