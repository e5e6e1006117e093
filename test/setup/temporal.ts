import './quiet-runtime.js';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { connectClient } from '../../src/temporal/connection.js';
import { startEmbeddedServer } from '../../src/temporal/embedded-server.js';
import { withFileLock } from '../../src/temporal/file-lock.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import { bundleWorkflows, type WorkflowBundle } from '../../src/temporal/workers.js';

export const TEST_NAMESPACE = 'reseal-test';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly client: Client;
  readonly connection: Connection;
  /** For workers. */
  readonly native: NativeConnection;
}

let shared: Promise<TestTemporal> | undefined;

async function connect(): Promise<TestTemporal> {
  const home = join(inject('runFolder'), 'temporal');
  const server = await withFileLock(`${home}.lock`, () =>
    startEmbeddedServer({ home, namespace: TEST_NAMESPACE, ui: 'headless', onProgress: (line) => process.stderr.write(`${line}\n`) }),
  );
  const { connection } = await connectClient({ address: server.address, namespace: TEST_NAMESPACE });
  if (!server.adopted) await registerSearchAttributes(connection, TEST_NAMESPACE);
  const native = await NativeConnection.connect({ address: server.address });
  return {
    address: server.address,
    namespace: TEST_NAMESPACE,
    client: new Client({ connection, namespace: TEST_NAMESPACE }),
    connection,
    native,
  };
}

/**
 * Connections to the one in-memory Temporal server of this test run, with reseal's search attributes; the first caller starts it.
 * The connections are shared by the test file and must not be closed.
 */
export function testConnection(): Promise<TestTemporal> {
  shared ??= connect();
  return shared;
}

/** A task queue (or workflow id part) that no other test uses. */
export function uniqueTaskQueue(prefix = 'test'): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|cjs)$/.test(name))
    .map((name) => join(folder, name));
}

/** Built once for all test files and runs with the same sources: the file's name is the digest of everything it is made of. */
async function buildOnce(workflowsPath: string): Promise<WorkflowBundle> {
  const hash = createHash('sha256');
  const files = [
    workflowsPath,
    ...sourcesOf(dirname(workflowsPath)),
    ...sourcesOf(join(ROOT, 'workflows')),
    ...sourcesOf(join(ROOT, 'src/domain')),
    join(ROOT, 'package-lock.json'),
  ];
  for (const file of [...new Set(files)].sort()) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  const cache = join(ROOT, 'node_modules/.cache/reseal-test-bundles');
  const codePath = join(cache, `${hash.digest('hex')}.js`);
  mkdirSync(cache, { recursive: true });
  return withFileLock(`${codePath}.lock`, async () => {
    if (!existsSync(codePath) || statSync(codePath).size === 0) {
      const { code } = await bundleWorkflows(workflowsPath);
      writeFileSync(`${codePath}.new`, code);
      renameSync(`${codePath}.new`, codePath);
    } else {
      utimesSync(codePath, new Date(), new Date());
    }
    return { codePath };
  });
}

/** The bundle of reseal's workflows; another entry file for tests with workflows of their own. */
export function testWorkflowBundle(workflowsPath: string = join(ROOT, 'workflows/index.ts')): Promise<WorkflowBundle> {
  return buildOnce(workflowsPath);
}
