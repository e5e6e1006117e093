import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import type { OpenStore } from '../../../activities/manifest-store/contract.js';
import { type Configuration, loadConfiguration } from '../../configuration/load.js';
import type { LineName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { pingDatabase } from '../../ledger/ping.js';
import { connectClient } from '../../temporal/connection.js';
import { runProcess } from '../../temporal/run-process.js';
import { findTemporalCli } from '../../temporal/temporal-cli.js';
import type { Context } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { homeFolder, runningOn } from '../home.js';
import { checkApi } from './api.js';
import { checkCodec } from './codec.js';
import { fail, pass, settle, type DoctorCheck, type Finding } from './finding.js';
import { presences, serversOf } from './serving.js';
import { checkOrderKey } from './order-key.js';
import { checkRevocations } from './revocations.js';
import { checkRoster } from './roster.js';
import { checkSinks } from './sinks.js';
import { checkSources } from './sources.js';

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  return enough ? pass(`Node.js ${version}`) : fail(`Node.js ${version}`, 'Install Node.js 20.19 or later.');
}

async function checkGit(env: NodeJS.ProcessEnv): Promise<Finding> {
  const run = await runProcess('git', ['--version'], { timeout: 10_000, env });
  if (run.code === 0) return pass(run.stdout.trim());
  return fail('there is no git on PATH', 'Install git; the store of manifests is a git repository.');
}

async function checkTemporal(configuration: Configuration | null, env: NodeJS.ProcessEnv): Promise<Finding> {
  const temporal = configuration?.reseal.temporal;
  if (temporal !== undefined && temporal.address !== 'embedded') {
    const { connection, address } = await connectClient({ address: temporal.address, namespace: temporal.namespace });
    await connection.close();
    return pass(`the server at ${address} answers`);
  }
  try {
    const cli = await findTemporalCli({ env, effort: 'look' });
    return pass(`embedded: ${cli.path} (${cli.version})`);
  } catch (error) {
    const configured = (env['RESEAL_TEMPORAL_CLI'] ?? '') !== '';
    const go = await runProcess('go', ['version'], { timeout: 10_000, env });
    if (configured || go.code !== 0) throw error;
    return {
      verdict: 'later',
      reason: 'embedded: there is no Temporal CLI yet',
      remedy: '`reseal up` downloads or builds it at its first start, in about 5 minutes.',
    };
  }
}

async function checkDatabase(configuration: Configuration | null, env: NodeJS.ProcessEnv): Promise<Finding> {
  const database = configuration?.reseal.database ?? 'embedded';
  if (database === 'embedded') return pass('embedded, in the home');
  const variable = database.slice('env:'.length);
  const url = env[variable];
  if (url === undefined || url === '')
    return fail(`${variable} is not set`, `Set ${variable} to the URL of the PostgreSQL database, as reseal.yaml says.`);
  if (!URL.canParse(url)) return fail(`${variable} holds no URL`, 'It has the form postgres://user:password@host:port/database.');
  return pass(`PostgreSQL ${await pingDatabase(url)} answers`);
}

async function checkHome(context: Context): Promise<Finding> {
  const home = homeFolder(context.home, context.env, context.cwd);
  let nearest = home;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch {
    return fail(`${nearest} cannot be written`, 'Make it writable for this user, or name another home with --home or RESEAL_HOME.');
  }
  const running = await runningOn(context);
  const used = running.map((one) => `${one.home}, used by process ${one.endpoint.pid} at ${one.endpoint.url}`);
  return pass([...(running.some((one) => one.home === home) ? [] : [home]), ...used].join('\n'));
}

/** Reads the tip of every store, and the heads in it: whether the store is there, and this account may read it. */
async function checkStores({ reseal, topology }: Configuration, context: Context): Promise<readonly DoctorCheck[]> {
  const home = homeFolder(context.home, context.env, context.cwd);
  return Promise.all(
    Object.keys(reseal.stores).map((name) =>
      settle(`store ${name}`, async () => {
        const store = await openDeclaredStore(reseal, name, home);
        try {
          const trouble = await store.trouble();
          if (trouble !== null) throw trouble;
          const standing = await store.standing();
          if (standing === null) return pass(`${store.path}: nothing in it yet`);
          const lines = Object.entries(topology.lines).filter(([, line]) => line.store === name);
          const heads = await Promise.all(lines.map(([line]) => headText(store, line as LineName)));
          return pass([`${store.path}: ${standing}`, ...heads].join('\n'));
        } finally {
          await store.close();
        }
      }),
    ),
  );
}

