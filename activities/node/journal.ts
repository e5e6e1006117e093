import type { Instant, LineName } from '../../src/domain/brands.js';
import type { NodeFiles, NodePath } from '../../src/node-shell/contract.js';

/** What a journal line is about: an operation as a whole, a step of it, or the folders that came and went with it. */
export interface JournalSubject {
  readonly do: string;
  /** Digest, `<folder>/<file name>` or path. */
  readonly subject: string;
}

/** One line of `<state>/journal`. An intent is on disk before its effect; an intent without a result was cut off. */
export interface JournalEntry extends JournalSubject {
  readonly seq: number;
  readonly at: Instant;
  readonly line: LineName;
  readonly rotation: string;
  readonly epoch: number;
  readonly opId: string;
  readonly attempt: number;
  readonly phase: 'intent' | 'result';
  /** In a result: whether anything on the node is different now. Always false in an intent. */
  readonly changed: boolean;
}

const TAIL = 64 * 1024;
const NEWLINE = 10;

/**
 * The journal of one attempt. Entries are appended under the node's lock. An append is one synced write, so what need not be on disk yet
 * (the operation's own intent, before its first effect; results) waits for the next one, the last of it for `flush`.
 */
export class Journal {
  private waiting: (JournalSubject & Pick<JournalEntry, 'phase' | 'changed'>)[] = [];

  constructor(
    private readonly files: NodeFiles,
    private readonly path: NodePath,
    private readonly common: Pick<JournalEntry, 'line' | 'rotation' | 'epoch' | 'opId' | 'attempt'>,
    private readonly clock: () => Instant,
  ) {}

  /** Makes intents durable, with what is waiting. Call under the lock, before the effects. */
  async intend(subjects: readonly JournalSubject[]): Promise<void> {
    for (const subject of subjects) this.announce(subject);
    await this.flush();
  }

  /** An intent that is durable with the next append: for what has effects through later intents only. */
  announce(subject: JournalSubject): void {
    this.waiting.push({ do: subject.do, subject: subject.subject, phase: 'intent', changed: false });
  }

  result(subject: JournalSubject, changed: boolean): void {
    this.waiting.push({ do: subject.do, subject: subject.subject, phase: 'result', changed });
  }

  /** Makes durable what is waiting. Call under the lock. */
  async flush(): Promise<void> {
    if (this.waiting.length === 0) return;
    const end = journalEnd(this.files, this.path);
    const at = this.clock();
    const lines = this.waiting.map(({ do: what, subject, phase, changed }, position) =>
      JSON.stringify({ seq: end.seq + 1 + position, at, ...this.common, do: what, subject, phase, changed } satisfies JournalEntry),
    );
    const size = await this.files.append(this.path, `${end.torn ? '\n' : ''}${lines.join('\n')}\n`);
    ends.set(this.files.resolve(this.path), { size, seq: end.seq + lines.length, torn: false });
    this.waiting = [];
  }
}

interface End {
  readonly size: number;
  readonly seq: number;
  /** The last line has no end: its writer was cut off. */
  readonly torn: boolean;
}

/** Where each journal ended when this process last wrote to it; right as long as the size is the same. */
const ends = new Map<string, End>();

function journalEnd(files: NodeFiles, path: NodePath): End {
  const size = files.size(path);
  const known = ends.get(files.resolve(path));
  if (known?.size === size) return known;
  const tail = files.tail(path, Math.max(0, size - TAIL));
  const last = parseLines(Buffer.from(tail).toString('utf8')).at(-1);
  return { size, seq: last?.seq ?? 0, torn: tail.length > 0 && tail[tail.length - 1] !== NEWLINE };
}

/** The entries of a journal's text. A line that was cut off is left out. */
export function parseLines(text: string): readonly JournalEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as JournalEntry];
    } catch {
      return [];
    }
  });
}
