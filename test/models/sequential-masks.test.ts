import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bidirectional } from '../../src/cells/bidirectional.js';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { masked } from '../../src/cells/masked.js';
import { weightsOf } from '../../src/formats/weights.js';
import { selfAttention } from '../../src/layers/attention.js';
import { convolution1d } from '../../src/layers/convolution-1d.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { lastStep } from '../../src/layers/last-step.js';
import { maxPooling1d } from '../../src/layers/pooling.js';
import type { AnyCore } from '../../src/models/layered-model.js';
import { type SequentialOptions, sequential } from '../../src/models/sequential.js';
import { padded } from '../../src/streams/padded.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { tensor } from '../../src/tensor.js';
import { categoricalCrossEntropy } from '../../src/training/losses/categorical-cross-entropy.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { sgd } from '../../src/training/optimizers/sgd.js';

const rows = (...all: number[][]) => all.map((row) => Int32Array.from(row));
const sequences = [
  [1, 2, 3],
  [4, 1, 3, 2, 2, 1],
  [2, 4, 4, 1, 3],
];
const steps = 6;
const filled = (row: readonly number[], padding = 0) => [...row, ...Array<number>(steps - row.length).fill(padding)];
const x = rows(...sequences.map((row) => filled(row)));
const mask = sequences.map((row) => filled(row.map(() => 1)));

/** Layers that come to one step, from ids below 5. */
const toOne: Readonly<Record<string, () => readonly AnyCore[]>> = {
  'lastStep after an LSTM': () => [embedding(5, 3), lstm(3, 4), lastStep(), dense(4, 3)],
  'masked inside': () => [embedding(5, 3), masked(lstm(3, 4)), lastStep(), dense(4, 3)],
  'masked first': () => [masked(embedding(5, 3)), gru(3, 4), lastStep(), dense(4, 3)],
  'both directions': () => [embedding(5, 3), bidirectional(lstm(3, 2), gru(3, 2), { last: true }), dense(4, 3)],
  'a convolution, pools, attention': () => [
    embedding(5, 4),
    convolution1d(4, 4, 3, { padding: 'same', activation: 'relu' }),
    maxPooling1d(2),
    selfAttention(4, 2),
    lastStep(),
    dense(4, 3),
  ],
};
const build = (layers: readonly AnyCore[], options: SequentialOptions = {}) =>
  sequential(layers, { seed: 1, ...options }).compile({
    loss: crossEntropy(),
    optimizer: sgd(0.3),
    metrics: ['accuracy'],
  });

