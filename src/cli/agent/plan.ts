import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { ownerOf } from '../../node-shell/owner.js';
import { configFolder } from '../config-folder.js';
import type { Context, Values } from '../command.js';
import { launchdPlan, type LaunchdPlan } from './launchd.js';

/** Options of `agent install` and `agent uninstall`: both speak of the same files. */
export const LAUNCHD_OPTIONS = {
  node: { kind: 'text', description: 'The node of topology.yaml that this Mac is', required: true, value: 'NAME' },
  account: { kind: 'text', description: 'Account of the agent; default: _reseal', value: 'NAME' },
  buildsAccount: { kind: 'text', description: 'Account that builds; default: you', value: 'NAME' },
  buildsHome: { kind: 'text', description: 'Its home; default: /Users/NAME', value: 'DIR' },
  temporalConfig: { kind: 'text', description: 'A profile file of Temporal with TLS and API key, for the agent alone', value: 'FILE' },
  logs: { kind: 'text', description: "Folder of the agent's log; default: /usr/local/var/log/reseal", value: 'DIR' },
  print: { kind: 'flag', description: 'Print files and commands, and change nothing' },
} as const;

/** @throws ResealError NOT_FOUND, CONFIG_INVALID where the node is served by no agent */
export function planOf(context: Context, options: Values<typeof LAUNCHD_OPTIONS>): LaunchdPlan {
  const config = configFolder(context);
  const { topology, reseal } = loadConfiguration(config);
  const node = topology.nodes.find((one) => one.name === options.node);
  if (node === undefined) throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${options.node}.`);
  if (node.reach.kind !== 'agent')
    throw new ResealError('CONFIG_INVALID', `Node ${node.name} is declared with reach: ${node.reach.kind}, so no agent serves it.`);
  const account = options.buildsAccount ?? userInfo().username;
  const home = options.buildsHome ?? `/Users/${account}`;
  const uid = ownerOf(home);
  return launchdPlan(
    {
      node: node.name,
      config,
      program: { node: process.execPath, reseal: resolve(process.argv[1] ?? 'reseal') },
      account: options.account ?? '_reseal',
      builds: { account, home },
      socket: reseal.agent.canary,
      temporalConfig: options.temporalConfig === undefined ? null : resolve(context.cwd, options.temporalConfig),
      logs: options.logs ?? '/usr/local/var/log/reseal',
      state: node.state,
    },
    uid < 0 ? `$(id -u ${account})` : String(uid),
  );
}

/** Only launchd can do it; the files and commands can be carried to a Mac. @throws ResealError REFUSED elsewhere */
export function onlyOnAMac(verb: string): void {
  if (process.platform === 'darwin') return;
  throw new ResealError(
    'REFUSED',
    `There is no launchd on this machine (${process.platform}), so nothing was ${verb}. Run it on the Mac, or see files and commands with --print.`,
  );
}

export const shellLine = (words: readonly string[]): string =>
  words
    .map((word) =>
      /^[\w@%+=:,./$()-]+$/.test(word) ? word : word.startsWith('gui/$(') ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`,
    )
    .join(' ');
