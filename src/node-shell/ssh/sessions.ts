import { ResealError } from '../../domain/errors.js';
import { SshSession } from './session.js';
import type { SshSettings, SshTarget } from './settings.js';

interface Entry {
  readonly opening: Promise<SshSession>;
  session: SshSession | null;
}

/** A connection that nobody has asked anything of for this long may give way to another node's, in milliseconds. */
const IDLE = 300;

/** The connections of one gateway worker: one per node, shared by all that ask that node, and never more than `settings.connections`. */
export class SshSessions {
  private readonly entries = new Map<string, Entry>();
  private readonly waiting: (() => void)[] = [];
  private looking: NodeJS.Timeout | null = null;
  private closed = false;
  /** Sessions that hold a lock on their node, and how many: those stay open. */
  private readonly holding = new Map<SshSession, number>();

  constructor(private readonly settings: SshSettings) {}

  /** A session that is open now. @throws ResealError NODE_UNREACHABLE, UNSUPPORTED_PROTOCOL */
  async to(target: SshTarget): Promise<SshSession> {
    const key = `${target.user}@${target.host}:${target.port}`;
    for (;;) {
      if (this.closed) throw new ResealError('NODE_UNREACHABLE', `Node ${target.node}: this worker is ending.`);
      const known = this.entries.get(key);
      if (known !== undefined && known.session?.ended !== true) return known.opening;
      if (known === undefined && this.entries.size < this.settings.connections) break;
      // A place is free when its process has gone, and not before.
      if (known === undefined) this.evict();
      await this.change();
    }
    const leave = (): void => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
      if (entry.session !== null) this.holding.delete(entry.session);
      this.wake();
    };
    const opening = SshSession.open(target, this.settings, leave);
    const entry: Entry = { opening, session: null };
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
    const held = session.ended ? 0 : (this.holding.get(session) ?? 0) + change;
    if (held > 0) this.holding.set(session, held);
    else this.holding.delete(session);
  }

  /** Until a place may be had: something has ended, or a while has passed, and a connection may be idle by now. */
  private change(): Promise<void> {
    this.looking ??= setTimeout(() => this.wake(), IDLE);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    if (this.looking !== null) clearTimeout(this.looking);
    this.looking = null;
    for (const look of this.waiting.splice(0)) look();
  }

  /** Ends every connection; whoever waits for one is told. */
  close(): void {
    this.closed = true;
    this.wake();
    for (const { session, opening } of [...this.entries.values()]) {
      if (session === null)
        opening.then(
          (late) => late.close(),
          () => undefined,
        );
      else session.close();
    }
  }

  /** The connection that has been idle for longest gives way, where it holds no lock. */
  private evict(): void {
    const idle = [...this.entries.values()]
      .flatMap(({ session }) => (session === null || session.ended || this.holding.has(session) ? [] : [session]))
      .filter((session) => session.idleFor >= IDLE)
      .sort((a, b) => b.idleFor - a.idleFor);
    idle[0]?.close();
  }
}
