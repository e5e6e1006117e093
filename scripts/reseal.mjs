#!/usr/bin/env node
// The `reseal` command. Builds first where that never happened (`npm ci --ignore-scripts`).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/src/cli/main.js', import.meta.url);

if (!existsSync(main)) {
  process.stderr.write('reseal is being built, once…\n');
  const build = spawnSync(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url))], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) process.exit(2);
}
const { main: run } = await import(main.href);
await run(process.argv);
