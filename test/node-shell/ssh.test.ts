import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { withLock } from '../../src/node-shell/lock.js';
import { SshNode } from '../../src/node-shell/ssh/node.js';
import { SshSession } from '../../src/node-shell/ssh/session.js';
import { SshSessions } from '../../src/node-shell/ssh/sessions.js';
import { sshArguments, type SshSettings } from '../../src/node-shell/ssh/settings.js';
import { sshdMissing, startHost, type TestHost, type TestHostRequest } from '../setup/sshd.js';
import { until } from '../setup/until.js';

const NODE = 'ams-build-1' as NodeName;
let folder: string;
let home: string;
let state: string;
const hosts: TestHost[] = [];
const pools: SshSessions[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal ssh ü-'));
  home = join(folder, 'home of ci');
  state = join(home, 'reseal/state');
  mkdirSync(state, { recursive: true });
});
afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close();
  for (const host of hosts.splice(0)) await host.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function host(change: Partial<TestHostRequest> = {}): Promise<TestHost> {
  const name = `sshd-${hosts.length}`;
  const started = await startHost({ folder: join(folder, name), home, roots: [join(home, 'reseal')], ...change });
  hosts.push(started);
  return started;
}
function node(at: TestHost, change: Partial<SshSettings> = {}, name = NODE): SshNode {
  const pool = new SshSessions({ ...at.settings, ...change });
  pools.push(pool);
  return new SshNode({ node: name, host: at.host, port: at.port, user: at.user }, pool);
}
const processes = (): string => execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' });

