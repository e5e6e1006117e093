import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import type { NodeShell } from '../../src/node-shell/contract.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { SshNode } from '../../src/node-shell/ssh/node.js';
import { SshSessions } from '../../src/node-shell/ssh/sessions.js';
import { sshdMissing, startHost } from '../setup/sshd.js';
import { until } from '../setup/until.js';

const NODE = 'ams-sign-1' as NodeName;

describe.each(['local', 'ssh', 'ssh, by bash'] as const)('a program of a node (%s)', (reach) => {
  let folder: string;
  let home: string;
  let mac: NodeShell;
  const ends: (() => Promise<void> | void)[] = [];
  const runs = reach === 'local' || sshdMissing === null;

  beforeEach(async () => {
    if (!runs) return;
    folder = mkdtempSync(join(tmpdir(), 'reseal run ü-'));
    home = join(folder, 'home');
    mkdirSync(join(home, 'bin'), { recursive: true });
    if (reach === 'local') mac = new LocalNode(NODE, home);
    else {
      const host = await startHost({
        folder: join(folder, 'sshd'),
        home,
        roots: [join(home, 'state')],
        bin: join(home, 'bin'),
        ...(reach === 'ssh' ? {} : { shell: '/bin/bash' }),
      });
      const pool = new SshSessions(host.settings);
      mac = new SshNode({ node: NODE, host: host.host, port: host.port, user: host.user }, pool);
      ends.push(() => pool.close(), host.stop);
    }
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    if (runs) rmSync(folder, { recursive: true, force: true });
  });

  function program(name: string, body: string): void {
    writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(home, 'bin', name), 0o755);
  }
  const security = (args: readonly string[], more: { stdin?: string; timeout?: number } = {}) =>
    mac.run({ program: 'security', args, timeout: 20_000, ...more });

  it.runIf(runs && reach !== 'local')(
    'leaves nothing of what it printed in the folder of the session, nor of a session that was killed (T1)',
    async () => {
      const killed = mkdtempSync(`/tmp/reseal-node.${spawnSync('true').pid}.`);
      const marker = randomUUID();
      program('security', `echo "${marker} out"; echo "${marker} err" >&2`);
      expect(await security(['export'])).toMatchObject({ code: 0, stdout: `${marker} out\n`, stderr: `${marker} err\n` });
      const folders = readdirSync('/tmp').filter((name) => name.startsWith('reseal-node.'));
      expect(folders).not.toEqual([]);
      // Of other sessions of this machine some end meanwhile.
      const kept = (path: string): string => (existsSync(path) ? spawnSync('cat', [path], { encoding: 'utf8' }).stdout : '');
      expect(folders.filter((name) => ['out', 'err'].some((file) => kept(join('/tmp', name, file)).includes(marker)))).toEqual([]);
      expect(existsSync(killed)).toBe(false);
    },
  );

  it.runIf(runs)('gets its arguments and its input as they are, and both outputs and the exit code come back', async () => {
    program('security', 'for each in "$@"; do printf "<%s>" "$each"; done; cat; echo "$HOME" >&2; exit 36');
    const args = ['find-identity', '', 'with space', "it's", 'a|b', '%s\\n', '$(id)', 'ü', '-v', 'two\nlines'];
    const result = await security(args, { stdin: 'unlock "x"\nüml\n' });
    expect(result).toEqual({
      code: 36,
      stdout: `${args.map((one) => `<${one}>`).join('')}unlock "x"\nüml\n`,
      stderr: `${home}\n`,
      expired: false,
    });
  });

  if (reach === 'local')
    it('its time ends though a child has left the group and keeps its output open', async () => {
      program('security', 'setsid sleep 25 & echo begun; sleep 25');
      const began = performance.now();
      const result = await security(['find-identity'], { timeout: 1_000 });
      expect(result).toMatchObject({ expired: true, stdout: 'begun\n' });
      expect(performance.now() - began).toBeLessThan(15_000);
    });

  it.runIf(runs)('what it is told on stdin is in no process list while it runs (T1)', async () => {
    program('security', `ps -eo args >'${join(folder, 'ps')}'; cat >/dev/null`);
    const secret = 'correct-horse-battery-staple';
    await security(['-i'], { stdin: `unlock-keychain -p "${secret}" ci.keychain-db\n` });
    const seen = readFileSync(join(folder, 'ps'), 'utf8');
    expect(seen).toContain('ps -eo args');
    expect(seen).not.toContain(secret);
    expect(seen).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20));
  });

  it.runIf(runs)('that never ends is ended with all that it started, and said to have expired', async () => {
    // Told from those of other runs.
    const length = 4000 + Math.floor(Math.random() * 1_000_000);
    program('security', `echo begun; sleep ${length} & wait`);
    // Long enough for a busy machine to begin it, over a connection that is there already.
    await mac.reach();
    const result = await security([], { timeout: 5_000 });
    expect(result).toMatchObject({ expired: true, stdout: 'begun\n' });
    expect(result.code).not.toBe(0);
    await until(() => !execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(`sleep ${length}`), {
      what: 'the end of its child',
    });
    await mac.reach();
  });

  it.runIf(runs)('that does not end when it is asked to is ended all the same', async () => {
    const length = 4000 + Math.floor(Math.random() * 1_000_000);
    program('security', `trap '' TERM; sleep ${length} & wait; sleep ${length}`);
    await mac.reach();
    expect(await security([], { timeout: 1_000 })).toMatchObject({ expired: true });
    await until(() => !execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(`sleep ${length}`), {
      what: 'the end of its child',
    });
  });

  it.runIf(runs)('what it prints comes back whatever it looks like, short or long, with an end of line or without', async () => {
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));
    const lines = [
      '.ok|0|no',
      '.no|x',
      '=out',
      'out',
      'err',
      ':a',
      ';b',
      'YQ==',
      '',
      '  two spaces  ',
      'back\\slash\\n',
      '-n',
      '%s',
      'ü\r',
      '',
    ];
    const texts = [
      '\n',
      '\n\n',
      'no end',
      lines.join('\n'),
      bytes.toString('latin1'),
      `${'x'.repeat(99)}\n`.repeat(655),
      `${'x'.repeat(99)}\n`.repeat(656),
    ];
    program('security', `cat '${join(folder, 'out')}'; cat '${join(folder, 'err')}' >&2`);
    for (const text of texts) {
      writeFileSync(join(folder, 'out'), text, 'latin1');
      writeFileSync(join(folder, 'err'), `${text}and more`, 'latin1');
      const seen = (written: string): string => Buffer.from(written, 'latin1').toString('utf8');
      expect(await security([])).toEqual({ code: 0, stdout: seen(text), stderr: seen(`${text}and more`), expired: false });
    }
  });

  it.runIf(runs)('that floods its output is cut at a mebibyte, and the node is still there', async () => {
    program('security', 'head -c 10000000 /dev/zero | tr "\\0" x');
    const { code, stdout } = await security([]);
    expect({ code, length: stdout.length }).toEqual({ code: 0, length: 1_048_576 });
    await mac.reach();
  });

  it.runIf(runs)('that the node does not have is told by 127', async () => {
    const { code, stdout } = await mac.run({ program: 'xcodebuild', args: ['-version'], timeout: 5_000 });
    expect({ code, stdout }).toEqual({ code: 127, stdout: '' });
  });
});
