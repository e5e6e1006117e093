import { resolve } from 'node:path';
import { build } from 'esbuild';
import { oncePerRun } from './once-per-run.js';

/** What a simulated Mac runs in Node.js, bundled once per test run: a process that had to compile TypeScript first would take half a second. */
export const macTool = (): Promise<string> =>
  oncePerRun('mac-tool.mjs', (draft) =>
    build({
      entryPoints: [resolve(import.meta.dirname, '../../src/simulator/mac/tool/main.ts')],
      outfile: draft,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    }),
  );
