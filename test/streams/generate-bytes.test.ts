/** What models of bytes say: characters of well-formed UTF-8, however little they have learnt. */
import fc from 'fast-check';
import { catchError, lastValueFrom, of, reduce, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/layer.js';
import { gpt } from '../../src/models/gpt.js';
import { languageModel } from '../../src/models/language-model.js';
import { type GenerationOptions, generate, generateFrom } from '../../src/streams/generate.js';
import { text } from '../../src/streams/text.js';
import { bytes } from '../../src/streams/tokenizer/bytes.js';
import { tokenizerFrom } from '../../src/streams/tokenizer/tokenizer-from.js';
import { tokens } from '../../src/streams/tokens.js';
import { type Ids, ids, type Tensor, tensor } from '../../src/tensor.js';
import { bigram } from './model.js';

const vocab = bytes();
const untrained = languageModel({ symbols: 256, units: 16, seed: 1 }) as Core<unknown, Ids, Tensor>;
const lane = (symbols: Iterable<number>) => ids([[...symbols].length, 1], [...symbols]);
const newline = lane([10]);

type Options = GenerationOptions<unknown>;
const said = (options: Options, prompt = newline, model: Core<unknown, Ids, Tensor> = untrained) =>
  lastValueFrom(
    generateFrom(model, prompt, { vocab, ...options }).pipe(
      reduce((all, { data }) => {
        all.push(data[0] as number);
        return all;
      }, [] as number[]),
    ),
  );
/** The text of bytes. @throws TypeError where they are no well-formed UTF-8. */
const read = (all: readonly number[]) =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(all));
const lost = (all: string) => all.split('\uFFFD').length - 1;

/** A model that gives these bytes a logit each, whatever came before, and others the last one. */
function always(logits: Readonly<Record<number, number>>, others: number): Core<unknown, Ids, Tensor> {
  const row = Array.from({ length: 256 }, (_, byte) => logits[byte] ?? others);
  const rows = Float32Array.from({ length: 256 * 256 }, (_, k) => row[k % 256] as number);
  return bigram(tensor([256, 256], rows)) as Core<unknown, Ids, Tensor>;
}

const ways: Readonly<Record<string, Omit<Options, 'length'>>> = {
  'as it is': {},
  'very hot': { temperature: 50 },
  'very cold': { temperature: 0.01 },
  greedy: { greedy: true },
  'of the most probable alone': { topK: 1 },
  'of few': { topK: 5, topP: 0.5 },
  'of those that are not far less probable': { minP: 0.9 },
  'without repetitions': { repetitionPenalty: 1.4 },
  'with surprisal and alternatives': { surprisal: true, alternatives: 3 },
};

