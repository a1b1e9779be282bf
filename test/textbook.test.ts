import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as oxbow from 'oxbow';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(`${root}docs/textbook.md`, 'utf8');
const source = (path: string): string => readFileSync(`${root}docs/${path}`, 'utf8');

const cellsOf = (line: string): readonly string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The rows of the tables that have a column of symbols. */
const rows = page
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const [head = '', , ...lines] = section.split('\n').filter((line) => line.startsWith('|'));
    const [, second] = cellsOf(head);
    return second === 'symbols' ? lines.map(cellsOf) : [];
  });

const systems = rows.map(([system = '', symbols = '', tests = '']) => ({ system, symbols, tests }));

/** What a name such as `activations.relu` is in the public face. */
const exported = (name: string): unknown =>
  name
    .split('.')
    .reduce<unknown>((within, part) => (within as Readonly<Record<string, unknown>> | undefined)?.[part], oxbow);

describe('docs/textbook.md', () => {
  it('has rows, each with four cells', () => {
    expect(rows.length).toBeGreaterThan(40);
    for (const row of rows) expect(row, row[0] ?? '').toHaveLength(4);
  });

  it.each(systems)('names for $system what is exported, and the file it is in', ({ symbols }) => {
    const names = [...symbols.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
    const linked = [...symbols.matchAll(/\[`([^`]+)`\]\(([^)]+)\)/g)] as unknown as readonly string[][];
    expect(names).not.toHaveLength(0);
    expect(linked.map(([, name]) => name)).toEqual(names);
    for (const [, name = '', path = ''] of linked) {
      expect(exported(name), name).toBeDefined();
      expect(source(path), `${name} in ${path}`).toMatch(
        new RegExp(`^export (?:const|(?:async )?function) ${name.split('.').at(-1)}\\b`, 'm'),
      );
    }
  });

  it.each(systems)('names for $system a test', ({ tests }) => {
    const paths = [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path as string);
    expect(paths).not.toHaveLength(0);
    for (const path of paths) expect(path).toMatch(/^\.\.\/test\/.*\.test\.ts$/);
  });

  it('links to files that exist', () => {
    const paths = [...page.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, path]) => path as string);
    expect(paths.filter((path) => !existsSync(`${root}docs/${path}`))).toEqual([]);
  });

  it('names commands that exist', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: object };
    const names = [...page.matchAll(/npm (?:run )?([a-z0-9:-]+)/g)].map(([, name]) => name as string);
    expect(names).toContain('example:char-rnn');
    for (const name of names) expect(Object.keys(scripts)).toContain(name);
  });
});
