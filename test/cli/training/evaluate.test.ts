/** Each symbol of a text but the first is scored once: by the trained weights in lanes, and by a model that adapts. */
import { concatMap, from, lastValueFrom, NEVER, of, reduce } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { score, scoreDynamically, squaresFor } from '../../../src/cli/training/evaluate.js';
import { languageOf } from '../../../src/cli/training/language.js';
import { quick } from '../../../src/cli/training/recipes.js';
import { climb } from '../../../src/cli/training/tune.js';
import { generator } from '../../../src/random.js';
import { surprisal } from '../../../src/streams/surprisal.js';
import { vocabulary } from '../../../src/streams/vocabulary.js';
import { ids } from '../../../src/tensor.js';

const SYMBOLS = 7;
const vocab = vocabulary('abcdefg');
const model = languageOf({ ...quick, cell: 'gru', units: 8, embed: 4 }, vocab, 1);
const random = generator(3);
const text = Int32Array.from({ length: 12_000 }, () => random.below(SYMBOLS));

const screen = {
  ...{ live: () => undefined, note: () => undefined, say: () => undefined, record: () => undefined },
  write: () => undefined,
};
const around = { screen, vocab, ending: { requested$: NEVER, requested: () => false } };
const stopped = { screen, vocab, ending: { requested$: of(undefined), requested: () => true } };

/** Bits of each symbol by one lane that reads the text from the beginning to the end. */
const oneLane = (length: number): Promise<number[]> =>
  lastValueFrom(
    from([text.subarray(0, length)]).pipe(
      concatMap((part) => of(ids([part.length, 1], part))),
      surprisal(model),
      reduce((all, { data }) => [...all, ...data], [] as number[]),
    ),
  );

const still = { dynamicRule: 'plain', dynamicRate: 0, dynamicDecay: 0, dynamicLength: 20 } as const;

describe('a text of', () => {
  it.each([2, 3, 300, 1025, 1537, 2000, 9000, 12_000])('%i symbols', async (length) => {
    const part = text.subarray(0, length);
    const scored = await score(model, part, around);
    const all = await oneLane(length);
    expect(scored?.characters).toBe(length - 1);
    expect(scored?.bits[0]).toBeNaN();
    const apart = scored?.bits.map((bits, k) => (k === 0 ? 0 : Math.abs(bits - (all[k] as number)))) ?? [];
    // Where lanes are warm, they know no less than one that has read all.
    expect(Math.max(...apart)).toBeLessThan(1e-5);
    const { natsPerCharacter = 0, bitsPerCharacter = 0, perplexity = 0 } = scored ?? {};
    expect(natsPerCharacter).toBeCloseTo(bitsPerCharacter * Math.LN2, 12);
    expect(perplexity).toBeCloseTo(Math.exp(natsPerCharacter), 9);
  });
});

it('dynamic evaluation at a rate of 0 gives the bits of the trained weights, bit for bit', async () => {
  const scored = await scoreDynamically(model, text.subarray(0, 1010), still, undefined, around);
  expect(Array.from(scored?.bits ?? []).slice(1)).toEqual((await oneLane(1010)).slice(1));
});

it('dynamic evaluation learns what repeats', async () => {
  const repeats = Int32Array.from({ length: 3000 }, (_, k) => k % SYMBOLS);
  const dynamics = { ...still, dynamicRule: 'rms', dynamicRate: 3e-3 } as const;
  const squares = await squaresFor(model, repeats.subarray(0, 500), dynamics);
  const adapting = await scoreDynamically(model, repeats, dynamics, squares, around);
  const plain = await score(model, repeats, around);
  expect(adapting?.characters).toBe(2999);
  expect(adapting?.bitsPerCharacter).toBeLessThan(0.5 * (plain?.bitsPerCharacter ?? 0));
});

it('no more is scored than was asked for, and nothing that was ended', async () => {
  expect((await score(model, text, around, { symbols: 400 }))?.characters).toBe(399);
  expect(await score(model, text, stopped)).toBeUndefined();
  expect(await scoreDynamically(model, text, still, undefined, stopped)).toBeUndefined();
});

describe('a number that is looked for', () => {
  const parabola = (best: number) => (value: number) => Promise.resolve((Math.log(value) - Math.log(best)) ** 2);
  it.each([0.001, 0.02, 1, 70])('is found near %d', async (best) => {
    const found = await climb(parabola(best), [0.1], 3);
    expect(Math.abs(Math.log(found / best))).toBeLessThanOrEqual(Math.log(3) / 2 + 1e-9);
  });

  it('may be one of those that it starts from', async () => {
    expect(await climb(async (value) => value, [0, 0.1], 3)).toBe(0);
  });

  it('is not looked for beyond one that costs no number', async () => {
    expect(await climb(async (value) => (value > 0.1 ? Number.POSITIVE_INFINITY : -value), [0.1], 3)).toBe(0.1);
  });
});
