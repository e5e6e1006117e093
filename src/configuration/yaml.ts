import { Composer, LineCounter, Parser, YAMLParseError, type CST, type Document } from 'yaml';

/** Deepest nesting; the files of reseal need seven levels. */
export const DEEPEST = 64;
/** Most fields of one mapping: each new one is held against all before it. No file of reseal has a hundred. */
export const MOST_FIELDS = 5_000;
/** How often what is anchored once may stand in a file in all, aliases of aliases counted: enough for every node of a mesh, too little for a bomb. */
const MOST_ALIASES = 10_000;

export type ReadYaml =
  | { readonly document: Document.Parsed; readonly lines: LineCounter }
  /** Nothing of it was composed. `line` is from 1. */
  | { readonly excess: { readonly line: number; readonly found: string; readonly expected: string } };

/**
 * One YAML document, its errors in it. Composing is recursive: of two thousand brackets it ends the process where a regular expression is compiled with no
 * stack left, which nothing can catch. So it is asked first how deeply the tokens nest, without recursion.
 */
export function parseYaml(content: string): ReadYaml {
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(content)];
  const excess = excessIn(tokens);
  if (excess !== null) return { excess: { ...excess, line: lines.linePos(excess.offset).line } };
  const [document, second] = [...new Composer({ prettyErrors: false, logLevel: 'error' }).compose(tokens, true, content.length)];
  // The second argument has it give one in every case.
  if (document === undefined) throw new Error('a YAML text without a document');
  if (second !== undefined) {
    const [begin, end] = second.range;
    document.errors.push(
      new YAMLParseError([begin, end], 'MULTIPLE_DOCS', 'Source contains multiple documents; a file of reseal holds one'),
    );
  }
  return { document, lines };
}

export type YamlValue = { readonly value: unknown } | { readonly found: string };

/** What a document without errors says; else in words what was found that no file needs. */
export function valueOf(document: Document.Parsed): YamlValue {
  try {
    return { value: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown };
  } catch (error) {
    // Of all that the library throws here these are about what the file says (its Alias.js).
    if (!(error instanceof ReferenceError)) throw error;
    return /^Unresolved alias/.test(error.message)
      ? { found: 'an alias (*name) of an anchor that is not set before it' }
      : { found: 'aliases of aliases, many thousands of values in all' };
  }
}

function excessIn(tokens: readonly CST.Token[]): { readonly offset: number; readonly found: string; readonly expected: string } | null {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { token, depth } = one;
    if (depth > DEEPEST) return { offset: token.offset, found: 'values nested more deeply', expected: `at most ${DEEPEST} levels` };
    if (fieldsOf(token) > MOST_FIELDS)
      return { offset: token.offset, found: `${fieldsOf(token)} fields in one mapping`, expected: `at most ${MOST_FIELDS}` };
    for (const inner of inside(token)) open.push({ token: inner, depth: token.type === 'document' ? depth : depth + 1 });
  }
  return null;
}

const fieldsOf = (token: CST.Token): number => (token.type === 'block-map' || token.type === 'flow-collection' ? token.items.length : 0);

function inside(token: CST.Token): readonly CST.Token[] {
  switch (token.type) {
    case 'document':
      return token.value === undefined ? [] : [token.value];
    case 'block-map':
    case 'block-seq':
    case 'flow-collection':
      return token.items.flatMap((item) => [...('key' in item ? [item.key ?? []] : []), item.value ?? []].flat());
    default:
      return [];
  }
}
