import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SshKey {
  /** Of the private half; the public one is beside it. */
  readonly path: string;
  /** The line of the public half. */
  readonly line: string;
  /** As `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** A key pair of the real `ssh-keygen`, without a passphrase. */
export function makeSshKey(folder: string, name: string): SshKey {
  const path = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
  const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`], { encoding: 'utf8' }).split(' ');
  return { path, line: readFileSync(`${path}.pub`, 'utf8').trim(), fingerprint };
}

/** A signature as a person's own `ssh-keygen` makes it. */
export const sshSign = (key: SshKey, message: Uint8Array, namespace: string): string =>
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key.path, '-n', namespace], { input: message, encoding: 'utf8' });

/** Whether the real `ssh-keygen` takes a signature for one of this key's. */
export function sshVerifies(key: SshKey, message: Uint8Array, signature: string, namespace: string): boolean {
  writeFileSync(`${key.path}.allowed`, `somebody ${key.line}\n`);
  writeFileSync(`${key.path}.signature`, signature);
  const files = ['-f', `${key.path}.allowed`, '-s', `${key.path}.signature`];
  return spawnSync('ssh-keygen', ['-Y', 'verify', '-I', 'somebody', '-n', namespace, ...files], { input: message }).status === 0;
}
