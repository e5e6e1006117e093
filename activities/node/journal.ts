import type { Instant, LineName, Sha256 } from '../../src/domain/brands.js';
import type { Fence } from '../../src/domain/node/order.js';
import type { Digested, Extent, NodeFiles, NodePath } from '../../src/node-shell/contract.js';
import { readJson } from '../../src/schema/json-text.js';

/** What a journal line is about: an operation as a whole, a step of it, or the folders that came and went with it. */
export interface JournalSubject {
  readonly do: string;
  /** Digest, `<folder>/<file name>` or path. */
  readonly subject: string;
}

/** Names one attempt of an operation. */
type Owner = Fence & Pick<JournalEntry, 'line' | 'rotation'>;

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
  /** In the intent of an operation as a whole: names the attempt, which owns the line until the next such intent. */
  readonly token?: string;
  /** Beside `token`: when the order was sent. Builds before did not write it. */
  readonly sentAt?: Instant;
  /** In a result: whether anything on the node is different now. Always false in an intent. */
  readonly changed: boolean;
}

const NEWLINE = 10;

/**
 * The journal of one attempt, and the fence of the node: the intent of an operation as a whole is its admission, and the last one on a line
 * owns that line. Entries are appended under the node's lock. An append is one synced write, so what need not be on disk yet (the
 * admission, before its first effect; results) waits for the next one, the last of it for `flush`.
 */
export class Journal {
  private waiting: (JournalSubject & Pick<JournalEntry, 'phase' | 'changed' | 'token' | 'sentAt'>)[] = [];

  constructor(
    private readonly files: NodeFiles,
    private readonly path: NodePath,
    private readonly owner: Owner,
    private readonly clock: () => Instant,
  ) {}

  /** The attempt that owns the line now: this one as soon as it is admitted, though that may not be on disk yet. Call under the lock. */
  async fence(): Promise<Fence | null> {
    if (this.admissionWaits) return this.owner;
    return fenceOf(this.files, this.path, this.owner.line);
  }

  /** Whether the last to hold the node's lock was of this process and let it go in good order: nothing half written is left of anybody. */
  async isSettled(): Promise<boolean> {
    return (await journalEnd(this.files, this.path)).settled;
  }

  /** Admits the operation: from the next append on every other process knows. Call under the lock, and flush before letting it go. */
  admit(operation: JournalSubject): void {
    const { token, sentAt } = this.owner;
    this.waiting.push({ ...operation, phase: 'intent', changed: false, token, sentAt });
  }

  /** Makes intents durable, with what is waiting. Call under the lock, before the effects. */
  async intend(subjects: readonly JournalSubject[]): Promise<void> {
    for (const { do: what, subject } of subjects) this.waiting.push({ do: what, subject, phase: 'intent', changed: false });
    await this.flush();
  }

  result(subject: JournalSubject, changed: boolean): void {
    this.waiting.push({ do: subject.do, subject: subject.subject, phase: 'result', changed });
  }

  /** Before the lock is let go for a while: other processes must see the admission. */
  async pause(): Promise<void> {
    if (this.admissionWaits) await this.flush();
    await this.markSettled();
  }

  /** Makes the rest durable, with the operation's own result. Call under the lock, last. */
  async finish(operation: JournalSubject, changed: boolean): Promise<void> {
    this.result(operation, changed);
    await this.flush();
    await this.markSettled();
  }

  /** Makes durable what is waiting. Call under the lock. */
  async flush(): Promise<void> {
    if (this.waiting.length === 0) return;
    const end = await journalEnd(this.files, this.path);
    const at = this.clock();
    const { line, rotation, epoch, opId, attempt } = this.owner;
    const entries = this.waiting.map((entry, position): JournalEntry => ({
      ...{ seq: end.seq + 1 + position, at, line, rotation, epoch, opId, attempt },
      ...entry,
    }));
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    const extent = await this.files.append(this.path, `${end.torn ? '\n' : ''}${text}`);
    ends.set(this.files.resolve(this.path), { ...continued(end, extent, entries), torn: false, settled: false });
    this.waiting = [];
  }

  private get admissionWaits(): boolean {
    return this.waiting.some((entry) => entry.token !== undefined);
  }

