/**
 * What has no place in a text that people give and others read: control characters, lone surrogates, line separators, and what turns the reading
 * direction round. A commit message ends at a NUL, PostgreSQL takes none, and a line break or a turned direction lets a name look like
 * another. Everything else is legal: letters of any script, spaces, punctuation, emoji with their joiners.
 */
const NOT_PLAIN = /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;

/** The first character that no name, ticket or id may hold, as `U+0000`; null where all may be there. */
export function notPlain(text: string): string | null {
  const point = NOT_PLAIN.exec(text)?.[0].codePointAt(0);
  return point === undefined ? null : `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** What `notPlain` lets through, for documents that describe it; lone surrogates cannot be written in JSON that is UTF-8. */
export const PLAIN_PATTERN = '^[^\\u0000-\\u001F\\u007F-\\u009F\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069]*$';
export const PLAIN_LINES_PATTERN = PLAIN_PATTERN.replace('\\u0000-', '\\u0000-\\u0008\\u000B\\u000C\\u000E-');

/** The same for a text of several lines, as a reason: line breaks and tabs are plain there. */
export const notPlainInLines = (text: string): string | null => notPlain(text.replace(/[\n\r\t]/g, ' '));
