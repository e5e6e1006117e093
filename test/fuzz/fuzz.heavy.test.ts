import { expect, it } from 'vitest';
import { campaign } from './campaign.js';
import { reported } from './report.js';
import { TARGETS } from './targets.js';

/** Ten thousand of each; `npm run fuzz` runs a million in all, of another seed each time. */
const CASES = 10_000;
/** The same cases in every run, so that a change that fails here fails everywhere. */
const SEED = 20_261_127;

it.each(TARGETS)('$name: a value or a documented error, in time, for ten thousand damaged inputs', (target) => {
  const failure = campaign(target, { cases: CASES, seed: SEED });
  expect(failure === null ? null : reported(failure)).toBeNull();
});
