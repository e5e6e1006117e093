import type { CommandResult, NodePath, NodeShell } from '../node-shell/contract.js';
import { securityLine } from '../node-shell/security-line.js';

/**
 * What a command on a keychain came to. The codes are those of SecBase.h, which `security -i` tells as `<command>: returned <OSStatus>`
 * (SecurityTool/macOS/security.c).
 */
export type KeychainOutcome =
  | 'done'
  /** -25293 errSecAuthFailed: the password is another one. */
  | 'wrong-password'
  /** -25308 errSecInteractionNotAllowed: locked, and nobody can be asked; or a session in which keys cannot be used. */
  | 'locked'
  /** -25294 errSecNoSuchKeychain */
  | 'missing'
  /** -25295 errSecInvalidKeychain */
  | 'not-a-keychain'
  /** -25296 errSecDuplicateKeychain, -25299 errSecDuplicateItem */
  | 'there-already'
  /** -25264 errSecPkcs12VerifyFailure */
  | 'pkcs12-refused'
  /** -25257 errSecUnknownFormat */
  | 'unknown-format'
  /** -25300 errSecItemNotFound: it holds no key. */
  | 'no-key'
  /** More words, or a longer line, than `security -i` takes; it would drop the rest without a word. */
  | 'too-long'
  | 'expired'
  /** Not even tried: the canary process is away, or does not do it. */
  | 'not-run'
  | 'no-program'
  | 'unclear';

const OUTCOMES: Readonly<Record<number, KeychainOutcome>> = {
  [-25293]: 'wrong-password',
  [-25308]: 'locked',
  [-25294]: 'missing',
  [-25295]: 'not-a-keychain',
  [-25296]: 'there-already',
  [-25299]: 'there-already',
  [-25264]: 'pkcs12-refused',
  [-25257]: 'unknown-format',
  [-25300]: 'no-key',
};

/** Sentences of commands that return 1 whatever went wrong (mac-tools.md). */
const SENTENCES: readonly (readonly [RegExp, KeychainOutcome])[] = [
  [/passphrase you entered is not correct/, 'wrong-password'],
  [/User interaction is not allowed/, 'locked'],
  [/MAC verification failed/, 'pkcs12-refused'],
  [/Unknown format in import/, 'unknown-format'],
  [/already exists in the keychain/, 'there-already'],
  [/specified keychain could not be found/, 'missing'],
  [/specified item could not be found/, 'no-key'],
];

/**
 * Commands that change keychains. All go to `security -i` on stdin: an argument is seen by everybody on the node, stdin is not. What they print
 * names keys and people, so it is read here and goes nowhere else.
 */
export class KeychainCommands {
  constructor(
    private readonly shell: NodeShell,
    /** Milliseconds for one command. */
    private readonly timeout: number,
  ) {}

  /** macOS puts it on the search list too (StorageManager::created). */
  create(keychain: NodePath, password: string): Promise<KeychainOutcome> {
    return this.one('create-keychain', '-p', password, keychain);
  }

  unlock(keychain: NodePath, password: string): Promise<KeychainOutcome> {
    return this.one('unlock-keychain', '-p', password, keychain);
  }

  lock(keychain: NodePath): Promise<KeychainOutcome> {
    return this.one('lock-keychain', keychain);
  }

  remove(keychain: NodePath): Promise<KeychainOutcome> {
    return this.one('delete-keychain', keychain);
  }

  /** @param seconds without use until it locks; null: never, nor when the Mac sleeps */
  settings(keychain: NodePath, seconds: number | null): Promise<KeychainOutcome> {
    return this.one('set-keychain-settings', ...(seconds === null ? [] : ['-l', '-t', String(seconds)]), keychain);
  }

  /** @param file PKCS#12 on the node */
  importPkcs12(keychain: NodePath, file: NodePath, password: string): Promise<KeychainOutcome> {
    const users = ['-T', '/usr/bin/codesign', '-T', '/usr/bin/security'];
    return this.one('import', file, '-k', keychain, '-f', 'pkcs12', '-P', password, ...users);
  }

  /**
   * Every identity of a keychain, as PKCS#12 in PEM on stdout: nothing of it is written to a disk (keychain_export.m writes a file with `-o` alone, and
   * `-p` sets kSecItemPemArmour). `pem` is as secret as `password` is.
   */
  async exportPkcs12(keychain: NodePath, password: string): Promise<{ readonly pem: string } | Exclude<KeychainOutcome, 'done'>> {
    const result = await this.run('export', '-k', keychain, '-t', 'identities', '-f', 'pkcs12', '-p', '-P', password);
    if (typeof result === 'string') return result;
    const outcome = outcomeOf(result);
    if (outcome !== 'done') return outcome;
    return result.code === 0 ? { pem: result.stdout } : 'unclear';
  }

  /** Without it `codesign` asks by a window, and where there is no screen fails with errSecInternalComponent. */
  allowCodesign(keychain: NodePath, password: string): Promise<KeychainOutcome> {
    return this.one('set-key-partition-list', '-S', 'apple-tool:,apple:,codesign:', '-s', '-k', password, keychain);
  }

  /** The user's search list, whole. */
  setSearchList(keychains: readonly NodePath[]): Promise<KeychainOutcome> {
    return this.one('list-keychains', '-d', 'user', '-s', ...keychains);
  }

  private async one(...words: readonly string[]): Promise<KeychainOutcome> {
    const result = await this.run(...words);
    return typeof result === 'string' ? result : outcomeOf(result);
  }

  private async run(...words: readonly string[]): Promise<CommandResult | 'too-long' | 'unclear'> {
    const command = securityLine(words);
    if ('none' in command) return command.none === 'too-long' ? 'too-long' : 'unclear';
    return this.shell.run({ program: 'security', args: ['-i'], stdin: `${command.line}\n`, timeout: this.timeout });
  }
}

function outcomeOf({ code, stderr, expired, notRun }: CommandResult): KeychainOutcome {
  if (notRun !== undefined) return 'not-run';
  if (expired) return 'expired';
  const returned = /: returned (-?\d+)/.exec(stderr)?.[1];
  if (returned === undefined) return code === 0 ? 'done' : code === 127 ? 'no-program' : 'unclear';
  return OUTCOMES[Number(returned)] ?? SENTENCES.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'unclear';
}
