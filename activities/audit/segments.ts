import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LONGEST_LINE } from './line.js';

const NEWLINE = 10;
const SEGMENT = /^\d{16}\.jsonl$/;

/** One file of a chain; its name is the number of its first record. */
export interface Segment {
  readonly path: string;
  readonly firstSeq: number;
}

export const segmentName = (firstSeq: number): string => `${String(firstSeq).padStart(16, '0')}.jsonl`;

/** The files of a chain, oldest first; none where the folder is not there. */
export async function segmentsOf(folder: string): Promise<readonly Segment[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => SEGMENT.test(name))
    .sort()
    .map((name) => ({ path: join(folder, name), firstSeq: Number(name.slice(0, 16)) }));
}

export interface Line {
  /** Without the newline; good until the next line is asked for. */
  readonly bytes: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Where the line after it begins, in bytes. */
  readonly end: number;
  /** False where the file ends without a newline. */
  readonly whole: boolean;
}

/** How much of a file is held at a time, in bytes. */
const CHUNK = 1 << 16;

/**
 * The lines of a file from a place on, without ever holding the whole file. A line that is longer than any record may be comes cut, and counts as none.
 * @param from in bytes: where a line begins
 */
export async function* linesOf(path: string, from = 0): AsyncGenerator<Line> {
  const file = await open(path, 'r');
  try {
    let held = Buffer.allocUnsafe(CHUNK);
    // Bytes of the file from `at` on lie in `held` up to `filled`.
    let [at, filled, number] = [from, 0, 0];
    for (;;) {
      if (filled === held.length) held = Buffer.concat([held], 2 * held.length);
      const { bytesRead } = await file.read(held, filled, held.length - filled, at + filled);
      if (bytesRead === 0) break;
      const searched = filled;
      filled += bytesRead;
      let begin = 0;
      for (let end = held.indexOf(NEWLINE, searched); end >= 0 && end < filled; end = held.indexOf(NEWLINE, begin)) {
        yield { bytes: held.subarray(begin, end), number: ++number, end: at + end + 1, whole: true };
        begin = end + 1;
      }
      held.copyWithin(0, begin, filled);
      at += begin;
      filled -= begin;
      if (filled <= 2 * LONGEST_LINE) continue;
      yield { bytes: held.subarray(0, filled), number: ++number, end: at + filled, whole: false };
      at += filled;
      filled = 0;
    }
    if (filled > 0) yield { bytes: held.subarray(0, filled), number: number + 1, end: at + filled, whole: false };
  } finally {
    await file.close();
  }
}

/** The last lines of a file: enough of them to hold a record and its seal. */
export async function lastLines(path: string): Promise<readonly Line[]> {
  const { size } = await stat(path);
  const from = Math.max(0, size - 2 * LONGEST_LINE);
  const lines: Line[] = [];
  for await (const line of linesOf(path, from)) lines.push({ ...line, bytes: Uint8Array.from(line.bytes) });
  // In the middle of a file the first one is a piece.
  return from === 0 ? lines : lines.slice(1);
}
