import type { ChainItem, KnownHead, Verification, WriterPresence } from '../../src/domain/audit/verify.js';
import { beginVerification, endVerification, judgeSeal, verifyNext } from '../../src/domain/audit/verify.js';
import { sealSignature } from '../../src/statement/machine-key.js';
import { readLine } from './line.js';
import { linesOf, segmentsOf, type Segment } from './segments.js';

/** The lines of a chain in a folder, in the order in which they lie there. */
export async function* itemsOf(folder: string): AsyncGenerator<ChainItem> {
  const segments = await segmentsOf(folder);
  for (const segment of segments) yield* itemsIn(segment, segment === segments.at(-1) ? 'last' : 'earlier');
}

/** The lines of one of its files. Only the last one may end in what a writer was cut off in. */
export async function* itemsIn({ path }: Segment, place: 'earlier' | 'last'): AsyncGenerator<ChainItem> {
  for await (const { bytes, number, whole } of linesOf(path)) {
    const where = `${path}, line ${number}`;
    if (whole) yield readLine(bytes, where);
    else if (place === 'last') yield { kind: 'half-written', where };
    else yield { kind: 'unreadable', where, reason: 'it has no end' };
  }
}

/** The chain that a folder holds, by its first readable record; null where there is none. */
export async function chainIn(folder: string): Promise<string | null> {
  for await (const item of itemsOf(folder)) if (item.kind === 'record') return item.record.chain;
  return null;
}

/**
 * Reads a chain through once; what it holds of it does not grow with it.
 * @param known heads that others know @param keys that are declared for its writer; null: the key that the chain names counts
 */
export async function verifyItems(
  chain: string,
  items: AsyncIterable<ChainItem>,
  known: readonly KnownHead[],
  keys: readonly string[] | null,
  writer: WriterPresence = 'gone',
): Promise<Verification> {
  let state = beginVerification(chain, known, keys?.[0] ?? null);
  for await (const item of items) state = verifyNext(state, item);
  const read = endVerification(state, writer);
  if (read.seal === null) return read;
  const { seal, signature } = read.seal;
  return judgeSeal(read, sealSignature(seal, signature, keys ?? (read.sealKey === null ? [] : [read.sealKey])));
}