describe('a model of bytes that has learnt nothing', () => {
  it('speaks 10,000 bytes that are characters, of all lengths', async () => {
    const all = await said({ length: 10_000, seed: 1 });
    expect(all.length - 10_000).toBeLessThanOrEqual(3);
    const lengths = new Set([...read(all)].map((symbol) => Buffer.byteLength(symbol)));
    expect([...lengths].sort()).toEqual([1, 2, 3, 4]);
  });

  it.each(Object.entries(ways))('says characters %s, and the same again', async (_, way) => {
    const all = await said({ length: 500, ...way, seed: 3 });
    expect(() => read(all)).not.toThrow();
    expect(await said({ length: 500, ...way, seed: 3 })).toEqual(all);
  });

  it('finishes the last character, and says the same at any length', async () => {
    const long = await said({ length: 200, seed: 2 });
    const ends = new Set<number>();
    for (let length = 1; length <= 40; length += 1) {
      const all = await said({ length, seed: 2 });
      expect(all).toEqual(long.slice(0, all.length));
      expect(() => read(all)).not.toThrow();
      // Without the last character it would be too short.
      expect(Buffer.byteLength([...read(all)].slice(0, -1).join(''))).toBeLessThan(length);
      ends.add(all.length - length);
    }
    expect([...ends].sort()).toEqual([0, 1, 2, 3]);
  });

  it('says such beside others too, each what it says alone', async () => {
    const seeds = [0, 1, 2, 3, 4];
    const together = await Promise.all(seeds.map((seed) => said({ length: 60, seed, topP: 0.9 })));
    for (const seed of seeds) expect(await said({ length: 60, seed, topP: 0.9 })).toEqual(together[seed]);
    for (const all of together) expect(() => read(all)).not.toThrow();
  });

  it('does so past the context of a model that has one', async () => {
    const model = gpt({ symbols: 256, context: 16, features: 8, heads: 2, blocks: 1, seed: 1 });
    const all = await said({ length: 300, context: 16, seed: 1 }, newline, model as Core<unknown, Ids, Tensor>);
    expect(() => read(all)).not.toThrow();
  });

  it('does so for each prompt of an operator, and with a stop', async () => {
    const prompts = of('水', 'a', '🐂').pipe(tokens(vocab, { whole: true }));
    const options = { length: 50, vocab, seed: 4 };
    const heard = await lastValueFrom(prompts.pipe(generate(untrained, options), text(vocab), toArray()));
    expect(heard.join('')).not.toContain('\uFFFD');
    expect(heard.join('').length).toBeGreaterThan(60);
    const all = await said({ length: 2000, seed: 5 });
    const stop = [...read(all)][300] as string;
    const until = await said({ length: 2000, seed: 5, stop: [stop] });
    expect(read(until)).toBe(read(all).slice(0, read(all).indexOf(stop)));
  });

  it('does so with a vocabulary of bytes that was written down', async () => {
    const again = await tokenizerFrom(JSON.parse(JSON.stringify(vocab)));
    expect(await said({ length: 100, seed: 6, vocab: again })).toEqual(await said({ length: 100, seed: 6 }));
  });

  it('without a vocabulary says any of its ids, which nobody knows to be bytes', async () => {
    const all = await said({ length: 300, seed: 1, vocab: { decode: vocab.decode } });
    expect(all).toHaveLength(300);
    expect(() => read(all)).toThrow();
  });
});

