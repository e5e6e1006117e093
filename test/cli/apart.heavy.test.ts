import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseJournal } from '../../activities/node/index.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { OwnServer } from '../e2e/own-server.js';
import { FAST_POLICY } from '../e2e/rotating-mesh.js';
import { startPostgres } from '../setup/postgres.js';
import { TestAuthority } from '../setup/tls.js';
import { until } from '../setup/until.js';
import { built, cleanEnv, RunningReseal, runReseal, type RanReseal } from './processes.js';

/** Waves that can be told apart, on a machine that is busy; a worker that is away for a while is no reason to turn back. */
const POLICY = {
  ...FAST_POLICY,
  probe: { passes: 3, interval: '300ms', checkTimeout: '10s', inconclusiveFor: '5s' },
  cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['30%', '30%', '40%'], maxUnavailable: 1, stallTimeout: '2m' },
  limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '1m', nodeOfflineAfter: '1m' },
};

interface Status {
  readonly rotation: { readonly phase: string; readonly to: string; readonly commands: readonly string[] };
}

const postgres = await startPostgres();

/** What production is: a Temporal server and a database that others run, one configuration, and the parts as processes of their own. */
class Apart {
  readonly parts: RunningReseal[] = [];
  private constructor(
    readonly folder: string,
    readonly mesh: SimulatedMesh,
    readonly temporal: OwnServer,
    readonly database: string,
  ) {}

  static async start(database: string): Promise<Apart> {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-apart-'));
    const temporal = await OwnServer.start();
    const mesh = await createMesh({ folder, nodes: simulatedNodes(9), policy: POLICY });
    const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
    await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
    await around.close();
    const { address, namespace } = temporal.temporal;
    const file = join(mesh.folders.config, 'reseal.yaml');
    const reseal = {
      ...(parse(readFileSync(file, 'utf8')) as object),
      temporal: { address, namespace },
      database: 'env:RESEAL_DATABASE_URL',
      api: { listen: '0.0.0.0:0', tls: new TestAuthority(folder).issue('server', { names: ['127.0.0.1'] }) },
    };
    writeFileSync(file, stringify(reseal));
    return new Apart(folder, mesh, temporal, database);
  }

  /** A part, on a home of its own as on a machine of its own. */
  async run(part: 'server' | 'worker', home: string): Promise<RunningReseal> {
    const env = cleanEnv(join(this.folder, home), { RESEAL_CONFIG: this.mesh.folders.config, RESEAL_DATABASE_URL: this.database });
    const running = RunningReseal.start([part], { env });
    this.parts.push(running);
    await running.says('Ctrl-C ends it.');
    return running;
  }

  /** The command line of a person who knows the server's address and token, and has neither its home nor its configuration. */
  person(server: RunningReseal): NodeJS.ProcessEnv {
    const [, url = ''] = /control API +(\S+)/.exec(server.said) ?? [];
    return cleanEnv(join(this.folder, 'nobody'), { RESEAL_URL: url, RESEAL_TOKEN_FILE: join(this.folder, 'server', 'token'), RESEAL_CA: join(this.folder, 'authority.pem') });
  } // prettier-ignore

  served(): readonly string[] {
    return this.mesh.nodes.map(({ name }) =>
      createHash('sha256')
        .update(readFileSync(join(this.mesh.folders.nodes, name, 'usr/local/var/reseal/mount/ios-main/profiles.json')))
        .digest('hex'),
    );
  }

  /** How often a rotation's step changed something on a node. */
  changes(node: string, rotation: string, step: string): number {
    const journal = parseJournal(readFileSync(join(this.mesh.folders.nodes, node, 'usr/local/var/reseal/state/journal'), 'utf8'));
    return journal.filter((one) => one.rotation === rotation && one.do === step && one.phase === 'result' && one.changed).length;
  }

