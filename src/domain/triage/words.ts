/**
 * The words of a command line as a POSIX shell would take it apart: quotes and backslashes, no expansion. Xcode prints command lines in this form.
 * A quote that is never closed goes to the end.
 */
export function shellWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const match of text.matchAll(WORD)) words.push(match[0].replace(PART, unquoted));
  return words;
}

const WORD = /(?:'[^']*(?:'|$)|"(?:\\[^]|[^"\\])*(?:"|$)|\\[^]|[^\s'"\\]|\\$)+/g;
const PART = /'([^']*)(?:'|$)|"((?:\\[^]|[^"\\])*)(?:"|$)|\\([^])/g;

const unquoted = (_: string, single: string | undefined, double: string | undefined, escaped: string | undefined): string =>
  single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '';
