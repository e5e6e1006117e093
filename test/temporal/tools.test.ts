import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endProcess, isRunning, startTimeOf } from '../../src/temporal/process-identity.js';
import { withFileLock } from '../../src/temporal/file-lock.js';
import { findTemporalCli, TEMPORAL_CLI_VERSION } from '../../src/temporal/temporal-cli.js';
import { findTestServer } from '../../src/temporal/test-server.js';
import { timeSkipping } from '../setup/time-skipping.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-tools-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Something that answers `--version` as a Temporal CLI does. */
function executable(path: string, body: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}
const ANSWERS = 'echo "temporal version 9.9.9 (Server 1, UI 2)"';

describe('the Temporal CLI', () => {
  it('is the configured one before the one on PATH, and that one before the cached one', async () => {
    const configured = executable(join(folder, 'own/temporal'), ANSWERS);
    const installed = executable(join(folder, 'bin/temporal'), ANSWERS);
    const cached = executable(join(folder, `cache/reseal/temporal-cli/${TEMPORAL_CLI_VERSION}/temporal`), ANSWERS);
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: join(folder, 'cache'), RESEAL_TEMPORAL_CLI: configured };
    expect(await findTemporalCli({ env, effort: 'look' })).toEqual({
      path: configured,
      from: 'configured',
      version: 'temporal version 9.9.9 (Server 1, UI 2)',
    });
    expect(await findTemporalCli({ env: { ...env, RESEAL_TEMPORAL_CLI: '' }, effort: 'look' })).toMatchObject({
      path: installed,
      from: 'path',
    });
    executable(join(folder, 'bin/temporal'), 'exit 1');
    expect(await findTemporalCli({ env: { ...env, RESEAL_TEMPORAL_CLI: '' }, effort: 'look' })).toMatchObject({
      path: cached,
      from: 'cache',
    });
  });

  it('that is configured and does not run is an error, not a reason to take another', async () => {
    const env = { PATH: '/usr/bin:/bin', RESEAL_TEMPORAL_CLI: join(folder, 'nothing') };
    await expect(findTemporalCli({ env })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('RESEAL_TEMPORAL_CLI names'),
    });
  });

  it('that is nowhere is an error that names the ways to get one', async () => {
    const env = { PATH: '/usr/bin:/bin', XDG_CACHE_HOME: join(folder, 'cache') };
    await expect(findTemporalCli({ env, effort: 'look' })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('name it in RESEAL_TEMPORAL_CLI'),
    });
  });

  it('is built by go install into the cache when nothing else works, once for two callers at a time', async () => {
    const log = join(folder, 'go.log');
    const made = executable(join(folder, 'made'), ANSWERS);
    executable(join(folder, 'bin/go'), `echo "$@" >> ${log}; sleep 0.5; cp ${made} "$GOBIN/temporal"`);
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: join(folder, 'cache') };
    const lines: string[] = [];
    const both = await Promise.all([1, 2].map(() => findTemporalCli({ env, onProgress: (line) => lines.push(line) })));
    expect(both.map((one) => one.from).sort()).toEqual(['cache', 'go-install']);
    expect(readFileSync(log, 'utf8').trim()).toBe(`install github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}`);
    expect(lines.join('\n')).toContain('about 5 minutes');
    expect(lines).toContain('another process is obtaining the Temporal CLI; waiting for it');
  });
});

describe('a file lock', () => {
  it('is taken over from a process that is gone', async () => {
    const path = join(folder, 'lock');
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
    expect(await withFileLock(path, () => Promise.resolve(existsSync(path)))).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  it('lets one in at a time and is given back after a failure', async () => {
    const path = join(folder, 'lock');
    let inside = 0;
    let most = 0;
    const enter = () =>
      withFileLock(path, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 20));
        inside -= 1;
        throw new Error('done');
      });
    await Promise.allSettled([enter(), enter(), enter()]);
    expect(most).toBe(1);
  });
});

describe('ending a process', () => {
  it('kills one that ignores SIGTERM, and never one that began at another time', async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)"]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const pid = child.pid!;
    await endProcess({ pid, startTime: 'another time' }, 200);
    const startTime = startTimeOf(pid)!;
    expect(isRunning({ pid, startTime })).toBe(true);
    await endProcess({ pid, startTime }, 200);
    expect(isRunning({ pid, startTime })).toBe(false);
  });
});

describe('the time-skipping server', async () => {
  const server = await findTestServer();

  it.skipIf('missing' in server)(`skips seven days in a moment${'missing' in server ? ` (skipped: ${server.missing})` : ''}`, async () => {
    if ('missing' in server) return;
    const env = await timeSkipping(server.path);
    const before = await env.currentTimeMs();
    await env.sleep('7d');
    expect((await env.currentTimeMs()) - before).toBeGreaterThanOrEqual(7 * 86_400_000);
    await env.teardown();
  });

  it('is reported as missing with the reason where there is no java', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      expect(await findTestServer()).toEqual({ missing: 'java is not installed; the time-skipping server needs Java 17' });
    } finally {
      process.env['PATH'] = path;
    }
  });
});
