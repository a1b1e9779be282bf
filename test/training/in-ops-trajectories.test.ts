import {
  chain,
  clipByGlobalNorm,
  clipByValue,
  crossEntropy,
  dense,
  embedding,
  ids,
  type Optimizer,
  optimizer,
  parametersOf,
  reference,
  stack,
  type Tensor,
  tape,
  trainer,
  weightDecay,
  weightsOf,
} from 'oxbow';
import { describe, expect, it } from 'vitest';
import { lion, loss, make, pairs, windowOf } from './rules-in-ops.js';

const STEPS = 40;

/** The weights after some steps, by path. */
function trained(rule: Optimizer): ReadonlyMap<string, Float32Array> {
  const model = make();
  const { learn, release } = trainer(model, { loss, optimizer: rule });
  for (let k = 0; k < STEPS; k += 1) learn(windowOf(model, k));
  release();
  return new Map(parametersOf(model.params).map(([path, { data }]) => [path, data]));
}

/** The same by the same rule in float64, with gradients of the same kind. */
function exact({ slots = [], learningRate, update }: Parameters<typeof optimizer<string>>[0]) {
  const model = make();
  const named = parametersOf(model.params);
  const real = (shape: readonly number[], data: Float64Array): Tensor => ({ shape, type: 'float64', data });
  const arrays = named.map(([, { shape, data }]) => {
    const zeros = slots.map((slot) => [slot, real(shape, new Float64Array(data.length))]);
    return { weights: real(shape, Float64Array.from(data)), ...Object.fromEntries(zeros) } as Record<string, Tensor>;
  });
  for (let step = 0; step < STEPS; step += 1) {
    const substitute = new Map(named.map(([, each], k) => [each, arrays[k]?.weights.data as Float64Array]));
    const ops = tape(
      reference({ substitute }),
      named.map(([, each]) => each),
    );
    const { carry, input, target } = windowOf(model, step);
    const gradients = ops.gradients(loss(ops, model.apply(ops, carry, input)[0], target));
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(step);
    named.forEach(([path, { shape }], k) => {
      const numbers = { step, learningRate: rate, path, bias: shape.length < 2 };
      const gradient = gradients[k] as Tensor;
      arrays[k] = update(reference(), { ...arrays[k], gradient } as never, numbers);
    });
  }
  return new Map(named.map(([path], k) => [path, arrays[k]?.weights.data as Float64Array]));
}

/** How far apart weights are at most, in units of the last place that the parameter's greatest one has. */
function apart(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array | Float64Array>): number {
  let most = 0;
  for (const [path, numbers] of a) {
    const greatest = numbers.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const unit = 2 ** (Math.floor(Math.log2(greatest)) - 23);
    numbers.forEach((value, k) => {
      const other = b.get(path)?.[k];
      if (other === undefined) expect.fail(`${path} has no number ${k}`);
      most = Math.max(most, Math.abs(value - other) / unit);
    });
  }
  return most;
}

const preparations: Readonly<Record<string, (last: Optimizer) => Optimizer>> = {
  'after weight decay': (last) => chain(weightDecay(0.1), last),
  'after clipping by the norm': (last) => chain(clipByGlobalNorm(0.5), last),
  'after clipping of values': (last) => chain(clipByValue(0.05), last),
  'after four of them': (last) =>
    chain(clipByValue(0.3), weightDecay(0.1), clipByGlobalNorm(0.2), weightDecay(0.1, { biases: true }), last),
};

// Measured over 40 steps: from the fused rules 8 at most (Adam's), and 32 after preparations (RMSprop's, which divides by its
// size what decay has nearly taken away); from float64 15.4 (Adagrad's, in the tier without fused multiply-adds).
describe('a built-in rule, written in Ops', () => {
  describe.each(Object.entries(pairs))('%s', (_, { written, fused }) => {
    it('is the fused one within 12 units of the last place', () => {
      expect(apart(trained(optimizer(written)), trained(fused))).toBeLessThan(12);
    });

    it.each(Object.entries(preparations))('%s, is the fused one within 40', (_, within) => {
      expect(apart(trained(within(optimizer(written))), trained(within(fused)))).toBeLessThan(40);
    });

    it('is the one in float64 within 24', () => {
      expect(apart(trained(optimizer(written)), exact(written))).toBeLessThan(24);
    });
  });
});

describe('lion', () => {
  it('is the one in float64 within 24 units of the last place', () => {
    expect(apart(trained(optimizer(lion())), exact(lion()))).toBeLessThan(24);
  });

  it('moves each weight by the learning rate, and none that has had no gradient', () => {
    const model = stack({ table: embedding(6, 3), head: dense(3, 2) }, { seed: 2 });
    const before = weightsOf(model.params)['table.table'] as Tensor;
    const { learn } = trainer(model, { loss: crossEntropy(), optimizer: optimizer(lion(0.25, 0)) });
    learn({ carry: model.initial(1), input: ids([1, 1], [4]), target: ids([1, 1], [0]) });
    const after = weightsOf(model.params)['table.table'] as Tensor;
    after.data.forEach((value, k) => {
      expect(Math.abs(value - (before.data[k] as number))).toBeCloseTo(Math.floor(k / 3) === 4 ? 0.25 : 0, 6);
    });
  });
});
