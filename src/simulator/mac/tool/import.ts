import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { certificateFacts } from '../certificate-facts.js';
import {
  defaultKeychain,
  isLocked,
  readKeychain,
  replaceFile,
  resolveKeychain,
  writeKeychain,
  type KeyAccess,
  type Keychain,
  type KeychainItem,
} from '../keychain-file.js';
import { openPkcs12, type Pkcs12Contents } from '../pkcs12.js';
import type { Answer, Call } from './call.js';
import { isGiven, readOptions, valueOf, type Options } from './options.js';
import { publicKeySha1 } from './public-key.js';
import { failure, misuse, said, type SecStatus } from './sentences.js';

/** `security import` (SecurityTool/macOS/keychain_import.c): PKCS#12, PEM, and certificates in DER. */
export function importItems(call: Call, args: readonly string[]): Answer {
  const [file, ...others] = args;
  if (file === undefined || (others.length === 0 && file.startsWith('-'))) return misuse();
  const options = readOptions(others, 'k:t:f:P:wxa:hAT:');
  if (options.wrong !== null) return misuse(options.wrong);
  if (isGiven(options, 'h')) return misuse();
  const name = valueOf(options, 'k');
  const path = name === null ? defaultKeychain(call.state) : resolveKeychain(call.state, name);
  if (path === null) return { code: 1 };
  if (!existsSync(file)) return said(`Error reading infile ${file}: No such file or directory`);
  const found = readItems(readFileSync(file), options, call);
  if (typeof found === 'number') return failure('SecKeychainItemImport', found);
  const keychain = readKeychain(path);
  if (typeof keychain === 'number') return failure('SecKeychainItemImport', keychain);
  if (isLocked(call.state, keychain, call.now)) return failure('SecKeychainItemImport', -25308);
  return add(call, keychain, found, accessOf(options));
}

function readItems(bytes: Uint8Array, options: Options, call: Call): Pkcs12Contents | SecStatus {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('-----BEGIN ')) return readPem(text);
  const certificate = readCertificate(bytes);
  if (certificate !== null) return { keys: [], certificates: [certificate] };
  const contents = openPkcs12(bytes, '');
  if (contents === 'format') return -25257;
  const passphrase = valueOf(options, 'P') ?? (valueOf(options, 'f') === 'pkcs12' ? call.readLine() : null);
  // Without a passphrase the tool asks by a window.
  if (passphrase === null) return -25308;
  const opened = openPkcs12(bytes, passphrase);
  if (opened === 'format') return -25257;
  if (opened === 'mac') return -25264;
  return opened;
}

function readPem(text: string): Pkcs12Contents | SecStatus {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)];
  const of = (pattern: RegExp): string[] => blocks.filter(([, kind]) => pattern.test(kind ?? '')).map(([block]) => block);
  try {
    const found = {
      keys: of(/PRIVATE KEY$/).map((pem) => createPrivateKey(pem)),
      certificates: of(/CERTIFICATE$/).map((pem) => new X509Certificate(pem)),
    };
    return found.keys.length + found.certificates.length === 0 ? -25257 : found;
  } catch {
    return -25257;
  }
}

function readCertificate(bytes: Uint8Array): X509Certificate | null {
  try {
    return new X509Certificate(bytes);
  } catch {
    return null;
  }
}

/** `security` may use what it has imported itself (create_access in access_utils.c), and its partition is the first (clientid.cpp). */
function accessOf(options: Options): KeyAccess {
  const trusted = options.given.flatMap(({ option, value }) => (option === 'T' && value ? [value] : []));
  return { access: isGiven(options, 'A') ? 'any' : trusted.length > 0 ? trusted : ['/usr/bin/security'], partitions: ['apple-tool:'] };
}

function add(call: Call, keychain: Keychain, found: Pkcs12Contents, access: KeyAccess): Answer {
  const added: KeychainItem[] = [];
  const isThere = (sha1: string): boolean => keychain.items.some((item) => item.sha1 === sha1);
  const unused = new Set(found.certificates);
  for (const key of found.keys) {
    const certificate = found.certificates.find((one) => one.checkPrivateKey(key));
    if (certificate) unused.delete(certificate);
    const item: KeychainItem = certificate
      ? { kind: 'identity', ...factsOf(certificate), ...access }
      : { kind: 'key', sha1: publicKeySha1(key), ...access };
    if (isThere(item.sha1)) continue;
    replaceSecret(call.state.privateKey(keychain.id, item.sha1), key);
    if (certificate) keepCertificate(call, keychain, certificate);
    added.push(item);
  }
  for (const certificate of unused) {
    const { sha1, label } = certificateFacts(certificate);
    if (isThere(sha1)) continue;
    keepCertificate(call, keychain, certificate);
    added.push({ kind: 'certificate', sha1, label });
  }
  if (added.length === 0) return failure('SecKeychainItemImport', -25299);
  writeKeychain({ ...keychain, items: [...keychain.items, ...added] });
  return { stdout: report(added), code: 0 };
}

function factsOf(certificate: X509Certificate): Omit<ReturnType<typeof certificateFacts>, 'team'> {
  const { team: _, ...facts } = certificateFacts(certificate);
  return facts;
}

function report(added: readonly KeychainItem[]): string {
  const line = (kind: KeychainItem['kind'], one: string, more: string): string => {
    const count = added.filter((item) => item.kind === kind).length;
    return count === 0 ? '' : `${count} ${count === 1 ? one : more} imported.\n`;
  };
  return line('identity', 'identity', 'identities') + line('key', 'key', 'keys') + line('certificate', 'certificate', 'certificates');
}

function keepCertificate(call: Call, keychain: Keychain, certificate: X509Certificate): void {
  const path = call.state.certificate(keychain.id, certificate.fingerprint.replaceAll(':', ''));
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, certificate.toString(), 0o644);
}

const replaceSecret = (path: string, key: KeyObject): void =>
  replaceFile(path, key.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
