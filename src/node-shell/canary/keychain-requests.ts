import { posix } from 'node:path';
import { isDedicated, isShared } from '../../domain/node/identities.js';

/** What a word must be; `null`: any word, which is a secret. */
type Word = string | null | ((word: string, bundles: readonly string[]) => boolean);

/** An absolute path of a keychain, or the name of one that reseal makes, which `security` looks for among the account's own. */
export const isKeychain = (value: string): boolean => isOwnName(value) || (isTidy(value) && /\.keychain(?:-db)?$/.test(value));
const isOwnName = (value: string): boolean => !value.includes('/') && isDedicated(value);
export const isTidy = (value: string): boolean => value.startsWith('/') && posix.normalize(value) === value;

/** Below one of these folders, by its name; a path with `..` in it is not. */
export const within =
  (folders: readonly string[]) =>
  (value: string): boolean =>
    isTidy(value) && folders.some((folder) => value.startsWith(`${folder}/`));

/**
 * The commands that change keychains, word by word as `KeychainCommands` writes them, and the one that takes an identity out of one. Keychains are made, filled,
 * locked for good and destroyed under reseal's own names alone; one that people made is unlocked, or exported where it is no login or System keychain.
 */
const COMMANDS: readonly (readonly Word[])[] = [
  ['create-keychain', '-p', null, isOwnName],
  ['unlock-keychain', '-p', null, isKeychain],
  ['lock-keychain', isOwnName],
  ['delete-keychain', isOwnName],
  ['set-keychain-settings', isOwnName],
  ['set-keychain-settings', '-l', '-t', (word) => /^\d{1,9}$/.test(word), isOwnName],
  ['import', (word, bundles) => within(bundles)(word), '-k', isOwnName, '-f', 'pkcs12', '-P', null, '-T', '/usr/bin/codesign', '-T', '/usr/bin/security'],
  ['export', '-k', (word) => isKeychain(word) && !isShared(word), '-t', 'identities', '-f', 'pkcs12', '-p', '-P', null],
  ['set-key-partition-list', '-S', 'apple-tool:,apple:,codesign:', '-s', '-k', null, isOwnName],
]; // prettier-ignore

/** Whether a line for `security -i` is one of these. @param bundles folders in which files to be imported lie */
export function isKeychainCommand(words: readonly string[], bundles: readonly string[]): boolean {
  const [, ...lists] = words;
  // The search list, whole, of however many.
  if (words[0] === 'list-keychains')
    return lists.slice(0, 3).join(' ') === '-d user -s' && lists.length > 3 && lists.slice(3).every(isKeychain);
  return COMMANDS.some((command) => command.length === words.length && command.every((word, at) => fits(word, words[at] ?? '', bundles)));
}

function fits(expected: Word, word: string, bundles: readonly string[]): boolean {
  if (expected === null) return true;
  return typeof expected === 'string' ? word === expected : expected(word, bundles);
}
