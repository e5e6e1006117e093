import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  readKeychain,
  resolveKeychain,
  searchList,
  type Keychain,
  type KeychainCertificate,
  type KeychainIdentity,
} from '../keychain-file.js';
import type { Answer, Call } from './call.js';
import { dumpCertificate } from './item-dump.js';
import { isGiven, readOptions, valueOf, type Options } from './options.js';
import { failure, misuse, said } from './sentences.js';

/** `security find-certificate` (SecurityTool/macOS/keychain_find.c): the first certificate, or all (-a), whose common name has a text in it. */
export function findCertificate(call: Call, args: readonly string[]): Answer {
  const options = readOptions(args, 'hac:e:mpZ');
  if (options.wrong !== null) return misuse(options.wrong);
  if (isGiven(options, 'h')) return misuse();
  if (isGiven(options, 'e') || isGiven(options, 'm')) return said('this simulated Mac has no certificates with an e-mail address');
  const paths = options.rest.length === 0 ? searchList(call.state) : options.rest.map((name) => resolveKeychain(call.state, name));
  const text = valueOf(options, 'c')?.toLowerCase() ?? '';
  const found = paths.flatMap((path) => certificatesOf(readKeychain(path))).filter(({ item }) => item.label.toLowerCase().includes(text));
  const shown = isGiven(options, 'a') ? found : found.slice(0, 1);
  // The result is an OSStatus here, whose last byte is the exit code: 44.
  if (shown.length === 0 && !isGiven(options, 'a')) return failure('SecKeychainSearchCopyNext', -25300, -25300 & 0xff);
  return { stdout: shown.map((one) => printed(call, options, one)).join(''), code: 0 };
}

interface Found {
  readonly keychain: Keychain;
  readonly item: KeychainCertificate | KeychainIdentity;
}

const certificatesOf = (keychain: Keychain | number): readonly Found[] =>
  typeof keychain === 'number' ? [] : keychain.items.flatMap((item) => (item.kind === 'key' ? [] : [{ keychain, item }]));

function printed(call: Call, options: Options, { keychain, item }: Found): string {
  const certificate = new X509Certificate(readFileSync(call.state.certificate(keychain.id, item.sha1)));
  const digest = (hex: string): string => hex.replaceAll(':', '');
  const hashes = isGiven(options, 'Z')
    ? `SHA-256 hash: ${digest(certificate.fingerprint256)}\nSHA-1 hash: ${digest(certificate.fingerprint)}\n`
    : '';
  return hashes + (isGiven(options, 'p') ? certificate.toString() : dumpCertificate(keychain, item, certificate));
}
