import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { Security } from '../../src/mac/security.js';
import { throughCanary } from '../../src/node-shell/canary/client.js';
import { refusalOf, type CanaryRequest } from '../../src/node-shell/canary/requests.js';
import { securityLine } from '../../src/node-shell/security-line.js';
import { startCanary, type RunningCanary } from '../../src/node-shell/canary/server.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { thisMac } from '../../src/node-shell/place.js';
import { until } from '../setup/until.js';

const BUNDLES = ['/usr/local/var/reseal/canary'];
const APP = '/usr/local/var/reseal/canary/Stub.app';
const SHA1 = '97134E8CC0E5FFE4BA55EAF5DC7B6E9C0050BC31';

describe('what the canary process runs', () => {
  const request = (program: CanaryRequest['program'], args: readonly string[], stdin = ''): CanaryRequest => ({
    program,
    args,
    stdin,
    timeout: 1000,
  });

  it.each<[CanaryRequest['program'], readonly string[]]>([
    ['security', ['find-identity', '-p', 'codesigning']],
    ['security', ['find-identity', '-v', '-p', 'codesigning', '/Users/ci/Library/Keychains/ci.keychain-db']],
    ['security', ['list-keychains', '-d', 'user']],
    ['security', ['dump-keychain', '-a', '/Users/ci/Library/Keychains/reseal-97134e8c.keychain-db']],
    ['security', ['show-keychain-info', '/Users/ci/Library/Keychains/ci sign.keychain-db']],
    [
      'codesign',
      ['--force', '--sign', SHA1, '--keychain', '/Users/ci/x.keychain-db', '--entitlements', `${APP}.plist`, '--timestamp=none', APP],
    ],
    ['codesign', ['-dvvv', APP]],
    ['codesign', ['--verify', '--strict', '--deep', APP, `${APP}/PlugIns/Stub.appex`]],
    ['xcodebuild', ['-version']],
    [
      'xcodebuild',
      ['-exportArchive', '-archivePath', `${APP}.xcarchive`, '-exportPath', `${APP}-out`, '-exportOptionsPlist', `${APP}.plist`],
    ],
  ])('%s %j', (program, args) => {
    expect(refusalOf(request(program, args), BUNDLES)).toBeNull();
  });

  it.each<[string, CanaryRequest['program'], readonly string[]]>([
    ['a command that opens keychains', 'security', ['unlock-keychain', '-p', 'hunter2', 'ci.keychain-db']],
    ['a command that takes keys out', 'security', ['export', '-k', 'ci.keychain-db']],
    ['a command that nobody has given', 'security', ['-i']],
    ['no command at all', 'security', []],
    ['secrets of a keychain', 'security', ['dump-keychain', '-d', '/Users/ci/Library/Keychains/reseal-97134e8c.keychain-db']],
    ['what is in somebody’s keychain', 'security', ['dump-keychain', '-a', '/Users/ci/Library/Keychains/login.keychain-db']],
    ['a search list that is set', 'security', ['list-keychains', '-d', 'user', '-s', 'x.keychain-db']],
    ['another option', 'security', ['find-identity', '-s', 'x']],
    ['a file that is no keychain', 'security', ['show-keychain-info', '/etc/passwd']],
    ['two keychains', 'security', ['show-keychain-info', '/a.keychain-db', '/b.keychain-db']],
    ['signing what is no canary', 'codesign', ['--sign', SHA1, '/Users/ci/Release.app']],
    ['a way out of the folder', 'codesign', ['--sign', SHA1, `${BUNDLES[0] ?? ''}/../../Release.app`]],
    ['the folder’s namesake', 'codesign', ['--sign', SHA1, `${BUNDLES[0] ?? ''}-2/Release.app`]],
    ['a name in place of a SHA-1', 'codesign', ['--sign', 'Apple Distribution: Acme', APP]],
    ['an option that writes elsewhere', 'codesign', ['--file-list', '/tmp/x', '--sign', SHA1, APP]],
    ['an option without its value', 'codesign', [APP, '--sign']],
    ['no bundle', 'codesign', ['--verify']],
    ['a build', 'xcodebuild', ['-project', 'X.xcodeproj']],
    ['an export to elsewhere', 'xcodebuild', ['-exportArchive', '-exportPath', '/Users/ci/out']],
    ['a program of its own choice', 'mount', []],
  ])('not %s', (_, program, args) => {
    const refused = refusalOf(request(program, args), BUNDLES);
    expect(refused).toContain(`\`${program}`);
    expect(refused).not.toContain('hunter2');
  });

  const line = (...words: readonly string[]): CanaryRequest => {
    const made = securityLine(words);
    return request('security', ['-i'], 'line' in made ? `${made.line}\n` : '');
  };
  const OWN = 'reseal-97134e8c.keychain-db';
  const LOGIN = '/Users/ci/Library/Keychains/login.keychain-db';
  const users = ['-T', '/usr/bin/codesign', '-T', '/usr/bin/security'];

  it.each<readonly string[]>([
    ['create-keychain', '-p', 'a "quoted\\" one', OWN],
    ['unlock-keychain', '-p', 'hunter2', '/Users/ci/Library/Keychains/ci.keychain-db'],
    ['lock-keychain', OWN],
    ['delete-keychain', OWN],
    ['set-keychain-settings', OWN],
    ['set-keychain-settings', '-l', '-t', '21600', OWN],
    ['import', `${BUNDLES[0] ?? ''}/x/identity.p12`, '-k', OWN, '-f', 'pkcs12', '-P', 'hunter2', ...users],
    ['set-key-partition-list', '-S', 'apple-tool:,apple:,codesign:', '-s', '-k', 'hunter2', OWN],
    ['list-keychains', '-d', 'user', '-s', LOGIN, OWN],
    ['export', '-k', OWN, '-t', 'identities', '-f', 'pkcs12', '-p', '-P', 'hunter2'],
  ])('%s on stdin', (...words) => {
    expect(refusalOf(line(...words), BUNDLES)).toBeNull();
  });

  it.each<readonly [string, ...string[]]>([
    ['making a keychain of another name', 'create-keychain', '-p', 'hunter2', 'ci.keychain-db'],
    ['destroying somebody’s keychain', 'delete-keychain', LOGIN],
    ['destroying one of its name elsewhere', 'delete-keychain', `/tmp/${OWN}`],
    ['locking somebody’s keychain', 'lock-keychain', LOGIN],
    ['importing a file of elsewhere', 'import', '/Users/ci/x.p12', '-k', OWN, '-f', 'pkcs12', '-P', 'hunter2', ...users],
    ['importing for every program', 'import', `${BUNDLES[0] ?? ''}/x.p12`, '-k', OWN, '-f', 'pkcs12', '-P', 'hunter2', '-A'],
    ['another partition list', 'set-key-partition-list', '-S', 'unsigned:', '-s', '-k', 'hunter2', OWN],
    ['a search list of what is no keychain', 'list-keychains', '-d', 'user', '-s', '/etc/passwd'],
    ['an empty search list', 'list-keychains', '-d', 'user', '-s'],
    ['the system’s search list', 'list-keychains', '-d', 'system', '-s', LOGIN],
    ['taking keys out without a password', 'export', '-k', OWN],
    ['taking them out of the login keychain', 'export', '-k', LOGIN, '-t', 'identities', '-f', 'pkcs12', '-p', '-P', 'hunter2'],
    ['taking them out into a file', 'export', '-k', OWN, '-t', 'identities', '-f', 'pkcs12', '-P', 'hunter2', '-o', '/tmp/x.p12'],
    ['a password that is looked up', 'find-generic-password', '-w', '-s', 'hunter2'],
  ])('not %s', (_, ...words) => {
    const refused = refusalOf(line(...words), BUNDLES);
    expect(refused).toContain('`security -i` was given a command');
    expect(refused).not.toContain('hunter2');
  });

  it.each(['', '\n', `lock-keychain ${OWN}\n`, `"lock-keychain" "${OWN}"`, `"lock-keychain" "${OWN}"\n"delete-keychain" "${LOGIN}"\n`])(
    'not an input that is no single line of quoted words: %j',
    (stdin) => {
      expect(refusalOf(request('security', ['-i'], stdin), BUNDLES)).toContain('was not given one command in one line');
    },
  );

  const lines = (...all: readonly (readonly string[])[]): CanaryRequest => request('security', ['-i'], all.map((words) => line(...words).stdin).join('')); // prettier-ignore
  it('several lines on stdin that only look, one process for all of them; with one among them that changes something, none', () => {
    const looks = [
      ['show-keychain-info', LOGIN],
      ['show-keychain-info', '/Users/ci/Library/Keychains/ci sign.keychain-db'],
      ['find-identity', '-p', 'codesigning', LOGIN],
    ];
    expect(refusalOf(lines(...looks), BUNDLES)).toBeNull();
    for (const more of [
      ['lock-keychain', OWN],
      ['unlock-keychain', '-p', 'hunter2', LOGIN],
      ['dump-keychain', '-a', LOGIN],
      ['show-keychain-info', '/etc/passwd'],
      ['list-keychains', '-d', 'user', '-s', LOGIN],
      ['find-generic-password', '-w', '-s', 'hunter2'],
    ]) {
      for (const all of [
        [...looks, more],
        [more, ...looks],
      ]) {
        const refused = refusalOf(lines(...all), BUNDLES);
        expect(refused, more.join(' ')).toContain('was not given one command in one line, nor lines that only look');
        expect(refused).not.toContain('hunter2');
      }
    }
  });

  it('not what is allowed, with something on stdin', () => {
    expect(refusalOf(request('security', ['find-identity'], 'unlock-keychain'), BUNDLES)).toContain('was given an input');
  });
});

