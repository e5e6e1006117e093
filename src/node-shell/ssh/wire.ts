/** Requests and answers of `reseal-node.sh`, as lines of text. */

const UNSAFE = /[\0-\x1f\x7f|%\\]/;

/** An argument as one field of a request: plain where it can be, else in the notation of printf's %b after a `%`. */
export function field(text: string): string {
  if (!UNSAFE.test(text)) return text;
  const bytes = [...Buffer.from(text, 'utf8')];
  return `%${bytes.map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`)).join('')}`;
}

const isPlain = (byte: number): boolean => /[A-Za-z0-9/._ -]/.test(String.fromCharCode(byte));

/** A file name of a listing: `:name`, or `%` and octal escapes. */
export function nameOf(line: string): string {
  if (!line.startsWith('%')) return line.slice(1);
  return Buffer.from([...line.matchAll(/\\0([0-7]{3})/g)].map(([, octal]) => parseInt(octal ?? '0', 8))).toString('utf8');
}

export interface Answer {
  /** The lines before the last one; without their `=`, where they have one. */
  readonly body: readonly string[];
  /** What the last line says: fields of an `.ok`, or the complaint of a `.no`. */
  readonly end: { readonly ok: true; readonly fields: readonly string[] } | { readonly ok: false; readonly complaint: string };
}

/** Takes bytes as they come, and gives out answers as they become whole. */
export class AnswerReader {
  private rest = '';
  private body: string[] = [];

  /** @throws Error on a line that no answer has: whatever is at the other end, it is not `reseal-node` */
  take(chunk: Buffer): readonly Answer[] {
    const answers: Answer[] = [];
    const lines = (this.rest + chunk.toString('latin1')).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const text = Buffer.from(line, 'latin1').toString('utf8');
      if (!text.startsWith('.')) this.body.push(text.startsWith('=') ? text.slice(1) : text);
      else {
        answers.push({ body: this.body, end: endOf(text) });
        this.body = [];
      }
    }
    return answers;
  }
}

function endOf(line: string): Answer['end'] {
  if (line === '.ok') return { ok: true, fields: [] };
  if (line.startsWith('.ok|')) return { ok: true, fields: line.slice(4).split('|') };
  if (line.startsWith('.no|')) return { ok: false, complaint: line.slice(4).trim() };
  throw new Error(`unexpected line ${JSON.stringify(line.slice(0, 80))}`);
}

export const bytesOf = (body: readonly string[]): Buffer => Buffer.from(body.join(''), 'base64');

/** What a command printed, by `out` and `err`: a short text, or base64. */
export function printed(body: readonly string[]): (stream: 'out' | 'err') => string {
  const parts = new Map<string, string[]>();
  let part: string[] = [];
  for (const line of body) {
    // Base64 comes in fours: no line of it is one of these words.
    if (line === 'out' || line === 'err') parts.set(line, (part = []));
    else part.push(line);
  }
  return (stream) => {
    const told = parts.get(stream) ?? [];
    return /^[:;]/.test(told[0] ?? '') ? textOf(told) : bytesOf(told).toString('utf8');
  };
}

/** Lines after a `:`, the last one after a `;` where it has no end. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line.slice(1)}${line.startsWith(':') ? '\n' : ''}`).join('');
}
