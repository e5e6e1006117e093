/** `npm run mutations`: takes one safeguard at a time out of the product, in memory, and expects the exploration to notice. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { explore as Explore } from '../test/exploration/explore.js';
import { MUTATIONS, mutated, ONE, type Mutation } from '../test/exploration/mutations.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** The exploration, bundled with one file changed. */
async function exploreWith(mutation: Mutation | null, folder: string): Promise<typeof Explore> {
  const outfile = join(folder, `${mutation === null ? 'whole' : mutation.name.replaceAll(/\W+/g, '-')}.mjs`);
  await build({
    entryPoints: [join(ROOT, 'test/exploration/explore.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'mutate',
        setup: (on) => {
          on.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (mutation === null || relative(ROOT, path) !== mutation.file) return null;
            return { contents: mutated(mutation, readFileSync(path, 'utf8')), loader: 'ts' };
          });
        },
      },
    ],
  });
  return ((await import(pathToFileURL(outfile).href)) as { explore: typeof Explore }).explore;
}

interface Row {
  readonly name: string;
  readonly found: string;
  readonly states: number;
}

async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(ROOT, 'node_modules/.cache-mutations-'));
  try {
    const whole = (await exploreWith(null, folder))(ONE);
    if (whole.violation !== null) throw new Error(`without any mutation: ${whole.violation.invariant}: ${whole.violation.what}`);
    const rows: Row[] = [];
    for (const mutation of MUTATIONS) {
      const { violation, states } = (await exploreWith(mutation, folder))(mutation.limits);
      rows.push({ name: mutation.name, found: violation?.invariant ?? 'SURVIVED', states });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rows = await run();
const width = Math.max(...rows.map((row) => row.name.length));
const found = Math.max(...rows.map((row) => row.found.length));
for (const row of rows) console.log(`${row.name.padEnd(width)}  ${row.found.padEnd(found)}  ${String(row.states).padStart(7)} states`);
const survived = rows.filter((row) => row.found === 'SURVIVED');
console.log(
  survived.length === 0 ? `all ${rows.length} mutations were noticed` : `${survived.length} of ${rows.length} mutations survived`,
);
process.exitCode = survived.length === 0 ? 0 : 1;
