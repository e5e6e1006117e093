import { projectInvalid, shown } from './invalid.js';

/** A value of a property list in the old (OpenStep) form, with the line that it begins on. */
export type OpenStep = OpenStepText | OpenStepList | OpenStepDictionary;
export interface OpenStepText {
  readonly kind: 'text';
  readonly text: string;
  readonly line: number;
}
export interface OpenStepList {
  readonly kind: 'list';
  readonly items: readonly OpenStep[];
  readonly line: number;
}
export interface OpenStepDictionary {
  readonly kind: 'dictionary';
  readonly entries: ReadonlyMap<string, OpenStep>;
  readonly line: number;
}

/** Real projects nest six deep. */
const MAX_DEPTH = 64;
const PLAIN = /[A-Za-z0-9_$/:.@+-]+/y;
const SPACE = /[\s\uFEFF]+/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };

/**
 * Reads a property list as Xcode writes `project.pbxproj`: dictionaries, lists, strings, `<…>` and comments.
 * @param file as errors name it
 * @throws ResealError PROJECT_INVALID with the line
 */
export function parseOpenStep(source: string, file: string): OpenStep {
  const reader = new Reader(source, file);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  #at = 0;
  #line = 1;
  /** Up to where lines have been counted. */
  #counted = 0;

  constructor(
    private readonly source: string,
    private readonly file: string,
  ) {}

  value(depth: number): OpenStep {
    this.#skip();
    if (depth > MAX_DEPTH) throw this.#wrong('values nested more deeply', `at most ${MAX_DEPTH} levels`);
    const line = this.#lineHere();
    switch (this.source[this.#at]) {
      case '{':
        return { kind: 'dictionary', entries: this.#dictionary(depth), line };
      case '(':
        return { kind: 'list', items: this.#list(depth), line };
      default:
        return { kind: 'text', text: this.#text(), line };
    }
  }

  end(): void {
    this.#skip();
    if (this.#at < this.source.length) throw this.#wrong(this.#here(), 'the end of the file');
  }

  #dictionary(depth: number): Map<string, OpenStep> {
    const entries = new Map<string, OpenStep>();
    this.#at += 1;
    for (;;) {
      this.#skip();
      if (this.#took('}')) return entries;
      const key = this.#text();
      this.#need('=', `= after ${shown(key)}`);
      entries.set(key, this.value(depth + 1));
      this.#skip();
      // Xcode ends the last entry with a semicolon too; others leave it out.
      if (this.source[this.#at] !== '}') this.#need(';', `; or } after the value of ${shown(key)}`);
    }
  }

  #list(depth: number): OpenStep[] {
    const items: OpenStep[] = [];
    this.#at += 1;
    for (;;) {
      this.#skip();
      if (this.#took(')')) return items;
      items.push(this.value(depth + 1));
      this.#skip();
      if (this.source[this.#at] !== ')') this.#need(',', ', or ) after an item');
    }
  }

  #text(): string {
    const first = this.source[this.#at];
    if (first === '"' || first === "'") return this.#quoted(first);
    if (first === '<') return this.#upTo('>', 'the end of <…>');
    PLAIN.lastIndex = this.#at;
    const found = PLAIN.exec(this.source)?.[0];
    if (found === undefined) throw this.#wrong(this.#here(), 'a string, a list or a dictionary');
    this.#at += found.length;
    return found;
  }

  #upTo(end: string, expected: string): string {
    const stop = this.source.indexOf(end, this.#at);
    if (stop === -1) throw this.#wrong('the end of the file', expected);
    const text = this.source.slice(this.#at, stop + end.length);
    this.#at = stop + end.length;
    return text;
  }

  #quoted(quote: string): string {
    const opened = this.#lineHere();
    const parts: string[] = [];
    let from = this.#at + 1;
    for (let at = from; at < this.source.length; at += 1) {
      const character = this.source[at];
      if (character === quote) {
        this.#at = at + 1;
        return parts.concat(this.source.slice(from, at)).join('');
      }
      if (character !== '\\') continue;
      parts.push(this.source.slice(from, at));
      const { text, length } = this.#escape(at + 1);
      parts.push(text);
      from = at + 1 + length;
      at = from - 1;
    }
    throw projectInvalid({ file: this.file, line: opened }, 'a string that is never closed', `${quote} at its end`);
  }

  /** `\U1234` is a UTF-16 unit, `\101` an octal number; any other character stands for itself. */
  #escape(at: number): { readonly text: string; readonly length: number } {
    const unit = /^U([0-9A-Fa-f]{4})/.exec(this.source.slice(at, at + 5))?.[1];
    if (unit !== undefined) return { text: String.fromCharCode(Number.parseInt(unit, 16)), length: 5 };
    const octal = /^[0-7]{1,3}/.exec(this.source.slice(at, at + 3))?.[0];
    if (octal !== undefined) return { text: String.fromCharCode(Number.parseInt(octal, 8)), length: octal.length };
    const character = this.source[at] ?? '';
    return { text: ESCAPES[character] ?? character, length: character.length };
  }

  #skip(): void {
    for (;;) {
      SPACE.lastIndex = this.#at;
      this.#at += SPACE.exec(this.source)?.[0].length ?? 0;
      if (this.source.startsWith('//', this.#at)) this.#at = this.#endOfLine();
      else if (this.source.startsWith('/*', this.#at)) this.#upTo('*/', 'the end of a comment, */');
      else return;
    }
  }

  #endOfLine(): number {
    const end = this.source.indexOf('\n', this.#at);
    return end === -1 ? this.source.length : end;
  }

  #took(character: string): boolean {
    if (this.source[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #need(character: string, expected: string): void {
    this.#skip();
    if (!this.#took(character)) throw this.#wrong(this.#here(), expected);
  }

  #here(): string {
    return this.#at >= this.source.length ? 'the end of the file' : shown(this.source.slice(this.#at, this.#at + 20));
  }

  #wrong(found: string, expected: string): Error {
    return projectInvalid({ file: this.file, line: this.#lineHere() }, found, expected);
  }

  #lineHere(): number {
    for (;;) {
      const next = this.source.indexOf('\n', this.#counted);
      if (next === -1 || next >= this.#at) return this.#line;
      this.#line += 1;
      this.#counted = next + 1;
    }
  }
}
