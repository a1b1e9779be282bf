import { lastValueFrom, of, repeat, toArray } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { configure } from '../../src/kernels/machine.js';
import { evaluate } from '../../src/layer.js';
import { bert } from '../../src/models/bert.js';
import { gpt } from '../../src/models/gpt.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { generateFrom } from '../../src/streams/generate.js';
import { maskSymbols } from '../../src/streams/mask-symbols.js';
import { randomWindows } from '../../src/streams/random-windows.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { ids } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { bytesOf } from '../training/training-run.js';

afterAll(() => void configure({ threads: 2 }));

const cycle = Int32Array.from({ length: 400 }, (_, k) => [0, 1, 2, 3, 2, 1][k % 6] as number);
const small = { symbols: 4, features: 16, heads: 2, blocks: 2 };

async function trained(threads: number, count = 60) {
  configure({ threads });
  const model = gpt({ ...small, context: 8, tied: true, seed: 3 });
  const options = { loss: crossEntropy(), optimizer: adam(1e-2), clipNorm: 1 };
  const windows$ = randomWindows(cycle, { length: 8, batch: 6, count, seed: 1 });
  const steps = await lastValueFrom(windows$.pipe(tbptt(model, options), toArray()));
  return { model, losses: steps.map(({ loss }) => loss) };
}

describe('gpt', () => {
  it('learns a cycle and speaks it beyond its context', async () => {
    const { model } = await trained(2);
    const said = await lastValueFrom(
      generateFrom(model, ids([2, 1], [0, 1]), { length: 40, topK: 1, context: 8 }).pipe(toArray()),
    );
    expect(said.map(({ data }) => data[0])).toEqual([...cycle.slice(2, 42)]);
  });

  it('a generation within a context is that of a fresh start from the last half of it', async () => {
    const { model } = await trained(2, 3);
    const say = (prompt: readonly number[], length: number) =>
      lastValueFrom(
        generateFrom(model, ids([prompt.length, 1], prompt), { length, topK: 1, context: 8 }).pipe(toArray()),
      ).then((said) => said.map(({ data }) => data[0] as number));
    const all = [0, 1, 2, 3, 2, ...(await say([0, 1, 2, 3, 2], 8))];
    // Eight steps are read before the ninth begins afresh with the four that end in it.
    expect(all.slice(9)).toEqual(await say(all.slice(5, 9), 4));
  });

  it('learns the same on any number of threads, bit for bit', async () => {
    const runs = await [1, 2, 3].reduce(async (before, threads) => {
      const done = await before;
      const { model, losses } = await trained(threads, 5);
      return [...done, { losses, weights: parametersOf(model.params).map(([, { data }]) => bytesOf(data)) }];
    }, Promise.resolve<readonly { losses: readonly number[]; weights: readonly string[] }[]>([]));
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('refuses an impossible context of a generation', () => {
    const model = gpt({ ...small, context: 8 });
    expect(() => generateFrom(model, ids([1, 1], [0]), { length: 1, context: 1 })).toThrow(
      'generateFrom: context is a whole number of at least 2, not 1',
    );
  });
});

describe('bert', () => {
  const model = () => bert({ ...small, symbols: 6, length: 12, padding: 5, seed: 3 });

  it('learns to tell hidden symbols from both sides', async () => {
    const net = model();
    const windows = ids(
      [12, 8],
      Int32Array.from({ length: 96 }, (_, k) => cycle[(k % 8) + Math.floor(k / 8)] as number),
    );
    const steps = await lastValueFrom(
      of(windows).pipe(
        repeat(300),
        maskSymbols({ symbols: 4 }),
        tbptt(net, { loss: crossEntropy(), optimizer: adam(1e-2), clipNorm: 1 }),
        toArray(),
      ),
    );
    const mean = (of: typeof steps) => of.reduce((sum, { loss }) => sum + loss, 0) / of.length;
    expect(mean(steps.slice(0, 5))).toBeGreaterThan(1);
    expect(mean(steps.slice(-20))).toBeLessThan(0.4);
    const [logits] = evaluate(net, net.initial(1), ids([6, 1], [0, 1, 4, 3, 2, 1]));
    const row = [...logits.data.slice(12, 18)];
    expect(row.indexOf(Math.max(...row))).toBe(2);
  });

  it('sees no padding', () => {
    const net = model();
    const [short] = evaluate(net, net.initial(1), ids([3, 1], [0, 1, 2]));
    const [long] = evaluate(net, net.initial(1), ids([6, 1], [0, 1, 2, 5, 5, 5]));
    expect(long.data.slice(0, 18)).toEqual(short.data);
  });
});
