import { posix } from 'node:path';
import type { NodeProgram } from '../contract.js';

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
 * Everything that is served (mac-tools.md: find-identity and signing only). Two more commands only look, and answer for the account that asks: its search
 * list, and whether a keychain is locked. Nothing here takes a secret, so nothing that has something on stdin is served.
 */
const PERMISSIONS: readonly Permission[] = [
  { program: 'security', begins: ['find-identity'], allows: (rest) => words(rest, { flags: ['-v'], values: { '-p': isWord }, last: isKeychain }) },
  { program: 'security', begins: ['list-keychains', '-d', 'user'], allows: (rest) => rest.length === 0 },
  { program: 'security', begins: ['show-keychain-info'], allows: ([keychain, ...more]) => more.length === 0 && keychain !== undefined && isKeychain(keychain) },
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
  const what = `${program}${args[0] === undefined || args[0].startsWith('/') ? '' : ` ${args[0].slice(0, 40)}`}`;
  if (mine.length === 0) return `\`${what}\` is nothing that the canary process runs`;
  if (stdin !== '') return `\`${what}\` was given an input, and nothing that the canary process runs takes one`;
  return mine.some((one) => one.allows(args.slice(one.begins.length), bundles))
    ? null
    : `\`${what}\` was given arguments that the canary process does not let through: it looks at keychains, and signs in ${bundles.join(', ')} alone`;
}

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
const isKeychain = (value: string): boolean => isTidy(value) && /\.keychain(?:-db)?$/.test(value);
const isTidy = (value: string): boolean => value.startsWith('/') && posix.normalize(value) === value;

/** Below one of these folders, by its name; a path with `..` in it is not. */
const within =
  (folders: readonly string[]) =>
  (value: string): boolean =>
    isTidy(value) && folders.some((folder) => value.startsWith(`${folder}/`));