describe('a prompt', () => {
  it.each([
    ['c3', 1],
    ['e6', 2],
    ['e6b0', 1],
    ['e0', 2],
    ['ed', 2],
    ['f0', 3],
    ['f09f', 2],
    ['f09f90', 1],
    ['f4', 3],
    ['61f48f', 2],
  ])('that ends within a character, %s, is gone on with', async (hex, missing) => {
    const prompt = [...Buffer.from(hex, 'hex')];
    for (let seed = 0; seed < 8; seed += 1) {
      const shortest = await said({ length: 1, seed }, lane(prompt));
      expect(shortest).toHaveLength(missing);
      expect(() => read([...prompt, ...shortest])).not.toThrow();
      const all = await said({ length: 60, seed }, lane(prompt));
      expect(all.slice(0, missing)).toEqual(shortest);
      expect(() => read([...prompt, ...all])).not.toThrow();
    }
  });

  it('of bytes that are no text is read as a decoder reads it, and no more is lost by what is said', async () => {
    const byte = fc.oneof(fc.constantFrom(0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xed, 0xf0, 0xf4, 0xff), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(byte, { minLength: 1, maxLength: 12 }), fc.nat(1e6), async (prompt, seed) => {
        const all = await said({ length: 20, seed }, lane(prompt));
        expect(all.length - 20).toBeLessThanOrEqual(3);
        const before = new TextDecoder().decode(Uint8Array.from(prompt), { stream: true });
        expect(lost(vocab.decode([...prompt, ...all]))).toBe(lost(before));
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe('bytes that may not come', () => {
  it('are left out before the distribution is cut to the most probable', async () => {
    // ÿ's byte is the most probable, then one that goes on.
    const model = always({ 255: 9, 128: 8, 195: 7, 97: 6 }, -20);
    expect(await said({ length: 4, greedy: true }, newline, model)).toEqual([0xc3, 0x80, 0xc3, 0x80]);
    expect(await said({ length: 4, topK: 1 }, newline, model)).toEqual([0xc3, 0x80, 0xc3, 0x80]);
    // Behind the first byte of a character no second one that goes on is near.
    const few = read(await said({ length: 200, topK: 2, seed: 1 }, newline, model));
    expect(new Set(few.replace(/[\u00C0-\u00FF]/g, ''))).toEqual(new Set('a'));
    expect(new Set(await said({ length: 60, topP: 0.5 }, newline, model))).toEqual(new Set([0xc3, 0x80]));
    expect(new Set(await said({ length: 60, minP: 0.5 }, newline, model))).toEqual(new Set([0xc3, 0x80]));
  });

  it('leave their share to the others', async () => {
    const model = always({ 255: 9, 97: Math.log(3), 98: 0 }, -40);
    const all = await said({ length: 2000, seed: 1 }, newline, model);
    const count = all.filter((byte) => byte === 0x61).length;
    expect(new Set(all)).toEqual(new Set([0x61, 0x62]));
    // Five standard deviations.
    expect(Math.abs(count / 2000 - 0.75)).toBeLessThan(5 * Math.sqrt((0.75 * 0.25) / 2000));
  });

  it('have the surprisal of the model itself', async () => {
    const model = always({ 255: 0, 97: 0 }, -100);
    const all = await lastValueFrom(
      generateFrom(model, newline, { length: 3, vocab, surprisal: true, alternatives: 2 }).pipe(toArray()),
    );
    expect(all.map(({ surprisal }) => surprisal)).toEqual([1, 1, 1]);
    expect(all[0]?.alternatives?.map(({ symbol }) => symbol)).toEqual([0x61, 0xff]);
  });

  it('may have any logits', async () => {
    for (const none of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const model = always({ 255: none, 128: none, 97: 1 }, -1);
      expect(await said({ length: 3, greedy: true }, newline, model)).toEqual([0x61, 0x61, 0x61]);
    }
  });
});

describe('a model that has diverged', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: none } = Number;
  const failure = (model: Core<unknown, Ids, Tensor>, prompt: Ids, options: Partial<Options> = {}) =>
    lastValueFrom(
      generateFrom(model, prompt, { length: 4, vocab, ...options }).pipe(
        catchError((error: Error) => of(error)),
        toArray(),
      ),
    );
  /** Of the bytes that go on with a character. */
  const continuations = (logit: number) =>
    always(Object.fromEntries(Array.from({ length: 64 }, (_, k) => [0x80 + k, logit])), 0);

  it.each([nan, inf, none])('is an error where all bytes that may come have %s', async (logit) => {
    const message =
      `sampler: cannot choose among 64 logits of which the largest is ${logit}; the model has diverged: ` +
      'lower the learning rate or clip the gradients.';
    const prompts = [lane([0xe1]), lane([...new Array<number>(40).fill(0x61), 0xe1])];
    for (const prompt of prompts) {
      for (const way of [{}, { greedy: true }, { topK: 3 }, { repetitionPenalty: 1.5 }]) {
        expect(await failure(continuations(logit), prompt, way)).toEqual([new RangeError(message)]);
      }
      // In company too.
      const model = continuations(logit);
      const both = await Promise.all([failure(model, prompt), failure(model, prompt)]);
      expect(both).toEqual([[new RangeError(message)], [new RangeError(message)]]);
    }
  });

  it('is not blamed for a penalty that leaves no finite logit', async () => {
    const [error] = await failure(always({ 97: 1 }, 0.5), lane([0x61]), { repetitionPenalty: 1e-45, greedy: true });
    expect(error).toEqual(
      new RangeError('sampler: a repetitionPenalty of 1e-45 makes logits infinite; choose one that is nearer to 1.'),
    );
  });
});
