/** Deepest that anything reseal reads as JSON nests; statements nest 3 deep, manifests 4. What is deeper would end on some reader's stack. */
export const DEEPEST = 64;

export type ReadJson =
  | { readonly value: unknown }
  /** The end of a sentence that begins with what was read: "is no JSON". It quotes nothing of the text. */
  | { readonly fault: string; readonly cause?: unknown };

/** One JSON document that nests no deeper than `DEEPEST`. */
export function readJson(text: string): ReadJson {
  if (nestsTooDeep(text)) return { fault: `nests more than ${DEEPEST} levels deep` };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (cause) {
    return { fault: 'is no JSON', cause };
  }
}

/** By brackets outside of strings: right for every text that is JSON, and cheap before it is known to be. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at + 1);
        break;
      case '[':
      case '{':
        depth += 1;
        if (depth > DEEPEST) return true;
        break;
      case ']':
      case '}':
        depth -= 1;
        break;
      default:
    }
  }
  return false;
}

/** Where the string ends that begins before `at`. */
function endOfString(text: string, at: number): number {
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    at = quote + 1;
  }
}
