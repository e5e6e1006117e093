import { configDefaults, defineConfig } from 'vitest/config';

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
  },
});
