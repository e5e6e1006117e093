import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  chainNameOf,
  NO_PREDECESSOR,
  sealStatement,
  type AuditHead,
  type AuditSubject,
  type AuditWriter,
} from '../../src/domain/audit/record.js';
import { ResealError } from '../../src/domain/errors.js';
import type { MachineKey } from '../../src/statement/machine-key.js';
import { chainEnd, cutAway, type ChainEnd } from './chain-end.js';
import { recordLine, sealLine } from './line.js';
import { segmentName } from './segments.js';

export interface ChainOptions {
  /** Of this chain alone; made where it is not there. No other process may write it: whoever opens it holds its lock. */
  readonly folder: string;
  readonly writer: AuditWriter;
  /** The key of the writer, read when a chain is taken up; null: it has none, and the chain is not sealed. */
  readonly key: () => Promise<MachineKey | null>;
  /** Of reseal. */
  readonly version: string;
  /** Milliseconds since 1970. Default: the machine's clock. */
  readonly clock?: () => number;
  /** A file is followed by a new one once it is larger, in bytes. Default: 16 MiB. */
  readonly segmentBytes?: number;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Records in one write. */
const MOST_AT_ONCE = 500;
/** How long a record may be without a seal, in milliseconds: signing takes as long as a sync, and one seal covers all before it. */
const SEAL_WITHIN = 50;
const NEWLINE = Buffer.from('\n');

interface Waiting {
  readonly subject: AuditSubject;
  readonly resolve: (head: AuditHead) => void;
  readonly reject: (error: unknown) => void;
}

interface OpenChain {
  readonly file: FileHandle;
  readonly path: string;
  readonly size: number;
  readonly head: AuditHead;
  /** Number of the last record that this process has sealed. */
  readonly sealed: number;
  readonly key: MachineKey | null;
}

/**
 * Writes one chain. What is appended is on disk when the promise resolves, and sealed a moment later; what is appended meanwhile shares the next
 * write and its sync. A write that fails leaves the chain as it was on disk: the next one begins by looking.
 */
export class ChainWriter {
  private chain: OpenChain | null = null;
  private readonly waiting: Waiting[] = [];
  private draining: Promise<void> | null = null;
  private sealing: NodeJS.Timeout | null = null;
  private sealDue = false;
  private closed = false;
  private readonly listeners = new Set<() => void>();

  private constructor(private readonly options: ChainOptions) {}

  /** Takes the chain up, or begins it. One whose end cannot be read is set aside, and another one begun. @throws ResealError AUDIT_UNWRITABLE */
  static async open(options: ChainOptions): Promise<ChainWriter> {
    const writer = new ChainWriter(options);
    try {
      writer.chain = await writer.takeUp();
    } catch (error) {
      throw writer.failure(error);
    }
    return writer;
  }

  get folder(): string {
    return this.options.folder;
  }

  /** The newest record that is on disk; null while the chain cannot be written. */
  get head(): AuditHead | null {
    return this.chain?.head ?? null;
  }

