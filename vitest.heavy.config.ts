import { defineConfig } from 'vitest/config';
import ordinary from './vitest.config.js';

/** `npm run test:heavy`: whole rotations in processes of their own, minutes each. */
export default defineConfig({
  test: { ...ordinary.test, include: ['test/**/*.heavy.test.ts'], exclude: ['node_modules/**'], testTimeout: 600_000 },
});
