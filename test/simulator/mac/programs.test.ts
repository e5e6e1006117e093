import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clearFault, setFault, type Fault } from '../../../src/simulator/mac/faults.js';
import { installMac } from '../../../src/simulator/mac/install.js';
import { appleProfilePath } from '../../profile/support.js';
import { until } from '../../setup/until.js';
import { PASSWORD, quoted, simulatedMac, type Mac } from './support.js';

const PROGRAMS = resolve(import.meta.dirname, '../../../src/simulator/mac/programs');
const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

let mac: Mac;
beforeAll(async () => {
  mac = await simulatedMac({ macOS: { version: '14.5', build: '23F79' }, sleepMinutes: 10 });
});
afterAll(() => mac.dispose());

describe('faults', () => {
  const set = new Set<Fault['kind']>();
  const fault = async (one: Fault): Promise<void> => {
    set.add(one.kind);
    await setFault(mac.home, one);
  };
  afterEach(async () => {
    for (const kind of set) await clearFault(mac.home, kind);
    set.clear();
  });

  it('slow: takes so many seconds and then answers', async () => {
    const answer = mac.run('sw_vers', []);
    await fault({ kind: 'slow', seconds: 0.3, programs: ['sw_vers'] });
    const began = performance.now();
    expect(mac.run('sw_vers', [])).toEqual(answer);
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
  });

  it('hang: never ends, but only in the programs it concerns', async () => {
    await fault({ kind: 'hang', programs: ['security'] });
    expect(mac.run('sw_vers', ['-productName']).stdout).toBe('macOS\n');
    const hanging = spawnSync(join(mac.home, 'bin/security'), ['list-keychains'], { timeout: 300, killSignal: 'SIGKILL' });
    expect({ signal: hanging.signal, stdout: hanging.stdout.toString() }).toEqual({ signal: 'SIGKILL', stdout: '' });
  });

  it.skipIf(!existsSync('/proc/self/task'))('slow: ended early, it leaves nothing behind that holds its output', async () => {
    await fault({ kind: 'slow', seconds: 600 });
    const child = spawn(join(mac.home, 'bin/security'), ['list-keychains'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const pid = child.pid ?? 0;
    const waiter = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    await until(() => waiter() !== '' && readFileSync(`/proc/${waiter()}/comm`, 'utf8') === 'sleep\n');
    const sleep = Number(waiter());
    // Told that output has ended, which it is only when nobody holds it any more.
    const ended = new Promise((closed) => child.once('close', closed));
    child.kill('SIGKILL');
    await ended;
    process.kill(sleep, 'SIGKILL');
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('flood: ten megabytes come before the answer', async () => {
    const answer = mac.security('find-identity', '-v', '-p', 'codesigning');
    await fault({ kind: 'flood' });
    const { stdout, code } = mac.security('find-identity', '-v', '-p', 'codesigning');
    expect(stdout.length).toBe(10 * 2 ** 20 + answer.stdout.length);
    expect(stdout.endsWith(answer.stdout)).toBe(true);
    expect(code).toBe(0);
  });
});

describe('sw_vers, pmset and date', () => {
  it('sw_vers prints what the Mac was made as', () => {
    expect(mac.run('sw_vers', []).stdout).toBe('ProductName:\t\tmacOS\nProductVersion:\t\t14.5\nBuildVersion:\t\t23F79\n');
    expect(mac.run('sw_vers', ['-productVersion']).stdout).toBe('14.5\n');
    expect(mac.run('sw_vers', ['--buildVersion']).stdout).toBe('23F79\n');
    expect(mac.run('sw_vers', ['-x']).code).toBe(1);
  });

  it('pmset says when the Mac sleeps', () => {
    const { stdout, code } = mac.run('pmset', ['-g']);
    expect(stdout).toMatch(/^System-wide power settings:\nCurrently in use:\n[\s\S]*^ sleep {16}10$/m);
    expect(code).toBe(0);
    expect(mac.run('pmset', ['-g', 'custom']).stdout).toMatch(/^AC Power:\n[\s\S]*^ sleep {16}10$/m);
  });

  it('defaults says whether updates install themselves, and of nothing else', () => {
    const read = (key: string) => mac.run('defaults', ['read', '/Library/Preferences/com.apple.SoftwareUpdate', key]);
    expect(read('AutomaticallyInstallMacOSUpdates')).toMatchObject({ code: 0, stdout: '0\n' });
    expect(read('AutomaticDownload')).toMatchObject({ code: 1, stderr: expect.stringContaining('does not exist') as string });
  });

  it("date is the host's where nothing was set", () => {
    const at = (text: string): number => Number(text);
    const before = Math.floor(Date.now() / 1000);
    const shown = at(mac.run('date', ['+%s']).stdout);
    expect(shown).toBeGreaterThanOrEqual(before);
    expect(shown).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
  });
});

describe('what Node.js does', () => {
  it('is done without a bundle as well, from the sources', async () => {
    const { tool: _, ...options } = mac.options;
    await installMac(mac.home, options);
    expect(mac.security('cms', '-D', '-i', appleProfilePath('a0b45501'))).toMatchObject({ stderr: '', code: 0 });
    await installMac(mac.home, mac.options);
  });

  it('is told no argument with a line break, which would be two', () => {
    const sentence = 'this simulated Mac takes no argument with a line break in it';
    expect(mac.security('cms', '-D', '-i', 'a\nb')).toEqual({ stdout: '', stderr: `security: ${sentence}\n`, code: 1 });
    expect(mac.run('codesign', ['-d', 'a\nb'])).toEqual({ stdout: '', stderr: `codesign: ${sentence}\n`, code: 1 });
  });

  it('codesign and xcodebuild are the process that was started: who ends it ends the work', async () => {
    const slow = mac.path('slow.cjs');
    writeFileSync(slow, `require('fs').readFileSync(0); process.stdout.write(String(process.pid)); setInterval(() => undefined, 1000);`);
    await installMac(mac.home, { ...mac.options, tool: slow });
    for (const program of ['codesign', 'xcodebuild']) {
      const child = spawn(join(mac.home, 'bin', program), ['-d', 'A.app'], { stdio: ['ignore', 'pipe', 'ignore'] });
      const said = await new Promise<Buffer>((told) => child.stdout.once('data', told));
      child.kill('SIGKILL');
      expect(Number(said.toString())).toBe(child.pid);
    }
    await installMac(mac.home, mac.options);
  });
});

describe('the shell programs', () => {
  const files = readdirSync(PROGRAMS);

  it.skipIf(!has('shellcheck'))('are POSIX sh without a finding of shellcheck', () => {
    const ended = spawnSync('shellcheck', ['-s', 'sh', ...files], { cwd: PROGRAMS, encoding: 'utf8' });
    expect(ended).toMatchObject({ stdout: '', status: 0 });
  });

  it.skipIf(!has('bash'))('do the same in bash', () => {
    const script = [
      `unlock-keychain -p ${quoted(PASSWORD)} login.keychain`,
      'find-identity -p codesigning',
      'show-keychain-info /nowhere',
      '',
    ].join('\n');
    mac.security('lock-keychain', '-a');
    const inBash = mac.run('bash', ['--posix', join(mac.home, 'bin/security'), '-i'], { input: script });
    mac.security('lock-keychain', '-a');
    expect(mac.run('security', ['-i'], { input: script })).toEqual(inBash);
    expect(inBash).toMatchObject({ stdout: expect.stringContaining('0 valid identities found') as string, code: 50 });
  });

  it.skipIf(!existsSync('/proc/self/cmdline'))('show no password that came through -i to anybody who lists processes (T1)', async () => {
    // Every process that the commands start lists all processes and leaves the list behind.
    const list = 'for one in /proc/[0-9]*/cmdline; do tr "\\0" " " <"$one"; echo; done 2>/dev/null';
    const digests = execFileSync('sh', ['-c', 'command -v sha256sum'], { encoding: 'utf8' }).trim();
    writeFileSync(join(mac.home, 'bin/sha256sum'), `#!/bin/sh\n{ ${list}; } >>"${mac.path('seen-by-sh')}"\nexec ${digests} "$@"\n`, {
      mode: 0o755,
    });
    const spy = mac.path('spy.cjs');
    writeFileSync(
      spy,
      `require('child_process').execSync(${JSON.stringify(`{ ${list}; } >>"${mac.path('seen-by-node')}"`)}, { shell: '/bin/sh' });`,
    );
    await installMac(mac.home, { ...mac.options, tool: spy });
    mac.interactive(
      'create-keychain -p first-secret spied.keychain',
      'lock-keychain spied.keychain',
      'unlock-keychain -p second-secret spied.keychain',
    );
    mac.interactive(
      'import /nowhere/a.p12 -k spied.keychain -P third-secret',
      'set-key-partition-list -S apple: -k fourth-secret spied.keychain',
    );
    rmSync(join(mac.home, 'bin/sha256sum'));
    await installMac(mac.home, mac.options);
    const seen = ['seen-by-sh', 'seen-by-node'].map((name) => readFileSync(mac.path(name), 'utf8'));
    for (const one of seen) expect(one).toContain(`${mac.home}/bin/security -i`);
    expect(seen.join('').match(/(first|second|third|fourth)-secret/g)).toBeNull();
  });
});
