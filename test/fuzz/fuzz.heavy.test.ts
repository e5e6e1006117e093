import { expect, it } from 'vitest';
import { runProcess } from '../../src/temporal/run-process.js';
import { TARGETS } from './targets.js';

/** Ten thousand of each; `npm run fuzz` runs a million in all, of another seed each time. */
const CASES = 10_000;
/** The same cases in every run, so that a change that fails here fails everywhere. */
const SEED = 20_261_127;

/** As people run it: what does not come back from a case, or fills its thread's heap, is ended there and told. */
it('ten thousand damaged inputs of each target: a value or a documented error, in time', { timeout: 1_500_000 }, async () => {
  const words = ['run', '--silent', 'fuzz', '--', '--cases', String(CASES), '--seed', String(SEED)];
  const { code, stdout, stderr } = await runProcess('npm', words, { timeout: 1_450_000 });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const { name } of TARGETS) expect(stdout).toMatch(new RegExp(`^${name} +${CASES} cases in `, 'm'));
  expect(stdout).toContain(`${CASES * TARGETS.length} cases in `);
});