describe.skipIf(sshdMissing !== null)(`a node over SSH${sshdMissing === null ? '' : ` (${sshdMissing})`}`, () => {
  it.each([
    ['the system’s sh', undefined],
    ['bash, which macOS has as sh', '/bin/bash'],
  ])('reads, writes and lists by %s, in a home with spaces and other letters', async (_, shell) => {
    const mac = node(await host(shell === undefined ? {} : { shell }));
    const names = ['a b', "it's", '"quoted"', 'ü ∑', 'per%cent', 'back\\slash', 'pipe|pipe', '-rf', 'new\nline', '$(id)', '`id`', '*'];
    for (const name of names) {
      const file = await mac.prepare(`${state}/${name}`, Buffer.from(`bytes of ${name}`), 0o444, 'op-1');
      await file.commit();
    }
    expect(await mac.list(state)).toEqual([...names].sort());
    for (const name of names) {
      expect(readFileSync(join(state, name), 'utf8')).toBe(`bytes of ${name}`);
      const found = await mac.read(`${state}/${name}`);
      expect(found.kind === 'file' && Buffer.from(found.bytes).toString()).toBe(`bytes of ${name}`);
    }
    const digests = await mac.digests(names.map((name) => `${state}/${name}`));
    // Whatever a name is, it is never taken for an answer.
    expect(digests.map(({ kind }) => kind)).toEqual(names.map((name) => (name.includes('\n') ? 'other' : 'file')));
    expect(new Set(digests.map((one) => (one.kind === 'file' ? one.sha256 : ''))).size).toBe(names.length);
    for (const name of names) await mac.remove(`${state}/${name}`);
    expect(readdirSync(state)).toEqual([]);
  });

  it.each([
    ['the system’s sh', undefined],
    ['bash, which macOS has as sh', '/bin/bash'],
  ])('tells a short text whose digest it has told, by %s, and nothing that is not all of it', async (_, shell) => {
    const mac = node(await host(shell === undefined ? {} : { shell }));
    const path = `${state}/accepted.json`;
    const toldOf = async (bytes: string | Buffer, before = bytes): Promise<string | null> => {
      writeFileSync(path, bytes);
      return mac.shortText(path, sha256Of(Buffer.from(before)));
    };
    for (const text of ['', '{ "ü": ["\\n"] }\n', '.ok\r\n\n no end', 'x'.repeat(60_000)]) expect(await toldOf(text)).toBe(text);
    for (const bytes of [Buffer.from('a\0b\n'), Buffer.from([0xff, 10]), 'x'.repeat(70_000), 'line\n'.repeat(20_000)])
      expect(await toldOf(bytes)).toBeNull();
    expect(await toldOf('another by now\n', 'as it was\n')).toBeNull();
    rmSync(path);
    writeFileSync(join(folder, 'elsewhere'), 'text\n');
    symlinkSync(join(folder, 'elsewhere'), path);
    expect(await mac.shortText(path, sha256Of(Buffer.from('text\n')))).toBeNull();
  });

  it('writes nothing outside the folders that it was given, whatever it is asked for', async () => {
    const mac = node(await host());
    const outside = join(folder, 'outside');
    for (const path of [outside, `${state}/../../../outside`, '/etc/reseal-test', `${home}/.ssh/authorized_keys`]) {
      await expect(mac.prepare(path, Buffer.from('x'), 0o644, 'op-1')).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
      await expect(mac.makeFolder(path)).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
      await expect(mac.remove(path)).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    }
    writeFileSync(join(state, 'mine'), 'mine');
    await expect(mac.move(`${state}/mine`, outside)).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    expect(existsSync(outside)).toBe(false);
    expect(readFileSync(join(state, 'mine'), 'utf8')).toBe('mine');
  });

  it('a link in one of its folders leads nowhere, whoever made it', async () => {
    const mac = node(await host());
    mkdirSync(join(folder, 'outside'));
    symlinkSync(join(folder, 'outside'), join(state, 'out'));
    await expect(mac.prepare(`${state}/out/authorized_keys`, Buffer.from('x'), 0o644, 'op-1')).rejects.toMatchObject({
      code: 'NODE_WRITE_FAILED',
    });
    await expect(mac.makeFolder(`${state}/out/made`)).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    symlinkSync(join(folder, 'outside/journal'), join(state, 'journal'));
    await expect(mac.append(`${state}/journal`, 'x')).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
  });

  it('notes a name that is nobody’s lock: it stays when the connection has gone, and a second note changes nothing', async () => {
    const at = await host();
    await node(at).createNote(`${state}/ams-build-2`, 'ios-main-1');
    pools.splice(0).forEach((pool) => pool.close());
    const next = node(at);
    expect(await next.readLink(`${state}/ams-build-2`)).toBe('ios-main-1');
    await next.createNote(`${state}/ams-build-2`, 'ios-main-2');
    expect(await next.readLink(`${state}/ams-build-2`)).toBe('ios-main-1');
  });

  it('notes nothing that is a path, and nothing in a folder that is not there or not its own', async () => {
    const mac = node(await host());
    for (const text of ['..', '../elsewhere', '/etc', '~', ''])
      await expect(mac.createNote(`${state}/note`, text)).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    for (const path of [`${state}/missing/note`, join(folder, 'note')])
      await expect(mac.createNote(path, 'ios-main-1')).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    expect(readdirSync(state)).toEqual([]);
    expect(existsSync(join(folder, 'note'))).toBe(false);
  });

  it('moves nothing onto a folder: the folder stays', async () => {
    const mac = node(await host());
    mkdirSync(join(state, 'quarantine'));
    writeFileSync(join(state, 'quarantine/kept'), '');
    await expect(mac.move(`${state}/nothing`, `${state}/quarantine`)).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
    expect(readdirSync(join(state, 'quarantine'))).toEqual(['kept']);
  });

  it('renames onto a link to a folder replace the link, and never go into the folder', async () => {
    const mac = node(await host());
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), join(state, 'profiles.json'));
    const file = await mac.prepare(`${state}/profiles.json`, Buffer.from('{}'), 0o644, 'op-1');
    await file.commit();
    expect(readFileSync(join(state, 'profiles.json'), 'utf8')).toBe('{}');
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
    mkdirSync(join(state, 'folder'));
    const other = await mac.prepare(`${state}/folder`, Buffer.from('{}'), 0o644, 'op-1');
    await expect(other.commit()).rejects.toThrow(/there is a folder where a file should be/);
    await other.discard();
    expect(readdirSync(state).sort()).toEqual(['folder', 'profiles.json']);
  });

  it('whose disk is full keeps what it has, and nothing half written; the sentence says so', async () => {
    const bin = join(folder, 'bin');
    const full = join(folder, 'full');
    mkdirSync(bin);
    // Some of what comes arrives, then there is no more room.
    writeFileSync(
      join(bin, 'base64'),
      `#!/bin/sh\nif [ -e '${full}' ] && [ $# -gt 0 ]; then printf half; echo 'base64: write error: No space left on device' >&2; exit 1; fi\nexec /usr/bin/base64 "$@"\n`,
    );
    chmodSync(join(bin, 'base64'), 0o755);
    const mac = node(await host({ bin }));
    const write = async (text: string): Promise<void> => {
      const file = await mac.prepare(`${state}/profiles.json`, Buffer.from(text), 0o644, 'op-1');
      await file.commit();
    };
    await write('first');
    writeFileSync(full, '');
    await expect(write('second')).rejects.toMatchObject({
      code: 'NODE_WRITE_FAILED',
      message: expect.stringMatching(/^Node ams-build-1: cannot write .*\/profiles\.json: the node's disk is full\./) as string,
    });
    expect(readdirSync(state)).toEqual(['profiles.json']);
    expect(readFileSync(join(state, 'profiles.json'), 'utf8')).toBe('first');
    rmSync(full);
    await write('second');
    expect(readFileSync(join(state, 'profiles.json'), 'utf8')).toBe('second');
  });

  it('lists a folder of 5,000 stale profiles', async () => {
    const mac = node(await host());
    const stale = Array.from({ length: 5_000 }, (_, index) => `${String(index).padStart(8, '0')}.mobileprovision`);
    for (const name of stale) writeFileSync(join(state, name), '');
    expect(await mac.list(state)).toEqual(stale);
  });

  it('is NODE_UNREACHABLE, and nothing is made, while its home is not there', async () => {
    const mac = node(await host());
    await mac.reach();
    rmSync(home, { recursive: true });
    await expect(mac.reach()).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    await expect(mac.read(`${state}/journal`)).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    await expect(mac.makeFolder(home)).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
    expect(existsSync(home)).toBe(false);
  });
});

