import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrozenContents } from '../../../activities/node/frozen-contents.js';
import { PROFILE_FOLDERS } from '../../../activities/node/paths.js';
import type { NodeName } from '../../../src/domain/brands.js';
import { runProcess } from '../../../src/temporal/run-process.js';
import { Editions, type Edition } from '../editions.js';
import { timed, type Contender, type RollingRequest } from '../rolling/contender.js';
import { startHosts, type Hosts } from '../rolling/hosts.js';
import { rollingMesh } from '../rolling/reseal.js';
import { installAnsible } from './install.js';

/** How files come to a node: all in one archive, or a task for each kind. */
export type Playbook = 'by-archive' | 'by-copy';
const playbookPath = (playbook: Playbook): string => fileURLToPath(new URL(`./${playbook}.yml`, import.meta.url));
/** How many nodes Ansible works on at once. */
const FORKS = 20;
/** For one run of a playbook, in milliseconds. */
const PATIENCE = 30 * 60_000;

/** `ansible-playbook` over connections that stay open between its runs. */
export async function overAnsible(request: RollingRequest, playbook: Playbook): Promise<Contender> {
  const bin = await installAnsible(request.say);
  const mesh = await rollingMesh(join(request.folder, 'mesh'), request.nodes);
  const homes = mesh.nodes.map(({ name }) => ({ name, home: join(mesh.folders.nodes, name) }));
  const editions = await Editions.open(mesh);
  const hosts = await startHosts(join(request.folder, 'sshd'), homes);
  const inventory = join(request.folder, 'inventory.ini');
  writeFileSync(inventory, ['[nodes]', ...homes.map(({ name, home }) => `${name} home=${home}`), ''].join('\n'));
  const disconnect = (): void => {
    for (const { name } of homes) spawnSync('ssh', [...controlled(request.folder, hosts), '-O', 'exit', name], { timeout: 10_000 });
  };
  // Connections that stay open must not outlive the bench, however it ends.
  process.once('exit', disconnect);
  const env = { ...process.env, ...settingsFor(request.folder, hosts, bin) };
  const ansible = async (program: string, ...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await runProcess(join(bin, program), ['-i', inventory, ...args], { timeout: PATIENCE, env });
    if (code !== 0) throw new Error(`${program} ended with ${code ?? 'no code'}: ${`${stdout}\n${stderr}`.trim().slice(-2_000)}`);
  };
  return {
    // Connections to all nodes, which stay open, and what reading Python's files for the first time takes. A whole change would take minutes.
    warm: () => timed(() => ansible('ansible', 'nodes', '-m', 'ansible.builtin.ping')),
    change: async () => {
      const variables = await payload(join(request.folder, 'payload'), editions, await editions.next());
      const all = { ...variables, nodes_at_a_time: request.serial };
      return timed(() => ansible('ansible-playbook', '--extra-vars', JSON.stringify(all), playbookPath(playbook)));
    },
    stop: async () => {
      process.removeListener('exit', disconnect);
      disconnect();
      await editions.close();
      await hosts.stop();
    },
  };
}

const sockets = (folder: string): string => join(folder, 'cp');
const controlled = (folder: string, { shellConfig, port, user }: Hosts): readonly string[] =>
  ['-F', shellConfig, '-p', `${port}`, '-l', user, '-o', `ControlPath=${join(sockets(folder), '%n')}`]; // prettier-ignore

/** What ansible.cfg would say, and nothing of what this machine's says. */
function settingsFor(folder: string, { shellConfig, port, user }: Hosts, bin: string): NodeJS.ProcessEnv {
  mkdirSync(sockets(folder), { recursive: true });
  const nothing = join(folder, 'ansible.cfg');
  writeFileSync(nothing, '');
  return {
    ANSIBLE_CONFIG: nothing,
    ANSIBLE_HOME: join(folder, 'ansible'),
    ANSIBLE_FORKS: `${FORKS}`,
    ANSIBLE_PIPELINING: 'true',
    ANSIBLE_SSH_ARGS: `-F ${shellConfig} -o ControlMaster=auto -o ControlPersist=600s`,
    ANSIBLE_SSH_CONTROL_PATH_DIR: sockets(folder),
    ANSIBLE_SSH_CONTROL_PATH: '%(directory)s/%%n',
    ANSIBLE_REMOTE_PORT: `${port}`,
    ANSIBLE_REMOTE_USER: user,
    ANSIBLE_REMOTE_TMP: join(folder, 'remote-tmp'),
    ANSIBLE_PYTHON_INTERPRETER: join(bin, 'python3'),
    ANSIBLE_NOCOLOR: '1',
    LC_ALL: 'C.UTF-8',
  };
}

/** The playbook's variables. */
interface Payload {
  readonly payload: string;
  readonly manifest: string;
  /** Rendered files: in the payload and, as they are called there, below the line's settings. */
  readonly settings: readonly string[];
}

/** Everything that the nodes get, once: profiles, manifest, settings, and the digests that they must have. */
async function payload(folder: string, editions: Editions, { to }: Edition): Promise<Payload> {
  rmSync(folder, { recursive: true, force: true });
  const write = (path: string, bytes: Uint8Array | string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };
  const contents = new FrozenContents(editions.around.content);
  const known = await contents.manifest(to);
  const settings = await contents.settings(known, '' as NodeName, { identity: 'signers' });
  const line = `reseal/mount/${known.manifest.line}`;
  const digests: string[] = [];
  /** A file of the node, by its path below the home. */
  const place = (path: string, bytes: Uint8Array, sha256: string, mode: number): void => {
    write(`home/${path}`, bytes);
    chmodSync(join(folder, 'home', path), mode);
    digests.push(`${sha256}  ${path}`);
  };
  write('manifest.json', known.bytes);
  place(`${line}/manifests/${to}.json`, known.bytes, to, 0o444);
  for (const { profile } of known.manifest.profiles) {
    const bytes = await contents.profile(profile.sha256);
    write(`profiles/${profile.fileName}`, bytes);
    for (const path of Object.values(PROFILE_FOLDERS)) place(`${path.replace('~/', '')}/${profile.fileName}`, bytes, profile.sha256, 0o644);
  }
  for (const { path, bytes, sha256 } of settings) {
    write(`settings/${path}`, bytes);
    place(`${line}/settings/${path}`, bytes, sha256, 0o444);
  }
  const tar = await runProcess('tar', ['-C', join(folder, 'home'), '-cf', join(folder, 'staged.tar'), 'Library', 'reseal'], {
    timeout: 60_000,
  });
  if (tar.code !== 0) throw new Error(`tar failed: ${tar.stderr}`);
  write('staged.sha256', `${digests.join('\n')}\n`);
  write('switched.sha256', `${[...digests, `${to}  ${line}/profiles.json`].join('\n')}\n`);
  return { payload: folder, manifest: to, settings: settings.map(({ path }) => path) };
}
