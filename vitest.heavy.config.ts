import { defineConfig } from 'vitest/config';
import ordinary from './vitest.config.js';

/** `npm run test:heavy`: whole rotations in processes of their own, minutes each; they wait for time to pass more than they compute, so twice as many of them as the cores of a small machine. */
export default defineConfig({
  test: { ...ordinary.test, include: ['test/**/*.heavy.test.ts'], exclude: ['node_modules/**'], maxWorkers: 4, testTimeout: 600_000 },
});
