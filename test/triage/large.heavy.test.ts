import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { built, cleanEnv, RESEAL } from '../cli/processes.js';
import { TriageWorld } from './world.js';

let world: TriageWorld;
beforeAll(async () => {
  world = await TriageWorld.make();
});
afterAll(() => world.dispose());

it.skipIf(findRcodesign() === null || process.platform !== 'linux')('an .ipa of 200 MB takes below 3 s and 300 MB of memory', async () => {
  await built();
  const app = world.app();
  const large = world.at('Large.bin');
  await enlarged(join(app, 'Courier'), large, 150 * 1024 * 1024);
  const piece = randomBytes(50 * 1024 * 1024);
  const ipa = await world.zip((zip) => {
    for (const name of ['Info.plist', 'embedded.mobileprovision', '_CodeSignature/CodeResources'])
      zip.addFile(join(app, name), `Payload/Courier.app/${name}`);
    zip.addFile(large, 'Payload/Courier.app/Courier', { compressionLevel: 1 });
    zip.addBuffer(piece, 'Payload/Courier.app/Assets.car', { compress: false });
  }, 'Large.ipa');
  expect(statSync(ipa).size).toBeGreaterThan(200_000_000);
  const child = spawn(process.execPath, [RESEAL, 'triage', '--app', ipa, '--json'], {
    env: cleanEnv(world.at('home'), { RESEAL_CONFIG: world.at('reseal') }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  let most = 0;
  let took = 0;
  const watch = setInterval(() => {
    most = Math.max(most, peakOf(child.pid ?? 0));
    took = Math.max(took, processorSeconds(child.pid ?? 0));
  }, 10);
  await once(child, 'close');
  clearInterval(watch);
  expect(JSON.parse(out)).toMatchObject({ artifact: { bundles: [{ signature: { state: 'signed', signer: world.identity.sha1 } }] } });
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(300 * 1024);
  expect(took).toBeGreaterThan(0);
  expect(took).toBeLessThan(3);
});

/** VmHWM in kB; 0 when the process has ended. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Of user and system, by a clock of 100 ticks a second (proc(5)): others on this machine do not count. */
function processorSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** The same executable with code of a given size before its signature, which does not pack. */
async function enlarged(from: string, to: string, size: number): Promise<void> {
  const bytes = readFileSync(from);
  for (let at = 32, left = bytes.readUInt32LE(16); left > 0; left -= 1, at += bytes.readUInt32LE(at + 4)) {
    if (bytes.readUInt32LE(at) !== 0x1d) continue;
    const [offset, length] = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)];
    const signature = Buffer.from(bytes.subarray(offset, offset + length));
    bytes.writeUInt32LE(size, at + 8);
    const head = bytes.subarray(0, offset);
    const filler = randomBytes(1024 * 1024);
    const pieces = function* (): Generator<Buffer> {
      yield head;
      for (let left = size - head.length; left > 0; left -= filler.length) yield filler.subarray(0, Math.min(left, filler.length));
      yield signature;
    };
    await pipeline(Readable.from(pieces()), createWriteStream(to));
    return;
  }
  throw new Error(`${from} is not signed`);
}
