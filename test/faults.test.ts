/** The page of faults names tests that are there. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = new URL('..', import.meta.url);
const textOf = (path: string) => readFileSync(fileURLToPath(new URL(path, root)), 'utf8');

const rows = textOf('docs/faults.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| fault |'))
  .map((line) => line.slice(2, -2).split(' | ') as [fault: string, promise: string, tests: string]);

it('has many rows', () => {
  expect(rows.length).toBeGreaterThan(25);
});

it.each(rows)('%s', (_, promise, tests) => {
  expect(promise).toMatch(/\w/);
  const files = [...(tests ?? '').matchAll(/`(test\/[^`]+\.test\.ts)`: (\*[^;]+\*)/g)];
  // Nothing is left beside what is read here.
  expect(files.map(([all]) => all).join('; ')).toBe(tests);
  for (const [, file, titles] of files) {
    const source = textOf(file as string);
    for (const title of (titles as string).slice(1, -1).split('*, *')) {
      expect(source, `${file} has no test named ${title}`).toContain(title);
    }
  }
});