  async stop(): Promise<void> {
    for (const part of this.parts.filter(({ child }) => child.exitCode === null && child.signalCode === null)) await part.stop();
    await this.temporal.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let apart: Apart;
beforeAll(async () => {
  if ('missing' in postgres) return;
  await built();
  apart = await Apart.start(postgres.url);
}, 300_000);
afterAll(async () => {
  if ('missing' in postgres) return;
  await apart.stop();
  await postgres.stop();
}, 120_000);

it.skipIf('missing' in postgres)(
  `server and workers apart, on Temporal and PostgreSQL that reseal.yaml names: a worker killed with -9 while rolling, another one takes over and completes (P6, R3, R5)${'missing' in postgres ? ` (skipped: ${postgres.missing})` : ''}`,
  async () => {
    const server = await apart.run('server', 'server');
    const first = await apart.run('worker', 'worker-1');
    const env = apart.person(server);
    const reseal = (...args: readonly string[]): Promise<RanReseal> => runReseal(args, { env });
    const status = async (): Promise<Status['rotation']> =>
      (JSON.parse((await reseal('rotation', 'status', 'ios-main-1', '--json')).stdout) as Status).rotation;

    expect(server.said).toMatch(/control API +https:/);
    const guess = await runReseal(['rotation', 'list'], { env: { ...env, RESEAL_TOKEN: 'guess' } });
    expect([guess.exit, guess.stderr]).toEqual([4, expect.stringContaining('The token does not count')]);
    const started = await reseal('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-7');
    expect([started.exit, started.stdout], started.stderr).toEqual([0, expect.stringMatching(/^ios-main-1 /)]);
    const watching = RunningReseal.start(['rotation', 'watch', 'ios-main-1'], { env });
    apart.parts.push(watching);
    await until(async () => (await status()).commands.includes('approve'), { what: 'an open gate', timeout: 120_000, every: 200 });
    for (const person of ['ada', 'grace']) {
      const approved = await reseal('rotation', 'approve', 'ios-main-1', '--as', person, '--ticket', 'CHG-7');
      expect(approved.exit, approved.stderr).toBe(0);
    }

    await watching.says('wave 1 serves the new assets', 120_000);
    expect(await first.killHard()).toBe('SIGKILL');
    const { phase, to } = await status();
    expect(phase).toBe('rolling');
    const left = apart.served();
    expect(new Set(left)).toEqual(new Set([to, apart.mesh.manifest]));

    const second = await apart.run('worker', 'worker-2');
    expect(await watching.ended, watching.said).toBe(0);
    expect(watching.said).toMatch(/outcome +completed\n$/);
    expect(new Set(apart.served())).toEqual(new Set([to]));
    for (const step of ['stage', 'activate']) {
      const counts = apart.mesh.nodes.map(({ name }) => apart.changes(name, 'ios-main-1', step));
      expect([Math.max(...counts), counts.filter((count) => count === 1).length > 1], `${step}: ${counts.join(' ')}`).toEqual([1, true]);
    }

    // The record is in the database that reseal.yaml names; no part has made one of its own beside it.
    const database = new pg.Client({ connectionString: apart.database });
    await database.connect();
    try {
      expect((await database.query('select id from rotation')).rows).toEqual([{ id: 'ios-main-1' }]);
    } finally {
      await database.end();
    }
    for (const home of ['server', 'worker-1', 'worker-2']) expect(existsSync(join(apart.folder, home, 'database'))).toBe(false);
    // On the server's own machine it is known by its certificate, and says whom it turned away.
    const own = cleanEnv(join(apart.folder, 'server'));
    expect((await runReseal(['rotation', 'list'], { env: own })).stdout).toContain('ios-main-1');
    expect(await second.stop()).toBe(0);
    expect(await server.stop()).toBe(0);
    expect((await runReseal(['audit', 'tail'], { env: own })).stdout).toMatch(
      /turned away \(NOT_ENTITLED\) .*route=GET \/v1\/rotations status=401 times=1/,
    );
  },
  400_000,
);
