import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache.js';
import { withFileLock } from './file-lock.js';
import { runProcess } from './run-process.js';

export const TEST_SERVER_VERSION = '1.38.0';

export type TestServer = { readonly path: string } | { readonly missing: string };

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>reseal</groupId><artifactId>temporal-test-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${TEST_SERVER_VERSION}</version>
  </dependency></dependencies>
</project>
`;

async function java17(): Promise<string | null> {
  const run = await runProcess('java', ['-version'], { timeout: 20_000 });
  if (run.code !== 0) return 'java is not installed; the time-skipping server needs Java 17';
  const major = Number(/version "(\d+)/.exec(run.stderr)?.[1] ?? 0);
  return major >= 17 ? null : `java is version ${major}; the time-skipping server needs Java 17`;
}

async function resolveJars(folder: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const scratch = mkdtempSync(`${folder}-`);
  try {
    writeFileSync(join(scratch, 'pom.xml'), POM);
    const args = [
      '-B',
      '-q',
      '-f',
      join(scratch, 'pom.xml'),
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${join(scratch, 'lib')}`,
    ];
    const run = await runProcess('mvn', args, { timeout: 5 * 60_000, env });
    if (run.code === null) return 'maven (mvn) is not installed; it resolves the time-skipping server from Maven Central';
    if (run.code !== 0) return `maven could not resolve io.temporal:temporal-test-server:${TEST_SERVER_VERSION}`;
    const script = `#!/bin/sh\nexec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"\n`;
    writeFileSync(join(scratch, 'temporal-test-server'), script, { mode: 0o755 });
    renameSync(scratch, folder);
    return null;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Temporal's time-skipping test server, for tests of the seven-day timeline only: Maven Central's
 * `io.temporal:temporal-test-server`, resolved once by maven (the user's mirror settings hold) into the cache. Never throws for
 * what a machine may lack: `missing` says why, and the tests that need it are named as skipped.
 */
export async function findTestServer(env: NodeJS.ProcessEnv = process.env): Promise<TestServer> {
  const folder = join(cacheFolder(env), 'temporal-test-server', TEST_SERVER_VERSION);
  const path = join(folder, 'temporal-test-server');
  const noJava = await java17();
  if (noJava !== null) return { missing: noJava };
  if (existsSync(path)) return { path };
  mkdirSync(dirname(folder), { recursive: true });
  return withFileLock(`${folder}.lock`, async () => {
    if (existsSync(path)) return { path };
    const missing = await resolveJars(folder, env);
    return missing === null ? { path } : { missing };
  });
}
