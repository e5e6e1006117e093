import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { GitManifestStore, type GitStoreOptions } from '../../activities/manifest-store/git.js';
import { SSH_DEFAULTS } from '../../src/node-shell/ssh/settings.js';
import { freePorts } from '../../src/temporal/free-port.js';
import { keygen, launchSshd } from '../setup/sshd.js';
import type { Served } from './served.js';

/** How a store is reached. */
export type Way = 'path' | 'file' | 'ssh';

/** A bare repository of this machine, and stores that reach it in one of the ways. */
export class ServedStore implements Served<GitStoreOptions> {
  /** Two of these are two machines: each has clones of its own. */
  private machines = 0;
  private readonly opened: GitManifestStore[] = [];

  private constructor(
    readonly way: Way,
    readonly root: string,
    readonly address: string,
    private readonly ssh: typeof SSH_DEFAULTS,
    private readonly end: () => Promise<void>,
  ) {}

  static async start(way: Way): Promise<ServedStore> {
    const root = mkdtempSync(join(tmpdir(), `reseal-store-${way}-`));
    const repository = join(root, 'served', 'store.git');
    mkdirSync(join(root, 'served'));
    if (way !== 'ssh')
      return new ServedStore(way, root, way === 'path' ? repository : `file://${repository}`, SSH_DEFAULTS, async () => undefined);
    const folder = join(root, 'sshd');
    mkdirSync(folder);
    await keygen(join(folder, 'client-key'));
    writeFileSync(join(folder, 'authorized_keys'), `restrict ${readFileSync(join(folder, 'client-key.pub'), 'utf8')}`);
    const [port = 0] = await freePorts(1);
    const server = await launchSshd(folder, port, join(folder, 'host-key'));
    const [knownHosts, config] = [join(folder, 'known_hosts'), join(folder, 'ssh_config')];
    writeFileSync(knownHosts, `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host-key.pub'), 'utf8')}`);
    writeFileSync(config, `IdentityFile "${join(folder, 'client-key')}"\nIdentitiesOnly yes\n`);
    const address = `ssh://${userInfo().username}@127.0.0.1:${port}${repository}`;
    return new ServedStore(way, root, address, { ...SSH_DEFAULTS, knownHosts, config }, () => server.stop());
  }

  /** What is served; the same for all ways. */
  get repository(): string {
    return join(this.root, 'served', 'store.git');
  }

  /** Makes what `create` needs on the other side: nothing for a path, an empty bare repository for an address. */
  async prepare(): Promise<void> {
    if (this.way !== 'path') execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', this.repository]);
  }

  options(change: Partial<GitStoreOptions> = {}): GitStoreOptions {
    this.machines += 1;
    const remote = { clones: join(this.root, `machine-${this.machines}`), timeout: 15_000, ssh: this.ssh };
    return { name: 'main', path: this.address, remote, ...change };
  }

  async open(options = this.options()): Promise<GitManifestStore> {
    const store = await GitManifestStore.open(options);
    this.opened.push(store);
    return store;
  }

  get notBegun(): string {
    return this.way === 'path' ? 'it is gone, or has never been there' : 'it has no branch main';
  }

  isUntouched(): boolean {
    return this.way === 'path' ? !existsSync(this.repository) : this.git('for-each-ref') === '';
  }

  damage(): string {
    return this.git('fsck', '--strict', '--no-dangling');
  }

  async goAway(): Promise<void> {
    renameSync(this.repository, `${this.repository}.away`);
  }

  async comeBack(): Promise<void> {
    renameSync(`${this.repository}.away`, this.repository);
  }

  /** git in the served repository, as a person there would run it. */
  git(...args: readonly string[]): string {
    const who = { GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x' };
    return execFileSync('git', ['--git-dir', this.repository, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], ...who },
    });
  }

  hook(name: string, lines: readonly string[]): void {
    mkdirSync(join(this.repository, 'hooks'), { recursive: true });
    writeFileSync(join(this.repository, 'hooks', name), `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  }

  removeHook(name: string): void {
    rmSync(join(this.repository, 'hooks', name));
  }

  async stop(): Promise<void> {
    await Promise.all(this.opened.map((store) => store.close()));
    await this.end();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The clone that a store by URL has on its machine. */
export function cloneOf({ remote }: GitStoreOptions): string {
  const clones = remote?.clones ?? '';
  const [key = ''] = existsSync(clones) ? readdirSync(clones) : [];
  return join(clones, key, 'store.git');
}
