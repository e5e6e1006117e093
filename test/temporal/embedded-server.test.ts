import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, connectWorkers } from '../../src/temporal/connection.js';
import { startEmbeddedServer, stopRecorded } from '../../src/temporal/embedded-server.js';
import { isRunning, startTimeOf } from '../../src/temporal/process-identity.js';
import { registerSearchAttributes, SEARCH_ATTRIBUTES } from '../../src/temporal/search-attributes.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import { testConnection, testWorkflowBundle, uniqueTaskQueue } from '../setup/temporal.js';
import { until } from '../setup/until.js';

describe('the embedded server', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'reseal-embedded-'));
  });
  afterEach(async () => {
    await stopRecorded(home);
    rmSync(home, { recursive: true, force: true });
  });

  const start = () => startEmbeddedServer({ home, dbFile: join(home, 'temporal.db'), namespace: 'reseal', ui: 'headless' });

  it('is adopted by the next start when it answers, and is gone after stop', async () => {
    const first = await start();
    expect(first.adopted).toBe(false);
    const second = await start();
    expect(second).toMatchObject({ adopted: true, pid: first.pid, address: first.address });
    const startTime = startTimeOf(first.pid) ?? '';
    await second.stop();
    expect(isRunning({ pid: first.pid, startTime })).toBe(false);
    const third = await start();
    expect(third.adopted).toBe(false);
  });

  it('is ended and replaced when it is still that process and does not answer', async () => {
    const first = await start();
    const startTime = startTimeOf(first.pid) ?? '';
    process.kill(first.pid, 'SIGSTOP');
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(second.pid).not.toBe(first.pid);
    expect(isRunning({ pid: first.pid, startTime })).toBe(false);
  });

  it('leaves alone a process that got the recorded pid after the server had ended', async () => {
    writeFileSync(join(home, 'temporal.json'), JSON.stringify({ pid: process.pid, startTime: 'another time', port: 1, uiPort: null }));
    const server = await start();
    expect(server.adopted).toBe(false);
    expect(JSON.parse(readFileSync(join(home, 'temporal.json'), 'utf8'))).toMatchObject({ pid: server.pid });
  });

  it('keeps its workflows in the database file over a kill -9', async () => {
    const first = await start();
    const one = await connectClient({ address: first.address, namespace: 'reseal' });
    await one.connection.workflowService.startWorkflowExecution({
      namespace: 'reseal',
      workflowId: 'kept',
      workflowType: { name: 'none' },
      taskQueue: { name: 'none' },
      requestId: 'kept',
    });
    await one.connection.close();
    process.kill(first.pid, 'SIGKILL');
    await until(() => startTimeOf(first.pid) === null);
    const second = await start();
    const two = await connectClient({ address: second.address, namespace: 'reseal' });
    const found = await two.connection.workflowService.describeWorkflowExecution({
      namespace: 'reseal',
      execution: { workflowId: 'kept' },
    });
    expect(found.workflowExecutionInfo?.type?.name).toBe('none');
    await two.connection.close();
  });

  it('says why it did not start, with the end of its log', async () => {
    await expect(startEmbeddedServer({ home, namespace: 'reseal', dbFile: '/nowhere/temporal.db', ui: 'headless' })).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('did not start') as unknown,
    });
  });
});

const INT = 3 as never; // temporal.api.enums.v1.IndexedValueType.INT; its package is not ours to import

describe('the shared server of the tests', () => {
  it('runs a workflow with an activity on a worker of ours and has the search attributes', async () => {
    const temporal = await testConnection();
    const taskQueue = uniqueTaskQueue();
    const worker = await createResealWorker({
      connection: temporal.native,
      namespace: temporal.namespace,
      taskQueue,
      workflowBundle: await testWorkflowBundle(fileURLToPath(new URL('./fixtures/workflows.ts', import.meta.url))),
      activities: { double: (n: number) => Promise.resolve(2 * n) },
    });
    const result = await worker.runUntil(temporal.client.workflow.execute('doubling', { taskQueue, workflowId: taskQueue, args: [21] }));
    expect(result).toBe(42);
    const listed = await until(async () => {
      for await (const one of temporal.client.workflow.list({ query: `ResealLine = 'ios-main' AND WorkflowId = '${taskQueue}'` }))
        return one;
      return null;
    });
    expect(listed.workflowId).toBe(taskQueue);
  });

  it('accepts a second registration of the search attributes and refuses one of another type', async () => {
    const temporal = await testConnection();
    await registerSearchAttributes(temporal.connection, temporal.namespace);
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({ namespace: temporal.namespace });
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)));
    await temporal.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes: { ResealPhase: INT } });
    await expect(registerSearchAttributes(temporal.connection, 'default')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: ['ResealPhase must be of type Keyword'],
    });
  });
});

describe('a Temporal server that is not there', () => {
  it('is reported in plain words within ten seconds, to clients and to workers', async () => {
    const began = Date.now();
    await expect(connectClient({ address: '127.0.0.1:1' })).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
    await expect(connectWorkers({ address: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('Temporal at 127.0.0.1:1 does not answer') as unknown,
    });
    expect(Date.now() - began).toBeLessThan(21_000);
  });

  it('is reported also where something listens and never answers', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    try {
      const began = Date.now();
      await expect(connectClient({ address: `127.0.0.1:${port}` })).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
      expect(Date.now() - began).toBeLessThan(12_000);
    } finally {
      silent.close();
    }
  });
});
