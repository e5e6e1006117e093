/** MAX_ARGS and MAX_LINE_LEN of SecurityTool/macOS/security.c: what is beyond is dropped there without a word. */
const MOST_WORDS = 32;
const LONGEST_LINE = 4_096;

/** A word of a line: quotes hold it together, a backslash takes the next character as it is (split_line in security.c). */
const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, '\\$&')}"`;

/** A command as a line for the stdin of `security -i`, without its end; why there is none. */
export function securityLine(words: readonly string[]): { readonly line: string } | { readonly none: 'two-lines' | 'too-long' } {
  const line = words.map(quoted).join(' ');
  // The next line would be a command of its own.
  if (/[\r\n\0]/.test(line)) return { none: 'two-lines' };
  return words.length > MOST_WORDS || Buffer.byteLength(line) >= LONGEST_LINE ? { none: 'too-long' } : { line };
}

/** The words of each of several such lines; null where one of them is none, or there is no line. */
export function linesOf(stdin: string): readonly (readonly string[])[] | null {
  const lines = (stdin.match(/[^\n]*\n|[^\n]+$/g) ?? []).map(wordsOf);
  const read = lines.filter((words) => words !== null);
  return read.length > 0 && read.length === lines.length ? read : null;
}

/** The words of such a line with its end; null for anything that `securityLine` would not have written. */
export function wordsOf(stdin: string): readonly string[] | null {
  const words = [...stdin.matchAll(/"((?:[^"\\]|\\["\\])*)"/g)].map(([, word = '']) => word.replaceAll(/\\(["\\])/g, '$1'));
  const again = securityLine(words);
  return words.length > 0 && 'line' in again && `${again.line}\n` === stdin ? words : null;
}
