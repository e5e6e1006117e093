import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import type { AnyCommand } from '../../src/cli/command.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GLOBAL = ['config', 'home', 'json', 'help', 'version'];
const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A command line as a message or a document tells it, from `reseal` to the end of its words. */
interface Told {
  readonly file: string;
  readonly line: string;
}

/** Command lines with options, in texts of the program and in documents; a `${…}` stands for one word. */
function toldIn(file: string): readonly Told[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, 'X');
  return [...text.matchAll(/\breseal ((?:[a-z][a-z-]* ?){1,2}(?:[\w/.-]+ )*--[^\n`'";|…)]*)/g)].map(([, line = '']) => ({
    file,
    line: line.trim(),
  }));
}

const filesOf = (folder: string, suffix: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(suffix))
    .map((path) => join(folder, path));

/** What is wrong with a command line; null where nothing is, or where it begins with no command's name: then it is a sentence. */
function faultOf(line: string, commands: ReadonlyMap<string, AnyCommand>): string | null {
  // What follows a lone -- is another program's.
  const words = (line.split(/\s--(?:\s|$)/)[0] ?? '').split(/\s+/);
  const path = [words.slice(0, 2).join(' '), words[0] ?? ''].find((one) => commands.has(one));
  const command = path === undefined ? undefined : commands.get(path);
  if (path === undefined || command === undefined) return null;
  const options = [...Object.keys(command.options).map(dashed), ...GLOBAL];
  const unknown = words.filter((word) => word.startsWith('--') && !options.includes(word.slice(2).replace(/[^a-z-].*$/, '')));
  if (unknown.length > 0) return `${path} has no ${unknown.join(', ')}`;
  const first = words[path.split(' ').length] ?? '';
  if (Object.keys(command.arguments).length === 0 && !first.startsWith('--')) return `${path} takes no ${first}`;
  return null;
}

it('every command line that people are told is one that reseal takes: no unknown option, no argument where there is none', async () => {
  const commands = new Map(await Promise.all(COMMANDS.map(async ({ path, load }) => [path, (await load()).command] as const)));
  const told = [...['src', 'activities', 'workflows'].flatMap((folder) => filesOf(folder, '.ts')), ...filesOf('docs', '.md'), 'README.md'].flatMap(toldIn); // prettier-ignore
  expect(told.length).toBeGreaterThan(40);
  expect(faultOf('rotation start ios-main --ticket TICKET', commands)).toBe('rotation start takes no ios-main');
  expect(faultOf('rotation start --line ios-main --by PERSON', commands)).toBe('rotation start has no --by');
  expect(told.flatMap(({ file, line }) => { const fault = faultOf(line, commands); return fault === null ? [] : [`${file}: ${fault} (${line})`]; })).toEqual([]); // prettier-ignore
});
