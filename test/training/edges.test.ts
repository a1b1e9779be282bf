/** Losses and gradients at float32's edges. */
import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import * as activations from '../../src/ops/activations.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';
import { gradientNorms } from '../../src/training/gradient-norms.js';
import { categoricalCrossEntropy } from '../../src/training/losses/categorical-cross-entropy.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import type { Loss } from '../../src/training/losses/loss.js';
import { adagrad } from '../../src/training/optimizers/adagrad.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { adasecant } from '../../src/training/optimizers/adasecant.js';
import { chain } from '../../src/training/optimizers/chain.js';
import { clipByGlobalNorm, clipByValue } from '../../src/training/optimizers/clipping.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { weightDecay } from '../../src/training/optimizers/weight-decay.js';
import { trainer } from '../../src/training/trainer.js';

describe('cross-entropy, whatever all logits have in common', () => {
  const differences = [
    [0, 1],
    [3, -2, 0.5],
    [0, 0, 0, -40],
    [200, 0, -200],
  ];
  const targets = {
    'a distribution': (width: number) => Array.from({ length: width }, (_, v) => (2 * (v + 1)) / (width * (width + 1))),
    'smoothed labels': (width: number) => Array.from({ length: width }, (_, v) => (v === 0 ? 0.9 : 0) + 0.1 / width),
    'one-hot': (width: number) => Array.from({ length: width }, (_, v) => (v === 1 ? 1 : 0)),
  };
  const cases = [0, 1, -1e3, 1e4, -1e4, 1e6, 1e30].flatMap((offset) =>
    Object.entries(targets).map(([name, of]) => [offset, name, of] as const),
  );

  it.each(cases)('of %s, target %s: the loss and its gradient', (offset, _, of) => {
    for (const each of differences) {
      const logits = Float32Array.from(each, (value) => value + offset);
      const target = Float32Array.from(of(each.length));
      // Of the logits as float32 has them.
      const top = Math.max(...logits);
      const log = Math.log(logits.reduce((sum, z) => sum + Math.exp(z - top), 0));
      const total = target.reduce((sum, t) => sum + t, 0);
      const wanted = target.reduce((sum, t, v) => sum + t * (log - ((logits[v] as number) - top)), 0);
      const slopes = Array.from(target, (t, v) => total * Math.exp((logits[v] as number) - top - log) - t);
      inWindow((eager) => {
        const x = tensor([1, 1, each.length], logits);
        const ops = tape(eager, [x]);
        const loss = categoricalCrossEntropy()(ops, x, tensor([1, 1, each.length], target));
        expect(Math.abs((loss.data[0] as number) - wanted)).toBeLessThanOrEqual(5e-7 * Math.max(1, wanted));
        const [dx] = ops.gradients(loss) as [Tensor];
        slopes.forEach((slope, v) => {
          expect(dx.data[v]).toBeCloseTo(slope, 6);
        });
      });
    }
  });

  it('is 0.61326 where it was 0.6133 without the offset', () => {
    inWindow((eager) => {
      const loss = categoricalCrossEntropy()(eager, tensor([1, 1, 2], [1e4, 1e4 + 1]), tensor([1, 1, 2], [0.3, 0.7]));
      expect(loss.data[0]).toBeCloseTo(0.6132617, 6);
    });
  });

  it.each([0, 1e4, -1e30])('is that of ids, of %s', (offset) => {
    inWindow((eager) => {
      const logits = tensor([1, 1, 3], [offset + 1, offset, offset - 2]);
      const loss = crossEntropy()(eager, logits, ids([1, 1], [2]));
      const exact = crossEntropy()(reference(), tensor([1, 1, 3], Float32Array.from(logits.data)), ids([1, 1], [2]));
      expect(loss.data[0]).toBeCloseTo(exact.data[0] as number, 6);
    });
  });
});

describe('activations at float32’s edges: finite, and their gradients too', () => {
  const { leakyRelu, elu, ...plain } = activations;
  const all = { ...plain, leakyRelu: leakyRelu(0.1), elu: elu() };
  const arguments_ = [0, 1e-38, 1e-20, 1, 20, 87, 88.8, 104, 1e4, 1e20, 3e38].flatMap((x) => [x, -x]);

  it.each(Object.entries(all))('%s', (_, f) => {
    const x = tensor([arguments_.length, 1], arguments_);
    const run = (base: Parameters<typeof f>[0]) => {
      const ops = tape(base, [x]);
      const y = f(ops, x);
      return toSignal([y, ...ops.gradients(ops.sumTo(ops.affine(y, 1e-3, 0), []))]);
    };
    const exact = run(reference());
    inWindow((eager) => {
      run(eager).forEach(({ data }, k) => {
        data.forEach((value, at) => {
          const wanted = exact[k]?.data[at] as number;
          // A slope that follows from a result near 1 or −1 is as exact as 1 less that is, in float32.
          const most = 1e-6 * Math.abs(wanted) + (k === 0 ? 1e-37 : 1e-10);
          if (!(Math.abs(value - wanted) <= most)) {
            expect.fail(`${k === 0 ? 'f' : 'slope'}(${arguments_[at]}) is ${value}, not ${wanted}`);
          }
        });
      });
    });
  });
});

