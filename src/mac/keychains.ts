/** What `security show-keychain-info` says of an unlocked keychain. */
export interface KeychainInfo {
  readonly lockOnSleep: boolean;
  /** Seconds; null: it never locks by itself. */
  readonly timeout: number | null;
}

/** Lines of `security list-keychains`: four spaces and the quoted path (keychain_list.c). null: this is no answer of it. */
export function parseKeychainList(stdout: string): readonly string[] | null {
  const lines = stdout.split('\n').filter((line) => line !== '');
  const paths = lines.map((line) => /^ {4}"(.*)"$/.exec(line)?.[1]);
  return paths.every((path) => path !== undefined) ? paths : null;
}

/** On stderr: `Keychain "x" lock-on-sleep use-lock-interval timeout=300s`, or `… no-timeout` (keychain_show_info.c). */
export function parseKeychainInfo(stderr: string): KeychainInfo | null {
  const line = stderr.split('\n').find((one) => one.startsWith('Keychain "'));
  const [, flags, timeout] = /" *((?:lock-on-sleep|use-lock-interval| )*)(no-timeout|timeout=\d+s)/.exec(line ?? '') ?? [];
  if (timeout === undefined) return null;
  return {
    lockOnSleep: flags?.includes('lock-on-sleep') === true,
    timeout: timeout === 'no-timeout' ? null : Number(/\d+/.exec(timeout)?.[0]),
  };
}

export interface ShownKeychain {
  readonly state: KeychainState;
  /** null: it is not unlocked. */
  readonly info: KeychainInfo | null;
}

/**
 * What `security -i` says on stderr of several `show-keychain-info`, in their order: of one that is open its line, of any other, after a sentence,
 * `show-keychain-info: returned <OSStatus>` (SecurityTool/macOS/security.c). null: this is no answer of it.
 */
export function parseKeychainInfos(stderr: string): readonly ShownKeychain[] | null {
  const shown = stderr.split('\n').flatMap((line): readonly ShownKeychain[] => {
    const returned = /^show-keychain-info: returned (-?\d+)$/.exec(line)?.[1];
    if (returned !== undefined) return [{ state: keychainState(Number(returned) & 255), info: null }];
    return line.startsWith('Keychain "') ? [{ state: 'unlocked', info: parseKeychainInfo(line) }] : [];
  });
  return shown.every(({ state, info }) => state !== 'unknown' && (state === 'unlocked') === (info !== null)) ? shown : null;
}

/** The state of a keychain by the exit code of `show-keychain-info`, which is its OSStatus & 255. */
export type KeychainState = 'unlocked' | 'locked' | 'missing' | 'not-a-keychain' | 'unknown';

/** -25308 errSecInteractionNotAllowed, -25294 errSecNoSuchKeychain, -25295 errSecInvalidKeychain. */
const STATES: Readonly<Record<number, KeychainState>> = { 0: 'unlocked', 36: 'locked', 50: 'missing', 49: 'not-a-keychain' };
export const keychainState = (code: number): KeychainState => STATES[code] ?? 'unknown';
