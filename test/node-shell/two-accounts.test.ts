import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { newDeliveryKey } from '../../src/identity/sealed.js';
import { setClock } from '../../src/simulator/mac/install.js';
import { LEGACY, NOW, XCODE16 } from '../node/mesh.js';
import { simulatedMac } from '../simulator/mac/support.js';

const PROGRAM = fileURLToPath(new URL('account-process.ts', import.meta.url));
const IDENTITY = fileURLToPath(new URL('account-identity.ts', import.meta.url));
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

it.skipIf(!isRoot)(
  'a certificate is imported, exported, retired, restored and destroyed in the keychains of the account that builds, at the word of an agent of another (R2, S5; needs root to become two accounts)',
  async () => {
    const mac = await simulatedMac();
    folder = dirname(mac.home);
    const [old, fresh] = [await mac.issue(), await mac.issue()];
    await setClock(mac.home, new Date(NOW));
    mac.importReady(old);
    const { secret, recipient } = await newDeliveryKey();
    const place = join(folder, 'canary');
    const p12 = join(folder, 'fresh.p12');
    copyFileSync(mac.pkcs12(fresh), p12);
    mkdirSync(place);
    execFileSync('chown', ['-R', `${BUILDS}:${BUILDS}`, mac.home, place]);
    chmodSync(place, 0o750);
    // The agent's own: mount, state, and the two profile folders in the other account's home.
    const state = join(mac.home, 'usr/local/var/reseal/state');
    for (const one of [state, join(mac.home, 'usr/local/var/reseal/mount'), join(mac.home, XCODE16), join(mac.home, LEGACY)]) {
      mkdirSync(one, { recursive: true });
      chownSync(one, AGENT, BUILDS);
    }
    chmodSync(state, 0o700);
    for (const [name, text] of [
      ['keychain.password', 'of the keychain'],
      ['delivery.key', secret],
    ] as const) {
      writeFileSync(join(state, name), `${text}\n`, { mode: 0o600 });
      chownSync(join(state, name), AGENT, BUILDS);
    }
    // Not the simulated Apple's keys: nothing here needs them.
    for (const one of [folder, mac.home]) chmodSync(one, 0o755);
    chmodSync(p12, 0o644);
    chmodSync(mac.options.tool ?? '', 0o755);
    const socket = join(place, 'canary.sock');
    const env = { PATH: process.env['PATH'], HOME: mac.home, TMPDIR: '/tmp' };
    const canary = spawn(process.execPath, ['--import', 'tsx', PROGRAM, 'canary', socket, mac.home, `${mac.home}/bin:/usr/bin:/bin`], {
      uid: BUILDS,
      gid: BUILDS,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(canary.stdout, 'data');
      const agent = spawnSync(process.execPath, ['--import', 'tsx', IDENTITY, socket, mac.home, p12, old.sha1, recipient], {
        uid: AGENT,
        gid: BUILDS,
        env,
        encoding: 'utf8',
      });
      expect(agent.stderr).toBe('');
      const whole = { purged: [fresh.sha1], kept: [] };
      expect(JSON.parse(agent.stdout)).toEqual(['done', 'fail', 'done', 'pass', fresh.sha1, 'done', 'fail', 'done', 'pass', 'done', whole]);
      expect(readdirSync(join(place, 'bundles'))).toEqual([]);
      // Nothing of it was made where the agent would have it.
      expect(existsSync(join(mac.home, `Library/Keychains/reseal-${fresh.sha1.slice(0, 8)}.keychain-db`))).toBe(false);
      expect(readdirSync(join(state, 'incoming'))).toEqual([]);
    } finally {
      canary.kill('SIGKILL');
      await once(canary, 'exit');
    }
  },
);