describe('softmax', () => {
  it.each([[[1e30, 0, -1e30]], [[3e38, -3e38, 3e38]], [[1e4, 1e4 + 1, 1e4 - 1]], [[-1e30, -1e30, -1e30]]])(
    'of %s is as in float64, gradient too',
    (numbers) => {
      const x = tensor([1, 3], numbers);
      const run = (base: Parameters<typeof activations.softmax>[0]) => {
        const ops = tape(base, [x]);
        const y = activations.softmax(ops, x);
        return toSignal([y, ...ops.gradients(y, tensor([1, 3], [1, -2, 0.5]))]);
      };
      const exact = run(reference());
      inWindow((eager) => {
        run(eager).forEach(({ data }, k) => {
          data.forEach((value, at) => {
            expect(value).toBeCloseTo(exact[k]?.data[at] as number, 6);
          });
        });
      });
    },
  );
});

/** Two layers of weights 0 whose gradients are given: L = Σ g ⊙ w. */
function linearModel(gradients: readonly number[]) {
  const model = stack({ first: dense(2, 1), second: dense(1, gradients.length - 2) }, { seed: 1 });
  for (const [, parameter] of parametersOf(model.params)) parameter.assign(new Float32Array(parameter.data.length));
  const named = new Map(parametersOf(model.params));
  const [first, second] = [named.get('first.w') as Tensor, named.get('second.w') as Tensor];
  const loss: Loss = (ops) => {
    const term = (w: Tensor, from: number) =>
      ops.sumTo(ops.multiply(w, tensor(w.shape, gradients.slice(from, from + w.data.length))), []);
    return ops.add(term(first, 0), term(second, 2));
  };
  const window = { carry: model.initial(1), input: tensor([1, 1, 2], [0, 0]), target: tensor([1, 1, 1], [0]) };
  return { model, loss, window, weights: () => [...first.data, ...second.data] };
}

const gradientsOf: Readonly<Record<string, readonly number[]>> = {
  '3e38': [3e38, -3e38, 3e38, 1e30, 0],
  '1e20 and 1': [1e20, 1, -1, 1e-3, 2],
  '1e20': [1e20, -2e20, 0, 3e20, 1e19],
  '1': [1, -2, 3, 0.5, 4],
  '1e-12': [1e-12, -2e-12, 3e-12, 0, 4e-12],
  '1e-20': [1e-20, -2e-20, 3e-20, 0, 4e-20],
  '1e-30': [1e-30, -2e-30, 3e-30, 0, 4e-30],
  '0': [0, 0, 0, 0, 0],
};

/** Norms in float64, which no square of a float32 leaves. */
function normOf(gradients: readonly number[]): number {
  let sum = 0;
  for (const g of Float32Array.from(gradients)) sum += g * g;
  return Math.sqrt(sum);
}

