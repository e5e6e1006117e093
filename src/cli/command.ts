import type { Consent } from './consent.js';
import type { Output } from './output.js';

/** 0 done or verdict positive; 1 verdict negative; 2 usage or configuration, a name that nothing bears among it; 3 not reachable; 4 refused in the present state. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | PassedOn;
/** The exit code of a command that reseal ran for somebody. */
export type PassedOn = number & { readonly passedOn: true };

/** `text`: one value; `list`: one or more; `count`: a whole number from 0; `flag`: given or not. */
interface TextParameter {
  readonly kind: 'text';
  readonly description: string;
  readonly required?: true;
}
interface ListParameter {
  readonly kind: 'list';
  readonly description: string;
  /** At least one. */
  readonly required?: true;
}
interface CountParameter {
  readonly kind: 'count';
  readonly description: string;
  readonly required?: true;
}
interface FlagParameter {
  readonly kind: 'flag';
  readonly description: string;
}

/** In the order of the command line; only the last may be a list. Shown in upper case. */
export type Arguments = Readonly<Record<string, TextParameter | ListParameter>>;
/** By name in camel case: `buildArgs` is `--build-args`. A list option is given once with several values, or repeated. */
export type Options = Readonly<
  Record<string, (TextParameter | ListParameter | CountParameter | FlagParameter) & { readonly value?: string }>
>;

type ValueOf<P> = P extends { kind: 'flag' }
  ? boolean
  : P extends { kind: 'list' }
    ? readonly string[]
    : P extends { kind: 'count' }
      ? P extends { required: true }
        ? number
        : number | undefined
      : P extends { required: true }
        ? string
        : string | undefined;
export type Values<S> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

/** What a handler gets of its surroundings. */
export interface Context {
  readonly output: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** `--config`; undefined when not given. `configurationFolder` resolves it. */
  readonly config: string | undefined;
  /** `--home`; undefined when not given. `homeFolder` resolves it. */
  readonly home: string | undefined;
  now(): number;
  /** Asks whoever sits at the terminal, where somebody does; with `--json` nobody is asked. */
  consent(question: string): Promise<Consent>;
  /** The same, of what must not happen to another: only who writes this name says yes. */
  consentByName(question: string, name: string): Promise<Consent>;
  /** Aborted by Ctrl-C or SIGTERM. From the first call on these no longer end the process at once; a second one does. */
  interrupted(): AbortSignal;
}

/** One command; the file's path below src/cli is its command line. */
export interface Command<A extends Arguments = Arguments, O extends Options = Options> {
  readonly description: string;
  readonly arguments: A;
  readonly options: O;
  /** Resolves to the exit code; nothing is 0. Errors are thrown: `errors.ts` words them. */
  handler(context: Context, args: Values<A>, options: Values<O>): Promise<ExitCode | void>;
}

/** A command with its arguments and options inferred, for `export const command = defineCommand({…})`. */
export function defineCommand<const A extends Arguments, const O extends Options>(command: Command<A, O>): Command<A, O> {
  return command;
}

/** A command whose own types no longer matter: what the frame runs. */
export interface AnyCommand {
  readonly description: string;
  readonly arguments: Arguments;
  readonly options: Options;
  handler(context: Context, args: never, options: never): Promise<ExitCode | void>;
}
