/** A door by which bytes from outside come in, and what may come of them. */
export interface Target {
  readonly name: string;
  /** Whole and valid inputs, which cases are made of by damaging them. */
  readonly seeds: readonly Uint8Array[];
  /** Pieces that the format knows, and those that have broken readers of it: put in anywhere, once or thousands of times. */
  readonly tokens: readonly Uint8Array[];
  /** Longest input of a case, in bytes; default 24 KB, less where each takes the reader long. */
  readonly longest?: number;
  /** Gives the input to the product. Whatever it throws has to be an error that its doc comment names. */
  run(input: Uint8Array): void;
  /** Errors beside ResealError that the doc comments of what `run` calls name. */
  readonly mayThrow?: (error: unknown) => boolean;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const tokens = (...texts: readonly (string | Uint8Array)[]): readonly Uint8Array[] =>
  texts.map((one) => (typeof one === 'string' ? bytesOf(one) : one));
