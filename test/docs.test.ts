import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const printed: unknown[][] = [];
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values));
});
afterEach(() => void vi.restoreAllMocks());

/** Runs the block of a page that has some text in it. */
async function runOf(page: string, start: string): Promise<void> {
  const blocks = [...readFileSync(`${root}docs/${page}.md`, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)];
  const at = blocks.findIndex(([, code]) => code?.includes(start));
  // In a folder that is never linted, nor in the repository.
  mkdirSync(`${root}test/.readme`, { recursive: true });
  const file = `${root}test/.readme/${page}${at}.ts`;
  writeFileSync(file, `${blocks[at]?.[1]}\nexport {};\n`);
  await import(pathToFileURL(file).href);
}

describe('the code of docs/keras.md runs as written', () => {
  const run = (start: string) => runOf('keras', start);

  it('exclusive or is learnt', async () => {
    await run('console.log(model.summary(x))');
    expect(printed[0]).toEqual([1]);
    expect(printed[1]).toMatchObject([{ metrics: { accuracy: 1 } }]);
    expect(printed[2]?.[0]).toContain('dense2  dense  [1, B, 2]          18');
  });

  it('the first symbol is remembered', async () => {
    await run('validationSplit: 0.2');
    expect(printed.map(([epoch]) => epoch)).toEqual(Array.from({ length: 20 }, (_, k) => k + 1));
    expect(printed.at(-1)?.[2]).toBe(1);
  });

  it('a padded sequence is what it is alone', async () => {
    await run('const mask =');
    expect(printed).toEqual([[true]]);
  });

  it('algorithm 4.1 stops by itself', async () => {
    await run("earlyStopping: { monitor: 'accuracy' }");
    const [[epochs, stoppedEarly] = []] = printed;
    expect(stoppedEarly).toBe(true);
    expect(epochs).toBeLessThan(1000);
  });

  it('metrics count without a model', async () => {
    await run('confusionMatrix().start()');
    expect(printed[0]).toEqual([
      [
        [1, 0],
        [1, 1],
      ],
    ]);
    expect(printed[1]?.[0]).toBeCloseTo(2 / 3, 14);
  });

  it('a model is saved and loaded', async () => {
    await run('await model.save(path)()');
    expect(printed).toEqual([[true]]);
  });
});

describe('the code of docs/tagger.md runs as written', () => {
  it('an unknown city is told by the word before it', async () => {
    await runOf('tagger', 'fitTagger(model');
    expect(printed[0]).toEqual([1]);
    expect(printed[1]).toMatchObject([{ word: 'Reykjavík', tag: 'B-fromloc' }]);
    expect(printed[2]).toMatchObject([{ name: 'departure' }]);
  });
});

describe('the code of docs/online-tagging.md runs as written', () => {
  it('a tagger starts with nothing and learns while it is in use', async () => {
    await runOf('online-tagging', 'learnTags(model, { optimizer: adam(5e-3)');
    expect(printed).toEqual([
      [
        ['leave', 'taipei', 'today'],
        ['B-fromloc', 'B-date'],
      ],
      [['arrive', 'osaka'], ['B-toloc']],
      [{ fromloc: 'new york', date: 'today' }],
    ]);
  });
});

describe('the code of docs/keyed.md runs as written', () => {
  it('lines of hosts are scored, each host by itself', async () => {
    await runOf('keyed', "output: 'surprisal'");
    await vi.waitFor(() => expect(printed.length).toBe(3));
    expect(printed.map(([host]) => host).sort()).toEqual(['ada', 'ada', 'bob']);
    // Weights that have learnt nothing: as many bits as for equally likely symbols, or nearly.
    for (const [, bits] of printed) expect(Math.abs(Number(bits) - Math.log2(28))).toBeLessThan(0.3);
  });

  it('a store holds what gave way, and a snapshot all there is', async () => {
    await runOf('keyed', 'maxKeys: 2, store');
    expect(printed).toEqual([[true, 7], [7]]);
  });
});
