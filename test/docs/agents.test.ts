import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parsePlist, type PlistValue } from 'plist';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfiguration } from '../../src/configuration/load.js';

import { CANARY_PROGRAMS, refusalOf } from '../../src/node-shell/canary/requests.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { behindAgents } from '../e2e/agent-processes.js';
import { built, cleanEnv, ROOT, RunningReseal, runReseal } from '../cli/processes.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { makeSshKey } from '../setup/ssh-keys.js';
import { testConnection, uniqueTaskQueue } from '../setup/temporal.js';

const guide = readFileSync(join(ROOT, 'docs/agents.md'), 'utf8');
const commands = [...guide.matchAll(/^npx reseal (.*)$/gm)].map(([, line = '']) => line.split(' '));
let folder: string;
let mesh: SimulatedMesh;
/** Stands for the guide's ams-build-1: agents of the CLI poll queues of the one installation. */
let node: string;

beforeAll(async () => {
  await built();
  folder = mkdtempSync(join(hostsFolder(), 'docs-agents-'));
  node = uniqueTaskQueue('mac');
  mesh = await createMesh({ folder, nodes: [{ name: node, region: 'eu-west', image: 'tahoe', roles: ['compile'] }] });
  await behindAgents(mesh);
  const { address, namespace } = await testConnection();
  // The two pieces of configuration that the guide shows, on this mesh.
  const [topology = '', reseal = ''] = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body);
  expect((parse(topology) as { nodes: { reach: unknown }[] }).nodes[0]?.reach).toEqual({ kind: 'agent' });
  const file = join(mesh.folders.config, 'reseal.yaml');
  writeFileSync(
    file,
    stringify({ ...(parse(readFileSync(file, 'utf8')) as object), ...(parse(reseal) as object), temporal: { address, namespace } }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A command of the guide, for what stands here in place of its node and its Mac. */
const said = (begins: string): string[] => {
  const command = commands.find((words) => words.join(' ').startsWith(begins));
  if (command === undefined) throw new Error(`docs/agents.md shows no reseal ${begins}`);
  return command.map((word) =>
    word
      .replace('ams-build-1', node)
      .replace('/Users/ci', mesh.folders.nodes + '/' + node)
      .replace('/usr/local/var/reseal/canary', folder)
      .replace(/^order\.key$/, join(folder, 'order.key')),
  );
};
const env = (): NodeJS.ProcessEnv => cleanEnv(join(folder, 'home'), { RESEAL_CONFIG: mesh.folders.config });

it('the commands of docs/agents.md do what it says', async () => {
  const printed = await runReseal(said('agent install'), { env: env() });
  expect(printed).toMatchObject({ exit: 0 });
  const plists = [...printed.stdout.matchAll(/<\?xml[\s\S]*?<\/plist>/g)].map(([text]) => parsePlist(text) as Record<string, PlistValue>);
  expect(plists.map((one) => one['Label'])).toEqual(['reseal.agent', 'reseal.canary']);
  expect(plists[1]?.['ProgramArguments']).toContain(loadConfiguration(mesh.folders.config).reseal.agent.canary);

  const enrolled = await runReseal(said('node enroll'), { env: env() });
  expect(enrolled.stdout).toMatch(/^Made a key for .*\n.*\n\n {4}nodeKey: "ssh-ed25519 /);

  const key = /ssh-ed25519 [A-Za-z0-9+/]+/.exec((await runReseal(said('order-key new'), { env: env() })).stdout)?.[0] ?? 'none was made';
  const pinned = await runReseal([...said('node enroll'), '--control', key], { env: env() });
  expect(pinned.stdout).toMatch(/It follows orders signed by SHA256:[A-Za-z0-9+/]{43}, and no others\.\n/);
  expect((await runReseal([...said('node enroll'), '--control', 'none'], { env: env() })).stdout).toContain('It follows every order');

  const roster = join(mesh.folders.config, 'roster.yaml');
  const { persons, ...rest } = parse(readFileSync(roster, 'utf8')) as { persons: { id: string }[] };
  const keyed = persons.map((one) => ({ ...one, keys: [{ kind: 'ssh', public: makeSshKey(folder, one.id).line }] }));
  writeFileSync(roster, stringify({ ...rest, persons: keyed }));
  const approvers = await runReseal(said('node enroll ams-build-1 --approvers'), { env: env() });
  expect(approvers.stdout, approvers.stderr).toContain('It serves what 2 of');
  expect((await runReseal([...said('node enroll'), '--approvers', 'none'], { env: env() })).stdout).toContain(
    'It serves what its orders say',
  );

  const agent = RunningReseal.start(said('agent run'), { env: env() });
  await agent.says(`Serves ${node}`);
  const state = loadConfiguration(mesh.folders.config).topology.nodes[0]?.state ?? '';
  const { health } = JSON.parse(readFileSync(join(state, 'agent.json'), 'utf8')) as { health: string };
  expect(health).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/healthz$/);
  expect((await fetch(health)).status).toBe(200);
  agent.child.kill('SIGTERM');
  expect(await agent.ended).toBe(0);

  const canary = RunningReseal.start(said('canary'), { env: env() });
  await canary.says('Listens at');
  canary.child.kill('SIGTERM');
  expect(await canary.ended).toBe(0);
});

it('docs/agents.md names every program that the canary process runs, and no command that it refuses', () => {
  const table = guide.slice(guide.indexOf('| program '), guide.indexOf('On the stdin of'));
  const rows = table.split('\n').flatMap((line) => {
    const [, program = '', args = ''] = /^\| `(\w+)` +\| (.*)\|$/.exec(line) ?? [];
    return program === '' ? [] : [{ program, args }];
  });
  expect(rows.map((row) => row.program).sort()).toEqual([...CANARY_PROGRAMS].sort());
  const [security] = rows;
  const shown = [...(security?.args ?? '').matchAll(/`([^`]+)`/g)].map(([, words = '']) =>
    words.replace('KEYCHAIN', '/x/reseal-97134e8c.keychain-db').split(' '),
  );
  expect(shown).toHaveLength(4);
  for (const args of shown) expect(refusalOf({ program: 'security', args, stdin: '', timeout: 1 }, []), args.join(' ')).toBeNull();
});

it('docs/agents.md names files and sentences of the source that are there', () => {
  const sources = [
    'src/domain/node/routes.ts',
    'src/temporal/agent/only-one.ts',
    'src/temporal/agent/state.ts',
    'src/node-shell/canary/client.ts',
    'src/mac/security.ts',
  ]
    .map((name) => readFileSync(join(ROOT, name), 'utf8'))
    .join('\n');
  for (const sentence of [
    'took up no work within',
    'has an agent already',
    'took up its work',
    'the canary process is not there',
    'the canary process refused',
    'cannot be used',
  ]) {
    expect(guide).toContain(sentence);
    expect(sources).toContain(sentence);
  }
  for (const [, path = ''] of guide.matchAll(/`((?:src|docs)\/[\w./-]+\.\w+)`/g))
    expect(() => readFileSync(join(ROOT, path)), path).not.toThrow();
});