describe('a sequential model with a mask', () => {
  it.each(Object.entries(toOne))('%s: says of padded sequences what it says of each alone', async (_, layers) => {
    const model = build(layers());
    const together = await model.predict(x, { mask });
    for (const [n, row] of sequences.entries()) {
      const own = await model.predict(rows(row), { mask: [row.map(() => 1)] });
      expect([...together.data.slice(3 * n, 3 * n + 3)]).toEqual([...own.data]);
    }
    const [{ loss }, losses] = [
      await model.evaluate(x, [0, 1, 2], { mask }),
      await Promise.all(sequences.map((row, n) => model.evaluate(rows(row), [n], { mask: [row.map(() => true)] }))),
    ];
    expect(loss).toBeCloseTo(losses.reduce((sum, each) => sum + each.loss, 0) / 3, 6);
  });

  it.each(Object.entries(toOne))(
    '%s: learns from [1, 2, 3, 0, 0, 0] what it learns from [1, 2, 3]',
    async (_, layers) => {
      const learnt = async (row: number[], real: readonly number[]) => {
        const model = build(layers());
        await model.fit(rows(row), [2], { epochs: 3, mask: [real], validationData: [rows(row), [2], [real]] });
        return weightsOf(model.params);
      };
      const short = await learnt([1, 2, 3], [1, 1, 1]);
      const long = await learnt([1, 2, 3, 0, 0, 0], [1, 1, 1, 0, 0, 0]);
      // What stands at padding is not read.
      const other = await learnt([1, 2, 3, 4, -9, 77], [1, 1, 1, 0, 0, 0]);
      expect(other).toEqual(long);
      // A gradient is a sum over steps, zeros among them, which the kernels cut into other blocks.
      for (const [name, { data }] of Object.entries(short)) {
        data.forEach((value, k) => {
          expect(long[name]?.data[k]).toBeCloseTo(value, 6);
        });
      }
    },
  );

  const perStep = () => [embedding(5, 3), dropout(0), bidirectional(lstm(3, 2), lstm(3, 2)), dense(4, 5)];
  const plain = build(perStep());
  const asked = sequences.map((row) => row.map((id) => (id * 2) % 5));

  it('counts targets at real steps alone, whatever stands at the others', async () => {
    const some = await plain.evaluate(x, rows(...asked.map((row) => filled(row, 3))), { mask });
    const same = await plain.evaluate(x, rows(...asked.map((row) => filled(row, -1))), { mask });
    const plainly = await plain.evaluate(
      x,
      asked.map((row) => filled(row, 4)),
      { mask },
    );
    expect(some).toEqual(same);
    expect(plainly).toEqual(same);
    const own = await Promise.all(sequences.map((row, n) => plain.evaluate(rows(row), rows(asked[n] as number[]))));
    const total = own.reduce((sum, { loss }, n) => sum + loss * (sequences[n] as number[]).length, 0);
    expect(same.loss).toBeCloseTo(total / 14, 6);
  });

  it('gives zeros at padding', async () => {
    const y = await plain.predict(x, { mask, finish: (ops, z) => ops.softmax(z) });
    expect(y.shape).toEqual([3, 6, 5]);
    for (const [n, row] of sequences.entries()) {
      const own = await plain.predict(rows(row), { finish: (ops, z) => ops.softmax(z) });
      expect([...y.data.slice(30 * n, 30 * n + 5 * row.length)]).toEqual([...own.data]);
      expect(y.data.slice(30 * n + 5 * row.length, 30 * (n + 1)).every((value) => value === 0)).toBe(true);
    }
  });

  it.each([
    ['numbers', squaredError()],
    ['distributions', categoricalCrossEntropy()],
  ])('counts %s at real steps alone', async (_, loss) => {
    const make = () => sequential([gru(1, 2)], { seed: 1 }).compile({ loss, optimizer: sgd(0.1) });
    const given = [
      [[1], [2], [3]],
      [[2], [Number.NaN], [9]],
    ];
    const rest = [
      [
        [1, 0],
        [0, 1],
        [0.5, 0.5],
      ],
      [
        [0, 1],
        [0.3, 0.7],
        [1, 0],
      ],
    ];
    const real = [
      [1, 1, 1],
      [1, 0, 0],
    ];
    const both = await make().evaluate(given, rest, { mask: real });
    const first = await make().evaluate(given.slice(0, 1), rest.slice(0, 1));
    const second = await make().evaluate([[[2]]], [[[0, 1]]]);
    expect(both.loss).toBeCloseTo((3 * first.loss + second.loss) / 4, 6);
  });

  it('takes the mask along where a share is held back', async () => {
    const model = build(perStep());
    const { epochs } = await model.fit(
      x,
      asked.map((row) => filled(row)),
      { mask, validationSplit: 0.34, batch: 1 },
    );
    expect(epochs[0]?.validation?.loss).toBeCloseTo(
      (await model.evaluate(rows(sequences[2] as number[]), [asked[2]] as number[][])).loss,
      6,
    );
  });

  it('knows padding by its id', async () => {
    const [byId, byMask] = [build(perStep(), { padding: 0 }), build(perStep())];
    const y = rows(...asked.map((row) => filled(row)));
    await byId.fit(x, y, { epochs: 2 });
    await byMask.fit(x, y, { epochs: 2, mask });
    expect(weightsOf(byId.params)).toEqual(weightsOf(byMask.params));
    expect((await byId.predict(x)).data).toEqual((await byMask.predict(x, { mask })).data);
    expect(await byId.evaluate(x, y)).toEqual(await byMask.evaluate(x, y, { mask }));
  });

  it('takes signals with lengths of their own, as a layer', async () => {
    const windows = [padded(sequences.map((input, n) => ({ input, target: asked[n] as number[] })))];
    const learn = (model: AnyCore) =>
      lastValueFrom(
        from(windows).pipe(tbptt(model as never, { loss: crossEntropy(), optimizer: sgd(0.3) }), toArray()),
      );
    const [told, within] = [build(perStep()), build(perStep())];
    const losses = (await learn(told as AnyCore)).map(({ loss }) => loss);
    expect((await learn(masked(within as never) as AnyCore)).map(({ loss }) => loss)).toEqual(losses);
    expect(weightsOf(told.params)).toEqual(weightsOf(within.params));
  });

  it('tells the shapes of a model that is masked inside', () => {
    const model = build([masked(embedding(5, 3)), lstm(3, 4), lastStep(), dense(4, 3)]);
    expect(model.summary(x)).toContain('[6, B, 4]');
  });

  const wrong: [string, () => Promise<unknown>, string][] = [
    [
      'rows of another length',
      () => plain.predict(x, { mask: [[1], [1], [1]] }),
      'predict: mask is [3, 1], but there are 3 examples of 6 steps',
    ],
    [
      'too few rows',
      () => plain.predict(x, { mask: mask.slice(1) }),
      'predict: mask is [2, 6], but there are 3 examples',
    ],
    [
      'other numbers',
      () => plain.predict(x, { mask: mask.map((row) => row.map((v) => v / 2)) }),
      'predict: mask has 0.5 in example 0',
    ],
    [
      'nothing real',
      () => plain.predict(x, { mask: mask.map((row) => row.map(() => 0)) }),
      'predict: mask: example 0 has no real step',
    ],
    [
      'padding first',
      () => plain.predict(x, { mask: mask.map((row) => [...row].reverse()) }),
      'predict: mask: example 0 has padding at step 0, before a real step',
    ],
    [
      'examples of one moment',
      () => build([dense(2, 3)]).predict([[1, 2]], { mask: [[1, 1]] }),
      'predict: mask says which steps are real, but x is examples of one moment',
    ],
    ['a mask of fit', async () => plain.fit(x, x, { mask: [[1]] }), 'fit: mask is [1, 1]'],
    ['a mask of evaluate', () => plain.evaluate(x, x, { mask: [[1]] }), 'evaluate: mask is [1, 1]'],
    [
      'a mask of validation',
      async () => plain.fit(x, x, { validationData: [x, x, [[1]]] }),
      'fit: validationData mask is [1, 1]',
    ],
    [
      'numbers without features',
      () => build([gru(1, 2)], { padding: 0, input: 'sequence' }).predict([[1, 0.5]]),
      'predict: x is numbers without features, and padding is an id',
    ],
    [
      'padding steps before others',
      () => build([gru(1, 2)], { padding: 0 }).predict([[[0], [1]]]),
      'predict: x: example 0 has padding at step 0',
    ],
    [
      'padding ids before others',
      () => build(perStep(), { padding: 0 }).predict(rows([0, 1])),
      'predict: x: example 0 has padding at step 0',
    ],
    [
      'nothing but padding ids',
      () => build(perStep(), { padding: 0 }).predict(rows([0, 0])),
      'predict: x: example 0 has no real step',
    ],
    [
      'a sequence too short for a layer',
      () => build([embedding(5, 3), convolution1d(3, 3, 4, { padding: 'valid' })]).predict(x, { mask }),
      'predict: layer "convolution1d1" (convolution1d): convolution1d: takes 4 steps at once, but lane 0 has 3 of its own',
    ],
    [
      'one that is not the first',
      () =>
        build([embedding(5, 3), convolution1d(3, 3, 4, { padding: 'valid' })]).predict([...x].reverse(), {
          mask: [...mask].reverse(),
        }),
      'predict: "convolution1d1" (convolution1d): convolution1d: takes 4 steps at once, but lane 2 has 3 of its own',
    ],
    [
      'no mask for a masked layer',
      () => build([embedding(5, 3), masked(lstm(3, 4))]).predict(x),
      'masked: the signal [6, 1, 3] has no lengths',
    ],
  ];
  it.each(wrong)('refuses %s', async (_, run, message) => {
    const before = weightsOf(plain.params);
    await expect((async () => run())()).rejects.toThrow(message);
    expect(weightsOf(plain.params)).toEqual(before);
  });

  it('refuses a padding that is no id', () => {
    expect(() => sequential([dense(1, 1)], { padding: Number.NaN })).toThrow('sequential: padding is an id');
  });

  it('takes steps whose features all are the padding for padding', async () => {
    const model = (options: object) => sequential([gru(2, 3), lastStep()], { seed: 1, ...options });
    const padded = [
      [
        [1, -1.1],
        [-1.1, -1.1],
      ],
      [
        [0.5, 0.25],
        [-1.1, 1],
      ],
    ];
    const [first, second] = [
      await model({}).predict(padded.map((steps) => steps.slice(0, 1))),
      await model({}).predict(padded),
    ];
    const { data } = await model({ padding: -1.1 }).predict(padded);
    expect([...data]).toEqual([...first.data.slice(0, 3), ...second.data.slice(3)]);
  });

  it('takes masks of other forms', async () => {
    const own = await plain.predict(x, { mask });
    const typed = tensor([3, 6], mask.flat());
    for (const same of [typed, mask.map((row) => row.map(Boolean)), mask.map((row) => Int32Array.from(row))]) {
      expect(await plain.predict(x, { mask: same })).toEqual(own);
    }
  });
});
