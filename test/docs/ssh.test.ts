import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { SshNode } from '../../src/node-shell/ssh/node.js';
import { SshSessions } from '../../src/node-shell/ssh/sessions.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { built, RESEAL, ROOT } from '../cli/processes.js';
import { sshdMissing, startHost } from '../setup/sshd.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const guide = readFileSync(join(ROOT, 'docs/ssh.md'), 'utf8');
let folder: string;
beforeEach(() => {
  folder = temporaryFolder('reseal-docs-ssh');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(sshdMissing !== null)('a host that is set up as docs/ssh.md says is reached, by the script that the command prints', async () => {
  await built();
  expect(guide).toContain('npx reseal node script > reseal-node');
  const printed = await runProcess(process.execPath, [RESEAL, 'node', 'script'], { timeout: 60_000 });
  expect(printed.code).toBe(0);
  const script = join(folder, 'reseal-node');
  writeFileSync(script, printed.stdout);
  chmodSync(script, 0o755);
  const home = join(folder, 'home');
  mkdirSync(join(home, 'var'), { recursive: true });
  const [, options = ''] = /^(restrict,command=".*") ssh-ed25519/m.exec(guide) ?? [];
  const host = await startHost({ folder: join(folder, 'sshd'), home, roots: [join(home, 'var')] });
  const pool = new SshSessions(host.settings);
  try {
    const authorized = join(folder, 'sshd/authorized_keys');
    const key = readFileSync(authorized, 'utf8').replace(/^.* ssh-ed25519 /, 'ssh-ed25519 ');
    const command = options.replace('/usr/local/libexec/reseal-node', script).replace('/usr/local/var/reseal', join(home, 'var'));
    writeFileSync(authorized, `${command.replace('command="', `command="HOME=${home} `)} ${key}`);
    const mac = new SshNode({ node: 'mac-1' as NodeName, host: host.host, port: host.port, user: host.user }, pool);
    const file = await mac.prepare(`${home}/var/profiles.json`, Buffer.from('{}'), 0o644, 'op-1');
    await file.commit();
    expect(readFileSync(join(home, 'var/profiles.json'), 'utf8')).toBe('{}');
    await expect(mac.makeFolder('/usr/local/elsewhere')).rejects.toMatchObject({ code: 'NODE_WRITE_FAILED' });
  } finally {
    pool.close();
    await host.stop();
  }
});

it('docs/ssh.md names every operation of reseal-node, and none that it has not', () => {
  const script = readFileSync(join(ROOT, 'src/node-shell/ssh/reseal-node.sh'), 'utf8');
  const loop = script.slice(script.indexOf("  case $op in\n    '')"));
  const has = [...loop.matchAll(/^ {4}([a-z]+)\)/gm)].map(([, name]) => name);
  const table = guide.slice(guide.indexOf('| operation '));
  const told = table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([a-z]+)`/g)].map(([, name]) => name));
  expect(told.sort()).toEqual(has.sort());
});
