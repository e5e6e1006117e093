import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './median.js';

const { values } = parseArgs({ options: { repetitions: { type: 'string', default: '21' } } });
const RESEAL = fileURLToPath(new URL('../reseal.mjs', import.meta.url));
/** Milliseconds that `reseal --help` may take more than a Node.js that does nothing. */
const REACH = 100;

/** Milliseconds that a Node.js with these arguments takes, from its start to its end. */
function time(...args: readonly string[]): number {
  const began = performance.now();
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  const took = performance.now() - began;
  if (run.status !== 0) throw new Error(`node ${args.join(' ')} ended with ${run.status ?? run.signal ?? 'an error'}: ${run.stderr}`);
  return took;
}

// Unmeasured: builds where that never happened, and fills the page cache.
time('-e', '0');
time(RESEAL, '--help');

const empty: number[] = [];
const help: number[] = [];
for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
  empty.push(time('-e', '0'));
  help.push(time(RESEAL, '--help'));
}
const more = median(help) - median(empty);
console.log(
  `node -e 0 ${median(empty).toFixed(1)} ms, reseal --help ${median(help).toFixed(1)} ms: medians of ${empty.length}, taken in turn`,
);
console.log(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`);
console.log(`more ${more.toFixed(1)} ms (reach: at most ${REACH})`);
process.exitCode = more <= REACH ? 0 : 1;