describe.skipIf(sshdMissing !== null)('the way to a node (SSH)', () => {
  const refused = async (mac: SshNode): Promise<string> => {
    const error: unknown = await mac.reach().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'NODE_UNREACHABLE' });
    return (error as Error).message;
  };

  it('a host whose key has changed, or was never pinned, is refused in words that say so', async () => {
    const at = await host();
    await node(at).reach();
    await at.changeHostKey();
    expect(await refused(node(at))).toMatch(
      /^Node ams-build-1 is not reachable as .*: its host key is not the pinned one\. Somebody may be in between/,
    );
    const empty = join(folder, 'known_hosts');
    writeFileSync(empty, '');
    expect(await refused(node(at, { knownHosts: empty }))).toContain('its host key is not pinned');
  });

  it('a key that the host does not let in, nothing that listens, a name that nobody knows, are told apart; nobody is asked anything', async () => {
    const at = await host();
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'stranger')]);
    const config = join(folder, 'stranger_config');
    writeFileSync(config, `IdentityFile "${join(folder, 'stranger')}"\nIdentitiesOnly yes\n`);
    expect(await refused(node(at, { config }))).toContain('it does not let this gateway in');
    await at.stop();
    expect(await refused(node(at))).toContain('nothing listens there');
    const nowhere = new SshNode({ node: NODE, host: 'nowhere.invalid', port: 22, user: 'ci' }, new SshSessions(at.settings));
    expect(await refused(nowhere)).toContain('its host name is not known');
  });

  it('a certificate of a pinned authority is honoured, as the client’s own configuration says', async () => {
    const at = await host();
    const ca = join(folder, 'ca');
    const key = join(folder, 'certified');
    for (const path of [ca, key]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
    execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'gateway', '-n', at.user, `${key}.pub`]);
    const authorized = join(folder, 'sshd-0/authorized_keys');
    const [line = ''] = readFileSync(authorized, 'utf8').split('\n');
    const options = line.slice(0, line.indexOf(' ssh-ed25519 '));
    writeFileSync(authorized, `cert-authority,${options} ${readFileSync(`${ca}.pub`, 'utf8')}`);
    const config = join(folder, 'certified_config');
    writeFileSync(config, `IdentityFile "${key}"\nCertificateFile "${key}-cert.pub"\nIdentitiesOnly yes\n`);
    await node(at, { config }).reach();
    expect(await refused(node(at))).toContain('it does not let this gateway in');
  });

  it('something else than reseal-node at the other end is no node', async () => {
    const at = await host({ shell: '/bin/echo' });
    expect(await refused(node(at))).toMatch(/not reachable|not that of reseal-node/);
    const old = join(folder, 'old.sh');
    writeFileSync(old, '#!/bin/sh\nwhile read -r line; do echo ".ok|7|/|1:1|ci"; done\n');
    chmodSync(old, 0o755);
    const other = await host({ shell: old });
    await expect(node(other).reach()).rejects.toMatchObject({
      code: 'UNSUPPORTED_PROTOCOL',
      message: expect.stringContaining('speaks protocol 7, expected 2'),
    });
  });

  it('a node that hangs is given up after the answer timeout, and is reached again afterwards', async () => {
    const hang = join(folder, 'hang');
    const shell = join(folder, 'hanging.sh');
    writeFileSync(
      shell,
      `#!/bin/sh\nif [ -e '${hang}' ]; then read -r line; echo '.ok|2|/|1:1|ci'; exec sleep 30; fi\nexec /bin/sh "$@"\n`,
    );
    chmodSync(shell, 0o755);
    writeFileSync(hang, '');
    const at = await host({ shell });
    const mac = node(at, { answerTimeout: 500 });
    await expect(mac.reach()).rejects.toThrow(/it has not answered for/);
    rmSync(hang);
    await mac.reach();
  });

  it('a connection that drops in the middle of a write leaves the file as it was, and no half of another', async () => {
    const at = await host();
    const mac = node(at);
    const first = await mac.prepare(`${state}/profiles.json`, Buffer.from('first'), 0o644, 'op-1');
    await first.commit();
    const session = await SshSession.open({ node: NODE, host: at.host, port: at.port, user: at.user }, at.settings, () => undefined);
    const half = `put|${state}/.reseal-op-2-x.tmp|644|${Buffer.alloc(2_000_000, 1).toString('base64')}`;
    const child = (session as unknown as { child: { stdin: NodeJS.WritableStream } }).child;
    await new Promise((resolve) => child.stdin.write(half, resolve));
    session.close();
    await until(() => !processes().includes('reseal-node.sh') || readdirSync(state).length === 1, { what: 'the end of the session' });
    expect(readdirSync(state)).toEqual(['profiles.json']);
    expect(readFileSync(join(state, 'profiles.json'), 'utf8')).toBe('first');
  });

  it('a home that is not there when the connection is made is no reason to install anything', async () => {
    const at = await host();
    rmSync(home, { recursive: true });
    expect(await refused(node(at))).toContain(`the home folder ${home} is not there`);
  });

  it('never has more connections than it may, and serves every node all the same', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, async (_, index) => host({ home, folder: join(folder, `many-${index}`) })));
    const [first] = all;
    if (first === undefined) throw new Error('no host');
    const known = join(folder, 'all_known_hosts');
    writeFileSync(known, all.map((one) => readFileSync(one.settings.knownHosts ?? '', 'utf8')).join(''));
    const config = join(folder, 'all_config');
    writeFileSync(config, all.map((_, index) => `IdentityFile "${join(folder, `many-${index}`, 'client-key')}"`).join('\n'));
    const pool = new SshSessions({ ...first.settings, knownHosts: known, config, connections: 2 });
    pools.push(pool);
    let most = 0;
    const watch = setInterval(() => {
      const open = processes()
        .split('\n')
        .filter((line) => line.includes(known) && line.includes('ssh -F')).length;
      most = Math.max(most, open);
    }, 20);
    const nodes = all.map(
      (one, index) => new SshNode({ node: `n-${index}` as NodeName, host: one.host, port: one.port, user: one.user }, pool),
    );
    for (let round = 0; round < 3; round++) await Promise.all(nodes.map((mac) => mac.reach()));
    clearInterval(watch);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe.skipIf(sshdMissing !== null)('the lock of a node over SSH (invariant 6)', () => {
  it('keeps two gateways apart, and goes with the connection of its holder', async () => {
    const at = await host();
    const [one, other] = [node(at), node(at)];
    const order: string[] = [];
    let entered = (): void => undefined;
    const inside = new Promise<void>((resolve) => (entered = resolve));
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    const first = withLock(one, `${state}/lock`, async () => {
      order.push('first in');
      entered();
      await left;
      order.push('first out');
    });
    await inside;
    // Of another process: this one's own holders queue up without asking the node.
    const child = lockFromAnotherProcess(at);
    await until(() => existsSync(join(folder, 'waiting')), { what: 'the other process' });
    leave();
    await first;
    expect(await child).toBe('taken');
    expect(order).toEqual(['first in', 'first out']);
    await withLock(other, `${state}/lock`, async () => undefined);
    expect(readdirSync(state)).toEqual([]);
  });

  it('a gateway whose connection breaks while it waits for the lock does not get it in the name of the dead one', async () => {
    const at = await host();
    const waiting = node(at);
    const [pool] = pools;
    const before = await waiting.identity();
    pool?.close();
    pools.splice(0);
    const again = new SshSessions(at.settings);
    pools.push(again);
    const next = new SshNode({ node: NODE, host: at.host, port: at.port, user: at.user }, again);
    await expect(next.createLock(`${state}/lock`, `${before}:0:x`)).rejects.toThrow(/broke while its lock was waited for/);
    expect(readdirSync(state)).toEqual([]);
    expect(await next.createLock(`${state}/lock`, `${await next.identity()}:0:x`)).toBe(true);
  });

  it('a connection that holds a lock is taken from nobody, however many wait for one', async () => {
    const at = await host();
    const other = await host({ folder: join(folder, 'sshd-other') });
    const config = join(folder, 'both_config');
    const known = join(folder, 'both_known');
    writeFileSync(config, [at, other].map((one) => readFileSync(one.settings.config ?? '', 'utf8')).join(''));
    writeFileSync(known, [at, other].map((one) => readFileSync(one.settings.knownHosts ?? '', 'utf8')).join(''));
    const pool = new SshSessions({ ...at.settings, config, knownHosts: known, connections: 1 });
    pools.push(pool);
    const [one, two] = [at, other].map((to) => new SshNode({ node: NODE, host: to.host, port: to.port, user: to.user }, pool));
    if (one === undefined || two === undefined) throw new Error('no nodes');
    const reached: string[] = [];
    const turn: { of: Promise<unknown> } = { of: Promise.resolve() };
    await withLock(one, `${state}/lock`, async () => {
      turn.of = two.reach().then(() => reached.push('two'));
      for (let asked = 0; asked < 5; asked++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await one.makeFolder(`${state}/made-${asked}`);
      }
      reached.push('one');
    });
    await turn.of;
    expect(reached).toEqual(['one', 'two']);
    expect(readdirSync(state)).toHaveLength(5);
  });

  it('after its connection broke the holder does nothing more, and the next one takes the lock over', async () => {
    const at = await host();
    const broken = node(at);
    const work = withLock(broken, `${state}/lock`, async () => {
      pools[0]?.close();
      await broken.makeFolder(`${state}/too-late`);
    });
    await expect(work).rejects.toThrow(/the connection broke while its lock was held/);
    const next = node(at);
    await withLock(next, `${state}/lock`, async () => next.makeFolder(`${state}/done`));
    expect(readdirSync(state)).toEqual(['done']);
  });

  function lockFromAnotherProcess(at: TestHost): Promise<string> {
    const script = join(folder, 'other.mts');
    const from = (path: string): string => JSON.stringify(new URL(`../../src/node-shell/${path}`, import.meta.url).pathname);
    writeFileSync(
      script,
      `import { writeFileSync } from 'node:fs';
import { withLock } from ${from('lock.ts')};
import { SshNode } from ${from('ssh/node.ts')};
import { SshSessions } from ${from('ssh/sessions.ts')};
const pool = new SshSessions(${JSON.stringify(at.settings)});
const mac = new SshNode(${JSON.stringify({ node: NODE, host: at.host, port: at.port, user: at.user })}, pool);
const before = await mac.readLink(${JSON.stringify(`${state}/lock`)});
writeFileSync(${JSON.stringify(join(folder, 'waiting'))}, String(before));
await withLock(mac, ${JSON.stringify(`${state}/lock`)}, async () => console.log(before === null ? 'there was no lock' : 'taken'));
pool.close();
`,
    );
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['--import', 'tsx', script], {
        cwd: join(import.meta.dirname, '../..'),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.on('error', reject);
      child.on('close', () => resolve(said.trim()));
    });
  }
});

it('no name in the topology can become an option of the client', () => {
  const args = sshArguments(
    { node: NODE, host: '10.1.0.13', port: 22, user: 'reseal' },
    { knownHosts: '/k h', config: null, connections: 1, connectTimeout: 10_000, answerTimeout: 60_000 },
  );
  expect(args.slice(-3)).toEqual(['--', '10.1.0.13', 'reseal-node']);
  for (const option of [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'ForwardAgent=no',
    'ClearAllForwardings=yes',
    'UserKnownHostsFile="/k h"',
  ])
    expect(args).toContain(option);
});
