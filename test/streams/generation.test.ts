/** Generations of one model that are under way at once: each says what it says alone, bit for bit. */
import { catchError, from, lastValueFrom, mergeMap, of, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { machine } from '../../src/kernels/machine.js';
import { type Core, evaluate } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { gpt } from '../../src/models/gpt.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import {
  type GeneratedSymbol,
  type GenerationOptions,
  generateFrom,
  generateIterable,
} from '../../src/streams/generate.js';
import { surprisal } from '../../src/streams/surprisal.js';
import { type Ids, ids, type Tensor, tensor } from '../../src/tensor.js';
import { bigram, tiny } from './model.js';

const SYMBOLS = 11;
const lane = (...symbols: number[]) => ids([symbols.length, 1], symbols);
const recurrent = (cell: typeof lstm | typeof gru | typeof simpleRnn) => () =>
  stack({ embed: embedding(SYMBOLS, 6), rnn: cell(6, 9), head: dense(9, SYMBOLS) }, { seed: 3 }) as Core<
    unknown,
    Ids,
    Tensor
  >;

const models: Record<string, () => Core<unknown, Ids, Tensor>> = {
  lstm: recurrent(lstm),
  gru: recurrent(gru),
  'simple RNN': recurrent(simpleRnn),
  'two LSTMs': () =>
    stack(
      { embed: embedding(SYMBOLS, 6), first: lstm(6, 20), second: lstm(20, 7), head: dense(7, SYMBOLS) },
      { seed: 4 },
    ),
  'no carry': () => stack({ embed: embedding(SYMBOLS, 6), head: dense(6, SYMBOLS) }, { seed: 5 }),
  'a carry that belongs to no lane': () => tiny(SYMBOLS) as Core<unknown, Ids, Tensor>,
  'a carry that grows': () =>
    gpt({ symbols: SYMBOLS, context: 256, features: 8, heads: 2, blocks: 1, seed: 6 }) as Core<unknown, Ids, Tensor>,
  'looks at numbers': () => counting([]),
};

/** A model that runs as it is at each step; notes how many lanes each had. */
function counting(lanes: number[]): Core<unknown, Ids, Tensor> {
  const inner = recurrent(gru)();
  return {
    ...inner,
    apply(ops, carry, x) {
      if (x.data.length > 0) lanes.push(x.shape[1] as number);
      return inner.apply(ops, carry, x);
    },
  };
}

const asked: readonly (readonly [prompt: Ids, options: GenerationOptions<unknown>])[] = [
  [lane(0), { length: 20 }],
  [lane(1, 2, 3), { length: 31, temperature: 0.6, seed: 1, surprisal: true }],
  [lane(4), { length: 12, greedy: true }],
  [lane(5, 5), { length: 25, topK: 3, seed: 2 }],
  [lane(...Array.from({ length: 150 }, (_, k) => k % SYMBOLS)), { length: 9, topP: 0.7, seed: 3, surprisal: true }],
  [lane(7), { length: 40, minP: 0.1, temperature: 1.5, seed: 4 }],
  [lane(2, 9), { length: 33, repetitionPenalty: 1.4, repetitionWindow: 5, seed: 5, surprisal: true }],
  [lane(3), { length: 28, repetitionPenalty: 1.2, greedy: true }],
  [lane(8), { length: 17, context: 24, seed: 6 }],
];

const said = (symbols: readonly GeneratedSymbol[]) => symbols.map(({ data, surprisal }) => [data[0], surprisal]);

async function eachAlone(model: Core<unknown, Ids, Tensor>) {
  const texts: unknown[] = [];
  for (const [prompt, options] of asked) {
    texts.push(said(await lastValueFrom(generateFrom(model, prompt, options).pipe(toArray()))));
  }
  return texts;
}

describe.each(Object.entries(models))('several generations of a model at once: %s', (_, make) => {
  it('say what each says alone', async () => {
    const model = make();
    const alone = await eachAlone(model);
    const together = await Promise.all(
      asked.map(([prompt, options]) => lastValueFrom(generateFrom(model, prompt, options).pipe(toArray()))),
    );
    expect(together.map(said)).toEqual(alone);
  });

  it.each([2, 5, 31, 33, 140])(
    'say after a prompt of %i symbols, read in windows, what they say after its steps',
    async (length) => {
      const model = make();
      const prompt = Array.from({ length }, (_, k) => (k * k) % SYMBOLS);
      let carry = model.initial(1);
      for (const symbol of prompt.slice(0, -1)) [, carry] = evaluate(model, carry, lane(symbol));
      const options = { length: 6, seed: length, temperature: 1.3, surprisal: true, alternatives: 2 };
      const [inWindows, inSteps] = await Promise.all([
        lastValueFrom(generateFrom(model, lane(...prompt), options).pipe(toArray())),
        lastValueFrom(generateFrom(model, lane(prompt.at(-1) as number), { ...options, from: carry }).pipe(toArray())),
      ]);
      expect(inWindows).toEqual(inSteps);
    },
  );

  it('also where they begin, go on and are left at any time', async () => {
    const model = make();
    const alone = await eachAlone(model);
    // Of each a few symbols at a time, by turns of different lengths; every third is left half-way.
    const going = asked.map(([prompt, options], k) => ({
      symbols: generateIterable(model, prompt, options),
      heard: [] as GeneratedSymbol[],
      until: k % 3 === 2 ? 5 : Number.POSITIVE_INFINITY,
      over: false,
    }));
    for (let turn = 0; going.some(({ over }) => !over); turn += 1) {
      await Promise.all(
        going.map(async (one, k) => {
          if (one.over || turn < k || (turn + k) % (1 + (k % 4)) !== 0) return;
          const { done, value } = await one.symbols.next();
          if (value) one.heard.push(value);
          one.over = done === true || one.heard.length >= one.until;
          if (one.over) await one.symbols.return();
        }),
      );
    }
    going.forEach(({ heard, until }, k) => {
      expect(said(heard)).toEqual((alone[k] as unknown[]).slice(0, until));
    });
  });

  it('say what the weights are by then, and which', async () => {
    const heard = async (at: number, company: number) => {
      const model = make();
      const all = Array.from({ length: company }, (_, k) =>
        generateIterable(model, lane(1), { length: 12, seed: k, temperature: 2 }),
      );
      const symbols: GeneratedSymbol[][] = all.map(() => []);
      for (let k = 0; k < 12; k += 1) {
        if (k === at) for (const [, p] of parametersOf(model.params)) p.assign(p.data.map((x) => -2 * x));
        const given = await Promise.all(all.map((one) => one.next()));
        given.forEach(({ value }, n) => void symbols[n]?.push(value as GeneratedSymbol));
      }
      await Promise.all(all.map((one) => one.return()));
      return symbols;
    };
    const [alone] = await heard(6, 1);
    const [together] = await heard(6, 5);
    expect(said(together as GeneratedSymbol[])).toEqual(said(alone as GeneratedSymbol[]));
    expect(together?.map(({ version }) => version)).toEqual(alone?.map(({ version }) => version));
    const versions = alone?.map(({ version }) => version) as number[];
    expect(new Set(versions.slice(0, 6)).size).toBe(1);
    const parameters = parametersOf(make().params).length;
    expect(versions[6]).toBe((versions[5] as number) + parameters);
  });
});