async function headText(store: OpenStore, line: LineName): Promise<string> {
  const head = await store.head(line);
  return head === null ? `${line} has no manifest yet` : `${line} at seq ${head.seq}, manifest ${head.digest.slice(0, 12)}`;
}

/** Agents and gateways, by who asks Temporal for their work. The server that `up` embeds is for that process alone, and has none. */
async function checkServing(configuration: Configuration, now: () => number): Promise<readonly DoctorCheck[]> {
  const { address, namespace } = configuration.reseal.temporal;
  const servers = serversOf(configuration);
  if (address === 'embedded' || servers.length === 0) return [];
  try {
    const { connection, namespace: used } = await connectClient({ address, namespace });
    try {
      const found = await presences(connection, used, servers, now);
      return servers.map(({ check, remedy }, position): DoctorCheck => {
        const { there = false, reason = '' } = found[position] ?? {};
        return { check, ...(there ? pass(reason) : { verdict: 'away', reason, remedy }) };
      });
    } finally {
      await connection.close();
    }
  } catch (error) {
    // That Temporal is away is told by its own check.
    if (error instanceof ResealError && error.code === 'TEMPORAL_UNREACHABLE') return [];
    throw error;
  }
}

/** Only where a node is reached that way. */
async function checkSsh({ reseal, topology }: Configuration, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { code, stderr } = await runProcess('ssh', ['-V'], { timeout: 10_000, env });
  if (code !== 0) return fail('there is no OpenSSH client on PATH', 'Install one; nodes of reach: ssh are reached by it.');
  const count = topology.nodes.filter((node) => node.reach.kind === 'ssh').length;
  const { knownHosts, config } = reseal.ssh;
  const unreadable = [knownHosts, config].flatMap((path) => (path === null ? [] : [path])).find((path) => !isReadable(path));
  if (unreadable !== undefined)
    return fail(`${unreadable} cannot be read`, 'Correct `ssh` in reseal.yaml, or create the file (docs/ssh.md).');
  return pass(
    `${stderr.trim()}, for ${count} ${count === 1 ? 'node' : 'nodes'}; host keys from ${knownHosts ?? "the account's known_hosts"}`,
  );
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

const declaredNodes = (count: number): string => `${count} ${count === 1 ? 'node' : 'nodes'}`;

/** Every check, whatever the others found. */
export async function examine(context: Context): Promise<readonly DoctorCheck[]> {
  let configuration = null as Configuration | null;
  const configured = await settle('configuration', async () => {
    const folder = await configFolderToRead(context);
    configuration = loadConfiguration(folder);
    return pass([`${folder}: ${declaredNodes(configuration.topology.nodes.length)}`, ...configuration.observations].join('\n'));
  });
  return [
    await settle('node', () => checkNode(process.versions.node)),
    await settle('git', () => checkGit(context.env)),
    configured,
    await settle('home', () => checkHome(context)),
    ...(await Promise.all([
      settle('temporal', () => checkTemporal(configuration, context.env)),
      settle('database', () => checkDatabase(configuration, context.env)),
    ])),
    ...(configuration === null ? [] : await checkStores(configuration, context)),
    ...(configuration === null ? [] : await checkRoster(configuration, homeFolder(context.home, context.env, context.cwd), context.now())),
    ...(configuration === null
      ? []
      : [await checkRevocations(configuration, homeFolder(context.home, context.env, context.cwd), context.now())]),
    ...(configuration === null ? [] : await checkSources(configuration, homeFolder(context.home, context.env, context.cwd), context.env)),
    ...(configuration === null ? [] : await checkApi(configuration.reseal.api, context.now())),
    ...(configuration === null ? [] : await checkServing(configuration, () => context.now())),
    ...(configuration === null
      ? []
      : await checkCodec(configuration, {
          home: homeFolder(context.home, context.env, context.cwd),
          env: context.env,
          now: () => context.now(),
        })),
    ...(configuration === null ? [] : await checkSinks(configuration, context.env)),
    ...(configuration?.reseal.orders === undefined ? [] : [await checkOrderKey(configuration.reseal.orders, context.env)]),
    ...(configuration !== null && configuration.topology.nodes.some((node) => node.reach.kind === 'ssh')
      ? [await settle('ssh', () => checkSsh(configuration as Configuration, context.env))]
      : []),
  ];
}
