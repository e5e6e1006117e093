import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/temporal/free-port.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { NODE_SCRIPT_PATH } from '../../src/node-shell/ssh/script.js';
import { SSH_DEFAULTS, type SshSettings } from '../../src/node-shell/ssh/settings.js';

/** sshd insists on being called by its whole path. */
const SSHD = ['/usr/sbin/sshd', '/usr/bin/sshd'].find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

/** Why tests over SSH cannot run here; null where they can. */
export const sshdMissing: string | null = SSHD === undefined ? 'OpenSSH server (sshd) is not installed' : null;

export interface TestHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Pins this host's key; `config` names the key that it lets in. */
  readonly settings: SshSettings;
  /** Ends the server: no new connection comes about; those that are open end when their client does. */
  stop(): Promise<void>;
  /** Cuts every connection that is open, as a cable that is pulled. */
  cut(): Promise<void>;
  /** The server again, with the key that it had. */
  restart(): Promise<void>;
  /** The same host with another key of its own, as if it were somebody else. */
  changeHostKey(): Promise<void>;
}

export interface TestHostRequest {
  /** For keys, configuration and log; not the node's home. */
  readonly folder: string;
  readonly home: string;
  /** Folders that `reseal-node` may write. */
  readonly roots: readonly string[];
  /** Put before PATH on the host. */
  readonly bin?: string;
  /** In place of `/bin/sh`. */
  readonly shell?: string;
}

/** An Ed25519 key pair without a passphrase, `path` and `path.pub`, where it is not there yet. */
export async function keygen(path: string): Promise<void> {
  if (existsSync(path)) return;
  const { code, stderr } = await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'reseal test', '-f', path], {
    timeout: 20_000,
  });
  if (code !== 0) throw new Error(`ssh-keygen failed: ${stderr}`);
}

export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A real sshd on loopback that runs now; it lets in who is in `<folder>/authorized_keys`. */
export interface Sshd {
  /** Ends it: no new connection comes about; those that are open end when their client does. */
  stop(): Promise<void>;
}

/** @param folder for its configuration @param more lines of sshd_config(5) that outrank the ones here */
export async function launchSshd(folder: string, port: number, hostKey: string, more: readonly string[] = []): Promise<Sshd> {
  if (SSHD === undefined) throw new Error(sshdMissing ?? '');
  // Where sshd runs as root it wants this folder for its unprivileged half.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
  await keygen(hostKey);
  const settings = [
    ...more,
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey "${hostKey}"`,
    `AuthorizedKeysFile "${join(folder, 'authorized_keys')}"`,
    'PidFile none',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    'LogLevel ERROR',
  ];
  writeFileSync(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
  const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const { pid } = child;
  // What fails before it stops its host leaves it to the end of its process.
  const kill = (): void => {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    } catch {
      // It has been stopped.
    }
  };
  process.once('exit', kill);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for (let tries = 0; ; tries++) {
    const { stdout } = await runProcess('ssh-keyscan', ['-T', '2', '-p', `${port}`, '127.0.0.1'], { timeout: 5_000 });
    if (stdout.includes('ssh-ed25519')) break;
    if (child.exitCode !== null || tries > 100) throw new Error(`sshd did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    stop: async () => {
      process.removeListener('exit', kill);
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      process.kill(-pid, 'SIGKILL');
      await ended;
    },
  };
}

/** A real sshd on a free port of this machine, for one simulated Mac: forced command, pinned host key, public keys only. */
export async function startHost(request: TestHostRequest): Promise<TestHost> {
  const { folder, home, roots } = request;
  mkdirSync(folder, { recursive: true });
  const client = join(folder, 'client-key');
  await keygen(client);
  const [port = 0] = await freePorts(1);
  const user = userInfo().username;
  const path = `${request.bin === undefined ? '' : `${request.bin}:`}${process.env['PATH'] ?? '/usr/bin:/bin'}`;
  const command = [
    'env',
    `HOME=${quoted(home)}`,
    `PATH=${quoted(path)}`,
    quoted(request.shell ?? '/bin/sh'),
    quoted(NODE_SCRIPT_PATH),
    ...roots.map(quoted),
  ].join(' ');
  writeFileSync(
    join(folder, 'authorized_keys'),
    `restrict,command="${command.replaceAll('"', '\\"')}" ${readFileSync(`${client}.pub`, 'utf8')}`,
  );
  const knownHosts = join(folder, 'known_hosts');
  const config = join(folder, 'ssh_config');
  writeFileSync(config, `IdentityFile "${client}"\nIdentitiesOnly yes\n`);
  let server: Sshd | null = null;
  const start = async (hostKey: string): Promise<void> => {
    server = await launchSshd(folder, port, hostKey);
  };
  const stop = async (): Promise<void> => {
    await server?.stop();
    server = null;
  };

  await start(join(folder, 'host-key'));
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${readFileSync(join(folder, 'host-key.pub'), 'utf8')}`);
  return {
    host: '127.0.0.1',
    port,
    user,
    settings: { ...SSH_DEFAULTS, knownHosts, config },
    stop,
    cut: async () => {
      const { stdout } = await runProcess('ps', ['-eo', 'pid=,args='], { timeout: 5_000 });
      for (const line of stdout.split('\n').filter((one) => one.includes(`-p ${port} -l ${user} `))) {
        const [pid = ''] = line.trim().split(' ');
        if (/\bssh\b/.test(line)) process.kill(Number(pid), 'SIGKILL');
      }
    },
    restart: () => start(join(folder, 'host-key')),
    changeHostKey: async () => {
      await stop();
      await start(join(folder, 'other-host-key'));
    },
  };
}
