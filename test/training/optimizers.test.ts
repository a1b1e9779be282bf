import { describe, expect, it } from 'vitest';
import { type Core, noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { parameter, parametersOf } from '../../src/parameters/parameter.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { rmsprop } from '../../src/training/optimizers/rmsprop.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { inverseSqrt } from '../../src/training/schedules.js';
import { trainer } from '../../src/training/trainer.js';
import { entry, type Figures, golden, numbersOf } from '../golden/load.js';

const { problem, trajectories } = golden('optimizers');
const figures = (name: string): Figures => entry(problem, name);
const float = ({ shape, data }: Figures) => tensor(shape, Float32Array.from(data));

function optimizerOf(name: string, s: Readonly<Record<string, number | null>>): Optimizer {
  const number = (key: string) => entry(s, key) as number;
  const rate = number('learningRate');
  if (name.startsWith('sgd')) return sgd(rate);
  if (name === 'momentum' || name === 'nesterov') {
    return momentum(rate, { decay: number('decay'), nesterov: name === 'nesterov' });
  }
  if (name === 'rmsprop') return rmsprop(rate, { decay: number('decay'), epsilon: number('epsilon') });
  if (name.startsWith('adam')) {
    return adam(rate, { beta1: number('beta1'), beta2: number('beta2'), epsilon: number('epsilon') });
  }
  throw new RangeError(`no optimizer for ${name}`);
}

const close = (got: number, expected: number) => Math.abs(got - expected) <= 2e-5 * Math.max(1, Math.abs(expected));

describe("optimizers follow PyTorch's trajectories for 100 steps", () => {
  for (const { name, settings, losses, gradientNorms, after } of trajectories) {
    it(name, () => {
      const model = dense(3, 2);
      const parameters = Object.fromEntries(parametersOf(model.params));
      for (const key of ['w', 'b']) entry(parameters, key).assign(figures(key).data);
      const clipNorm = settings.clipNorm ?? undefined;
      const { learn } = trainer(model, { loss: squaredError(), optimizer: optimizerOf(name, settings), clipNorm });
      const [input, target] = [float(figures('x')), float(figures('target'))];
      losses.forEach((expected, step) => {
        const { loss, gradientNorm } = learn({ carry: noCarry, input, target });
        expect(close(loss, expected), `loss at step ${step}: ${loss} instead of ${expected}`).toBe(true);
        expect(close(gradientNorm, gradientNorms[step] as number), `norm at step ${step}`).toBe(true);
        const weights = after.find(({ steps }) => steps === step + 1);
        for (const key of weights ? (['w', 'b'] as const) : []) {
          const expectedWeights = numbersOf((weights as (typeof after)[number])[key]).data;
          const got = entry(parameters, key).data;
          got.forEach((value, i) => {
            expect(
              close(value, expectedWeights[i]),
              `${key}[${i}] after ${step + 1} steps: ${value} instead of ${expectedWeights[i]}`,
            ).toBe(true);
          });
        }
      });
    });
  }
});

describe('a trainer', () => {
  const line = () => {
    const w = parameter([1, 1], () => Float32Array.of(3));
    const model: Core<typeof noCarry> = {
      kind: 'line',
      params: { w },
      initial: () => noCarry,
      apply: (ops, carry, x) => [ops.matmul(x, w), carry],
    };
    return { w, model };
  };
  const one = tensor([1, 1, 1], [1]);
  const options = { loss: squaredError(), optimizer: sgd(0.1) };

  it('reports the loss of the weights as they were, then moves them', () => {
    const { w, model } = line();
    const { learn } = trainer(model, options);
    expect(learn({ carry: noCarry, input: one, target: tensor([1, 1, 1], [1]) })).toMatchObject({
      loss: 2,
      gradientNorm: 2,
    });
    expect(w.data[0]).toBeCloseTo(2.8, 6);
  });

  it('clips by the global norm', () => {
    const { w, model } = line();
    const { learn } = trainer(model, { ...options, clipNorm: 0.5 });
    expect(learn({ carry: noCarry, input: one, target: tensor([1, 1, 1], [1]) }).gradientNorm).toBeCloseTo(2, 6);
    expect(w.data[0]).toBeCloseTo(3 - 0.1 * 0.5, 6);
  });

  it('counts only the last steps of a shorter target, and hands out an early carry', () => {
    const { model } = line();
    const seen: number[] = [];
    const counting: Core<{ n: number }> = {
      kind: 'counting',
      params: model.params,
      initial: () => ({ n: 0 }),
      apply(ops, { n }, x) {
        const steps = x.shape[0] as number;
        seen.push(steps);
        return [model.apply(ops, noCarry, x)[0], { n: n + steps }];
      },
    };
    const { learn } = trainer(counting, options);
    const input = tensor([3, 1, 1], [1, 2, 4]);
    const early = learn({ carry: { n: 0 }, input, target: tensor([1, 1, 1], [0]), carryAfter: 2 });
    expect(early.carry).toEqual({ n: 2 });
    expect(early.loss).toBeCloseTo(0.5 * 12 ** 2, 4);
    // Run up to the carry that is wanted, and then on: no step is run twice.
    expect(seen).toEqual([2, 1]);
    expect(early.finalCarry).toEqual({ n: 3 });
  });

  it('learns from records of outputs and targets, which are cut nowhere', () => {
    const { w, model } = line();
    const pair: Core<typeof noCarry, Tensor, { readonly y: Tensor; readonly twice: Tensor }> = {
      kind: 'pair',
      params: model.params,
      initial: () => noCarry,
      apply(ops, carry, x) {
        const [y] = model.apply(ops, noCarry, x);
        return [{ y, twice: ops.affine(y, 2, 0) }, carry];
      },
    };
    const both = trainer(pair, {
      loss: (ops, { y, twice }, { sum }: { readonly sum: Tensor }) => squaredError()(ops, ops.add(y, twice), sum),
      optimizer: options.optimizer,
    });
    const before = w.data[0] as number;
    const window = { carry: noCarry, input: tensor([2, 1, 1], [1, 2]), target: { sum: tensor([2, 1, 1], [0, 0]) } };
    // ½ (3 w x)², x being 1 and 2, in the mean.
    expect(both.learn(window).loss).toBeCloseTo((9 * before ** 2 * 5) / 4, 4);
    expect(w.data[0]).not.toBe(before);
    expect(() => both.learn({ ...window, carryAfter: 1 })).toThrow(
      /learns from records, which cannot be cut at a step/,
    );
  });

  it('leaves the weights alone where a gradient is not a number, and says so', () => {
    const { w, model } = line();
    const { learn } = trainer(model, options);
    const broken = { carry: noCarry, input: tensor([1, 1, 1], [Number.NaN]), target: one };
    expect(() => learn(broken)).toThrow('the weights were left as they are');
    expect(w.data[0]).toBe(3);
  });

  it('goes on from a saved state bit for bit', () => {
    const run = (cut: boolean) => {
      const { w, model } = line();
      const schedule = inverseSqrt(0.1);
      const set = { loss: squaredError(), optimizer: adam(schedule) };
      let current = trainer(model, set);
      for (let step = 0; step < 20; step += 1) {
        if (cut && step === 7) {
          const state = current.state();
          current.release();
          current = trainer(model, { ...set, state });
        }
        current.learn({ carry: noCarry, input: one, target: tensor([1, 1, 1], [step / 10]) });
      }
      return [w.data[0], current.steps];
    };
    expect(run(true)).toEqual(run(false));
  });

  it('refuses what cannot be', () => {
    const { model } = line();
    expect(() => trainer({ ...model, params: {} }, options)).toThrow('no parameters');
    expect(() => trainer(model, { ...options, clipNorm: 0 })).toThrow('clipNorm is a number above 0, not 0');
    expect(() => trainer(model, { ...options, optimizer: adam(1), state: { step: 1, slots: {} } })).toThrow(
      'another model or optimizer',
    );
    expect(() => adam(-1)).toThrow('adam: learningRate is a number from 0 up, not -1');
    expect(() => momentum(1, { decay: 1 })).toThrow('[0, 1)');
    for (const none of [null, [], '', '1', true]) {
      expect(() => adam(none as never)).toThrow(
        `adam: learningRate is a number from 0 up, not ${JSON.stringify(none)}.`,
      );
    }
    const { learn, release } = trainer(model, options);
    expect(() => learn({ carry: noCarry, input: one, target: tensor([2, 1, 1], [0, 0]) })).toThrow(
      'no more than the input',
    );
    release();
    expect(() => learn({ carry: noCarry, input: one, target: one })).toThrow('released');
  });
});

describe('clipping', () => {
  const { gradients, cases } = golden('clipping');

  it.each(cases)("to norm $clipNorm is PyTorch's", ({ clipNorm, norm, clipped }) => {
    // A loss whose gradient is the given one, and a step of 1: what a parameter moves by is its clipped gradient.
    const zeros = (shape: readonly number[]) => new Float32Array(shape.reduce((a, b) => a * b, 1));
    const params = Object.fromEntries(
      Object.keys(gradients).map((name) => [name, parameter(entry(gradients, name).shape, zeros)]),
    );
    const { learn } = trainer(
      { kind: 'given', params, apply: (ops, carry: typeof noCarry, x) => [ops.affine(x, 1, 0), carry] },
      {
        loss: (ops) =>
          Object.entries(params)
            .map(([name, p]) => ops.sumTo(ops.multiply(p, float(entry(gradients, name))), []))
            .reduce((sum, part) => ops.add(sum, part)),
        optimizer: sgd(1),
        clipNorm,
      },
    );
    const one = tensor([1, 1, 1], [1]);
    expect(close(learn({ carry: noCarry, input: one, target: one }).gradientNorm, norm)).toBe(true);
    for (const [name, { data }] of Object.entries(params)) {
      numbersOf(entry(clipped, name)).data.forEach((expected, k) => {
        expect(close(-(data[k] as number), expected), `${name}[${k}]`).toBe(true);
      });
    }
  });
});
