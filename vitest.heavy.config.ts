import { defineConfig } from 'vitest/config';
import { longestFirst } from './test/setup/longest-first.js';
import ordinary from './vitest.config.js';

/** By a run on two cores. */
const LONGEST = [
  'node/over-ssh.heavy.test.ts',
  'e2e/certificate.heavy.test.ts',
  'e2e/planted-secrets.heavy.test.ts',
  'fuzz/fuzz.heavy.test.ts',
  'node/sign.heavy.test.ts',
  'cli/demo-examples.heavy.test.ts',
  'docs/commands.heavy.test.ts',
  'api/returning-everywhere.heavy.test.ts',
  'node/certificate.heavy.test.ts',
  'cli/rehearse.heavy.test.ts',
  'node/over-agent.heavy.test.ts',
];

/** `npm run test:heavy`: whole rotations in processes of their own, minutes each; they wait for time to pass more than they compute, so twice as many of them as the cores of a small machine. */
export default defineConfig({
  test: {
    ...ordinary.test,
    include: ['test/**/*.heavy.test.ts'],
    exclude: ['node_modules/**'],
    maxWorkers: 4,
    testTimeout: 600_000,
    sequence: { sequencer: longestFirst(LONGEST) },
  },
});
