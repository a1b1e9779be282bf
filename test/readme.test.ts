import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const blocks = [...readFileSync(`${root}README.md`, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
const folder = `${root}test/.readme`;

/** Runs a block as a module, with what it exports appended, and gives what it printed. */
async function run(number: number, exports: string): Promise<Record<string, unknown>> {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/block${number}.ts`;
  writeFileSync(file, `${blocks[number]}\nexport { ${exports} };\n`);
  return import(pathToFileURL(file).href);
}

describe("the README's code runs as written", () => {
  const printed: unknown[][] = [];
  beforeEach(() => {
    printed.length = 0;
    vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values));
  });
  afterEach(() => void vi.restoreAllMocks());

  it('the pipelines learn, speak, measure surprise and guess', async () => {
    await run(0, 'model');
    const learnt = () => printed.filter((values) => values.length === 2).map(([loss]) => Number(loss));
    const spoken = () =>
      printed.filter(([value, more]) => typeof value === 'string' && value.length === 1 && more === undefined);
    await vi.waitUntil(() => learnt().length >= 268 && spoken().length >= 30, { timeout: 30_000 });
    expect(learnt()[0]).toBeGreaterThan(2);
    expect(learnt().at(-2)).toBeLessThan(0.5);
    expect(spoken()).toHaveLength(30);
    const bits = printed.find(([value]) => value instanceof Float32Array)?.[0] as Float32Array;
    expect(bits).toHaveLength('the river bends'.length);
    const guesses = printed.filter(
      ([value, more]) => typeof value === 'string' && value.length > 3 && more === undefined,
    );
    expect(guesses.map(([guess]) => (guess as string).length)).toEqual([4, 5]);
  });

  it('the cell of one’s own learns', async () => {
    const { layer, learn, input, target } = (await run(1, 'layer, learn, input, target')) as {
      layer: { initial(batch: number): unknown };
      learn(window: unknown): { loss: number };
      input: unknown;
      target: unknown;
    };
    expect(learn({ carry: layer.initial(1), input, target }).loss).toBeLessThan(0.01);
  });

  it('the tagger tells a destination from a departure', async () => {
    await run(2, 'model');
    expect(printed.at(-1)).toEqual([{ destination: 'Taipei', time: 'November 2nd' }]);
  });
});
