import { isDedicated } from '../../domain/node/identities.js';
import type { NodeProgram } from '../contract.js';
import { linesOf } from '../security-line.js';
import { isKeychain, isKeychainCommand, within } from './keychain-requests.js';

/** What the canary process is asked to run. */
export interface CanaryRequest {
  readonly program: NodeProgram;
  readonly args: readonly string[];
  readonly stdin: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Programs that belong in the session of the account that builds: keychains, and what signs with them. The agent runs the others itself. */
export const CANARY_PROGRAMS: ReadonlySet<NodeProgram> = new Set<NodeProgram>(['security', 'codesign', 'xcodebuild']);

/** One kind of request that is served. A further one is a further entry. */
interface Permission {
  readonly program: NodeProgram;
  /** The words that it begins with. */
  readonly begins: readonly string[];
  /** What follows them. @param bundles folders in which canary bundles lie */
  readonly allows: (rest: readonly string[], bundles: readonly string[]) => boolean;
}

/**
 * Everything that is served without an input: looking at keychains, which answers for the account that asks, and signing in `bundles`. Looks may come as
 * lines of `security -i` too, several at once. What changes keychains takes secrets and comes as one line on stdin (`keychain-requests.ts`); nothing
 * else that has something there is served.
 */
const PERMISSIONS: readonly Permission[] = [
  { program: 'security', begins: ['find-identity'], allows: (rest) => words(rest, { flags: ['-v'], values: { '-p': isWord }, last: isKeychain }) },
  { program: 'security', begins: ['list-keychains', '-d', 'user'], allows: (rest) => rest.length === 0 },
  { program: 'security', begins: ['show-keychain-info'], allows: ([keychain, ...more]) => more.length === 0 && keychain !== undefined && isKeychain(keychain) },
  { program: 'security', begins: ['dump-keychain', '-a'], allows: ([keychain, ...more]) => more.length === 0 && keychain !== undefined && isDedicated(keychain) && isKeychain(keychain) },
  { program: 'codesign', begins: [], allows: isSigningOfBundles },
  { program: 'xcodebuild', begins: ['-version'], allows: (rest) => rest.length === 0 },
  { program: 'xcodebuild', begins: ['-exportArchive'], allows: (rest, bundles) => {
    const below = within(bundles);
    return words(rest, { flags: [], values: { '-archivePath': below, '-exportPath': below, '-exportOptionsPlist': below }, last: () => false });
  } },
]; // prettier-ignore

/** Null: it is served. Else why not, in words that name no argument: those may name people. */
export function refusalOf({ program, args, stdin }: CanaryRequest, bundles: readonly string[]): string | null {
  const mine = PERMISSIONS.filter((one) => one.program === program && one.begins.every((word, position) => args[position] === word));
  if (program === 'security' && args.join(' ') === '-i') return refusalOfLines(stdin, bundles);
  const what = `${program}${args[0] === undefined || args[0].startsWith('/') ? '' : ` ${args[0].slice(0, 40)}`}`;
  if (mine.length === 0) return `\`${what}\` is nothing that the canary process runs`;
  if (stdin !== '') return `\`${what}\` was given an input, and takes none`;
  return mine.some((one) => one.allows(args.slice(one.begins.length), bundles))
    ? null
    : `\`${what}\` was given arguments that the canary process does not let through: it looks at keychains, and signs in ${bundles.join(', ')} alone`;
}

/** Lines may hold passwords: of them a refusal repeats the name of the command at most. */
function refusalOfLines(stdin: string, bundles: readonly string[]): string | null {
  const lines = linesOf(stdin) ?? [];
  if (lines.length > 0 && lines.every((line) => isLook(line, bundles))) return null;
  const [words, ...more] = lines;
  if (words === undefined || more.length > 0)
    return '`security -i` was not given one command in one line, nor lines that only look at keychains';
  if (isKeychainCommand(words, bundles)) return null;
  const command = /^[a-z-]{1,40}$/.test(words[0] ?? '') ? ` ${words[0] ?? ''}` : '';
  return `\`security -i\` was given a command${command} that the canary process does not let through: it changes the keychains that reseal makes, and the search list, alone`;
}

/** Whether a line is one of the commands of `security` that are served without an input too: none of them takes a secret. */
const isLook = (line: readonly string[], bundles: readonly string[]): boolean =>
  PERMISSIONS.some(
    ({ program, begins, allows }) =>
      program === 'security' && begins.every((word, position) => line[position] === word) && allows(line.slice(begins.length), bundles),
  );

/** Every word in which a path may be. */
export const wordsIn = ({ args, stdin }: CanaryRequest): readonly string[] => [...args, ...(linesOf(stdin) ?? []).flat()];

function isSigningOfBundles(args: readonly string[], bundles: readonly string[]): boolean {
  const below = within(bundles);
  const isEntitlements = (value: string): boolean => value === '-' || value === ':-' || below(value);
  const options = {
    flags: ['-f', '--force', '--verify', '-v', '-vv', '-vvv', '-vvvv', '--verbose', '-d', '-dv', '-dvv', '-dvvv', '-dvvvv', '--display'],
    values: {
      '-s': isIdentity, '--sign': isIdentity, '--keychain': isKeychain, '--entitlements': isEntitlements, '-i': isWord, '--identifier': isWord,
    }, // prettier-ignore
    last: below,
  };
  const more = ['--strict', '--deep', '--generate-entitlement-der', '--timestamp', '--timestamp=none', '--verbose=4', '--xml'];
  return args.some(below) && words(args, { ...options, flags: [...options.flags, ...more] });
}

interface Options {
  readonly flags: readonly string[];
  /** An option with the value that follows it. */
  readonly values: Readonly<Record<string, (value: string) => boolean>>;
  /** What is no option. */
  readonly last: (value: string) => boolean;
}

/** Whether every word is one of these. */
function words(args: readonly string[], { flags, values, last }: Options): boolean {
  for (let position = 0; position < args.length; position += 1) {
    const word = args[position] ?? '';
    if (flags.includes(word)) continue;
    const fits = Object.hasOwn(values, word) ? values[word] : undefined;
    if (fits === undefined) {
      if (word.startsWith('-') || !last(word)) return false;
      continue;
    }
    position += 1;
    const value = args[position];
    if (value === undefined || !fits(value)) return false;
  }
  return true;
}

const isWord = (value: string): boolean => /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(value);
/** The SHA-1 of a certificate: names are ambiguous (mac-tools.md). `-`: ad hoc. */
const isIdentity = (value: string): boolean => value === '-' || /^[0-9A-Fa-f]{40}$/.test(value);
