import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // As the type check has them.
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts'],
    // Each starts processes that train: they have a script of their own, test:examples.
    exclude: process.env.OXBOW_TEST_EXAMPLES ? configDefaults.exclude : [...configDefaults.exclude, 'test/examples/**'],
    // Processes rather than threads: the kernels start threads of their own and set flags of the whole process.
    pool: 'forks',
  },
});
