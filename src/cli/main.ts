import { Command as Commander, CommanderError } from 'commander';
import { askConsent, askForName, type Input } from './consent.js';
import type { AnyCommand, Context, ExitCode } from './command.js';
import { type CommandEntry, COMMANDS, NOUNS } from './commands.js';
import { errorDocument, errorLines, showError } from './errors.js';
import { createOutput, documentFor, type OutputStreams, type Readers } from './output.js';
import { addArguments, addOptions, argumentValues, optionValues, refuseMissing } from './parameters.js';
import { version } from '../temporal/version.js';

/** What the command line runs in; tests give their own. */
export interface Surroundings extends OutputStreams {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Missing: nobody can be asked anything. */
  readonly stdin?: Input;
  now(): number;
}

interface GlobalOptions {
  readonly config?: string;
  readonly home?: string;
  readonly json?: boolean;
  readonly public?: boolean;
}

const readersOf = (everybody: boolean | undefined): Readers => (everybody === true ? 'everybody' : 'whoever-asked');

const WITH_VALUE = ['--config', '--home'];

/** The first words of a command line that are no options: enough to tell which command it is. */
function wordsOf(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const part = argv[index] ?? '';
    if (part === '--') break;
    if (WITH_VALUE.includes(part)) index += 1;
    else if (!part.startsWith('-')) words.push(part);
  }
  return words;
}

function entryOf(argv: readonly string[], entries: readonly CommandEntry[]): CommandEntry | undefined {
  const words = wordsOf(argv).filter((word, index) => !(index === 0 && word === 'help'));
  return entries.find((entry) => {
    const path = entry.path.split(' ');
    return path.every((word, index) => words[index] === word);
  });
}

function contextOf(surroundings: Surroundings, options: GlobalOptions): Context {
  let signal: AbortSignal | undefined;
  return {
    output: createOutput(surroundings, { json: options.json === true, readers: readersOf(options.public), env: surroundings.env }),
    env: surroundings.env,
    cwd: surroundings.cwd,
    config: options.config,
    home: options.home,
    now: () => surroundings.now(),
    consent: (question) =>
      options.json === true ? Promise.resolve('nobody-to-ask' as const) : askConsent(question, surroundings.stdin, surroundings),
    consentByName: (question, name) =>
      options.json === true ? Promise.resolve('nobody-to-ask' as const) : askForName(question, name, surroundings.stdin, surroundings),
    interrupted: () => (signal ??= abortedBySignals()),
  };
}

function abortedBySignals(): AbortSignal {
  const controller = new AbortController();
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      controller.abort();
    });
  }
  return controller.signal;
}

/** Parses and runs; resolves to the exit code. Only the command that is asked for is loaded. */
export async function run(
  argv: readonly string[],
  surroundings: Surroundings,
  entries: readonly CommandEntry[] = COMMANDS,
): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const program = new Commander('reseal')
    .description('Rotates iOS signing assets across a mesh of Mac build nodes before they expire.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .option(
      '--config <DIR>',
      'folder of the configuration (else RESEAL_CONFIG, else ./reseal); not for commands that ask a reseal that runs',
    )
    .option('--home <DIR>', 'folder of the local state (else RESEAL_HOME, else $XDG_STATE_HOME/reseal)')
    .option('--json', 'print one JSON document')
    .option('--public', 'for tickets and channels: no full fingerprints, serial numbers, device ids or mail addresses')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: (text) => surroundings.stdout.write(text), writeErr: () => undefined })
    .exitOverride();

  const asked = entryOf(argv, entries);
  const json = argv.includes('--json');
  const readers = readersOf(argv.includes('--public'));
  try {
    const loaded = asked === undefined ? undefined : (await asked.load()).command;
    const nouns = new Map<string, Commander>();
    for (const entry of entries) {
      const [first = '', second] = entry.path.split(' ');
      const parent = second === undefined ? program : (nouns.get(first) ?? program.command(first).description(NOUNS[first] ?? ''));
      if (second !== undefined) nouns.set(first, parent);
      const commander = parent.command(second ?? first).description(entry.description);
      if (entry === asked && loaded !== undefined) wire(commander, loaded);
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    // A noun without its verb prints its verbs, which is help, and still is no command.
    if (error instanceof CommanderError && error.code === 'commander.help') return helpInstead(program, argv, surroundings);
    const shown = showError(error);
    if (json) surroundings.stdout.write(`${JSON.stringify(documentFor(readers, errorDocument(shown)), null, 2)}\n`);
    else
      createOutput(surroundings, { json, readers, env: surroundings.env }).diagnostic(
        errorLines(shown, error, surroundings.env).join('\n'),
      );
    return shown.exit;
  }
  return exit;

  function wire(commander: Commander, command: AnyCommand): void {
    addArguments(commander, command.arguments);
    addOptions(commander, command.options);
    commander.action(async (...given: unknown[]) => {
      const context = contextOf(surroundings, program.opts<GlobalOptions>());
      const words = given.slice(0, Object.keys(command.arguments).length);
      refuseMissing(command, words, commander.opts());
      const args = argumentValues(command.arguments, words);
      // The values have the types that the command declares: they were made by the same declarations.
      exit = (await command.handler(context, args as never, optionValues(command.options, commander.opts()) as never)) ?? 0;
    });
  }
}

function helpInstead(program: Commander, argv: readonly string[], surroundings: Surroundings): ExitCode {
  const noun = program.commands.find((command) => command.name() === wordsOf(argv)[0]);
  surroundings.stderr.write((noun ?? program).helpInformation());
  return 2;
}

/** The `reseal` command. */
export async function main(argv: readonly string[]): Promise<void> {
  // `reseal … | head`: the reader has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.exitCode = await run(argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    get stdin() {
      return process.stdin;
    },
    now: Date.now,
  });
}
