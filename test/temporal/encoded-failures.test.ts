import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, type WorkflowFailedError } from '@temporalio/client';
import { type ActivityFailure, ApplicationFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encryptingCodec } from '../../src/temporal/codec/encryption.js';
import { newRootKey, type StoredKey } from '../../src/temporal/codec/key-file.js';
import { controlRing } from '../../src/temporal/codec/key-ring.js';
import { dataConverter } from '../../src/temporal/data-converter.js';
import { runWorker, type RunningWorker } from '../../src/temporal/running-worker.js';
import { createResealWorker } from '../../src/temporal/workers.js';
import { testConnection, testWorkflowBundle, uniqueTaskQueue, type TestTemporal } from '../setup/temporal.js';

const PLANTED = 'planted-3f81';
const activities = {
  refuse: async (what: string) => {
    throw ApplicationFailure.create({ message: `refused ${what}`, details: [what], cause: new Error(`because of ${what}`) });
  },
};
/** A key as an outside library would quote it of a file that it cannot read: one of many, none of which was ever used. */
const PEM = `-----BEGIN PRIVATE KEY-----\n${randomUUID()}\n-----END PRIVATE KEY-----`;
const ofOthers: Readonly<Record<string, () => Error>> = {
  'an error, its stack and its cause': () => new TypeError(`no key: ${PEM}`, { cause: new Error(`a header: Bearer ${PLANTED}-token`) }),
  'one whose message cannot be assigned': () => new DOMException(`no key: ${PEM}`, 'DataError'),
  'one that is its own cause': () => {
    const error = new Error(`no key: ${PEM}`);
    error.cause = error;
    return error;
  },
};
const converterOf = (roots: readonly StoredKey[]) =>
  dataConverter(encryptingCodec({ ring: controlRing(roots, 'test'), servedBy: () => 'control' }));

describe('on a real server', () => {
  let temporal: TestTemporal;
  let taskQueue: string;
  const running: RunningWorker[] = [];
  const start = async (roots: readonly StoredKey[]): Promise<{ client: Client; stop: () => Promise<void> }> => {
    const { native, connection, namespace } = temporal;
    const worker = runWorker(
      await createResealWorker({
        ...{ connection: native, namespace, taskQueue, activities },
        dataConverter: converterOf(roots),
        workflowBundle: await testWorkflowBundle(fileURLToPath(new URL('./fixtures/workflows.ts', import.meta.url))),
      }),
      () => Promise.resolve(),
    );
    running.push(worker);
    return { client: new Client({ connection, namespace, dataConverter: converterOf(roots) }), stop: () => worker.stop() };
  };
  /** Everything that the server keeps of a workflow, as bytes. */
  const history = async (workflowId: string): Promise<Buffer> =>
    Buffer.from(proto.temporal.api.history.v1.History.encode(await temporal.client.workflow.getHandle(workflowId).fetchHistory()).finish());
  beforeAll(async () => {
    temporal = await testConnection();
    taskQueue = uniqueTaskQueue('codec');
  });
  afterAll(async () => {
    for (const worker of running) await worker.stop();
  });

  it('neither the messages nor the stacks of failures nor those of their causes are readable, though a workflow passes them on (T3)', async () => {
    const { client, stop } = await start([newRootKey('active', Date.now())]);
    const workflowId = `failing-${randomUUID()}`;
    const failed = await client.workflow.execute('failing', { workflowId, taskQueue, args: [PLANTED] }).then(
      () => null,
      (error: unknown) => error as WorkflowFailedError,
    );
    const activity = failed?.cause as ActivityFailure;
    expect(activity.cause?.message).toBe(`refused ${PLANTED}`);
    expect((activity.cause?.cause as Error).message).toBe(`because of ${PLANTED}`);
    expect(activity.cause?.stack).toContain('encoded-failures.test');
    const kept = await history(workflowId);
    expect(kept.includes('Encoded failure')).toBe(true);
    for (const text of [PLANTED, 'because of', 'refused', 'encoded-failures.test', 'Activity task failed'])
      expect(kept.includes(text), text).toBe(false);
    await stop();
  });

  it.each(Object.keys(ofOthers))('plain payloads too have no secret that a library quotes, in %s (T1)', async (which) => {
    const { native, connection, namespace } = temporal;
    const queue = uniqueTaskQueue('plain');
    const throws = ofOthers[which] ?? (() => new Error(which));
    const worker = runWorker(
      await createResealWorker({
        ...{ connection: native, namespace, taskQueue: queue },
        activities: { refuse: () => Promise.reject(throws()) },
        workflowBundle: await testWorkflowBundle(fileURLToPath(new URL('./fixtures/workflows.ts', import.meta.url))),
      }),
      () => Promise.resolve(),
    );
    running.push(worker);
    const client = new Client({ connection, namespace, dataConverter: dataConverter(null) });
    const workflowId = `quoting-${randomUUID()}`;
    const failed = await client.workflow
      .execute('failing', { workflowId, taskQueue: queue, args: [PLANTED] })
      .catch((error: unknown) => error as WorkflowFailedError);
    expect(((failed as WorkflowFailedError).cause?.cause as Error).message).toContain('no key: -----BEGIN PRIVATE KEY----- [left out]');
    const kept = await history(workflowId);
    expect(kept.includes('[left out]')).toBe(true);
    for (const secret of [PEM.slice(28, 64), `${PLANTED}-token`]) expect(kept.includes(secret)).toBe(false);
  });

  it('a key is changed while a workflow runs: what was written is read with the old one, what is written is under the new one', async () => {
    const old = newRootKey('active', Date.now());
    const next = newRootKey('active', Date.now());
    const workflowId = `listening-${randomUUID()}`;
    const before = await start([old]);
    const handle = await before.client.workflow.start('listening', { workflowId, taskQueue, args: [`${PLANTED} one`] });
    expect(await handle.query('heard')).toBe(`${PLANTED} one`);
    await before.stop();

    const after = await start([next, { ...old, status: 'read-only' }]);
    const again = after.client.workflow.getHandle(workflowId);
    expect(await again.query('heard')).toBe(`${PLANTED} one`);
    await again.signal('hear', `${PLANTED} two`);
    expect(await again.query('heard')).toBe(`${PLANTED} two`);
    await again.signal('hear', 'enough');
    expect(await again.result()).toBe('enough');
    await after.stop();
    const kept = await history(workflowId);
    expect(kept.includes(PLANTED)).toBe(false);
    expect(kept.includes(`${old.id}/control`)).toBe(true);
    expect(kept.lastIndexOf(`${next.id}/control`)).toBeGreaterThan(kept.lastIndexOf(`${old.id}/control`));
  });
});