  /** Called after every write. */
  onAppended(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** @throws ResealError AUDIT_UNWRITABLE; the record may be there all the same where the sync alone failed */
  append(subject: AuditSubject): Promise<AuditHead> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ subject, resolve, reject });
      this.drainSoon();
    });
  }

  /** Everything that was appended is on disk and sealed then. */
  async close(): Promise<void> {
    this.sealIsDue();
    while (this.draining !== null) await this.draining;
    this.closed = true;
    await this.forget();
  }

  private drainSoon(): void {
    this.draining ??= this.drain().finally(() => {
      this.draining = null;
      // What has come after the last look at what is waiting.
      if (this.waiting.length > 0 || this.sealDue) this.drainSoon();
    });
  }

  private async drain(): Promise<void> {
    // What is appended in the same turn goes into the same write.
    await Promise.resolve();
    while (this.waiting.length > 0 || this.sealDue) {
      if (this.sealDue) await this.seal();
      const batch = this.waiting.splice(0, MOST_AT_ONCE);
      if (batch.length === 0) continue;
      try {
        if (this.closed) throw new Error('the chain is closed');
        await this.roll(this.chain ?? (await this.takeUp()));
        const heads = await this.write(batch.map((one) => one.subject));
        batch.forEach((one, position) => {
          one.resolve(heads[position] as AuditHead);
        });
      } catch (error) {
        await this.forget();
        const failure = this.failure(error);
        for (const one of batch) one.reject(failure);
      }
    }
  }

  /** One write, one sync. */
  private async write(subjects: readonly AuditSubject[]): Promise<readonly AuditHead[]> {
    const chain = this.chainNow();
    const { lines, heads } = this.lines(chain.head, subjects);
    const last = heads.at(-1) ?? chain.head;
    await this.put(chain, lines, { head: last });
    if (chain.key !== null) this.sealing ??= setTimeout(() => { this.sealIsDue(); }, SEAL_WITHIN); // prettier-ignore
    return heads;
  }

  private async put(chain: OpenChain, lines: readonly Uint8Array[], now: Partial<OpenChain>): Promise<void> {
    const bytes = Buffer.concat(lines);
    writeAll(chain.file.fd, bytes, chain.size);
    await chain.file.datasync();
    this.chain = { ...chain, ...now, size: chain.size + bytes.length };
    for (const listener of this.listeners) listener();
  }

  /** Written between two writes, by the one that drains. */
  private sealIsDue(): void {
    this.sealDue = true;
    this.drainSoon();
  }

  /** A seal that cannot be written is the next write's trouble: the records are there. */
  private async seal(): Promise<void> {
    if (this.sealing !== null) clearTimeout(this.sealing);
    this.sealing = null;
    this.sealDue = false;
    const { chain } = this;
    if (chain === null || chain.key === null || chain.sealed === chain.head.seq) return;
    try {
      const { head, key } = chain;
      await this.put(chain, [sealLine({ seal: head, signature: key.sign(sealStatement(head)) }), NEWLINE], { sealed: head.seq });
    } catch {
      await this.forget();
    }
  }

  private chainNow(): OpenChain {
    if (this.chain === null) throw new Error('the chain is not open');
    return this.chain;
  }

  private lines(
    before: AuditHead,
    subjects: readonly AuditSubject[],
  ): { readonly lines: Uint8Array[]; readonly heads: readonly AuditHead[] } {
    const at = new Date((this.options.clock ?? Date.now)()).toISOString();
    const lines: Uint8Array[] = [];
    const heads: AuditHead[] = [];
    let last = before;
    for (const subject of subjects) {
      const { chain, seq, digest } = last;
      const { bytes, head } = recordLine({ schemaVersion: 1, chain, seq: seq + 1, at, previous: digest, ...subject });
      lines.push(bytes, NEWLINE);
      heads.push(head);
      last = head;
    }
    return { lines, heads };
  }

  private async takeUp(): Promise<OpenChain> {
    const { folder, version } = this.options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const key = await this.options.key();
    const end = await chainEnd(folder);
    if (end.kind !== 'end') return this.begin(key, end);
    await cutAway(end);
    const file = await open(end.segment.path, 'r+', 0o600);
    this.chain = { file, path: end.segment.path, size: end.size, head: end.head, sealed: 0, key };
    await this.write([{ kind: 'resume', key: key?.line ?? null, version, cut: end.cut }]);
    return this.chainNow();
  }

  private async begin(key: MachineKey | null, end: Exclude<ChainEnd, { kind: 'end' }>): Promise<OpenChain> {
    const { folder, writer, version } = this.options;
    let after: string | null = null;
    if (end.kind === 'damaged') {
      const aside = `${folder}.set-aside-${new Date((this.options.clock ?? Date.now)()).toISOString().replaceAll(/[:.]/g, '-')}`;
      await rename(folder, aside);
      await mkdir(folder, { mode: 0o700 });
      after = basename(aside);
    } else {
      await cutAway(end);
    }
    const chain = `${chainNameOf(writer)}-${randomBytes(6).toString('hex')}`;
    this.chain = { ...(await newSegment(folder, 1)), head: { chain, seq: 0, digest: NO_PREDECESSOR }, sealed: 0, key };
    await this.write([{ kind: 'begin', writer, key: key?.line ?? null, version, after }]);
    return this.chainNow();
  }

  /** Begins a new file where the one in use is large; what is in that one is sealed there. */
  private async roll(chain: OpenChain): Promise<void> {
    this.chain = chain;
    if (chain.size < (this.options.segmentBytes ?? SEGMENT_BYTES)) return;
    await this.seal();
    const sealed = this.chainNow();
    this.chain = { ...sealed, ...(await newSegment(this.options.folder, sealed.head.seq + 1)) };
    await sealed.file.close();
  }

  private async forget(): Promise<void> {
    const { chain } = this;
    this.chain = null;
    await chain?.file.close().catch(() => undefined);
  }

  private failure(error: unknown): ResealError {
    const reason = error instanceof Error ? error.message : String(error);
    return new ResealError(
      'AUDIT_UNWRITABLE',
      `The audit chain in ${this.options.folder} cannot be written: ${reason}. See that its disk has room and that this account may write there.`,
      { cause: error },
    );
  }
}

async function newSegment(folder: string, firstSeq: number): Promise<Pick<OpenChain, 'file' | 'path' | 'size'>> {
  const path = join(folder, segmentName(firstSeq));
  const file = await open(path, 'wx', 0o600);
  for (const one of [folder, dirname(folder)]) {
    const directory = await open(one, 'r');
    await directory.sync().finally(() => directory.close());
  }
  return { file, path, size: 0 };
}

/** Into the system's own memory: what waits for the disk is the sync. */
function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written, bytes.length - written, at + written);
}
