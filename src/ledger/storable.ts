/**
 * What PostgreSQL takes of a text that anybody may have written: NUL and halves of surrogate pairs, which it refuses, become U+FFFD. A record that
 * is never taken would hold up everything behind it.
 * https://www.postgresql.org/docs/current/datatype-json.html (jsonb and \u0000), datatype-character.html
 */
export const storableText = (text: string): string => text.replace(/\0|\p{Surrogate}/gu, '\ufffd');

/** The same of a document. `JSON.stringify` writes both as escapes; a backslash that is itself escaped before it makes it a plain text. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value).replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '$1\\ufffd');
