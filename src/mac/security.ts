import type { CommandResult, NodeShell } from '../node-shell/contract.js';
import { parseFindIdentity, type ListedIdentities } from './find-identity.js';
import { partitionLists } from './partition-lists.js';
import { keychainState, parseKeychainInfo, parseKeychainList, type KeychainInfo, type KeychainState } from './keychains.js';

/** What a question to `security` came to; where it has no answer, why, in words of a sentence. */
export type Said<T> = { readonly answer: T } | Unsaid;

export interface Unsaid {
  readonly none: 'no-program' | 'unclear';
  readonly reason: string;
}

/** The commands of `security` that only look. None takes a secret, and none opens a window where the session has a screen. */
export class Security {
  constructor(
    private readonly shell: NodeShell,
    /** Milliseconds for one command. */
    private readonly timeout: number,
  ) {}

  /** @param keychains paths; none: those of the search list */
  async identities(keychains: readonly string[] = []): Promise<Said<ListedIdentities>> {
    const result = await this.run('find-identity', '-p', 'codesigning', ...keychains);
    if (result.code !== 0) return noAnswer('find-identity', result);
    const listed = parseFindIdentity(result.stdout);
    return listed === null ? unclear('find-identity', result) : { answer: listed };
  }

  /** The user's search list, in its order. */
  async searchList(): Promise<Said<readonly string[]>> {
    const result = await this.run('list-keychains', '-d', 'user');
    if (result.code !== 0) return noAnswer('list-keychains', result);
    const paths = parseKeychainList(result.stdout);
    return paths === null ? unclear('list-keychains', result) : { answer: paths };
  }

  async keychain(path: string): Promise<Said<{ readonly state: KeychainState; readonly info: KeychainInfo | null }>> {
    const result = await this.run('show-keychain-info', path);
    const state = keychainState(result.code);
    if (result.expired || state === 'unknown') return noAnswer('show-keychain-info', result);
    const info = state === 'unlocked' ? parseKeychainInfo(result.stderr) : null;
    return state === 'unlocked' && info === null ? unclear('show-keychain-info', result) : { answer: { state, info } };
  }

  /** Of the private keys of a keychain; it shows no secret without `-d`, and its names and labels go nowhere from here. */
  async partitionLists(path: string): Promise<Said<readonly (readonly string[] | null)[]>> {
    const result = await this.run('dump-keychain', '-a', path);
    return result.code === 0 && !result.expired ? { answer: partitionLists(result.stdout) } : noAnswer('dump-keychain', result);
  }

  private run(...args: readonly string[]): Promise<CommandResult> {
    return this.shell.run({ program: 'security', args, timeout: this.timeout });
  }
}

function noAnswer(command: string, { code, expired, notRun }: CommandResult): Unsaid {
  if (notRun !== undefined) return { none: 'unclear', reason: `\`security ${command}\` was not run: ${notRun}` };
  if (code === 127) return { none: 'no-program', reason: 'it has no `security`' };
  if (expired) return { none: 'unclear', reason: `\`security ${command}\` did not end in time` };
  // What it says may name people and paths, and this goes into reports.
  return { none: 'unclear', reason: `\`security ${command}\` ended with ${code}; run it on the node to see what it says` };
}

const unclear = (command: string, { stdout, stderr }: CommandResult): Unsaid => ({
  none: 'unclear',
  reason: `\`security ${command}\` answered something else than macOS does (${stdout.length + stderr.length} characters)`,
});
