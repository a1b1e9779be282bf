import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * What sets up the machine, of which a process has one, or depends on the process in another way: a file that has one of these gets a
 * process of its own. `test/shared-process.ts` finds one that needs it and gets none.
 */
const ofItsProcess =
  /\b(configure|createMachine|machine|register)\(|\bprocess\.|\bglobalThis\b|node:(child_process|worker_threads)|\bvi\.(mock|doMock|stub|useFake)/;

const files = readdirSync(join(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts'));
const programs = ['test/examples/**', 'test/browser/**'];
/** What these run is not in their own text: the guides' blocks, and every function that takes options. */
const ofOthers = ['test/documentation.test.ts', 'test/options.test.ts'];
const alone = files.filter(
  (name) => ofOthers.includes(name) || ofItsProcess.test(readFileSync(join(import.meta.dirname, name), 'utf8')),
);

export default defineConfig({
  // As the type check has them.
  resolve: { tsconfigPaths: true },
  test: {
    // Processes rather than threads: the kernels start threads of their own and set flags of the whole process.
    pool: 'forks',
    // By default one processor is left to nobody. Processes that train, and browsers, have them all.
    maxWorkers: process.env.OXBOW_TEST_EXAMPLES || process.env.OXBOW_TEST_BROWSER ? 1 : 2,
    // Only what hangs is to be ended by it: with two at once on a busy machine a test waits for its turn.
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: [...alone, ...programs.map((folder) => `${folder}/*.test.ts`)],
          exclude: [
            ...configDefaults.exclude,
            // Each starts processes that train, or browsers: they have scripts of their own, test:examples and test:browser.
            ...(process.env.OXBOW_TEST_EXAMPLES ? [] : ['test/examples/**']),
            ...(process.env.OXBOW_TEST_BROWSER ? [] : ['test/browser/**']),
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...programs, ...alone],
          // Two processes for all of them: to start one, and to load the package there, takes longer than most files' tests.
          isolate: false,
          setupFiles: ['test/shared-process.ts'],
          // A file of the other kind in between would end the process.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
