import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { NODE_SCRIPT_PATH } from '../../../src/node-shell/ssh/script.js';
import { freePorts } from '../../../src/temporal/free-port.js';
import { keygen, launchSshd, quoted } from '../../../test/setup/sshd.js';

export interface Hosts {
  readonly port: number;
  readonly user: string;
  /** For `ssh -F`: each host's name leads to the one sshd, with a key of its own for `reseal`. */
  readonly resealConfig: string;
  /** The same names, with one key that may run anything. */
  readonly shellConfig: string;
  readonly knownHosts: string;
  stop(): Promise<void>;
}

/** How many keys are made side by side. */
const KEYS_AT_ONCE = 8;

/**
 * Many hosts behind one sshd, each a name and a home. For reseal a host is told by the key that is offered: each has a forced command with its own
 * home, as a Mac has. Whoever comes with the shell's key may run anything, and names the home itself.
 */
export async function startHosts(folder: string, hosts: readonly { readonly name: string; readonly home: string }[]): Promise<Hosts> {
  const keys = join(folder, 'keys');
  mkdirSync(keys, { recursive: true });
  const names = ['shell', ...hosts.map(({ name }) => name)];
  for (let start = 0; start < names.length; start += KEYS_AT_ONCE)
    await Promise.all(names.slice(start, start + KEYS_AT_ONCE).map((name) => keygen(join(keys, name))));
  const publicKey = (name: string): string => readFileSync(join(keys, `${name}.pub`), 'utf8').trim();
  const lines = hosts.map(({ name, home }) => {
    const command = `env HOME=${quoted(home)} /bin/sh ${quoted(NODE_SCRIPT_PATH)} ${quoted(join(home, 'reseal'))}`;
    return `restrict,command="${command}" ${publicKey(name)}`;
  });
  writeFileSync(join(folder, 'authorized_keys'), [`restrict ${publicKey('shell')}`, ...lines, ''].join('\n'));
  const [port = 0] = await freePorts(1);
  const server = await launchSshd(folder, port, join(folder, 'host-key'), ['MaxStartups 1000', 'Subsystem sftp internal-sftp']);
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, `bench ${readFileSync(join(folder, 'host-key.pub'), 'utf8')}`);
  const config = (name: string, key: string): string => {
    const path = join(folder, name);
    const options = [
      'HostName 127.0.0.1',
      'HostKeyAlias bench',
      `IdentityFile "${key}"`,
      'IdentitiesOnly yes',
      `UserKnownHostsFile "${knownHosts}"`,
    ];
    writeFileSync(path, `Host *\n${options.map((line) => `  ${line}\n`).join('')}`);
    return path;
  };
  return {
    port,
    user: userInfo().username,
    resealConfig: config('ssh_config-reseal', join(keys, '%n')),
    shellConfig: config('ssh_config-shell', join(keys, 'shell')),
    knownHosts,
    stop: () => server.stop(),
  };
}
