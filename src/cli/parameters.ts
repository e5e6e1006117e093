import { Argument, type Command as Commander, InvalidArgumentError, Option } from 'commander';
import { ResealError } from '../domain/errors.js';
import type { AnyCommand, Arguments, Options } from './command.js';

// What a command declares, as commander takes it, and what commander then gives, as the command takes it.

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function wholeNumber(text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

const collect = (value: string, earlier: readonly string[] | undefined): readonly string[] => [...(earlier ?? []), value];

/** As the usage line has it: `<ID>`, `[FILE...]`. */
const argumentTerm = ([name, { kind, required }]: [string, Arguments[string]]): string => {
  const word = `${kebab(name).toUpperCase()}${kind === 'list' ? '...' : ''}`;
  return required === true ? `<${word}>` : `[${word}]`;
};

/** Commander takes what is required as if it were not: it would report the first that is missing, and people want all (`refuseMissing`). */
export function addArguments(commander: Commander, declared: Arguments): void {
  const entries = Object.entries(declared);
  for (const entry of entries) {
    commander.addArgument(new Argument(argumentTerm(entry).replace(/^<(.*)>$/, '[$1]'), entry[1].description));
  }
  commander.usage(['[options]', ...entries.map(argumentTerm)].join(' '));
}

function optionTerm(name: string, { kind, value = kebab(name).toUpperCase() }: Options[string]): string {
  const flag = `--${kebab(name)}`;
  switch (kind) {
    case 'flag':
      return flag;
    case 'list':
      return `${flag} <${value}...>`;
    case 'text':
    case 'count':
      return `${flag} <${value}>`;
  }
}

export function addOptions(commander: Commander, declared: Options): void {
  for (const [name, parameter] of Object.entries(declared)) {
    const option = new Option(optionTerm(name, parameter), parameter.description);
    if (parameter.kind === 'count') option.argParser(wholeNumber);
    if (parameter.kind === 'list') option.argParser(collect);
    commander.addOption(option);
  }
}

export function argumentValues(declared: Arguments, given: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(declared).map(([name, { kind }], index) => [name, given[index] ?? (kind === 'list' ? [] : undefined)]),
  );
}

export function optionValues(declared: Options, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const absent = { flag: false, list: [], text: undefined, count: undefined };
  return Object.fromEntries(Object.entries(declared).map(([name, { kind }]) => [name, given[name] ?? absent[kind]]));
}

/** @throws ResealError USAGE naming everything that is required and was not given, at once */
export function refuseMissing(
  { arguments: declared, options }: AnyCommand,
  args: readonly unknown[],
  given: Readonly<Record<string, unknown>>,
): void {
  const absent = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0);
  const missing = [
    ...Object.entries(declared).flatMap(([name, { required }], index) =>
      required === true && absent(args[index]) ? [`argument '${kebab(name).toUpperCase()}'`] : [],
    ),
    ...Object.entries(options).flatMap(([name, parameter]) =>
      parameter.kind !== 'flag' && parameter.required === true && absent(given[name]) ? [`option '${optionTerm(name, parameter)}'`] : [],
    ),
  ];
  if (missing.length === 0) return;
  const [last = '', ...others] = [...missing].reverse();
  throw new ResealError('USAGE', `Missing required ${others.length === 0 ? last : `${others.reverse().join(', ')} and ${last}`}.`);
}
