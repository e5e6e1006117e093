import { LineCounter, parseDocument, type Node } from 'yaml';
import type { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import type { Manifest } from '../domain/manifest.js';
import { fieldName, manifestProblems } from '../domain/manifest-rules.js';
import { readJson } from '../schema/json-text.js';
import { manifestSchema } from '../schema/manifest.js';
import { canonicalJson } from './canonical-json.js';

/** Largest manifest that is read, in bytes: ten thousand entries, each with its own certificates, have some 12 million. */
const LARGEST = 32 * 1024 * 1024;
/** Entries of a manifest: a profile for each of ten thousand nodes, twice. What is wrong with each of a million would be a million findings. */
const MOST_ENTRIES = 20_000;
/** Findings that are told one by one. */
const MOST_FINDINGS = 200;

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
  if (bytes.length > LARGEST)
    throw new ResealError('MANIFEST_INVALID', `${file}: found ${bytes.length} bytes, expected a manifest of at most ${LARGEST}.`);
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
  const read = readJson(text);
  if ('value' in read) return refuseExcess(read.value, file);
  if (read.cause === undefined)
    throw new ResealError('MANIFEST_INVALID', `${file}: this ${read.fault}; expected a manifest, which nests four levels deep.`);
  const { cause } = read;
  const said = cause instanceof Error ? cause.message : 'it ends the reader';
  const offset = /at position (\d+)/.exec(said)?.[1];
  const line = offset === undefined ? '' : `:${text.slice(0, Number(offset)).split('\n').length}`;
  throw new ResealError(
    'MANIFEST_INVALID',
    `${file}${line}: this is not JSON (${said}); expected a manifest as \`reseal manifest freeze\` writes it.`,
    { cause },
  );
}

function refuseExcess(value: unknown, file: string): unknown {
  const entries = typeof value === 'object' && value !== null && 'profiles' in value ? value.profiles : null;
  if (!Array.isArray(entries) || entries.length <= MOST_ENTRIES) return value;
  throw new ResealError('MANIFEST_INVALID', `${file}: profiles: found ${entries.length} entries, expected at most ${MOST_ENTRIES}.`);
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
  const details = all
    .slice(0, MOST_FINDINGS)
    .map(({ path, found, expected }) => `${file}:${lineOf(path)}: ${fieldName(path)}: found ${found}, expected ${expected}`);
  return new ResealError('MANIFEST_INVALID', `${details[0] ?? file}${all.length > 1 ? ` (and ${all.length - 1} more)` : ''}.`, {
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