  private async markSettled(): Promise<void> {
    ends.set(this.files.resolve(this.path), { ...(await journalEnd(this.files, this.path)), settled: true });
  }
}

/** Who owns the line, by the node's journal; null where no operation was ever admitted on it. */
async function fenceOf(files: NodeFiles, path: NodePath, line: LineName): Promise<Fence | null> {
  return (await journalEnd(files, path)).fences.get(line) ?? null;
}

/**
 * The same as the journal was seen, or is now, at less cost. For reports: whoever acts on a fence looks at the journal itself, under the lock.
 * @param seen what `digests` has just told of it
 */
export async function fenceSeen(files: NodeFiles, path: NodePath, line: LineName, seen: Digested): Promise<Fence | null> {
  if (seen.kind === 'absent') return null;
  if (seen.kind === 'other') return fenceOf(files, path, line);
  const key = files.resolve(path);
  const known = ends.get(key);
  if (known?.sha256 === seen.sha256) return known.fences.get(line) ?? null;
  const text = (known?.size ?? 0) <= SHORT ? await files.shortText(path, seen.sha256) : null;
  if (text !== null) return fencesOf(new Map(), parseLines(text)).get(line) ?? null;
  const end = await journalEnd(files, path);
  // It may have grown since it was seen; what it was then it never is again.
  ends.set(key, { ...end, sha256: seen.sha256 });
  return end.fences.get(line) ?? null;
}

/** Bytes up to which the whole of a journal costs a node less than looking for its end. */
const SHORT = 64 * 1024;

/** What a journal comes down to. */
interface End extends Extent {
  readonly seq: number;
  /** The last line has no end: its writer was cut off. */
  readonly torn: boolean;
  readonly fences: ReadonlyMap<LineName, Fence>;
  readonly settled: boolean;
  /** Of the whole journal, where that was told. */
  readonly sha256?: Sha256;
}

/** Where each journal ended when this process last looked; right as long as it is the same file and of the same size. */
const ends = new Map<string, End>();

async function journalEnd(files: NodeFiles, path: NodePath): Promise<End> {
  const extent = (await files.extent(path)) ?? { file: '', size: 0 };
  const key = files.resolve(path);
  const known = ends.get(key);
  if (known?.file === extent.file && known.size === extent.size) return known;
  const grown = known?.file === extent.file && known.size < extent.size && !known.torn ? known : null;
  const tail = await files.tail(path, grown?.size ?? 0);
  const torn = tail.length > 0 && tail[tail.length - 1] !== NEWLINE;
  const start: End = grown ?? { ...extent, seq: 0, torn, fences: new Map(), settled: false };
  const end = { ...continued(start, extent, parseLines(Buffer.from(tail).toString('utf8'))), torn, settled: false };
  ends.set(key, end);
  return end;
}

function continued(before: End, extent: Extent, entries: readonly JournalEntry[]): End {
  const { torn, settled } = before;
  return { torn, settled, ...extent, seq: entries.at(-1)?.seq ?? before.seq, fences: fencesOf(before.fences, entries) };
}

function fencesOf(before: End['fences'], entries: readonly JournalEntry[]): End['fences'] {
  const fences = new Map(before);
  for (const { token, phase, line, epoch, opId, sentAt, attempt } of entries)
    if (token !== undefined && phase === 'intent') fences.set(line, { epoch, opId, sentAt: sentAt ?? 0, attempt, token });
  return fences;
}

/** The entries of a journal's text. A line that was cut off, or is none of reseal's, is left out. */
export function parseLines(text: string): readonly JournalEntry[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const read = readJson(line);
    return 'value' in read && isEntry(read.value) ? [read.value] : [];
  });
}

/** Whether it has what numbers go on from and fences are made of. */
function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, at, line, epoch, opId, attempt, phase, token, sentAt } = value as Readonly<Record<string, unknown>>;
  const numbers = [seq, at, epoch, attempt, ...(sentAt === undefined ? [] : [sentAt])];
  const texts = [line, opId, ...(token === undefined ? [] : [token])];
  return numbers.every(Number.isFinite) && texts.every((one) => typeof one === 'string') && (phase === 'intent' || phase === 'result');
}