describe('generations at once', () => {
  it('are one batch', async () => {
    const lanes: number[] = [];
    const model = counting(lanes);
    await lastValueFrom(
      from([0, 1, 2, 3]).pipe(mergeMap((seed) => generateFrom(model, lane(seed), { length: 10, seed }))),
    );
    // The first symbol of each is asked for while others are not there yet.
    expect(lanes.filter((count) => count === 4).length).toBeGreaterThanOrEqual(8);
    expect(lanes.length).toBeLessThan(20);
  });

  it('of hundreds are batches', async () => {
    const model = recurrent(lstm)();
    const options = (seed: number) => ({ length: 6, seed });
    const alone = await lastValueFrom(generateFrom(model, lane(1), options(150)).pipe(toArray()));
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, seed) =>
        lastValueFrom(generateFrom(model, lane(1), options(seed)).pipe(toArray())),
      ),
    );
    expect(said(all[150] as GeneratedSymbol[])).toEqual(said(alone));
    expect(all.every(({ length }) => length === 6)).toBe(true);
  });

  it('fail one by one: what a model does not take of one is no matter of the others', async () => {
    // After 0 comes 1, after 1 comes 4, which has no row; after 2 comes 3, and after 3 comes 2.
    const rows = [0, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0];
    const model = bigram(tensor([4, 5], rows));
    const heard = await Promise.all(
      [0, 2, 3].map((symbol) =>
        lastValueFrom(
          generateFrom(model, lane(symbol), { length: 6, greedy: true }).pipe(
            catchError((error: Error) => of(error.message)),
            toArray(),
          ),
        ),
      ),
    );
    const symbols = heard.map((all) => all.map((one) => (typeof one === 'string' ? one : one.data[0])));
    expect(symbols[0]?.slice(0, 2)).toEqual([1, 4]);
    expect(symbols[0]?.[2]).toMatch(/id 4/);
    expect(symbols[0]).toHaveLength(3);
    expect(symbols.slice(1)).toEqual([
      [3, 2, 3, 2, 3, 2],
      [2, 3, 2, 3, 2, 3],
    ]);
  });

  it('fail one by one where the model has diverged for one of them', async () => {
    const rows = [0, 9, 0, Number.NaN, 0, 0, 9, 0, 0];
    const model = bigram(tensor([3, 3], rows));
    const heard = await Promise.all(
      [0, 2].map((symbol) =>
        lastValueFrom(
          generateFrom(model, lane(symbol), { length: 4, greedy: true }).pipe(
            catchError((error: Error) => of(error.message)),
            toArray(),
          ),
        ),
      ),
    );
    for (const all of heard) expect(all.at(-1)).toMatch(/the model has diverged/);
    expect(heard.map(({ length }) => length)).toEqual([2, 3]);
  });

  it('give all their memory back', async () => {
    const model = recurrent(lstm)();
    const run = () =>
      Promise.all(
        asked.map(([prompt, options], k) =>
          lastValueFrom(generateFrom(model, prompt, options).pipe(take(3 + k), toArray())),
        ),
      );
    await run();
    const before = machine().heap.used();
    for (let round = 0; round < 3; round += 1) await run();
    expect(machine().heap.used()).toBe(before);
  });
});

describe('a symbol', () => {
  it('has the surprisal that the operator gives, in bits, whatever the draw was', async () => {
    const model = recurrent(lstm)();
    const prompt = lane(1, 2, 3);
    for (const options of [{}, { temperature: 0.3 }, { topK: 2, repetitionPenalty: 3 }, { greedy: true }]) {
      const symbols = await lastValueFrom(
        generateFrom(model, prompt, { ...options, length: 8, surprisal: true }).pipe(toArray()),
      );
      const text = lane(...prompt.data, ...symbols.map(({ data }) => data[0] as number));
      const bits = await lastValueFrom(of(text).pipe(surprisal(model)));
      expect(symbols.map((one) => Math.fround(one.surprisal as number))).toEqual([...bits.data].slice(3));
    }
    const [plain] = await lastValueFrom(generateFrom(model, prompt, { length: 1 }).pipe(toArray()));
    expect(plain).not.toHaveProperty('surprisal');
  });
});
