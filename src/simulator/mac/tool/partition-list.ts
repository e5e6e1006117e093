import { existsSync } from 'node:fs';
import {
  defaultKeychain,
  isPassword,
  readKeychain,
  resolveKeychain,
  touch,
  writeKeychain,
  type KeychainIdentity,
  type KeychainItem,
  type KeychainKey,
} from '../keychain-file.js';
import type { Answer, Call } from './call.js';
import { dumpKey } from './item-dump.js';
import { isGiven, readOptions, valueOf } from './options.js';
import { failure, misuse, said } from './sentences.js';

/**
 * `security set-key-partition-list` (SecurityTool/macOS/keychain_find.c): which partitions of programs may use the private keys of a keychain.
 * Dumps every key that it changes. As newer systems do, it refuses a wrong password also where the keychain is unlocked.
 */
export function setKeyPartitionList(call: Call, args: readonly string[]): Answer {
  const options = readOptions(args, 'a:c:dD:ej:k:l:rsS:t:uvw');
  // getopt is told to say nothing here.
  if (options.wrong !== null) return misuse();
  const other = ['a', 'c', 'D', 'j'].find((one) => isGiven(options, one));
  if (other !== undefined) return said(`this simulated Mac finds keys by -l and -t and by what they can do, not by -${other}`);
  const [name, ...more] = options.rest;
  const partitions = valueOf(options, 'S');
  if (name === '' || more.length > 0 || partitions === null) return misuse();
  const path = name === undefined ? defaultKeychain(call.state) : resolveKeychain(call.state, name);
  const password = valueOf(options, 'k') ?? call.readLine() ?? '';
  const keychain = path === null ? -25294 : readKeychain(path);
  if (typeof keychain === 'number') return failure('SecKeychainUnlock', keychain);
  if (existsSync(call.state.fault('locked-for-good'))) return failure('SecKeychainUnlock', -25308);
  if (!isPassword(call.state, keychain, password)) return failure('SecKeychainUnlock', -25293);
  touch(call.state, keychain, call.now);
  const label = valueOf(options, 'l');
  // An imported key of RSA can do all that there is an option for, but verify.
  const isOther = isGiven(options, 'v') || ['symmetric', 'public'].includes(valueOf(options, 't') ?? 'private');
  const isMatch = (item: KeychainItem): item is KeychainIdentity | KeychainKey =>
    !isOther && item.kind !== 'certificate' && (label === null || (item.kind === 'identity' && item.label === label));
  const matching = keychain.items.filter(isMatch);
  if (matching.length === 0) return failure('SecItemCopyMatching', -25300);
  const items = keychain.items.map((item) => (isMatch(item) ? { ...item, partitions: partitions.split(',') } : item));
  writeKeychain({ ...keychain, items });
  return { stdout: matching.map((item) => dumpKey(call.state, keychain, item)).join(''), code: 0 };
}
