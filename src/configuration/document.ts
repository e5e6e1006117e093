import { readFileSync } from 'node:fs';
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { readable } from './finding.js';
import type { Finding, Path } from './finding.js';

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

/** Reads one YAML file; what YAML itself refuses (syntax, a key twice) becomes findings. Null where the file does not exist. */
export function readSource(name: string, path: string): { readonly file: SourceFile; readonly findings: readonly Finding[] } | null {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(content, { lineCounter, prettyErrors: false });
  const findings = document.errors.map((error) => ({
    file: name,
    line: lineCounter.linePos(error.pos[0]).line,
    field: '',
    found: error.message.split('\n')[0] ?? '',
    expected: 'YAML that can be read',
  }));
  const file: SourceFile = {
    name,
    value: findings.length > 0 ? undefined : (document.toJS() as unknown),
    lineOf: (field) => Math.max(1, lineCounter.linePos(offsetOf(document.contents, field)).line),
  };
  return { file, findings };
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
  const findings = result.error.issues.flatMap((issue) => {
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
