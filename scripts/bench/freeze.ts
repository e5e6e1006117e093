/** `npm run bench:freeze`: `manifest freeze` of a folder of profiles with an Xcode project, as a person runs it: process start, verification, store and all. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openAppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { makeProfiles, wholeSecond } from '../../src/simulator/mesh/create.js';
import { writeProject, type WrittenTarget } from '../../test/xcode-project/project.js';
import { median } from './median.js';

const { values } = parseArgs({ options: { profiles: { type: 'string', default: '500' }, repetitions: { type: 'string', default: '5' } } });
const RESEAL = fileURLToPath(new URL('../reseal.mjs', import.meta.url));
/** Milliseconds that a freeze may take. */
const REACH = 5_000;
const DAY = 86_400_000;
/** Each app is a host with nine extensions. */
const PER_APP = 10;
const TEAM = '9QK4T7XW2B';

const root = mkdtempSync(join(tmpdir(), 'reseal-bench-freeze-'));
const env = { ...process.env, HOME: root, XDG_STATE_HOME: join(root, 'state'), USER: 'bench', RESEAL_CONFIG: join(root, 'reseal') };

function reseal(...argv: readonly string[]): number {
  const began = performance.now();
  const run = spawnSync(process.execPath, [RESEAL, ...argv], { encoding: 'utf8', timeout: 300_000, cwd: root, env });
  const took = performance.now() - began;
  if (run.status !== 0) throw new Error(`reseal ${argv.join(' ')} ended with ${run.status ?? run.signal ?? 'an error'}: ${run.stderr}`);
  return took;
}

const bundleOf = (index: number): string => {
  const host = `com.acme.app${Math.floor(index / PER_APP)}`;
  return index % PER_APP === 0 ? host : `${host}.extension${index % PER_APP}`;
};

async function writeEverything(count: number): Promise<void> {
  const apple = await openAppleHierarchy(join(root, 'apple'));
  const certificate = await apple.issueCertificate({
    commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
    team: TEAM,
    notAfter: wholeSecond(Date.now() + 300 * DAY),
  });
  const indices = [...Array(count).keys()];
  const bundles = indices.map((index) => ({ bundleId: bundleOf(index), role: 'host' as const, target: `Target${index}` }));
  const edition = { name: 'bench', createdAt: wholeSecond(Date.now() - DAY), expiresAt: wholeSecond(Date.now() + 200 * DAY) };
  mkdirSync(join(root, 'profiles'));
  for (const { uuid, bytes } of makeProfiles(apple, certificate, [{ name: 'bench', bundles }], edition))
    writeFileSync(join(root, 'profiles', `${uuid}.mobileprovision`), bytes);
  const targets = indices.map((index): WrittenTarget => {
    const settings = { PRODUCT_BUNDLE_IDENTIFIER: bundleOf(index), CODE_SIGN_STYLE: 'Manual', DEVELOPMENT_TEAM: TEAM };
    if (index % PER_APP !== 0) return { name: `Target${index}`, type: 'app-extension', settings };
    const carries = indices.slice(index + 1, index + PER_APP).map((other) => `Target${other}`);
    return { name: `Target${index}`, type: 'application', settings, carries };
  });
  writeProject({ targets, configurations: ['Debug', 'Release', 'Beta'] }, root);
  writeFileSync(join(root, 'root.pem'), apple.rootPem);
}

try {
  const count = Number(values.profiles);
  await writeEverything(count);
  const project = ['--project', 'Courier.xcodeproj'];
  const init = reseal('init', '--profiles', 'profiles', '--trust-root', 'root.pem', ...project);
  const times: number[] = [];
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++)
    times.push(reseal('manifest', 'freeze', 'profiles', '--line', 'ios-main', '--as', 'bench', '--ticket', 'CHG-1', ...project));
  console.log(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`);
  console.log(`init, with a new store: ${(init / 1_000).toFixed(2)} s`);
  console.log(`freeze of ${count} profiles: ${times.map((time) => (time / 1_000).toFixed(2)).join(', ')} s`);
  console.log(`median ${(median(times) / 1_000).toFixed(2)} s (reach: below ${REACH / 1_000} s)`);
  process.exitCode = init < REACH && median(times) < REACH ? 0 : 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
