import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { isMap, isNode, isPair, isScalar, isSeq } from 'yaml';
import { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import { readable } from './finding.js';
import type { Finding, Path } from './finding.js';
import { parseYaml, valueOf } from './yaml.js';

/** A YAML file that was read, and where its parts stand in it. */
export interface SourceFile {
  /** As shown to people: `topology.yaml`. */
  readonly name: string;
  readonly value: unknown;
  /** Line (from 1) of a field, or of the nearest one around it that exists. */
  lineOf(path: Path): number;
}

function offsetOf(contents: unknown, path: Path): number {
  let node = contents;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) return offset;
      if (isNode(pair.key) && pair.key.range) offset = pair.key.range[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (isNode(node) && node.range) offset = node.range[0];
    } else return offset;
  }
  return offset;
}

/** Largest file that is read, in bytes: a topology of ten thousand nodes, each with a line of its own, has some two million. */
const LARGEST = 8 * 1024 * 1024;
/** Findings of one file that are told; whoever mends these sees the next. */
const MOST_FINDINGS = 200;

export interface ReadSource {
  readonly file: SourceFile;
  readonly findings: readonly Finding[];
}

/**
 * Reads one YAML file; what YAML itself refuses (syntax, a key twice), and what would only do harm, becomes findings. Null where the file does not exist.
 * @throws ResealError FILE_UNREADABLE
 */
export function readSource(name: string, path: string): ReadSource | null {
  let file: number;
  try {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, cause);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unreadable(path, new Error(stat.isDirectory() ? 'it is a folder' : 'it is no regular file'));
    if (stat.size > LARGEST) return refused(name, 1, `a file of ${stat.size} bytes`, `at most ${LARGEST}`);
    return parseSource(name, readFileSync(file, 'utf8'));
  } finally {
    closeSync(file);
  }
}

const unreadable = (path: string, cause: unknown): ResealError =>
  new ResealError(
    'FILE_UNREADABLE',
    `${path} cannot be read (${cause instanceof Error ? cause.message : String(cause)}). Expected is a YAML file that this account may read.`,
    { cause },
  );

function refused(name: string, line: number, found: string, expected: string): ReadSource {
  return { file: { name, value: undefined, lineOf: () => line }, findings: [{ file: name, line, field: '', found, expected }] };
}

/** The text of one YAML file, as `readSource` reads it. */
export function parseSource(name: string, content: string): ReadSource {
  const read = parseYaml(content);
  if ('excess' in read) return refused(name, read.excess.line, read.excess.found, read.excess.expected);
  const { document, lines } = read;
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const findings = document.errors.slice(0, MOST_FINDINGS).map((error) => ({
    file: name,
    line: lineAt(error.pos[0]),
    field: '',
    found: error.message.split('\n')[0] ?? '',
    expected: 'YAML that can be read',
  }));
  const lineOf = (field: Path): number => lineAt(offsetOf(document.contents, field));
  if (findings.length > 0) return { file: { name, value: undefined, lineOf }, findings };
  const said = valueOf(document);
  if ('found' in said) return refused(name, 1, said.found, 'values that are written out, or anchored before they are named');
  return { file: { name, value: said.value, lineOf }, findings };
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of fields',
  record: 'a mapping of names',
  null: 'nothing',
};

/** The end of "found …, expected …" for what a schema itself does not word. */
const expectation: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      return issue.inst instanceof z.ZodObject ? `only the fields ${Object.keys(issue.inst.shape).join(', ')}` : 'no such field';
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'invalid_key':
      return 'a name of lower-case letters, digits and hyphens, at most 63 characters';
    case 'invalid_format':
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return 'another value';
  }
};

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined),
    value,
  );
}

/** Validates a file by its schema: the value, or every finding at once. */
export function validate<T>(file: SourceFile, schema: z.ZodType<T>): { readonly value: T } | { readonly findings: readonly Finding[] } {
  const result = schema.safeParse(file.value, { error: expectation });
  if (result.success) return { value: result.data };
  const findings = result.error.issues.slice(0, MOST_FINDINGS).flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => findingAt(file, [...path, key], 'an unknown field', issue.message));
    }
    const found = issue.code === 'invalid_key' ? `the name ${readable(path.at(-1))}` : readable(valueAt(file.value, path));
    return [findingAt(file, path, found, issue.message)];
  });
  return { findings };
}

/** A finding at a field of a file. */
export function findingAt(file: SourceFile, path: Path, found: string, expected: string): Finding {
  return { file: file.name, line: file.lineOf(path), field: path.join('.'), found, expected };
}
