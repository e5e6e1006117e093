import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encryptMatch, type MatchFormat } from '../../activities/profile-source/match/encryption.js';
import { MatchRepository } from '../../activities/profile-source/match/repository.js';
import { createMatchSource, type MatchSourceOptions } from '../../activities/profile-source/match/source.js';
import { VerifiedProfiles } from '../../src/profile/index.js';
import { pinRoots } from '../../src/profile/trust.js';
import type { AppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

export const PASSPHRASE = 'correct horse battery staple';
export const V2: MatchFormat = { version: 'v2' };

/** A bare repository as `fastlane match` keeps it, and a working copy of somebody's who pushes to it. */
export class TestMatchRepository {
  readonly folder = temporaryFolder('reseal-match');
  readonly bare = join(this.folder, 'certificates.git');
  readonly clones = join(this.folder, 'clones');
  private readonly work = join(this.folder, 'work');

  constructor(readonly branch = 'master') {
    execFileSync('git', ['init', '--quiet', '--bare', '-b', branch, this.bare]);
    execFileSync('git', ['clone', '--quiet', this.bare, this.work], { stdio: 'ignore' });
    this.git('config', 'user.email', 'match@example.com');
    this.git('config', 'user.name', 'match');
    this.git('checkout', '--quiet', '-B', branch);
    this.push({ 'match_version.txt': '2.227.0', 'README.md': '# fastlane match', 'certs/distribution/ABC.p12': 'a key that nobody reads' });
  }

  /** Commits files as they are and pushes. */
  push(files: Readonly<Record<string, string | Uint8Array>>, ...options: readonly string[]): void {
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(dirname(join(this.work, path)), { recursive: true });
      writeFileSync(join(this.work, path), contents);
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', '[fastlane] Updated appstore and platform ios');
    this.git('push', '--quiet', ...options, 'origin', `HEAD:${this.branch}`);
  }

  async pushProfile(path: string, bytes: Uint8Array, format: MatchFormat = V2): Promise<void> {
    this.push({ [path]: await encryptMatch(bytes, PASSPHRASE, format) });
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', ['-C', this.work, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  /** What git says of the repository itself. */
  bareGit(...args: readonly string[]): string {
    return execFileSync('git', [`--git-dir=${this.bare}`, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  options(apple: AppleHierarchy, over: Partial<{ url: string; branch: string; passphrase: string }> = {}): MatchSourceOptions {
    const repository = new MatchRepository({
      name: 'match',
      url: over.url ?? this.bare,
      branch: over.branch ?? this.branch,
      timeout: 20_000,
      clones: this.clones,
      ssh: { knownHosts: null, config: null, connectTimeout: 5_000 },
    });
    const profiles = new VerifiedProfiles({ roots: pinRoots([apple.rootPem]) });
    return {
      name: 'match',
      repository,
      profiles,
      successors: 'written-back',
      passphrase: () => Promise.resolve(over.passphrase ?? PASSPHRASE),
    };
  }

  source(apple: AppleHierarchy, over: Parameters<TestMatchRepository['options']>[1] = {}): ReturnType<typeof createMatchSource> {
    return createMatchSource(this.options(apple, over));
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
