import { dirname, resolve } from 'node:path';
import type { ProjectGap } from '../domain/project-signing.js';
import type { Assignment } from './build-settings.js';
import { parseKey } from './conditions.js';
import { shown } from './invalid.js';
import type { ProjectFolder } from './project-folder.js';

export interface ReadConfiguration {
  /** In the order of the text, includes in their place. */
  readonly assignments: readonly Assignment[];
  readonly gaps: readonly ProjectGap[];
}

/** Of one file, in bytes; of one chain of includes; of all files that one file brings in. */
const LIMITS = { bytes: 1_048_576, depth: 32, files: 256 } as const;

interface Reading {
  readonly folder: ProjectFolder;
  readonly assignments: Assignment[];
  readonly gaps: ProjectGap[];
  files: number;
}

/** A line of an xcconfig file, continued lines joined. */
interface Line {
  readonly text: string;
  readonly line: number;
}

/**
 * Reads an xcconfig file with what it includes. What cannot be read is a gap, and the rest is read on, as Xcode does.
 * @param path absolute, or relative to the project's folder
 * @param from what names it
 */
export async function readConfigurationFile(
  folder: ProjectFolder,
  path: string,
  from: { readonly file: string; readonly line: number },
): Promise<ReadConfiguration> {
  const reading: Reading = { folder, assignments: [], gaps: [], files: 0 };
  await readInto(reading, path, from, []);
  return { assignments: reading.assignments, gaps: reading.gaps };
}

async function readInto(
  reading: Reading,
  path: string,
  from: { readonly file: string; readonly line: number },
  above: readonly string[],
): Promise<void> {
  const gap = (found: string, next: string): number => reading.gaps.push({ ...from, found, next });
  const name = reading.folder.nameOf(resolve(reading.folder.folder, path));
  if (above.length >= LIMITS.depth)
    return void gap(`${name}, included ${LIMITS.depth} deep`, 'it is not read; include it from fewer files');
  if (reading.files >= LIMITS.files) return void gap(`${name}, after ${LIMITS.files} files`, 'it is not read; include fewer files');
  const file = await reading.folder.read(path, LIMITS.bytes);
  switch (file.kind) {
    case 'missing':
      return void gap(`${name}, which is not there`, 'what it sets is not known; where a tool makes it, as CocoaPods does, run that first');
    case 'outside':
      return void gap(
        `${name}, which lies outside ${file.root}`,
        'it is not read: a project may only name files of its own repository or folder',
      );
    case 'refused':
      return void gap(`${name}: ${file.why}`, 'it is not read; name an xcconfig file');
    case 'read':
  }
  if (above.includes(file.path)) return void gap(`${name}, which is being included already`, 'it is not read again; take the circle apart');
  reading.files += 1;
  for (const line of linesOf(file.text)) {
    const at = { file: reading.folder.nameOf(file.path), line: line.line };
    const include = /^#\s*include(\?)?\s*"([^"]*)"$/.exec(line.text);
    if (include !== null) await includeInto(reading, include, { at, path: file.path, above: [...above, file.path] });
    else if (line.text.startsWith('#'))
      reading.gaps.push({ ...at, found: shown(line.text), next: '#include "FILE" is the only directive' });
    else addAssignment(reading, line.text, at);
  }
}

interface Including {
  readonly at: { readonly file: string; readonly line: number };
  readonly path: string;
  readonly above: readonly string[];
}

async function includeInto(reading: Reading, [, optional, target = '']: RegExpExecArray, { at, path, above }: Including): Promise<void> {
  if (target.startsWith('<DEVELOPER_DIR>')) return;
  const wanted = resolve(dirname(path), target);
  if (optional !== undefined && (await reading.folder.read(wanted, LIMITS.bytes)).kind === 'missing') return;
  await readInto(reading, wanted, at, above);
}

function addAssignment(reading: Reading, text: string, at: { readonly file: string; readonly line: number }): void {
  // The first equals sign that is in no condition.
  const [, left = '', value] = /^([A-Za-z_][A-Za-z0-9_]*\s*(?:\[[^\]]*\]\s*)*)=(.*)$/s.exec(text) ?? [];
  const key = parseKey(left.trim());
  if (key === null || value === undefined) reading.gaps.push({ ...at, found: shown(text), next: 'a setting is NAME = value' });
  else reading.assignments.push({ ...key, value: value.trim(), ...at });
}

/** Comments begin with // anywhere; a backslash at the end continues a value, and one semicolon there is dropped. Source: swift-build, MacroConfigFileParser. */
function linesOf(source: string): readonly Line[] {
  const lines: Line[] = [];
  let pending: { text: string; line: number } | null = null;
  for (const [index, raw] of source
    .replace(/^\uFEFF/, '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .entries()) {
    const comment = raw.indexOf('//');
    const text: string = (comment === -1 ? raw : raw.slice(0, comment)).trim().replace(/\s*;$/, '');
    const joined: { text: string; line: number } =
      pending === null ? { text, line: index + 1 } : { text: `${pending.text} ${text}`.trim(), line: pending.line };
    if (text.endsWith('\\')) pending = { text: joined.text.slice(0, -1).trimEnd(), line: joined.line };
    else {
      pending = null;
      if (joined.text !== '') lines.push(joined);
    }
  }
  if (pending !== null && pending.text !== '') lines.push(pending);
  return lines;
}
