#!/usr/bin/env node
// Compiles src, workflows and activities to dist/, bundles the workflows once, so that a worker starts without webpack, and makes the empty
// database that ledgers begin with.
// `--if-stale`: does nothing when dist/ is newer than every source. Quiet when all is well.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const sources = [
  'src',
  'workflows',
  'activities',
  'scripts/build.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
];

function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  // A folder's own time counts too: it moves when a file in it is deleted.
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isFresh() {
  return existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...sources.map((path) => newest(join(root, path))));
}

function fail(sentence, detail) {
  if (detail) process.stderr.write(`${detail.trimEnd()}\n`);
  process.stderr.write(`reseal was not built: ${sentence}\n`);
  process.exit(1);
}

/** TypeScript writes beside dist/ and is swapped in whole, so a failed build leaves the last good one in place. */
function compile() {
  let tsc;
  try {
    tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    fail('the compiler is not installed. Run `npm ci` in this folder, with its development dependencies.');
  }
  const next = join(root, 'node_modules', '.cache', `reseal-dist-${process.pid}`);
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  const run = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', next], {
    cwd: root,
    encoding: 'utf8',
  });
  if (run.status !== 0) {
    rmSync(next, { recursive: true, force: true });
    fail('the sources have type errors, listed above.', run.stdout || run.stderr);
  }
  copyAsTheyAre(next);
  const last = `${next}-last`;
  if (existsSync(dist)) renameSync(dist, last);
  renameSync(next, dist);
  rmSync(last, { recursive: true, force: true });
}

/** Shell programs and CommonJS are used as they are, from beside the compiled files. */
function copyAsTheyAre(to) {
  for (const folder of ['src', 'workflows']) {
    const names = readdirSync(join(root, folder), { recursive: true }).filter((name) => /\.(?:sh|cjs)$/.test(name));
    for (const name of names) cpSync(join(root, folder, name), join(to, folder, name));
  }
}

async function bundleWorkflows() {
  const workflowsPath = join(dist, 'workflows', 'index.js');
  if (!existsSync(workflowsPath)) return;
  const { bundleWorkflows: bundle } = await import(pathToFileURL(join(dist, 'src', 'temporal', 'workers.js')));
  const { code } = await bundle(workflowsPath);
  writeFileSync(join(dist, 'workflow-bundle.js'), code);
}

/** An empty database, which a new ledger begins as a copy of (src/ledger/embedded.ts). Whole or not at all, like the rest. */
async function makeEmptyLedger() {
  const { PGlite } = await import('@electric-sql/pglite');
  const draft = join(dist, 'empty-ledger.draft');
  const database = await PGlite.create(draft);
  await database.close();
  renameSync(draft, join(dist, 'empty-ledger'));
}

if (!process.argv.includes('--if-stale') || !isFresh()) {
  const startedAt = new Date();
  compile();
  try {
    await bundleWorkflows();
  } catch (error) {
    fail('the workflows could not be bundled; the reason is above.', String(error?.stack ?? error));
  }
  try {
    await makeEmptyLedger();
  } catch (error) {
    fail('the empty database that ledgers begin with could not be made; the reason is above.', String(error?.stack ?? error));
  }
  // Judged by the time the build began: a file saved while it ran makes the next one run.
  writeFileSync(stamp, `${startedAt.toISOString()}\n`);
  utimesSync(stamp, startedAt, startedAt);
}
