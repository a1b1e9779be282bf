/** The page has the figures that were measured, none of them too large. After a change: `OXBOW_WRITE_INTERCHANGE=1 npx vitest run test/interchange/table.test.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { faultOf, figure, formatsWithFigures, kept, MOST, tableOf, withTables } from './table.js';

const page = fileURLToPath(new URL('../../docs/interchange.md', import.meta.url));

it('docs/interchange.md has the figures that are kept', () => {
  const expected = withTables(readFileSync(page, 'utf8'));
  if (process.env.OXBOW_WRITE_INTERCHANGE) writeFileSync(page, expected);
  expect(readFileSync(page, 'utf8')).toBe(expected);
});

it.each(formatsWithFigures())('no figure of %s is above the bound', (format) => {
  expect(kept(format).flatMap((row) => faultOf(row) ?? [])).toEqual([]);
});

describe('a figure', () => {
  it.each([
    [0, '0'],
    [2.01e-7, '3e-7'],
    [9.5e-8, '1e-7'],
    [1e-5, '1e-5'],
    [undefined, ''],
  ])('%s is shown as %s', (value, shown) => expect(figure(value)).toBe(shown));

  it.each([Number.NaN, MOST * 1.01, -1, Number.POSITIVE_INFINITY])('of %s is a fault', (outputs) => {
    expect(faultOf({ layer: 'dense', direction: 'export', outputs })).toContain('outputs differ');
    expect(faultOf({ layer: 'dense', direction: 'export', outputs: 0, gradients: outputs })).toContain('gradients');
  });

  it('stands beside that of the other direction', () => {
    const table = tableOf([
      { layer: 'dense', direction: 'export', outputs: 2e-8, gradients: 3e-8 },
      { layer: 'dense', direction: 'import', outputs: 4e-8 },
      { layer: 'gru', direction: 'import', outputs: 0 },
    ]);
    expect(table).toContain('| dense | 2e-8 | 3e-8 | 4e-8 | — |\n| gru | — | — | 0 | — |');
  });
});
