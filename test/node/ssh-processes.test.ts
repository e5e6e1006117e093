import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import { setClock } from '../../src/simulator/mac/install.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing } from '../setup/sshd.js';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { NOW, reachNodesOver, stopHosts, world, type World } from './mesh.js';

/** Whatever the script may call: each start of one leaves a line. */
const TOOLS =
  'base64 cat chmod cp date find head id ln ls mkdir mktemp mv od ps readlink rm rmdir sed sha256sum shasum sleep stat sync tail tr wc xargs';
/** The watchdog of the session sleeps and looks beside it, whatever is asked. */
const WATCHDOG = /^(?:sleep 5|find )/;

let mesh: World | null = null;
let mac: Mac | null = null;
let logs = '';
reachNodesOver('ssh');
afterEach(async () => {
  await stopHosts();
  await mesh?.remove();
  mac?.dispose();
  rmSync(logs, { recursive: true, force: true, maxRetries: 20 });
  [mesh, mac] = [null, null];
});

/** Puts a stand-in before everything that the node may start. What such a program starts itself is not the script's, and leaves no line. */
function countStarts(home: string): { readonly begin: () => void; readonly started: () => readonly string[] } {
  const bin = join(home, 'bin');
  // Apart from the home: the watchdog leaves lines until its session has ended.
  logs = mkdtempSync(join(tmpdir(), 'reseal-started-'));
  const log = join(logs, 'log');
  mkdirSync(bin, { recursive: true });
  const standIn = (name: string, real: string): void => {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\n[ -n "$COUNTED" ] || echo "${name} $1" >>'${log}'\nCOUNTED=yes\nexport COUNTED\nexec '${real}' "$@"\n`);
    chmodSync(path, 0o755);
  };
  for (const name of readdirSync(bin)) {
    renameSync(join(bin, name), join(bin, `${name}.own`));
    standIn(name, join(bin, `${name}.own`));
  }
  for (const tool of TOOLS.split(' ').filter((name) => !existsSync(join(bin, name)))) {
    const real = execFileSync('sh', ['-c', `command -v ${tool} || true`], { encoding: 'utf8' }).trim();
    if (real !== '') standIn(tool, real);
  }
  return {
    begin: () => writeFileSync(log, ''),
    started: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !WATCHDOG.test(line)),
  };
}

/** What one inspection over an open connection starts, and that it passes. */
async function startsOf(of: World, counting: ReturnType<typeof countStarts>): Promise<readonly string[]> {
  await of.settled();
  const inspect = () => of.activities().inspectNode({ ...of.order(), manifest: of.from, everyCheck: true });
  // The connection is open then.
  await inspect();
  counting.begin();
  const { verdict, problems } = await inspect();
  expect({ verdict, problems }).toEqual({ verdict: 'pass', problems: [] });
  return counting.started();
}

async function onMac(
  node: Partial<NodeDeclaration>,
  prepare: (on: Mac, sha1: string) => void = () => undefined,
): Promise<readonly string[]> {
  mac = await simulatedMac({}, hostsFolder());
  await setClock(mac.home, new Date(NOW));
  const issued = await mac.issue();
  if (node.keys === 'allowed') mac.importReady(issued);
  prepare(mac, issued.sha1);
  const counting = countStarts(mac.home);
  mesh = await world({ home: mac.home, node: { environment: 'production', ...node }, identity: issued.sha1 });
  return startsOf(mesh, counting);
}

/** Counted are programs that are started on the node, its own and those of the script; not the script itself, nor what its shell does without one. */
const AT_MOST = { 'a node that has none of a Mac’s own programs': 1, 'a compile host': 2, 'a signer': 8 };

describe.skipIf(sshdMissing !== null)('what an inspection over SSH starts on a node, over a connection that is open', () => {
  it(`at most ${AT_MOST['a node that has none of a Mac’s own programs']} on a node that has none of a Mac’s own programs`, async () => {
    const home = mkdtempSync(join(hostsFolder(), 'reseal-node-'));
    const counting = countStarts(home);
    mesh = await world({ home });
    const started = await startsOf(mesh, counting);
    expect(started.length).toBeGreaterThan(0);
    expect(started.length, started.join(', ')).toBeLessThanOrEqual(AT_MOST['a node that has none of a Mac’s own programs']);
  });

  it(`at most ${AT_MOST['a compile host']} on a compile host`, async () => {
    const started = await onMac({ keys: 'forbidden', roles: ['compile'] });
    expect(started).toContain('security find-identity');
    expect(started.length, started.join(', ')).toBeLessThanOrEqual(AT_MOST['a compile host']);
  });

  it(`at most ${AT_MOST['a signer']} on a signer with two keychains of its own`, async () => {
    const started = await onMac({ keys: 'allowed', roles: ['signer'] }, (on, sha1) => {
      const [own, next] = [sha1.slice(0, 8), '0badcafe'].map((digits) => `reseal-${digits}.keychain`);
      const made = on.interactive(
        `create-keychain -p own ${own}`,
        `create-keychain -p own ${next}`,
        `import ${on.path(`${sha1}.p12`)} -k ${own} -P p12 -T /usr/bin/codesign`,
        `set-key-partition-list -S apple-tool:,apple:,codesign: -s -k own ${own}`,
        `lock-keychain ${next}`,
        `list-keychains -d user -s ${own} ${next}`,
      );
      expect(made.stderr).toBe('');
    });
    expect(started).toContain('security dump-keychain');
    expect(started.length, started.join(', ')).toBeLessThanOrEqual(AT_MOST['a signer']);
  });
});
