import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // As the type check has them.
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      // Each starts processes that train, or browsers: they have scripts of their own, test:examples and test:browser.
      ...(process.env.OXBOW_TEST_EXAMPLES ? [] : ['test/examples/**']),
      ...(process.env.OXBOW_TEST_BROWSER ? [] : ['test/browser/**']),
    ],
    // Processes rather than threads: the kernels start threads of their own and set flags of the whole process.
    pool: 'forks',
    // By default one processor is left to nobody. Processes that train, and browsers, have them all.
    maxWorkers: process.env.OXBOW_TEST_EXAMPLES || process.env.OXBOW_TEST_BROWSER ? 1 : 2,
    // Only what hangs is to be ended by it: with two at once on a busy machine a test waits for its turn.
    testTimeout: 20_000,
  },
});
