import type { CommandResult, NodeShell } from '../node-shell/contract.js';
import { securityLine } from '../node-shell/security-line.js';
import { parseFindIdentities, parseFindIdentity, type ListedIdentities } from './find-identity.js';
import { partitionLists } from './partition-lists.js';
import {
  keychainState,
  parseKeychainInfo,
  parseKeychainInfos,
  parseKeychainList,
  type KeychainInfo,
  type KeychainState,
  type ShownKeychain,
} from './keychains.js';

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

  /** How each of several keychains is, by one process for all of them. */
  async keychains(paths: readonly string[]): Promise<Said<readonly ShownKeychain[]>> {
    return this.ofEach('show-keychain-info', [], paths, ({ stderr }) => parseKeychainInfos(stderr));
  }

  /** What each of several keychains holds, by one process for all of them. */
  async identitiesOf(paths: readonly string[]): Promise<Said<readonly ListedIdentities[]>> {
    return this.ofEach('find-identity', ['-p', 'codesigning'], paths, ({ stdout }) => parseFindIdentities(stdout));
  }

  /** Of the private keys of a keychain; it shows no secret without `-d`, and its names and labels go nowhere from here. */
  async partitionLists(path: string): Promise<Said<readonly (readonly string[] | null)[]>> {
    const result = await this.run('dump-keychain', '-a', path);
    return result.code === 0 && !result.expired ? { answer: partitionLists(result.stdout) } : noAnswer('dump-keychain', result);
  }

  /** One command for each keychain, on the stdin of one `security -i`: its exit code is that of the last one, and says nothing of the others. */
  private async ofEach<T>(
    command: string,
    options: readonly string[],
    paths: readonly string[],
    read: (result: CommandResult) => readonly T[] | null,
  ): Promise<Said<readonly T[]>> {
    if (paths.length === 0) return { answer: [] };
    const lines = paths.map((path) => securityLine([command, ...options, path]));
    const stdin = lines.map((one) => ('line' in one ? `${one.line}\n` : '')).join('');
    const result = await this.shell.run({ program: 'security', args: ['-i'], stdin, timeout: this.timeout });
    if (result.notRun !== undefined || result.code === 127 || result.expired) return noAnswer(command, result);
    const answers = read(result);
    return answers?.length === paths.length ? { answer: answers } : unclear(command, result);
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
