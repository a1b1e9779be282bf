import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const blocks = [...readFileSync(`${root}docs/slots.md`, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code as string,
);

describe('the code of docs/slots.md runs as written', () => {
  const printed: unknown[][] = [];
  beforeEach(() => {
    printed.length = 0;
    vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values));
  });
  afterEach(() => void vi.restoreAllMocks());

  async function run(start: string): Promise<void> {
    const at = blocks.findIndex((code) => code.includes(start));
    // In a folder that is never linted, nor in the repository.
    mkdirSync(`${root}test/.readme`, { recursive: true });
    const file = `${root}test/.readme/slots${at}.ts`;
    writeFileSync(file, `${blocks[at]}\nexport {};\n`);
    await import(pathToFileURL(file).href);
  }

  it('requests are learnt as they come', { timeout: 30_000 }, async () => {
    await run('learnTags(model');
    expect(printed[0]).toEqual([true]);
    expect(printed[1]?.[0]).toEqual(expect.arrayContaining(['O', 'B-fromloc', 'I-fromloc', 'B-toloc', 'I-toloc']));
  });

  it('words have tags as they come', async () => {
    await run('tag(model)');
    expect(printed.slice(0, 2).map(([position, word]) => [position, word])).toEqual([
      [0, 'to'],
      [1, 'Rome'],
    ]);
    expect(printed.at(-1)).toEqual(['object']);
  });

  it('what is wrong with a file is said with its line', async () => {
    await run('fromSequenceFiles(folder)');
    await vi.waitUntil(() => printed.length === 2);
    expect(printed[0]?.[0]).toMatch(
      /^fromSequenceFiles: …\/seq\.out:2: 2 tags for the 3 words of …\/seq\.in; each word has one tag\. /,
    );
    expect(printed[1]).toEqual([['to', 'New York']]);
  });

  it('slots are counted', async () => {
    await run('conlleval().start()');
    expect(printed).toEqual([[[0.5, 0.5, 1]], [[{ wanted: 'toloc', predicted: 'toloc', count: 1 }]], [2]]);
  });
});
