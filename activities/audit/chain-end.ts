import { open, rm, truncate } from 'node:fs/promises';
import type { Sha256 } from '../../src/domain/brands.js';
import type { AuditHead } from '../../src/domain/audit/record.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { readLine } from './line.js';
import { lastLines, segmentsOf, type Line, type Segment } from './segments.js';

/** What a killed writer has left half written. */
interface HalfWritten {
  readonly bytes: number;
  readonly sha256: Sha256;
}

/** Where a chain on disk ends. */
export type ChainEnd =
  /** Nobody has begun it. */
  | { readonly kind: 'none'; readonly leftOver: Segment | null }
  | {
      readonly kind: 'end';
      readonly head: AuditHead;
      readonly segment: Segment;
      /** Of the segment without what is half written, in bytes. */
      readonly size: number;
      readonly cut: HalfWritten | null;
      /** A file that was begun and has no whole line. */
      readonly leftOver: Segment | null;
    }
  /** It ends in something that no writer of reseal leaves. */
  | { readonly kind: 'damaged'; readonly reason: string };

/** Looks where a chain ends. A last line without its end is what a writer that was killed leaves: nothing had been promised of it yet. */
export async function chainEnd(folder: string): Promise<ChainEnd> {
  const segments = await segmentsOf(folder);
  const last = segments.at(-1);
  if (last === undefined) return { kind: 'none', leftOver: null };
  const lines = await lastLines(last.path);
  if (lines.some((line) => line.whole)) return endIn(last, lines, null, null);
  const before = segments.at(-2);
  if (before === undefined) return { kind: 'none', leftOver: last };
  return endIn(before, await lastLines(before.path), last, halfWritten(lines));
}

function endIn(segment: Segment, lines: readonly Line[], leftOver: Segment | null, cut: HalfWritten | null): ChainEnd {
  const whole = lines.filter((line) => line.whole);
  // A record, and the seal after it.
  const read = whole.slice(-2).map((line) => readLine(line.bytes, `${segment.path}, line ${line.number}`));
  const unreadable = read.find((item) => item.kind === 'unreadable');
  if (unreadable !== undefined) return { kind: 'damaged', reason: `${unreadable.where}: ${unreadable.reason}` };
  const last = read.findLast((item) => item.kind === 'record');
  if (last === undefined) return { kind: 'damaged', reason: `${segment.path} does not end in a record` };
  const { chain, seq } = last.record;
  const head: AuditHead = { chain, seq, digest: last.digest };
  return { kind: 'end', head, segment, size: whole.at(-1)?.end ?? 0, cut: cut ?? halfWritten(lines), leftOver };
}

function halfWritten(lines: readonly Line[]): HalfWritten | null {
  const torn = lines.find((line) => !line.whole);
  return torn === undefined ? null : { bytes: torn.bytes.length, sha256: sha256Of(torn.bytes) };
}

/** Takes away what was half written. */
export async function cutAway(end: Exclude<ChainEnd, { kind: 'damaged' }>): Promise<void> {
  if (end.leftOver !== null) await rm(end.leftOver.path, { force: true });
  if (end.kind === 'none' || end.cut === null) return;
  await truncate(end.segment.path, end.size);
  const file = await open(end.segment.path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
