import { sshOptions, type SshSettings } from '../../src/node-shell/ssh/settings.js';

/** For `GIT_SSH_COMMAND`, which a shell reads. */
export const sshCommand = (settings: Pick<SshSettings, 'knownHosts' | 'config' | 'connectTimeout'>): string =>
  ['ssh', ...sshOptions(settings)].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
