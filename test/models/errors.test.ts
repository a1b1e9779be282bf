import { describe, expect, it } from 'vitest';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { weightsOf } from '../../src/formats/weights.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { lastStep } from '../../src/layers/last-step.js';
import { oneHot } from '../../src/layers/one-hot.js';
import type { Data } from '../../src/models/examples.js';
import type { FitOptions } from '../../src/models/fit.js';
import type { AnyCore } from '../../src/models/layered-model.js';
import { type CompileOptions, sequential } from '../../src/models/sequential.js';
import { ids, tensor } from '../../src/tensor.js';
import { categoricalCrossEntropy } from '../../src/training/losses/categorical-cross-entropy.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import type { Loss } from '../../src/training/losses/loss.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { sgd } from '../../src/training/optimizers/sgd.js';

const two = [
  [1, 0],
  [0, 1],
];

interface Case {
  readonly layers?: readonly AnyCore[];
  readonly loss?: Loss;
  readonly x?: Data;
  readonly y?: Data;
  readonly options?: FitOptions;
  readonly says: RegExp;
}

const words = () => [embedding(4, 3), simpleRnn(3, 5), dense(5, 4)];
const sequences = [Int32Array.of(0, 1, 2), Int32Array.of(3, 2, 1)];

const cases: Readonly<Record<string, Case>> = {
  'inputs of other features': {
    x: [[1, 2, 3]],
    y: [0],
    says: /fit: layer "dense1" \(dense\): dense: takes 2 features, but got/,
  },
  'features that a later layer cannot take': {
    layers: [dense(2, 4), { ...dense(3, 2), kind: 'odd', inputs: undefined }],
    says: /fit: layer "odd1" \(odd\): dense: takes 3 features, but got \[1, 1, 4\]/,
  },
  'ids where numbers are wanted': { x: ids([2, 2], [0, 1, 1, 0]), says: /fit: layer "dense1" \(dense\): / },
  'numbers where ids are wanted': {
    layers: words(),
    x: [[0, 1, 2]],
    y: [[1, 2, 3]],
    says: /fit: layer "embedding1" \(embedding\): gather: needs ids \(int32\)/,
  },
  'an input id that the first layer has no row for, even in the last example': {
    layers: words(),
    x: [...sequences, Int32Array.of(0, 4, 0)],
    y: [...sequences, Int32Array.of(0, 0, 0)],
    says: /fit: x has id 4 in example 2, element 1 of \[3\], but layer "embedding1" \(embedding\) has ids from 0 to 3/,
  },
  'an input id that a one-hot layer has no place for': {
    layers: [oneHot(2), dense(2, 2)],
    x: Int32Array.of(0, 2),
    y: Int32Array.of(0, 1),
    says: /fit: x has id 2 in example 1, but layer "oneHot1" \(oneHot\) has ids from 0 to 1/,
  },
  'a label out of range': {
    y: [0, 2],
    says: /fit: y has id 2 in example 1, but layer "dense1" \(dense\) has ids from 0 to 1 \(and −1/,
  },
  'a label below −1': { y: [0, -2], says: /fit: y has id -2 in example 1/ },
  'an example that is padding only': { y: [0, -1], says: /fit: y: example 1 has nothing but −1/ },
  'labels for each step where the model gives one': {
    layers: [oneHot(4), simpleRnn(4, 5), lastStep(), dense(5, 4)],
    x: sequences,
    y: sequences,
    says: /fit: layer "dense1" \(dense\) gives \[1, B, 4\], so y is ids \[N\] \(Int32Array\) or numbers \[N, 4\], but got int32 \[N, 3\]/,
  },
  'one label where the model gives one for each step': {
    layers: words(),
    x: sequences,
    y: Int32Array.of(0, 1),
    says: /gives \[3, B, 4\], so y is ids \[N, 3\] .* put lastStep\(\) before the head/,
  },
  'numbers of another width': {
    loss: squaredError(),
    y: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    says: /or numbers \[N, 2\], but got float32 \[N, 3\]/,
  },
  'labels that are no whole numbers': { y: [0.5, 1], says: /so y is ids \[N\]/ },
  'labels in an array of floats': { y: Float32Array.of(0, 1), says: /so y is ids \[N\] \(Int32Array\)/ },
  'NaN in x': {
    x: [
      [1, 0],
      [0, Number.NaN],
    ],
    says: /fit: x has NaN in example 1, element 1 of \[2\]/,
  },
  'infinity in y': {
    loss: squaredError(),
    y: [
      [1, 0],
      [Number.POSITIVE_INFINITY, 0],
    ],
    says: /fit: y has Infinity in example 1/,
  },
  'a row that is no distribution': {
    loss: categoricalCrossEntropy(),
    y: [
      [1, 0],
      [1, 1],
    ],
    says: /fit: y: categoricalCrossEntropy: row 1 of the target \[1, 2, 2\] adds up to 2/,
  },
  'ids for a loss that wants rows': {
    loss: categoricalCrossEntropy(),
    y: Int32Array.of(0, 1),
    says: /fit: y: categoricalCrossEntropy: targets are one-hot rows/,
  },
  'no example': { x: [], y: [], says: /fit: x is \[0\], with nothing in it/ },
  'other numbers of examples': { y: [0], says: /fit: x has 2 examples and y has 1/ },
  'uneven arrays': { x: [[1, 0], [1]], says: /fit: x is not even/ },
  'arrays of another kind': {
    x: new Uint8Array(4) as unknown as Data,
    says: /fit: x is a tensor, an Int32Array .* not Uint8Array/,
  },
  'a batch larger than the data': {
    options: { batch: 3 },
    says: /fit: batch is 3, but there are 2 examples to learn from; choose 2 or fewer/,
  },
  'a batch larger than what the validation leaves': {
    options: { batch: 2, validationSplit: 0.5 },
    says: /fit: batch is 2, but there are 1 examples/,
  },
  'no epoch': { options: { epochs: 0 }, says: /fit: epochs is a whole number of at least 1, not 0/ },
  'a split that leaves nothing': {
    options: { validationSplit: 0.1 },
    says: /leaves 2 of 2 examples to learn from and 0 to look at/,
  },
  'a split that is no share': { options: { validationSplit: 1 }, says: /a share of the data between 0 and 1, not 1/ },
  'two kinds of validation': {
    options: { validationSplit: 0.5, validationData: [two, [0, 1]] },
    says: /leave one of them out/,
  },
  'wrong validation data': { options: { validationData: [two, [0, 7]] }, says: /fit: validationData y has id 7/ },
  'early stopping without validation': {
    options: { earlyStopping: {} },
    says: /give validationData or validationSplit/,
  },
  'a monitor that is not measured': {
    options: { validationSplit: 0.5, earlyStopping: { monitor: 'f1' } },
    says: /earlyStopping.monitor is one of loss, accuracy, not "f1"/,
  },
  'a softmax before a loss that has one': {
    layers: [dense(2, 2, { activation: (ops, z) => ops.softmax(z) })],
    says: /fit: layer "dense1" \(dense\) ends in a softmax, but the loss has the softmax within it/,
  },
};

describe('fit refuses, before any weight changes,', () => {
  it.each(Object.entries(cases))(
    '%s',
    async (_, { layers = [dense(2, 2)], loss = crossEntropy(), x = two, y = [0, 1], options, says }) => {
      const model = sequential(layers, { seed: 1 }).compile({ loss, optimizer: sgd(1), metrics: ['accuracy'] });
      const before = weightsOf(model.params);
      await expect(model.fit(x, y, options)).rejects.toThrow(says);
      expect(weightsOf(model.params)).toEqual(before);
    },
  );

  it('a loss that is no number, since the rate was too high', async () => {
    const model = sequential([dense(1, 1)], { seed: 1 }).compile({ loss: squaredError(), optimizer: sgd(1e30) });
    await expect(model.fit([[1e20]], [1])).rejects.toThrow('the weights were left as they are');
  });
});

describe('compile refuses', () => {
  const compile = (options: Partial<CompileOptions>) => () =>
    sequential([dense(2, 2)]).compile({ loss: crossEntropy(), optimizer: sgd(1), ...options });

  it('a metric that nobody knows, or that is there twice', () => {
    expect(compile({ metrics: ['acuracy' as 'accuracy'] })).toThrow(
      'compile: there is no metric "acuracy"; known by name are accuracy, categoricalAccuracy',
    );
    expect(compile({ metrics: ['accuracy', 'accuracy'] })).toThrow('the metric accuracy is there twice');
  });

  it('an impossible penalty', () => {
    expect(compile({ l2: -1 })).toThrow('λ is a number from 0 up, not -1');
    expect(compile({ l2: 1, penalise: () => false })).toThrow('none of 2 parameters is a weight matrix');
  });
});

describe('sequential refuses', () => {
  it('layers that do not fit, naming both', () => {
    expect(() => sequential([dense(2, 3), dense(4, 1)])).toThrow(
      'sequential: "dense1" (dense) gives 3 features, but "dense2" (dense) takes 4',
    );
  });

  it('no layer', () => {
    expect(() => sequential([])).toThrow('sequential: needs one layer at least');
  });
});

it('evaluate and predict hold data against the model too', async () => {
  const model = sequential([dense(2, 2)]).compile({ loss: crossEntropy(), optimizer: sgd(1) });
  await expect(model.evaluate(two, [0, 5])).rejects.toThrow('evaluate: y has id 5');
  await expect(model.predict([[1]])).rejects.toThrow('predict: layer "dense1" (dense): dense: takes 2 features');
  await expect(model.predict(tensor([], [1]))).rejects.toThrow('predict: x is one number');
  await expect(model.predict(two, { batch: 0 })).rejects.toThrow('predict: batch is a whole number');
});
