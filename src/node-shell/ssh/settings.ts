import type { NodeName } from '../../domain/brands.js';

/** How nodes of `reach: ssh` are reached from a gateway worker; `ssh` in reseal.yaml. */
export interface SshSettings {
  /** Pinned host keys, in the format of sshd(8); null: what the OpenSSH client uses by itself. A host that is not in it is never trusted. */
  readonly knownHosts: string | null;
  /** A file for `ssh -F`: identities, certificates, jump hosts; null: the account's own. An agent in SSH_AUTH_SOCK is used in either case. */
  readonly config: string | null;
  /** Connections that are open at the same time, at most. */
  readonly connections: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** How long a node may be silent when it was asked for something, in milliseconds. */
  readonly answerTimeout: number;
}

export const SSH_DEFAULTS: SshSettings = {
  knownHosts: null,
  config: null,
  connections: 32,
  connectTimeout: 10_000,
  answerTimeout: 60_000,
};

export interface SshTarget {
  readonly node: NodeName;
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** The program on the node: its name where the account has no forced command, and ignored where it has one. */
const PROGRAM = 'reseal-node';

/**
 * Options of every OpenSSH client that reseal starts. What is given here outranks every configuration file: no prompt, no host key that was not
 * pinned, nothing forwarded, no connection shared with others.
 */
export function sshOptions(settings: Pick<SshSettings, 'knownHosts' | 'config' | 'connectTimeout'>): readonly string[] {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'CheckHostIP=no',
    'VerifyHostKeyDNS=no',
    'NoHostAuthenticationForLocalhost=no',
    'KnownHostsCommand=none',
    // A percent sign begins one of ssh's own tokens.
    ...(settings.knownHosts === null
      ? []
      : [`UserKnownHostsFile="${settings.knownHosts.replaceAll('%', '%%')}"`, 'GlobalKnownHostsFile=none']),
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'ControlMaster=no',
    'ControlPath=none',
    'RequestTTY=no',
    'EscapeChar=none',
    `ConnectTimeout=${Math.max(1, Math.ceil(settings.connectTimeout / 1000))}`,
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'LogLevel=ERROR',
  ];
  return [...(settings.config === null ? [] : ['-F', settings.config]), ...options.flatMap((option) => ['-o', option])];
}

/** Arguments of the OpenSSH client that reaches a node. The host comes after `--`, so that no name is taken for an option. */
export function sshArguments({ host, port, user }: SshTarget, settings: SshSettings): readonly string[] {
  return [...sshOptions(settings), ...['-p', `${port}`, '-l', user, '--', host, PROGRAM]];
}
