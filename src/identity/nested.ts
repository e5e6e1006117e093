/** Levels of structures within each other, those in octet strings among them. A PKCS#12 of a keychain has some 20. */
export const DEEPEST = 64;
/** Values of one file; one of a keychain has some 200. */
export const MOST_VALUES = 20_000;

const CONSTRUCTED = 0x20;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;

interface Level {
  /** Where it ends; null: it has no length of its own, and ends in two zeros. */
  readonly end: number | null;
}

/**
 * Counts how BER nests before anything reads it that goes down the stack with it. What readers take out of octet and bit strings and read in turn counts as
 * nested too. Damage is none of its business: it counts as far as it comes.
 * @returns why it is not to be read, as the end of a sentence; null: it may be
 */
export function nestsTooMuch(bytes: Uint8Array): string | null {
  const waiting: { readonly bytes: Uint8Array; readonly depth: number }[] = [{ bytes, depth: 0 }];
  let values = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { bytes: within, depth } = next;
    const levels: Level[] = [];
    for (let at = 0; at + 1 < within.length;) {
      while (levels.at(-1)?.end === at) levels.pop();
      const tag = within[at] ?? 0;
      if (tag === 0 && within[at + 1] === 0) {
        if (levels.at(-1)?.end === null) levels.pop();
        at += 2;
        continue;
      }
      values += 1;
      if (values > MOST_VALUES) return `it has more than ${MOST_VALUES} values`;
      const header = headerAt(within, at);
      if (header === null) break;
      const { begin, length } = header;
      // No reader goes into what does not fit in what it is in.
      const room = levels.findLast(({ end }) => end !== null)?.end ?? within.length;
      if (begin + (length ?? 0) > room) break;
      if ((tag & CONSTRUCTED) !== 0) {
        levels.push({ end: length === null ? null : begin + length });
        if (depth + levels.length > DEEPEST) return `it nests deeper than ${DEEPEST} levels`;
        at = begin;
        continue;
      }
      if (length === null) break;
      const content = within.subarray(begin + (tag === BIT_STRING ? 1 : 0), begin + length);
      if ((tag === OCTET_STRING || tag === BIT_STRING) && ((content[0] ?? 0) & CONSTRUCTED) !== 0)
        waiting.push({ bytes: content, depth: depth + levels.length });
      at = begin + length;
    }
  }
  return null;
}

/** Null: it is none that anybody reads on. */
function headerAt(bytes: Uint8Array, at: number): { readonly begin: number; readonly length: number | null } | null {
  let begin = at + 1;
  if (((bytes[at] ?? 0) & 0x1f) === 0x1f) while (((bytes[begin++] ?? 0) & 0x80) !== 0);
  const first = bytes[begin++];
  if (first === undefined) return null;
  if (first < 0x80) return { begin, length: first };
  if (first === 0x80) return { begin, length: null };
  const digits = first & 0x7f;
  if (digits > 4 || begin + digits > bytes.length) return null;
  const length = bytes.subarray(begin, begin + digits).reduce((value, byte) => value * 256 + byte, 0);
  return { begin: begin + digits, length };
}
