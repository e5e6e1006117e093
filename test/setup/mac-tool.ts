import { existsSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { inject } from 'vitest';
import { withFileLock } from '../../src/temporal/file-lock.js';

/** What a simulated Mac runs in Node.js, bundled once per test run: a process that had to compile TypeScript first would take half a second. */
export async function macTool(): Promise<string> {
  const made = join(inject('runFolder'), 'mac-tool.mjs');
  await withFileLock(`${made}.lock`, async () => {
    if (existsSync(made)) return;
    const outfile = `${made}.new.mjs`;
    await build({
      entryPoints: [resolve(import.meta.dirname, '../../src/simulator/mac/tool/main.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    renameSync(outfile, made);
  });
  return made;
}
