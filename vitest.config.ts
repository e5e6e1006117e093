import { configDefaults, defineConfig } from 'vitest/config';
import { longestFirst } from './test/setup/longest-first.js';

/** By a run on two cores. */
const LONGEST = [
  'cli/demo.test.ts',
  'cli/rehearse.test.ts',
  'node-shell/run.test.ts',
  'temporal/embedded-server.test.ts',
  'e2e/store-away.test.ts',
  'api/seats.test.ts',
  'e2e/worker-killed.test.ts',
  'cli/demo-examples.test.ts',
  'node/interrupted.test.ts',
  'cli/up.test.ts',
  'e2e/pins.test.ts',
  'node-shell/ssh.test.ts',
  'rotation/sources.test.ts',
  'e2e/encrypted.test.ts',
];

/** `npm test`: everything but what takes minutes by itself, which `npm run test:heavy` runs. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/**/*.heavy.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    sequence: { sequencer: longestFirst(LONGEST) },
  },
});