describe('an agent with a canary process', () => {
  const NODE = 'ams-sign-1' as NodeName;
  let folder: string;
  let bin: string;
  let socket: string;
  let running: RunningCanary | null = null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reseal-canary-'));
    bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(join(folder, 'run'), { mode: 0o750 });
    socket = join(folder, 'run', 'canary.sock');
  });
  afterEach(async () => {
    await running?.stop();
    running = null;
    rmSync(folder, { recursive: true, force: true });
  });

  const program = (name: string, body: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const path = (): string => `${bin}:/usr/bin:/bin`;
  const start = async (): Promise<void> => {
    running = await startCanary({ socket, bundles: [folder], home: folder, path: path() });
  };
  /** The agent's own PATH has none of these programs: what answers was run by the canary process. */
  const mac = (): LocalNode => new LocalNode(NODE, throughCanary(thisMac(folder, '/nonexistent'), socket));
  const find = () => mac().run({ program: 'security', args: ['find-identity'], timeout: 20_000 });

  it('runs `security` there and only there, with its output and its exit code as they are', async () => {
    program('security', 'echo "$HOME|$1"; echo told >&2; exit 36');
    await start();
    expect(await find()).toEqual({ code: 36, stdout: `${folder}|find-identity\n`, stderr: 'told\n', expired: false });
    expect(await mac().run({ program: 'sw_vers', args: [], timeout: 1000 })).toMatchObject({ code: 127 });
  });

  it('hands back an output of more than a megabyte, cut, and ends what takes too long with all that it started', async () => {
    program('security', 'head -c 10000000 /dev/zero | tr "\\0" "\\1"; exec sleep 60');
    await start();
    const result = await mac().run({ program: 'security', args: ['find-identity'], timeout: 1000 });
    expect(result.expired).toBe(true);
    expect(result.stdout).toBe('\u0001'.repeat(1_048_576));
  });

  it('says so when the process is away, and runs nothing in its place; the check is unclear, with the reason', async () => {
    program('security', 'exit 0');
    const own = new LocalNode(NODE, throughCanary(thisMac(folder, path()), socket));
    const result = await own.run({ program: 'security', args: ['find-identity'], timeout: 1000 });
    expect(result).toMatchObject({ code: 126, stdout: '', notRun: expect.stringContaining(`there is no ${socket}`) as string });
    expect(await new Security(own, 1000).identities()).toEqual({
      none: 'unclear',
      reason: expect.stringContaining('`security find-identity` was not run: the canary process is not there') as string,
    });
  });

  it('is refused what is not on the list, with a reason and without a run', async () => {
    program('security', `touch '${join(folder, 'ran')}'`);
    await start();
    const result = await mac().run({ program: 'security', args: ['unlock-keychain', 'x.keychain-db'], timeout: 1000 });
    expect(result.notRun).toBe('the canary process refused: `security unlock-keychain` is nothing that the canary process runs');
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('does not speak to a socket that everybody may use, nor to one in a folder that everybody may write, nor to a file', async () => {
    program('security', 'exit 0');
    await start();
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    expect((await find()).code).toBe(0);
    chmodSync(socket, 0o666);
    expect((await find()).notRun).toContain(`everybody may use ${socket}`);
    chmodSync(socket, 0o660);
    chmodSync(join(folder, 'run'), 0o777);
    expect((await find()).notRun).toContain(`everybody may write the folder ${join(folder, 'run')}`);
    chmodSync(join(folder, 'run'), 0o750);
    await running?.stop();
    running = null;
    writeFileSync(socket, '');
    expect((await find()).notRun).toContain('is no socket');
  });

  it('a link below its folder leads nowhere else: nothing outside is signed', async () => {
    program('codesign', `echo ran >>'${join(folder, 'ran')}'`);
    const bundles = join(folder, 'bundles');
    mkdirSync(bundles, { mode: 0o750 });
    mkdirSync(join(folder, 'elsewhere/Other.app'), { recursive: true });
    symlinkSync(join(folder, 'elsewhere'), join(bundles, 'link'));
    running = await startCanary({ socket, bundles: [bundles], home: folder, path: path() });
    const sign = (app: string) =>
      mac().run({ program: 'codesign', args: ['--force', '--sign', 'a'.repeat(40), join(bundles, app)], timeout: 20_000 });
    expect((await sign('link/Other.app')).notRun).toContain('leads out of it by a link');
    expect((await sign('link/New.app')).notRun).toContain('leads out of it by a link');
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    expect((await sign('Mine.app')).code).toBe(0);
  });

  it('takes no answer of another protocol, and none of an end without one', async () => {
    for (const [answer, said] of [
      ['{"code":"0"}\n', 'speaks another protocol'],
      ['', 'ended before it answered'],
    ] as const) {
      const other = createServer((one) => one.resume().end(answer)).listen(socket);
      await until(() => existsSync(socket), { what: 'the socket' });
      chmodSync(socket, 0o660);
      expect((await find()).notRun).toContain(said);
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('of requests that are none it says so, one without an end or beyond all measure is cut off, and the next is served', async () => {
    program('security', 'exit 0');
    await start();
    const say = (text: string): Promise<string> =>
      new Promise((resolve) => {
        let heard = '';
        const one = connect(socket, () => one.write(text));
        one
          .on('data', (chunk) => (heard += chunk.toString()))
          .on('error', () => undefined)
          .on('close', () => resolve(heard));
      });
    expect(await say('no json\n')).toContain('no request of protocol 1');
    expect(await say(`{"protocol":2,"program":"security","args":[],"stdin":"","timeout":1}\n`)).toContain('no request of protocol 1');
    expect(await say('x'.repeat(70_000))).toContain('what came is no request');
    expect((await find()).code).toBe(0);
  });

  it('is the only one at its socket; what a killed one left is no hindrance, and it takes its socket away with it', async () => {
    await start();
    await expect(startCanary({ socket, bundles: [], home: folder, path: '' })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('Another canary process listens') as string,
    });
    await running?.stop();
    expect(existsSync(socket)).toBe(false);
    // A socket whose process was killed: bound, and nobody listens.
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(statSync(socket).isSocket()).toBe(true);
    program('security', 'exit 0');
    await start();
    expect((await find()).code).toBe(0);
  });

  it('does not listen where everybody may write, nor in place of something else', async () => {
    chmodSync(join(folder, 'run'), 0o777);
    await expect(start()).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('everybody may write') as string });
    chmodSync(join(folder, 'run'), 0o750);
    writeFileSync(socket, 'precious');
    await expect(start()).rejects.toMatchObject({ code: 'REFUSED' });
    expect(readFileSync(socket, 'utf8')).toBe('precious');
  });

  it('ends what it runs when the agent is gone, and when it ends itself', async () => {
    program('security', `echo $$ >> '${join(folder, 'pids')}'; exec sleep 60`);
    await start();
    const line = `${JSON.stringify({ protocol: 1, program: 'security', args: ['find-identity'], stdin: '', timeout: 60_000 })}\n`;
    const pids = (): readonly number[] =>
      existsSync(join(folder, 'pids')) ? readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n').map(Number) : [];
    const isGone = (pid: number | undefined): boolean => {
      try {
        process.kill(pid ?? 0, 0);
        return false;
      } catch {
        return true;
      }
    };
    const first = connect(socket, () => first.write(line));
    await until(() => pids().length === 1, { what: 'a program that runs' });
    first.destroy();
    await until(() => isGone(pids()[0]), { what: 'its end' });
    const second = connect(socket, () => second.write(line));
    second.on('error', () => undefined);
    await until(() => pids().length === 2, { what: 'another program that runs' });
    await running?.stop();
    running = null;
    await until(() => isGone(pids()[1]), { what: 'the end of that' });
  });
});
