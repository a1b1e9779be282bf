import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, of, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { loadCheckpoint } from '../../src/formats/checkpoint-file.js';
import { weightsOf } from '../../src/formats/weights.js';
import { type Core, noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { lastStep } from '../../src/layers/last-step.js';
import { sequential } from '../../src/models/sequential.js';
import { stack } from '../../src/stack.js';
import { type Ids, ids, type Shape, type Tensor, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import type { Loss } from '../../src/training/losses/loss.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { sgd } from '../../src/training/optimizers/sgd.js';

const make = (seed = 7) =>
  sequential([embedding(5, 4), lstm(4, 6), dropout(0.3), lstm(6, 6), dense(6, 5)], { seed }).compile({
    loss: crossEntropy(),
    optimizer: adam(0.01),
    metrics: ['accuracy', 'perplexity'],
  });
const x = Array.from({ length: 12 }, (_, n) => Int32Array.from({ length: 6 }, (__, t) => (n + t) % 5));
const y = x.map((row) => row.map((id) => (id + 1) % 5));

describe('a sequential model', () => {
  it('is a stream operator, compiled or not, also while it has learnt', async () => {
    const model = make();
    const signals = [ids([2, 1], [0, 1]), ids([1, 1], [2])];
    const stream = () => lastValueFrom(of(...signals).pipe(model, toArray()));
    const before = await stream();
    expect(before.map(({ shape }) => shape)).toEqual([
      [2, 1, 5],
      [1, 1, 5],
    ]);
    await model.fit(x, y);
    const after = await stream();
    expect(after).not.toEqual(before);
    // Its carry is the subscription's: three steps in a stream are the steps of one window.
    const whole = await model.predict([Int32Array.of(0, 1, 2)]);
    expect([...after.flatMap(({ data }) => [...data])]).toEqual([...whole.data]);
  });

  it('has the weights of a stack with the same names', () => {
    const model = sequential([embedding(5, 4), dense(4, 5)], { seed: 3 });
    const same = stack({ embedding1: embedding(5, 4), dense1: dense(4, 5) }, { seed: 3 });
    expect(weightsOf(model.params)).toEqual(weightsOf(same.params));
  });

  it('names layers by kind and number', () => {
    expect(Object.keys(make().params)).toEqual(['embedding1', 'lstm1', 'dropout1', 'lstm2', 'dense1']);
  });

  it('keeps its weights where it is compiled anew', async () => {
    const bare = sequential([dense(1, 1)], { seed: 1 });
    const first = bare.compile({ loss: squaredError(), optimizer: sgd(0.1) });
    await first.fit([[1]], [2]);
    const second = bare.compile({ loss: squaredError(), optimizer: adam(0.1) });
    expect(await second.predict([[1]])).toEqual(await first.predict([[1]]));
  });

  it('shows its layers in a table', () => {
    expect(make().summary()).toBe(
      [
        'layer       kind       features  parameters',
        '───────────────────────────────────────────',
        'embedding1  embedding  4                 20',
        'lstm1       lstm       6                264',
        'dropout1    dropout    6                  0',
        'lstm2       lstm       6                312',
        'dense1      dense      5                 35',
        '───────────────────────────────────────────',
        'all                                     631',
      ].join('\n'),
    );
    const last = sequential([embedding(5, 4), lastStep(), dense(4, 5)]).summary(x);
    expect(last).toContain('embedding1  embedding  [6, B, 4]          20');
    expect(last).toContain('lastStep1   lastStep   [1, B, 4]           0');
  });
});

describe('data', () => {
  /** A layer that writes down what it is given. */
  function recording(): { readonly seen: Tensor[]; readonly core: Core<typeof noCarry> } {
    const seen: Tensor[] = [];
    return {
      seen,
      core: {
        kind: 'recording',
        params: {},
        initial: () => noCarry,
        apply(ops, carry, input) {
          seen.push({ ...input, data: input.data.slice() });
          return [input.type === 'int32' ? ops.oneHot(input as Ids, 10) : ops.affine(input, 1, 0), carry];
        },
      },
    };
  }
  const numbers = (shape: Shape) =>
    tensor(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => k),
    );

  it.each([
    ['numbers [N]', Float32Array.of(1, 2), [1, 2, 1], undefined],
    ['numbers [N, F]', numbers([2, 3]), [1, 2, 3], undefined],
    ['numbers [N, T, F]', numbers([2, 3, 4]), [3, 2, 4], undefined],
    ['images [N, H, W]', numbers([2, 3, 4]), [1, 2, 3, 4], 'example'],
    ['images [N, H, W, C]', numbers([2, 3, 4, 1]), [1, 2, 3, 4, 1], undefined],
    ['videos [N, T, H, W, C]', numbers([2, 2, 3, 4, 1]), [2, 2, 3, 4, 1], 'sequence'],
    ['ids [N]', Int32Array.of(1, 2), [1, 2], undefined],
    ['ids [N, T]', ids([2, 3], [1, 2, 3, 4, 5, 6]), [3, 2], undefined],
    ['ids [N, F] of one moment', ids([2, 3], [1, 2, 3, 4, 5, 6]), [1, 2, 3], 'example'],
    ['rows of typed arrays', [Float32Array.of(1, 2), Float32Array.of(3, 4)], [1, 2, 2], undefined],
    [
      'nested arrays',
      [
        [[1], [2], [3]],
        [[4], [5], [6]],
      ],
      [3, 2, 1],
      undefined,
    ],
  ] as const)('%s is turned', async (_, given, shape, input) => {
    const { seen, core } = recording();
    await sequential([core], input ? { input } : {}).predict(given);
    expect(seen.at(-1)?.shape).toEqual(shape);
  });

  it('of sequences is time-major for the layers, and comes back as it was', async () => {
    const { seen, core } = recording();
    const given = numbers([2, 3, 2]);
    const result = await sequential([core]).predict(given);
    // Step 0 of both examples, then step 1, then step 2.
    expect([...(seen.at(-1)?.data ?? [])]).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
    expect(result).toEqual(given);
  });

  it('gives the same predictions in any batch', async () => {
    const model = make();
    const all = await model.predict(x);
    expect(await model.predict(x, { batch: 5 })).toEqual(all);
  });

  /** A loss that writes down its targets. */
  const noting =
    (seen: Tensor[]): Loss =>
    (ops, prediction, target) => {
      seen.push({ ...target, data: target.data.slice() });
      return ops.sumTo(prediction, []);
    };

  it.each([
    ['ids [N]', [[1, 2]], [1, 0], dense(2, 2), 'int32', [1, 1]],
    ['numbers [N, C]', [[1, 2]], [[1, 0]], dense(2, 2), 'float32', [1, 1, 2]],
    ['numbers [N] of one feature', [[1, 2]], [1], dense(2, 1), 'float32', [1, 1, 1]],
    ['ids [N, T]', [[[1], [2], [3]]], [[0, 1, 1]], dense(1, 2), 'int32', [3, 1]],
    [
      'one-hot [N, T, C]',
      [[[1], [2]]],
      [
        [
          [1, 0],
          [0, 1],
        ],
      ],
      dense(1, 2),
      'float32',
      [2, 1, 2],
    ],
    ['numbers [N, T] of one feature', [[[1], [2]]], [[5, 6]], dense(1, 1), 'float32', [2, 1, 1]],
  ] as const)('targets %s', async (_, input, target, layer, type, shape) => {
    const seen: Tensor[] = [];
    const model = sequential([layer]).compile({ loss: noting(seen), optimizer: sgd(0.1) });
    const [given, wanted] = target.length === input.length ? [input, target] : [[...input, ...input], target];
    await model.fit(given, wanted, { batch: 1 });
    expect(seen[0]).toMatchObject({ type, shape });
  });
});

describe('a saved model', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-model-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('goes on bit for bit as the one that was never saved', async () => {
    const path = join(folder, 'model.safetensors');
    const uninterrupted = make();
    await uninterrupted.fit(x, y, { epochs: 4, batch: 5 });
    const first = make();
    await first.fit(x, y, { epochs: 2, batch: 5 });
    await first.save(path);
    // Of the same seed, since dropout's masks follow from it.
    const second = make();
    await second.load(path);
    expect(await second.predict(x)).toEqual(await first.predict(x));
    await second.fit(x, y, { epochs: 2, batch: 5 });
    expect(weightsOf(second.params)).toEqual(weightsOf(uninterrupted.params));
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  it('can be saved while it learns, with what the optimizer knows by then', async () => {
    const path = join(folder, 'model.safetensors');
    const model = make();
    await model.fit(x, y, {
      epochs: 3,
      batch: 5,
      callbacks: [({ kind, epoch }) => (kind === 'epoch' && epoch === 1 ? model.save(path) : undefined)],
    });
    const other = make();
    await other.load(path);
    await other.fit(x, y, { epochs: 2, batch: 5 });
    expect(weightsOf(other.params)).toEqual(weightsOf(model.params));
  });

  it('gives its weights to a model that learns otherwise, or not at all', async () => {
    const path = join(folder, 'model.safetensors');
    const model = make();
    await model.fit(x, y);
    await model.save(path);
    const bare = sequential([embedding(5, 4), lstm(4, 6), dropout(0.3), lstm(6, 6), dense(6, 5)]);
    for (const other of [bare, bare.compile({ loss: crossEntropy(), optimizer: sgd(0.1) })]) {
      await other.load(path);
      expect(await other.predict(x)).toEqual(await model.predict(x));
    }
    await bare.compile({ loss: crossEntropy(), optimizer: sgd(0.1) }).fit(x, y);
    await bare.save(path);
    expect(await loadCheckpoint(path)).toMatchObject({ metadata: {} });
  });

  it('of another shape is refused, and nothing changes', async () => {
    const path = join(folder, 'model.safetensors');
    await sequential([dense(1, 1)]).save(path);
    const model = make();
    const before = weightsOf(model.params);
    await expect(model.load(path)).rejects.toMatchObject({
      _tag: 'WeightsMismatch',
      message: expect.stringContaining(`${path}: the weights are of another model`),
    });
    expect(weightsOf(model.params)).toEqual(before);
    writeFileSync(path, 'no checkpoint');
    await expect(model.load(path)).rejects.toMatchObject({ _tag: 'HeaderTooLarge' });
    await expect(model.load(join(folder, 'none'))).rejects.toMatchObject({ _tag: 'FileError' });
  });

  it('is not loaded while it learns', async () => {
    const model = make();
    const training = model.fit(x, y, { epochs: 100 }).subscribe();
    await expect(model.load('anything')).rejects.toThrow('the model is being trained');
    expect(() => model.loadEither('anything')).toThrow('the model is being trained');
    training.unsubscribe();
  });
});

describe('add', () => {
  it('gives the model with one more layer, and leaves the model as it is', () => {
    const first = sequential([dense(2, 3)], { seed: 4 });
    const both = first.add(dense(3, 1));
    const written = sequential([dense(2, 3), dense(3, 1)], { seed: 4 });
    expect(weightsOf(both.params)).toEqual(weightsOf(written.params));
    expect(both.summary()).toBe(written.summary());
    expect(Object.keys(first.params)).toEqual(['dense1']);
    expect(() => first.add(dense(5, 1))).toThrow('"dense1" (dense) gives 3 features, but "dense2" (dense) takes 5');
  });
});
