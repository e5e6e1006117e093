import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { oncePerRun } from './once-per-run.js';

/**
 * What a simulated Mac runs in Node.js, bundled once per test run: a process that had to compile TypeScript first would take half a second. In
 * pieces, since a bundle of one is parsed whole at every call, whatever is called.
 */
export const macTool = async (): Promise<string> =>
  join(
    await oncePerRun('mac-tool', (draft) =>
      build({
        entryPoints: [resolve(import.meta.dirname, '../../src/simulator/mac/tool/main.ts')],
        outdir: draft,
        outExtension: { '.js': '.mjs' },
        bundle: true,
        splitting: true,
        minify: true,
        platform: 'node',
        format: 'esm',
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      }),
    ),
    'main.mjs',
  );
