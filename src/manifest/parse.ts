import { LineCounter, parseDocument, type Node } from 'yaml';
import type { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import type { Manifest } from '../domain/manifest.js';
import { fieldName, manifestProblems } from '../domain/manifest-rules.js';
import { manifestSchema } from '../schema/manifest.js';
import { canonicalJson } from './canonical-json.js';

interface Finding {
  readonly path: readonly (string | number)[];
  readonly found: string;
  readonly expected: string;
}

/**
 * Reads frozen bytes, strictly: the schema, the rules, and the one spelling that has this digest.
 * @param file how the file is named in an error.
 * @throws ResealError MANIFEST_INVALID; each detail names file, line, field, what was found and what was expected.
 */
export function parseManifest(bytes: Uint8Array, file = 'profiles.json'): Manifest {
  const text = decode(bytes, file);
  const value = parseJson(text, file);
  const parsed = manifestSchema.safeParse(value, { reportInput: true });
  if (!parsed.success) throw invalid(file, text, parsed.error.issues.flatMap(findings));
  // Optional members are absent, never undefined: JSON has no undefined.
  const manifest = parsed.data as Manifest;
  const problems = manifestProblems(manifest);
  if (problems.length > 0) throw invalid(file, text, problems);
  if (canonicalJson(manifest) !== text) throw notFrozen(file, text, canonicalJson(manifest));
  return manifest;
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ResealError('MANIFEST_INVALID', `${file}: found bytes that are not UTF-8, expected a manifest in JSON.`, { cause });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const offset = /at position (\d+)/.exec(said)?.[1];
    const line = offset === undefined ? '' : `:${text.slice(0, Number(offset)).split('\n').length}`;
    throw new ResealError(
      'MANIFEST_INVALID',
      `${file}${line}: this is not JSON (${said}); expected a manifest as \`reseal manifest freeze\` writes it.`,
      { cause },
    );
  }
}

function findings(issue: z.core.$ZodIssue): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      found: 'an unknown field',
      expected: 'only the fields that the schema names',
    }));
  }
  return [{ path, found: show(issue.input), expected: expectation(issue) }];
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return issue.values.map(String).join(' | ');
    case 'too_small':
      return 'at least one';
    default:
      return issue.message;
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function invalid(file: string, text: string, all: readonly Finding[]): ResealError {
  const lineOf = locator(text);
  const details = all.map(
    ({ path, found, expected }) => `${file}:${lineOf(path)}: ${fieldName(path)}: found ${found}, expected ${expected}`,
  );
  return new ResealError('MANIFEST_INVALID', `${details[0] ?? file}${details.length > 1 ? ` (and ${details.length - 1} more)` : ''}.`, {
    details,
  });
}

/** The line (from 1) of a path's nearest part that the text has. */
function locator(text: string): (path: readonly (string | number)[]) => number {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, schema: 'json' });
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true) as Node | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
}

function notFrozen(file: string, text: string, frozen: string): ResealError {
  const lines = text.split('\n');
  const expected = frozen.split('\n');
  const differs = expected.findIndex((line, index) => line !== lines[index]);
  const at = differs < 0 ? lines.length : differs + 1;
  const found = JSON.stringify(lines[at - 1] ?? '');
  return new ResealError(
    'MANIFEST_INVALID',
    `${file}:${at}: these are not frozen bytes (keys sorted, two spaces, LF, final newline): found ${found}, expected ${JSON.stringify(expected[at - 1] ?? 'the end of the file')}. ` +
      'Freeze it again with `reseal manifest freeze`; its digest will be another one.',
  );
}
