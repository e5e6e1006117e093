import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ResealError } from '../../src/domain/errors.js';
import { chainEnd, cutAway } from './chain-end.js';
import { readLine } from './line.js';
import { linesOf, segmentsOf, type Segment } from './segments.js';
import { chainIn } from './verify-chain.js';

/** Where the next line to be copied begins. */
interface Position {
  readonly segment: string;
  /** In bytes. */
  readonly offset: number;
}

const MOST_BYTES = 1 << 20;

/** A copy of a chain in a folder on another disk: the same files, line by line, so that it is verified like the chain itself. */
export class FileCopy {
  private position: Position | null = null;

  /** @param folder for chains of every writer, each in a folder of its own below it */
  constructor(
    readonly name: string,
    private readonly folder: string,
  ) {}

  /**
   * Brings over what the copy lacks, and syncs it. Repeated it copies nothing twice but a seal, which says the same again.
   * @throws ResealError AUDIT_SINK_DOWN where it cannot be written, or knows more than the chain
   */
  async catchUp(source: string): Promise<void> {
    try {
      const chain = await chainIn(source);
      if (chain === null) return;
      const target = join(this.folder, chain);
      await mkdir(target, { recursive: true, mode: 0o700 });
      const from = this.position ?? (await this.positionAfter(source, target));
      // Until everything is over there, nobody knows how far it came.
      this.position = null;
      this.position = await copyLines(source, target, from);
    } catch (error) {
      if (error instanceof ResealError) throw error;
      throw this.down(error instanceof Error ? error.message : String(error), error);
    }
  }

  private async positionAfter(source: string, target: string): Promise<Position> {
    const segments = await segmentsOf(source);
    const [first] = segments;
    if (first === undefined) throw this.down(`${source} has no chain any more`);
    const end = await chainEnd(target);
    if (end.kind === 'damaged') throw this.down(`its end cannot be read: ${end.reason}`);
    await cutAway(end);
    if (end.kind === 'none') return { segment: first.path, offset: 0 };
    const { seq, digest } = end.head;
    const within = segments.findLast(({ firstSeq }) => firstSeq <= seq) ?? first;
    for await (const line of linesOf(within.path)) {
      const item = readLine(line.bytes, within.path);
      if (item.kind !== 'record' || item.record.seq !== seq) continue;
      if (item.digest === digest) return { segment: within.path, offset: line.end };
      throw this.down(`its record ${seq} is another one than the chain's: verify both`);
    }
    throw this.down(`it has record ${seq}, and the chain has not: verify both`);
  }

  private down(reason: string, cause?: unknown): ResealError {
    return new ResealError('AUDIT_SINK_DOWN', `The copy ${this.name} of the audit log in ${this.folder} cannot be kept: ${reason}.`, {
      cause,
    });
  }
}

async function copyLines(source: string, target: string, from: Position): Promise<Position> {
  const segments = (await segmentsOf(source)).filter(({ path }) => path >= from.segment);
  let now = from;
  for (const segment of segments) now = await copySegment(segment, target, segment.path === from.segment ? from.offset : 0);
  return now;
}

async function copySegment({ path }: Segment, target: string, from: number): Promise<Position> {
  let waiting: Uint8Array[] = [];
  let [bytes, offset] = [0, from];
  const file = await open(join(target, basename(path)), 'a', 0o600);
  try {
    for await (const line of linesOf(path, from)) {
      // The writer is in the middle of it.
      if (!line.whole) break;
      waiting.push(Uint8Array.from(line.bytes), NEWLINE);
      bytes += line.bytes.length;
      offset = line.end;
      if (bytes < MOST_BYTES) continue;
      await put(file, waiting);
      [waiting, bytes] = [[], 0];
    }
    await put(file, waiting);
  } finally {
    await file.close();
  }
  return { segment: path, offset };
}

const NEWLINE = Buffer.from('\n');

async function put(file: FileHandle, lines: readonly Uint8Array[]): Promise<void> {
  if (lines.length === 0) return;
  await file.appendFile(Buffer.concat(lines));
  await file.datasync();
}
