import { join } from 'node:path';
import { ResealError } from '../../../src/domain/errors.js';
import { storeAddress } from '../../../src/domain/store-address.js';
import type { SshSettings } from '../../../src/node-shell/ssh/settings.js';
import { sha256Hex } from '../../../src/profile/digest.js';
import { git, GitFailure, NO_SPACE } from '../../git/command.js';
import type { Change } from '../../git/commits.js';
import { GitMirror, type Pushed } from '../../git/mirror.js';
import { GitObjects } from '../../git/objects.js';
import { remoteReason } from '../../git/remote-failures.js';
import { sshCommand } from '../../git/ssh-command.js';

export interface MatchRepositoryOptions {
  /** Of the source, in reseal.yaml. */
  readonly name: string;
  /** An address that git reaches, or an absolute path. */
  readonly url: string;
  readonly branch: string;
  /** How long the other side may take to answer, in milliseconds. */
  readonly timeout: number;
  /** Absolute folder for clones of this machine. */
  readonly clones: string;
  readonly ssh: Pick<SshSettings, 'knownHosts' | 'config' | 'connectTimeout'>;
}

export interface MatchFile {
  /** As `profiles/appstore/AppStore_com.acme.courier.mobileprovision`. */
  readonly path: string;
  /** As stored; null for what is no file, or too large for one. */
  readonly stored: Uint8Array | null;
}

/** Everything below `profiles/` at one commit. */
export interface MatchTree {
  readonly tip: string;
  readonly files: readonly MatchFile[];
}

/** Larger than any encrypted profile; a profile has at most 4 MB. */
const LARGEST = 8 * 1024 * 1024;

/** The git repository of a fastlane match installation. Only what lies below `profiles/` is ever read; keys and certificates are not reseal's business. */
export class MatchRepository {
  private readonly mirror: GitMirror;

  /** @throws ResealError CONFIG_INVALID for an address that git could not use, or that would show a credential */
  constructor(private readonly options: MatchRepositoryOptions) {
    const { name, url, branch, timeout, clones, ssh } = options;
    const address = storeAddress(url);
    if (address.kind === 'refused')
      throw new ResealError('CONFIG_INVALID', `The address of the source ${name}: found ${address.found}, expected ${address.expected}.`);
    const folder = join(clones, `match-${sha256Hex(Buffer.from(`${url} ${branch}`)).slice(0, 16)}`);
    const protocol = address.kind === 'path' ? 'file' : address.protocol;
    this.mirror = new GitMirror({ url, branch, folder }, { protocol, timeout, ssh: sshCommand(ssh) });
  }

  /** `The match repository git@…:certificates.git of source match`, the beginning of every sentence about it. */
  get described(): string {
    return `The match repository ${this.options.url} of source ${this.options.name}`;
  }

  /** The branch as it is now. @throws ResealError SOURCE_UNREACHABLE, SOURCE_REFUSED where it has no such branch */
  async read(): Promise<MatchTree> {
    try {
      const tip = await this.mirror.tip();
      if (tip === null) throw this.noBranch();
      return { tip, files: await this.filesAt(tip) };
    } catch (cause) {
      throw this.failure(cause);
    }
  }

  /** One commit on the tip that it was decided on. @throws ResealError SOURCE_UNREACHABLE where nobody knows what became of it */
  async push(tip: string, change: Change): Promise<Pushed> {
    try {
      return await this.mirror.push(tip, change);
    } catch (cause) {
      throw this.failure(cause);
    }
  }

  private async filesAt(tip: string): Promise<readonly MatchFile[]> {
    const { repository } = this.mirror;
    const command = ['ls-tree', '-r', '-z', '-l', '--full-tree', tip, '--', 'profiles/'];
    const rows = (await git({ repository, command })).split('\0').filter((row) => row !== '');
    const objects = new GitObjects(repository);
    try {
      const files: MatchFile[] = [];
      for (const row of rows) {
        const [, mode = '', id = '', size = '', path = ''] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t([^]*)$/.exec(row) ?? [];
        const isRegular = mode.startsWith('100') && Number(size) <= LARGEST;
        files.push({ path, stored: isRegular ? ((await objects.read(id))?.bytes ?? null) : null });
      }
      return files;
    } finally {
      await objects.close();
    }
  }

  private noBranch(): ResealError {
    const { name, branch } = this.options;
    return new ResealError(
      'SOURCE_REFUSED',
      `${this.described} has no branch ${branch}. Correct sources.${name}.branch in reseal.yaml; match itself calls it git_branch, and takes master unless it is told.`,
    );
  }

  private failure(cause: unknown): ResealError {
    if (cause instanceof ResealError) return cause;
    const said = cause instanceof GitFailure ? cause.said : cause instanceof Error ? cause.message : String(cause);
    const isDiskFull = NO_SPACE.test(said) && !/^remote:/m.test(said);
    const reason =
      isDiskFull || !(cause instanceof GitFailure)
        ? `its clone on this machine cannot be written: ${said.trim()}.`
        : remoteReason(cause, 'source');
    return new ResealError('SOURCE_UNREACHABLE', `${this.described} cannot be used: ${reason}`, { cause });
  }
}
