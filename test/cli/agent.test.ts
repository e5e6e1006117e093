import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { parse as parsePlist, type PlistValue } from 'plist';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { launchdPlan, type LaunchdRequest } from '../../src/cli/agent/launchd.js';
import { putServices, removeServices, runCommand } from '../../src/cli/agent/services.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { behindAgents } from '../e2e/agent-processes.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { testConnection, uniqueTaskQueue } from '../setup/temporal.js';
import { until } from '../setup/until.js';
import { built, cleanEnv, RunningReseal, runReseal } from './processes.js';

const REQUEST: LaunchdRequest = {
  node: 'ams-build-1',
  config: '/usr/local/etc/reseal & more',
  program: { node: '/usr/local/bin/node', reseal: '/opt/reseal/scripts/reseal.mjs' },
  account: '_reseal',
  builds: { account: 'ci', home: '/Users/ci' },
  socket: '/usr/local/var/reseal/canary/canary.sock',
  temporalConfig: '/usr/local/etc/reseal/temporal.toml',
  logs: '/usr/local/var/log/reseal',
  state: '/usr/local/var/reseal/state',
};

type Plist = Record<string, PlistValue>;

describe('what launchd is given', () => {
  it('is an agent under an account of its own, that gets the time it needs to end, and is started again', () => {
    const { files, load, unload } = launchdPlan(REQUEST, '502');
    const [agent] = files;
    expect(agent).toMatchObject({ path: '/Library/LaunchDaemons/reseal.agent.plist', owner: 'root' });
    expect(parsePlist(agent?.text ?? '') as Plist).toMatchObject({
      Label: 'reseal.agent',
      UserName: '_reseal',
      RunAtLoad: true,
      KeepAlive: true,
      ExitTimeOut: 130,
      ProgramArguments: [
        '/usr/local/bin/node',
        // What keeps an idle agent small.
        '--v8-pool-size=1',
        '--single-threaded-gc',
        '--max-semi-space-size=1',
        '/opt/reseal/scripts/reseal.mjs',
        'agent',
        'run',
        '--node',
        'ams-build-1',
        '--builds-home',
        '/Users/ci',
        '--config',
        REQUEST.config,
      ],
      EnvironmentVariables: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', TEMPORAL_CONFIG_FILE: REQUEST.temporalConfig },
    });
    expect(load).toContainEqual(['launchctl', 'bootstrap', 'system', '/Library/LaunchDaemons/reseal.agent.plist']);
    expect(unload).toContainEqual(['launchctl', 'bootout', 'system/reseal.agent']);
  });

  it('is a canary process in the session of the account that builds, without credentials, where a socket is configured', () => {
    const { files, load } = launchdPlan(REQUEST, '502');
    const canary = parsePlist(files[1]?.text ?? '') as Plist;
    expect(files[1]).toMatchObject({ path: '/Users/ci/Library/LaunchAgents/reseal.canary.plist', owner: 'ci' });
    expect(canary).toMatchObject({
      Label: 'reseal.canary',
      ProgramArguments: [REQUEST.program.node, REQUEST.program.reseal, 'canary', '--socket', REQUEST.socket],
    });
    expect(canary).not.toHaveProperty('UserName');
    expect(Object.keys(canary['EnvironmentVariables'] as object)).toEqual(['PATH']);
    expect(load).toContainEqual(['launchctl', 'bootstrap', 'gui/502', files[1]?.path]);
    expect(launchdPlan({ ...REQUEST, socket: null }, '502').files).toHaveLength(1);
  });

  it('has a folder for pins that the account that builds owns, in a state of the agent (R9)', () => {
    expect(launchdPlan(REQUEST, '502').prepare).toEqual([
      ['install', '-d', '-o', '_reseal', '-m', '0755', REQUEST.state],
      ['install', '-d', '-o', 'ci', '-m', '0755', `${REQUEST.state}/pins`],
    ]);
    const root = mkdtempSync(join(hostsFolder(), 'launchd-'));
    try {
      const me = userInfo().username;
      const state = join(root, 'state');
      const plan = launchdPlan({ ...REQUEST, state, account: me, builds: { account: me, home: root } }, '502');
      const run = (words: readonly string[]): void => (words[0] === 'install' ? runCommand(words) : undefined);
      putServices({ ...plan, files: [] }, run);
      writeFileSync(join(state, 'pins/lease'), '');
      // As often as it is installed, what is there stays.
      putServices({ ...plan, files: [] }, run);
      expect(readdirSync(join(state, 'pins'))).toEqual(['lease']);
      for (const path of [state, join(state, 'pins')]) expect(statSync(path).mode & 0o7777).toBe(0o755);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it('is written, with what ran before ended first, and taken away again; a failure says what to do', () => {
    const root = mkdtempSync(join(hostsFolder(), 'launchd-'));
    try {
      const plan = launchdPlan(REQUEST, '502');
      const here = { ...plan, files: plan.files.map((file) => ({ ...file, path: join(root, file.path) })) };
      const ran: string[] = [];
      const run = (words: readonly string[]): void => void ran.push(words.slice(0, 3).join(' '));
      putServices(here, run);
      expect(readFileSync(here.files[0]?.path ?? '', 'utf8')).toBe(plan.files[0]?.text);
      expect(ran.filter((line) => line.startsWith('launchctl'))).toEqual([
        'launchctl bootout system/reseal.agent',
        'launchctl bootout gui/502/reseal.canary',
        'launchctl bootstrap gui/502',
        'launchctl bootstrap system',
      ]);
      const fails = (words: readonly string[]): void => {
        if (words[0] === 'launchctl') throw new Error('Bootstrap failed: 5');
      };
      expect(() => putServices(here, fails)).toThrow(/Could not launchctl bootstrap .*Bootstrap failed: 5.*sudo.*--print/);
      removeServices(here, fails);
      expect(() => readFileSync(here.files[0]?.path ?? '')).toThrow('ENOENT');
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('the commands of an agent', () => {
  let folder: string;
  let mesh: SimulatedMesh;
  /** Of this run alone: agents of the CLI poll queues of the one installation. */
  let node: string;
  beforeAll(async () => {
    await built();
    folder = mkdtempSync(join(hostsFolder(), 'agent-cli-'));
    node = uniqueTaskQueue('mac');
    const { address, namespace } = await testConnection();
    mesh = await createMesh({ folder, nodes: [{ name: node, region: 'eu-west', image: 'tahoe', roles: ['compile'] }] });
    await behindAgents(mesh);
    change('reseal.yaml', { temporal: { address, namespace }, agent: { canary: join(folder, 'canary/canary.sock') } });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const change = (name: string, sections: object): void => {
    const file = join(mesh.folders.config, name);
    writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), ...sections }));
  };
  const env = (): NodeJS.ProcessEnv => cleanEnv(join(folder, 'home'), { RESEAL_CONFIG: mesh.folders.config });
  const run = (): readonly string[] => ['agent', 'run', '--node', node, '--builds-home', join(mesh.folders.nodes, '{node}')];
  const agentFile = (): string => join(mesh.folders.nodes, node, 'usr/local/var/reseal/state/agent.json');

  it('run serves until SIGTERM and then exits 0; a second one exits 4 and names the first; one that was killed is no hindrance', async () => {
    const first = RunningReseal.start(run(), { env: env() });
    await first.says(`Serves ${node}`);
    const { health } = JSON.parse(readFileSync(agentFile(), 'utf8')) as { health: string };
    expect((await fetch(health)).status).toBe(200);
    const second = await runReseal(run(), { env: env() });
    expect(second.exit).toBe(4);
    expect(second.stderr).toContain(`Node ${node} has an agent already: process ${first.child.pid ?? 0} holds`);
    await first.killHard();
    const third = RunningReseal.start(run(), { env: env() });
    await third.says(`Serves ${node}`);
    third.child.kill('SIGTERM');
    expect(await third.ended).toBe(0);
    expect(() => readFileSync(agentFile())).toThrow('ENOENT');
  });

  it('run refuses a server that is embedded elsewhere, and a node that is not declared', async () => {
    expect(await runReseal(['agent', 'run', '--node', 'nobody'], { env: env() })).toMatchObject({ exit: 2 });
    const file = join(mesh.folders.config, 'reseal.yaml');
    const before = readFileSync(file);
    change('reseal.yaml', { temporal: { address: 'embedded' } });
    const ran = await runReseal(run(), { env: env() });
    writeFileSync(file, before);
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain('`reseal agent run` needs a Temporal server that it reaches');
  });

  it('install prints what it would write, and says where it cannot', async () => {
    const args = ['agent', 'install', '--node', node, '--builds-account', 'ci', '--builds-home', folder];
    const printed = await runReseal([...args, '--print', '--json'], { env: env() });
    expect(printed.exit).toBe(0);
    const { files } = JSON.parse(printed.stdout) as { files: { text: string }[] };
    expect(files.map(({ text }) => (parsePlist(text) as Plist)['Label'])).toEqual(['reseal.agent', 'reseal.canary']);
    const text = await runReseal([...args, '--print'], { env: env() });
    expect(text.stdout).toContain('launchctl bootstrap system /Library/LaunchDaemons/reseal.agent.plist');
    expect(text.stdout).toMatch(/^install -d -o ci -m 0755 \S+\/state\/pins$/m);
    if (process.platform === 'darwin') return;
    for (const verb of ['install', 'uninstall']) {
      const refused = await runReseal(
        args.map((word) => (word === 'install' ? verb : word)),
        { env: env() },
      );
      expect(refused.exit).toBe(4);
      expect(refused.stderr).toContain('--print');
    }
    const gone = await runReseal([...args.map((word) => (word === 'install' ? 'uninstall' : word)), '--print'], { env: env() });
    expect(gone.stdout).toContain('launchctl bootout system/reseal.agent');
  });

  it('canary listens in the account’s own session until SIGTERM', async () => {
    const socket = join(folder, 'canary.sock');
    const running = RunningReseal.start(['canary', '--socket', socket], { env: env() });
    await running.says(`Listens at ${socket}`);
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    await until(async () => !(await import('node:fs')).existsSync(socket), { what: 'a socket that is gone' });
  });
});
