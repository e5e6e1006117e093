import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CertificateFacts } from './certificate-facts.js';
import type { MacState } from './state.js';

/**
 * A keychain of the simulated Mac. Its file is text: what it is, id, settings, then an item a line. `programs/keychain.sh` reads the same.
 *
 * ```text
 * reseal simulated keychain 1
 * id 6ce026c2c6395774568f75022c503574
 * lock-on-sleep yes
 * use-lock-interval no
 * timeout 300
 * identity <SHA-1> <not before> <not after> <key id of the issuer> codesigning|any <access> <partitions> <label>
 * certificate <SHA-1> <label>
 * key <SHA-1 of the public key> <access> <partitions>
 * ```
 */
export interface Keychain {
  readonly path: string;
  readonly id: string;
  readonly lockOnSleep: boolean;
  readonly useLockInterval: boolean;
  /** Seconds without use until it locks; null for never. */
  readonly timeout: number | null;
  readonly items: readonly KeychainItem[];
}

export type KeychainItem = KeychainIdentity | KeychainCertificate | KeychainKey;

/** A certificate with its private key. */
export interface KeychainIdentity extends KeyAccess, Omit<CertificateFacts, 'team'> {
  readonly kind: 'identity';
}

export interface KeychainCertificate {
  readonly kind: 'certificate';
  readonly sha1: string;
  readonly label: string;
}

/** A private key whose certificate is not in the keychain. */
export interface KeychainKey extends KeyAccess {
  readonly kind: 'key';
  /** Of the public key. */
  readonly sha1: string;
}

export interface KeyAccess {
  /** Paths of the programs that may use the key without asking (`-T`), or `any` (`-A`). */
  readonly access: 'any' | readonly string[];
  /** As `apple-tool:`. */
  readonly partitions: readonly string[];
}

/** SecBase.h; what is not a keychain, and what is not there. */
export type OpenFailure = -25294 | -25295;

const MAGIC = 'reseal simulated keychain 1';

/** The file that a keychain's name stands for: as in `resolve` of programs/keychain.sh. */
export function resolveKeychain(state: MacState, name: string): string {
  const path = name.startsWith('/Library/Keychains/') ? `${state.home}${name}` : name.startsWith('/') ? name : `${state.keychains}/${name}`;
  const inHome = path.startsWith(`${state.keychains}/`) && path !== `${state.keychains}/System.keychain`;
  if (!inHome || path.endsWith('-db')) return path;
  return existsSync(`${path}-db`) || !existsSync(path) ? `${path}-db` : path;
}

/** The user's search list, then what all users have. */
export function searchList(state: MacState): readonly string[] {
  const listed = readFileSync(state.file('search-list'), 'utf8').split('\n').filter(Boolean);
  return [...listed, `${state.keychains}/System.keychain`];
}

/** The path of the default keychain; null where there is none. */
export function defaultKeychain(state: MacState): string | null {
  const path = state.file('default-keychain');
  return (existsSync(path) && readFileSync(path, 'utf8').trim()) || null;
}

export function readKeychain(path: string): Keychain | OpenFailure {
  if (!existsSync(path)) return -25294;
  const [magic, ...lines] = readFileSync(path, 'utf8').split('\n');
  if (magic !== MAGIC) return -25295;
  const setting = (name: string): string => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  const timeout = setting('timeout');
  if (!/^[0-9a-f]+$/.test(setting('id')) || timeout === '') return -25295;
  return {
    path,
    id: setting('id'),
    lockOnSleep: setting('lock-on-sleep') === 'yes',
    useLockInterval: setting('use-lock-interval') === 'yes',
    timeout: timeout === 'never' ? null : Number(timeout),
    items: lines.flatMap(readItem),
  };
}

/** Replaces the file whole. */
export function writeKeychain(keychain: Keychain): void {
  const yes = (flag: boolean): string => (flag ? 'yes' : 'no');
  const header = [
    MAGIC,
    `id ${keychain.id}`,
    `lock-on-sleep ${yes(keychain.lockOnSleep)}`,
    `use-lock-interval ${yes(keychain.useLockInterval)}`,
    `timeout ${keychain.timeout ?? 'never'}`,
  ];
  replaceFile(keychain.path, [...header, ...keychain.items.map(itemLine), ''].join('\n'), 0o644);
}

/** Whether it is locked: never unlocked, or not used for as long as its timeout. @param now seconds since 1970 */
export function isLocked(state: MacState, keychain: Keychain, now: number): boolean {
  if (existsSync(state.fault('locked-for-good'))) return true;
  if (!existsSync(state.unlocked(keychain.id))) return true;
  return keychain.timeout !== null && now - Number(readFileSync(state.unlocked(keychain.id), 'utf8')) >= keychain.timeout;
}

/** Its timeout begins anew: a key was used, or it was unlocked. @param now seconds since 1970 */
export function touch(state: MacState, keychain: Keychain, now: number): void {
  replaceFile(state.unlocked(keychain.id), `${now}\n`, 0o644);
}

export function isPassword(state: MacState, keychain: Keychain, password: string): boolean {
  const [salt = '', digest] = readFileSync(`${state.secrets(keychain.id)}/password`, 'utf8')
    .trim()
    .split(' ');
  return createHash('sha256').update(`${salt}${password}`).digest('hex') === digest;
}

export function replaceFile(path: string, content: string, mode: number): void {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, path);
}

function readItem(line: string): KeychainItem[] {
  const [kind, sha1 = '', ...rest] = line.split(' ');
  switch (kind) {
    case 'identity': {
      const [notBefore, notAfter, issuer = '-', use, access = '', partitions = '', ...label] = rest;
      return [
        {
          kind,
          sha1,
          notBefore: Number(notBefore),
          notAfter: Number(notAfter),
          issuer,
          codeSigning: use === 'codesigning',
          ...readAccess(access, partitions),
          label: label.join(' '),
        },
      ];
    }
    case 'certificate':
      return [{ kind, sha1, label: rest.join(' ') }];
    case 'key':
      return [{ kind, sha1, ...readAccess(rest[0] ?? '', rest[1] ?? '') }];
    default:
      return [];
  }
}

function itemLine(item: KeychainItem): string {
  switch (item.kind) {
    case 'identity': {
      const use = item.codeSigning ? 'codesigning' : 'any';
      return `identity ${item.sha1} ${item.notBefore} ${item.notAfter} ${item.issuer} ${use} ${accessWords(item)} ${item.label}`;
    }
    case 'certificate':
      return `certificate ${item.sha1} ${item.label}`;
    case 'key':
      return `key ${item.sha1} ${accessWords(item)}`;
  }
}

/** Words of a line have no blanks; an empty list is `-`. */
const word = (values: readonly string[]): string => values.map(encodeURIComponent).join(',') || '-';
const values = (text: string): readonly string[] => (text === '-' ? [] : text.split(',').map(decodeURIComponent));

const accessWords = (item: KeyAccess): string => `${item.access === 'any' ? 'any' : word(item.access)} ${word(item.partitions)}`;

const readAccess = (access: string, partitions: string): KeyAccess => ({
  access: access === 'any' ? 'any' : values(access),
  partitions: values(partitions),
});
