import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('account-process.ts', import.meta.url));
/** Any two accounts with one group: the one that builds, and the agent's. */
const BUILDS = 65_534;
const AGENT = 1;
const isRoot = process.getuid?.() === 0;

let folder: string | null = null;
afterEach(() => {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
});

it.skipIf(!isRoot)(
  'an agent and a canary process of two accounts sign in one folder, and the agent takes away what the other has made (needs root to become two accounts)',
  async () => {
    folder = mkdtempSync(join(tmpdir(), 'reseal-accounts-'));
    chmodSync(folder, 0o755);
    const [home, place, bin] = ['home', 'canary', 'bin'].map((name) => join(folder ?? '', name)) as [string, string, string];
    for (const one of [home, place, bin]) mkdirSync(one);
    chownSync(home, BUILDS, BUILDS);
    chownSync(place, BUILDS, BUILDS);
    chmodSync(place, 0o750);
    // As codesign: what it signs it replaces, and it makes a folder beside it.
    writeFileSync(
      join(bin, 'codesign'),
      '#!/bin/sh\nfor app; do :; done\nmkdir "$app/_CodeSignature" && echo seal >"$app/_CodeSignature/CodeResources" && cp "$app/Stub" "$app/Stub.new" && mv -f "$app/Stub.new" "$app/Stub"\n',
      { mode: 0o755 },
    );
    const socket = join(place, 'canary.sock');
    const args = (role: string): string[] => ['--import', 'tsx', PROGRAM, role, socket, home, `${bin}:/usr/bin:/bin`];
    const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: '/tmp' };
    const canary = spawn(process.execPath, args('canary'), { uid: BUILDS, gid: BUILDS, env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(canary.stdout, 'data');
      expect(statSync(join(place, 'bundles')).mode & 0o7777).toBe(0o2770);
      const agent = spawnSync(process.execPath, args('agent'), { uid: AGENT, gid: BUILDS, env, encoding: 'utf8' });
      expect(agent.stderr).toBe('');
      expect(JSON.parse(agent.stdout)).toMatchObject({
        signed: { code: 0 },
        files: ['Info.plist', 'Stub', '_CodeSignature'],
        left: [],
      });
    } finally {
      canary.kill('SIGKILL');
      await once(canary, 'exit');
    }
  },
);
