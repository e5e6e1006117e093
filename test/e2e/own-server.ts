import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { freePorts } from '../../src/temporal/free-port.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import { findTemporalCli } from '../../src/temporal/temporal-cli.js';
import type { TestTemporal } from '../setup/temporal.js';
import { until } from '../setup/until.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const NAMESPACE = 'reseal-own';

/** A Temporal server of one test, with a database file, on a port that it keeps: it can lose its power and come back. */
export class OwnServer {
  private child: ChildProcess | undefined;
  private constructor(
    private readonly cli: string,
    private readonly folder: string,
    private readonly ports: readonly number[],
    readonly temporal: TestTemporal,
  ) {}

  static async start(): Promise<OwnServer> {
    const { path } = await findTemporalCli();
    const folder = temporaryFolder('reseal-own-server');
    const ports = await freePorts(3);
    const address = `127.0.0.1:${ports[0]}`;
    const connection = Connection.lazy({ address });
    const parts = { address, namespace: NAMESPACE, client: new Client({ connection, namespace: NAMESPACE }), connection };
    const server = new OwnServer(path, folder, ports, parts as TestTemporal);
    await server.powerOn();
    await registerSearchAttributes(connection, NAMESPACE);
    Object.assign(parts, { native: await NativeConnection.connect({ address }) });
    return server;
  }

  /** Of the database file, its journal among it. */
  databaseBytes(): Buffer {
    const names = readdirSync(this.folder).filter((name) => name.startsWith('temporal.db'));
    return Buffer.concat(names.map((name) => readFileSync(join(this.folder, name))));
  }

  async powerOn(): Promise<void> {
    const [port, http, metrics] = this.ports;
    const ports = ['--port', String(port), '--http-port', String(http), '--metrics-port', String(metrics)];
    const args = [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      ...ports,
      '--headless',
      '--namespace',
      NAMESPACE,
      '--log-level',
      'error',
      '--db-filename',
      join(this.folder, 'temporal.db'),
    ];
    this.child = spawn(this.cli, args, { stdio: 'ignore' });
    await until(() => this.temporal.connection.workflowService.describeNamespace({ namespace: NAMESPACE }), {
      what: 'the Temporal server',
      timeout: 60_000,
    });
  }

  /** SIGKILL: what it had not written is gone. */
  async powerOff(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.temporal.native.close();
    await this.temporal.connection.close();
    await this.powerOff();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
