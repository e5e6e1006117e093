import { defineConfig } from 'vitest/config';
import heavy from './vitest.heavy.config.js';

/** Files of both kinds, one at a time: what failed beside others runs once more by itself (.ci/run). */
export default defineConfig({ test: { ...heavy.test, include: ['test/**/*.test.ts'], maxWorkers: 1 } });
