/**
 * `npx tsx scripts/record-histories.ts [RELEASE]`: runs real rotations on the dev server and writes their histories to
 * `test/histories/<RELEASE>/` (default: the version of package.json). Once per release; what older releases left there stays.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
const release = process.argv[2] ?? version;
const { status } = spawnSync('npx', ['vitest', 'run', 'test/workflows/record-histories'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, RESEAL_RECORD_HISTORIES: release },
});
process.exitCode = status ?? 1;
