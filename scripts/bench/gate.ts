/** `npm run bench:gate`: the signing gate on a node with four profiles, against an empty Node.js and the `security` that it calls. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sha256Of } from '../../src/manifest/digest.js';
import { median } from './median.js';

const { values } = parseArgs({ options: { repetitions: { type: 'string', default: '101' } } });
const GATE = fileURLToPath(new URL('../assert-signing-context.mjs', import.meta.url));
/** The gate's time divided by that of its parts, which ran just before it: the median of these, since a machine is never equally busy for long. */
const REACH = 1.3;
const FOLDERS = ['Library/Developer/Xcode/UserData/Provisioning Profiles', 'Library/MobileDevice/Provisioning Profiles'];
const IDENTITY = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31';
const ROWS = `  1) ${IDENTITY.toUpperCase()} "Apple Distribution: Acme GmbH (9QK4T7XW2B)"\n     1 valid identities found\n`;

const home = mkdtempSync(join(tmpdir(), 'reseal-bench-gate-'));
const put = (path: string, bytes: string | Uint8Array, mode = 0o644): void => {
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), bytes, { mode });
};

/** Four profiles of 12 kB, as they are. @returns the manifest's digest */
function makeNode(): string {
  const profiles = ['1', '2', '3', '4'].map((digit) => {
    const uuid = `00000000-0000-0000-0000-00000000000${digit}`;
    const bytes = Buffer.alloc(12_000, digit);
    for (const folder of FOLDERS) put(join(folder, `${uuid}.mobileprovision`), bytes);
    return {
      bundleId: `com.acme.app${digit}`,
      identity: IDENTITY,
      profile: { uuid, fileName: `${uuid}.mobileprovision`, sha256: sha256Of(bytes) },
    };
  });
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 1, line: 'ios-main', certificates: {}, profiles }));
  put('mount/ios-main/profiles.json', manifest);
  put('state/accepted.json', JSON.stringify({ 'ios-main': [sha256Of(manifest)] }));
  put('state/node.json', JSON.stringify({ schemaVersion: 1, node: 'ams-build-1', region: 'eu-west', longestBuildSeconds: 14_400 }));
  put('bin/security', `#!/bin/sh\nprintf '%s' '${ROWS}'\n`, 0o755);
  return sha256Of(manifest);
}

/** The least that any gate in Node.js takes: the modules to hash and to ask with, one digest, one call of `security`. Nothing is read and nothing judged. */
const FLOOR = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
createHash('sha256').update(spawnSync('security', ['find-identity', '-v', '-p', 'codesigning']).stdout).digest('hex');
`;

const manifest = makeNode();
put('floor.mjs', FLOOR);
const env = {
  PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
  HOME: home,
  RESEAL_MOUNT: join(home, 'mount'),
  RESEAL_STATE: join(home, 'state'),
};
function time(program: string, ...args: readonly string[]): number {
  const began = performance.now();
  const run = spawnSync(program, args, { env, encoding: 'utf8', timeout: 60_000 });
  const took = performance.now() - began;
  if (run.status !== 0) throw new Error(`${program} ended with ${run.status ?? run.signal ?? 'an error'}: ${run.stderr}`);
  return took;
}
const gate = [GATE, '--expect-manifest', manifest, '--expect-signing', sha256Of(Buffer.from(ROWS)), '--region', 'eu-west'];
const security = ['find-identity', '-v', '-p', 'codesigning'];

try {
  const [empty, tool, floor, whole]: [number[], number[], number[], number[]] = [[], [], [], []];
  time(process.execPath, ...gate);
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    empty.push(time(process.execPath, '-e', '0'));
    tool.push(time('security', ...security));
    floor.push(time(process.execPath, join(home, 'floor.mjs')));
    whole.push(time(process.execPath, ...gate));
  }
  const parts = (round: number): number => (empty[round] ?? 0) + (tool[round] ?? 0);
  const ratioOf = (times: number[]): number => median(times.map((took, round) => took / parts(round)));
  const ratio = ratioOf(whole);
  const shown = (all: number[]): string => `${median(all).toFixed(1)} ms`;
  console.log(`node -e 0 ${shown(empty)}, security ${shown(tool)}, gate ${shown(whole)}: medians of ${whole.length}, taken in turn`);
  console.log(`the least in Node.js ${shown(floor)}, ratio ${ratioOf(floor).toFixed(2)}; the gate takes ${median(whole.map((took, round) => took / (floor[round] ?? 0))).toFixed(2)} of it`); // prettier-ignore
  console.log(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`);
  console.log(`ratio ${ratio.toFixed(2)} (reach: at most ${REACH})`);
  process.exitCode = ratio <= REACH ? 0 : 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
