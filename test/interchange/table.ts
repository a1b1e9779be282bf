/**
 * How far outputs and gradients of a model that has travelled are from those of where it comes from: measured by the tests of a
 * format, kept in `figures/FORMAT.json`, and shown in `docs/interchange.md`.
 *
 * After a change: `OXBOW_WRITE_INTERCHANGE=1 npx vitest run test/interchange` measures anew, and once more writes the page.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { FormatName } from '../../src/interchange/format.js';

/** What travelled, where to, and the largest differences that were seen. */
export interface Row {
  /** As the page calls it: `lstm, bidirectional`. */
  readonly layer: string;
  readonly direction: 'import' | 'export';
  /** Of outputs, absolute. */
  readonly outputs: number;
  /** Of the gradients of all parameters by one step's loss, where the format trains. */
  readonly gradients?: number;
}

/** No difference may be larger. */
export const MOST = 1e-5;

const isWriting = Boolean(process.env.OXBOW_WRITE_INTERCHANGE);
const folder = new URL('./figures/', import.meta.url);
const fileOf = (format: string) => fileURLToPath(new URL(`${format}.json`, folder));
const keyOf = ({ layer, direction }: Pick<Row, 'layer' | 'direction'>) => `${layer} ${direction}`;

/** The rows that are kept of a format; none where it has no file yet. */
export const kept = (format: string): readonly Row[] =>
  existsSync(fileOf(format)) ? (JSON.parse(readFileSync(fileOf(format), 'utf8')) as readonly Row[]) : [];

/** The formats that have figures. */
export const formatsWithFigures = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.replace(/\.json$/, ''))
    .sort();

/** Of a layer that stands in several models, the larger figures. */
const largest = (row: Row, before: Row | undefined): Row => ({
  ...row,
  outputs: Math.max(row.outputs, before?.outputs ?? 0),
  ...(row.gradients !== undefined && { gradients: Math.max(row.gradients, before?.gradients ?? 0) }),
});

/** What is wrong with a row, or undefined. */
export function faultOf({ layer, direction, outputs, gradients }: Row): string | undefined {
  for (const [what, value] of Object.entries({ outputs, gradients })) {
    // Not `> MOST`: a NaN is no figure.
    if (value !== undefined && !(value >= 0 && value <= MOST))
      return `${layer}, ${direction}: ${what} differ by ${value}`;
  }
  return undefined;
}

/**
 * Where the tests of a format report to, one value for a test file. `report` fails where a difference is too large or the row is not
 * kept; `finish`, in an `afterAll`, fails where a kept row was not measured, or, where figures are written, writes them.
 *
 * @param only the direction that the file measures, where another file measures the other one.
 */
export function rows(format: FormatName, only?: Row['direction']) {
  const measured = new Map<string, Row>();
  const mine = (row: Row) => only === undefined || row.direction === only;
  return {
    report(row: Row): void {
      expect(faultOf(row)).toBeUndefined();
      measured.set(keyOf(row), largest(row, measured.get(keyOf(row))));
      if (!isWriting) expect(kept(format).map(keyOf)).toContain(keyOf(row));
    },
    finish(): void {
      // The other side is not installed.
      if (measured.size === 0) return;
      if (isWriting) {
        const all = [...kept(format).filter((row) => !mine(row)), ...measured.values()];
        const lines = all.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map((row) => `  ${JSON.stringify(row)}`);
        writeFileSync(fileOf(format), `[\n${lines.join(',\n')}\n]\n`);
      }
      expect(kept(format).filter(mine).map(keyOf).sort()).toEqual([...measured.keys()].sort());
    },
  };
}

/** `3e-7`: one digit, rounded up, so that the page never shows less than was measured. */
export function figure(value: number | undefined): string {
  if (value === undefined) return '';
  if (value === 0) return '0';
  const power = Math.floor(Math.log10(value));
  const digit = Math.ceil(value / 10 ** power - 1e-9);
  return digit > 9 ? `1e${power + 1}` : `${digit}e${power}`;
}

const begins = (format: string) => `<!-- figures of ${format} -->`;
const ends = (format: string) => `<!-- end of ${format} -->`;

/** A format's rows as a table, a line a layer. */
export function tableOf(all: readonly Row[]): string {
  const layers = [...new Set(all.map(({ layer }) => layer))];
  const cell = (layer: string, direction: Row['direction']) => {
    const row = all.find((each) => keyOf(each) === keyOf({ layer, direction }));
    return row === undefined ? '— | —' : `${figure(row.outputs)} | ${figure(row.gradients) || '—'}`;
  };
  return [
    '| layer | export: outputs | gradients | import: outputs | gradients |',
    '|---|---|---|---|---|',
    ...layers.map((layer) => `| ${layer} | ${cell(layer, 'export')} | ${cell(layer, 'import')} |`),
  ].join('\n');
}

/** The page with the tables of all formats that have figures; a format without its two marks is an error. */
export function withTables(page: string): string {
  return formatsWithFigures().reduce((text, format) => {
    const [before, rest] = text.split(begins(format));
    const after = rest?.split(ends(format))[1];
    if (before === undefined || after === undefined)
      throw new Error(`docs/interchange.md: needs the lines ${begins(format)} and ${ends(format)}.`);
    return `${before}${begins(format)}\n${tableOf(kept(format))}\n${ends(format)}${after}`;
  }, page);
}
