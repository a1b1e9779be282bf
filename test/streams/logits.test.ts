/** What is said of a model that has diverged, and of ids that it gives no logits of. */
import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { decodeBeam } from '../../src/models/decode-beam.js';
import { decodeGreedy, encoderDecoder } from '../../src/models/encoder-decoder.js';
import { accuracy, categoricalAccuracy, topKAccuracy } from '../../src/models/metrics/accuracy.js';
import { confusionMatrix, f1, precision, recall } from '../../src/models/metrics/classes.js';
import { bitsPerCharacter, perplexity } from '../../src/models/metrics/perplexity.js';
import { toIds } from '../../src/models/one-hot.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { argmax } from '../../src/streams/argmax.js';
import { generate, generateIterable } from '../../src/streams/generate.js';
import { distribution, sampler } from '../../src/streams/sample.js';
import { surprisal } from '../../src/streams/surprisal.js';
import { ids, tensor } from '../../src/tensor.js';
import { bigram } from './model.js';

const { NaN: nan, POSITIVE_INFINITY: infinite, NEGATIVE_INFINITY: never } = Number;
const rows = (first: readonly number[]) => tensor([3, 3], [...first, 0, 0, 0, 0, 0, 0]);
const bits = (table: ReturnType<typeof rows>, symbols: readonly number[]) =>
  lastValueFrom(of(ids([symbols.length, 1], symbols)).pipe(surprisal(bigram(table)), toArray()));

const metrics = [
  accuracy(),
  categoricalAccuracy(),
  topKAccuracy(2),
  perplexity(),
  bitsPerCharacter(),
  precision(),
  recall(),
  f1(),
  confusionMatrix(),
];
const diverged = (operation: string, largest: number) =>
  new RegExp(`${operation}: cannot choose among 3 logits of which the largest is ${largest}; the model has diverged`);

describe('logits of a model that has diverged are told by name:', () => {
  const bad = [
    [nan, 0, 0],
    [0, nan, 0],
    [0, 0, nan],
    [nan, nan, nan],
  ];

  it.each([...bad, [0, infinite, 0], [never, never, never]].map((row) => [row]))('surprisal, %s', async (row) => {
    await expect(bits(rows(row), [0, 1])).rejects.toThrow(diverged('surprisal', Math.max(...row)));
  });

  it.each(bad.map((row) => [row]))('argmax, toIds, sampler and distribution, %s', async (row) => {
    const signal = tensor([1, 1, 3], row);
    await expect(lastValueFrom(of(signal).pipe(argmax()))).rejects.toThrow(diverged('argmax', nan));
    expect(() => toIds(signal)).toThrow(diverged('toIds', nan));
    for (const options of [{}, { greedy: true }, { topK: 2 }, { topP: 0.5 }]) {
      expect(() => sampler(options)(row)).toThrow(diverged('sampler', nan));
      expect(() => distribution(row, options)).toThrow(diverged('distribution', nan));
    }
  });

  it.each([{}, { greedy: true }, { topK: 2 }, { topP: 0.5 }])('generate and generateIterable, %s', async (options) => {
    const model = bigram(rows([0, nan, 0]));
    const asked = generateIterable(model, ids([1, 1], [0]), { length: 2, ...options });
    await expect(asked.next()).rejects.toThrow(diverged('sampler', nan));
    const answered = of(ids([1, 1], [0])).pipe(generate(model, { length: 2, ...options }));
    await expect(lastValueFrom(answered)).rejects.toThrow(diverged('sampler', nan));
  });

  it.each(metrics.map((metric) => [metric.name, metric] as const))('%s', (name, metric) => {
    for (const row of bad) {
      expect(() => metric.start().update(tensor([1, 3], row), ids([1], [0]))).toThrow(diverged(name, nan));
    }
    // At padding it does not matter.
    metric.start().update(tensor([2, 3], [nan, nan, nan, 1, 2, 3]), ids([2], [-1, 0]));
    expect(() => metric.start().update(tensor([1, 3], [1, 2, 3]), tensor([1, 3], [0, nan, 0]))).toThrow(
      `${name}: row 0 of the target holds NaN`,
    );
  });

  it('decodeGreedy and decodeBeam', () => {
    const model = encoderDecoder({
      source: 4,
      target: 4,
      length: 6,
      features: 4,
      heads: 2,
      blocks: 1,
      padding: 3,
      dropout: 0,
    });
    for (const [, parameter] of parametersOf(model.params)) parameter.assign(parameter.data.map(() => nan));
    const source = ids([2, 1], [0, 1]);
    expect(() => decodeGreedy(model, source, { start: 0, steps: 2 })).toThrow(
      /decodeGreedy: .*NaN; the model has diverged/,
    );
    expect(() => decodeBeam(model, source, { start: 0, steps: 2, width: 2 })).toThrow(
      /decodeBeam: .*NaN; the model has diverged/,
    );
  });
});

describe('a symbol beyond the head', () => {
  // Ids to 4 are taken, logits of three are given.
  const table = tensor([5, 3], new Float32Array(15));

  it.each([[[0, 3]], [[4, 0]], [[3]], [[0, 1, 2, 4]]])('is refused by surprisal: %s', async (symbols) => {
    const wrong = symbols.find((id) => id > 2);
    await expect(bits(table as ReturnType<typeof rows>, symbols)).rejects.toThrow(
      `surprisal: symbol ${wrong} has no logit: the model gives 3, of ids from 0 to 2`,
    );
  });
});

describe('logits of any size', () => {
  it.each([0, 1e4, -1e4, 1e30, -1e30])(
    'beside %s: bits, perplexity and bits per character of three equal ones',
    async (offset) => {
      const [surprises] = await bits(rows([offset, offset, offset]), [0, 2]);
      expect(surprises?.data[1]).toBeCloseTo(Math.log2(3), 6);
      for (const [metric, wanted] of [
        [perplexity(), 3],
        [bitsPerCharacter(), Math.log2(3)],
      ] as const) {
        const counted = metric.start();
        counted.update(tensor([1, 3], [offset, offset, offset]), ids([1], [1]));
        expect(counted.result()).toBeCloseTo(wanted, 9);
      }
    },
  );

  it('that are −∞ are impossible, and the rest counts', async () => {
    const [surprises] = await bits(rows([0, never, 0]), [0, 1]);
    expect(surprises?.data[1]).toBe(infinite);
    expect([...distribution([0, never, 0])]).toEqual([0.5, 0, 0.5]);
  });
});