describe('the norm of a gradient, and clipping by it', () => {
  it.each(Object.entries(gradientsOf))('of %s: the norm, all of it and by parameter', (_, gradients) => {
    const { model, loss, window } = linearModel(gradients);
    const learned = trainer(model, { loss, optimizer: sgd(0), clipNorm: 1 }).learn(window);
    const close = (value: number | undefined, wanted: number) =>
      expect(Math.abs((value as number) - wanted)).toBeLessThanOrEqual(1e-6 * wanted);
    close(learned.gradientNorm, normOf(gradients));
    close(learned.gradientNorms['first.w'], normOf(gradients.slice(0, 2)));
    close(learned.gradientNorms['second.w'], normOf(gradients.slice(2)));
    const [first, second] = gradientNorms(model, { loss, ...window });
    close(first?.norm, normOf(gradients.slice(0, 2)));
    close(second?.parameters.w, normOf(gradients.slice(2)));
  });

  const limits = [1e-30, 1e-3, 1, 5, 1e10];
  const clipped: Readonly<
    Record<string, (limit: number) => { readonly optimizer: Optimizer; readonly clipNorm?: number }>
  > = {
    clipNorm: (limit) => ({ optimizer: sgd(1), clipNorm: limit }),
    'clipByGlobalNorm in a chain': (limit) => ({ optimizer: chain(clipByGlobalNorm(limit), sgd(1)) }),
    'clipByGlobalNorm before another part': (limit) => ({
      optimizer: chain(clipByGlobalNorm(limit), clipByValue(3e38), sgd(1)),
    }),
    'clipByGlobalNorm after another part': (limit) => ({
      optimizer: chain(clipByValue(3.4e38), clipByGlobalNorm(limit), sgd(1)),
    }),
  };

  it.each(Object.keys(clipped).flatMap((how) => Object.keys(gradientsOf).map((size) => [how, size] as const)))(
    '%s scales gradients of %s',
    (how, size) => {
      const gradients = gradientsOf[size] as readonly number[];
      for (const limit of limits) {
        const { model, loss, weights, window } = linearModel(gradients);
        trainer(model, { loss, ...(clipped[how] as (typeof clipped)[string])(limit) }).learn(window);
        const factor = Math.min(1, limit / normOf(gradients)) || 0;
        weights().forEach((w, k) => {
          const wanted = -factor * Math.fround(gradients[k] as number);
          expect(Math.abs(w - wanted)).toBeLessThanOrEqual(1e-6 * Math.abs(wanted) + 3e-45);
        });
      }
    },
  );

  it.each(Object.keys(gradientsOf))('clipByValue holds gradients of %s', (size) => {
    const gradients = gradientsOf[size] as readonly number[];
    const { model, loss, weights, window } = linearModel(gradients);
    trainer(model, { loss, optimizer: chain(clipByValue(0.5), sgd(1)) }).learn(window);
    weights().forEach((w, k) => {
      expect(w).toBe(0 - Math.fround(Math.max(-0.5, Math.min(0.5, gradients[k] as number))));
    });
  });

  it('sgd takes any gradient whose step float32 holds', () => {
    const { model, loss, weights, window } = linearModel([3e38, 1e20, -1, 1e-30, 0]);
    const { gradientNorm } = trainer(model, { loss, optimizer: sgd(0.25) }).learn(window);
    expect(gradientNorm / 3e38).toBeCloseTo(1, 6);
    [-0.75e38, -0.25e20, 0.25, -0.25e-30, 0].forEach((wanted, k) => {
      expect(Math.abs((weights()[k] as number) - wanted)).toBeLessThanOrEqual(1e-6 * Math.abs(wanted));
    });
  });

  it('adasecant, whose gradients have norm 1, moves by the largest as by those a power of two below them', () => {
    const moved = (power: number) => {
      const gradients = [1.5 * 2 ** 127, -(2 ** 127), 2 ** 125, 2 ** 127, 0].map((g) => g * 2 ** power);
      const { model, loss, weights, window } = linearModel(gradients);
      trainer(model, { loss, optimizer: adasecant() }).learn(window);
      return weights();
    };
    const wanted = moved(-127);
    expect(wanted.some((w) => w !== 0)).toBe(true);
    moved(0).forEach((w, k) => {
      expect(w).toBeCloseTo(wanted[k] as number, 6);
    });
  });

  it.each([
    ['adam', adam(1e-3)],
    ['adagrad', adagrad(1e-3)],
    ['momentum', momentum(1e3)],
    ['sgd', sgd(10)],
  ])(
    '%s refuses a gradient whose update would leave float32, changes nothing, and takes it clipped',
    (kind, optimizer) => {
      const { model, loss, weights, window } = linearModel([3e38, 1, 1, 1, 1]);
      const refusing = trainer(model, { loss, optimizer });
      const before = refusing.state();
      expect(() => refusing.learn(window)).toThrow(
        new RegExp(`norm is \\S*e\\+38 as ${kind} takes it.*Clip the gradient`),
      );
      expect(weights()).toEqual([0, 0, 0, 0, 0]);
      expect(refusing.state()).toEqual(before);
      trainer(model, { loss, optimizer, clipNorm: 1 }).learn(window);
      expect(weights().every(Number.isFinite)).toBe(true);
      expect(weights()[0]).toBeLessThan(0);
    },
  );

  it('names decay where that makes a gradient infinite before it is clipped', () => {
    const { model, loss, window } = linearModel([1, 1, 1, 1, 1]);
    for (const [, parameter] of parametersOf(model.params)) parameter.assign(parameter.data.map(() => 1e30));
    const optimizer = chain(weightDecay(1e20), clipByGlobalNorm(1), sgd(1));
    expect(() => trainer(model, { loss, optimizer }).learn(window)).toThrow(
      /norm is Infinity once weight decay is added/,
    );
  });

  it.each([1e-25, 1, 1e25])(
    'is the same where a gradient of %s stores the rows of a table that a window names',
    (size) => {
      const norms = [4, 40].map((named) => {
        const model = stack({ words: embedding(40, 3), out: dense(3, 2) }, { seed: 1 });
        const loss: Loss = (ops, y) => ops.affine(ops.sumTo(y, []), size, 0);
        const input = ids(
          [named, 1],
          Array.from({ length: named }, (_, k) => k),
        );
        const window = { carry: model.initial(1), input, target: ids([named, 1], new Int32Array(named)) };
        const learned = trainer(model, { loss, optimizer: sgd(0), clipNorm: 1 }).learn(window);
        return (learned.gradientNorms['words.table'] as number) / size / Math.sqrt(named);
      });
      expect((norms[0] as number) / (norms[1] as number)).toBeCloseTo(1, 6);
      expect(norms[0]).toBeGreaterThan(0);
    },
  );
});
