import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { lstm } from '../../src/cells/lstm.js';
import { noCarry } from '../../src/layer.js';
import { activationRegularization } from '../../src/layers/activation-regularization.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import { draw } from '../backprop/differences.js';

const [alpha, beta] = [0.7, 0.3];
const mean = (ops: Ops, x: Tensor) => ops.affine(ops.sumTo(ops.multiply(x, x), []), 1 / x.data.length, 0);

/** The penalties as a loss of their own, which has its derivative from what it is composed of. */
const penalties = (ops: Ops, y: Tensor) => {
  const steps = y.shape[0] as number;
  const [, later] = ops.split(y, 0, [1, steps - 1]) as [Tensor, Tensor];
  const [earlier] = ops.split(y, 0, [steps - 1, 1]) as [Tensor, Tensor];
  return ops.add(ops.affine(mean(ops, y), alpha, 0), ops.affine(mean(ops, ops.subtract(later, earlier)), beta, 0));
};
const error = (ops: Ops, y: Tensor, target: Tensor) => mean(ops, ops.subtract(y, target));

describe('activation regularization', () => {
  const window = { input: draw([5, 2, 3], 'x'), target: draw([5, 2, 4], 'y') };
  const learnt = (regularized: boolean) => {
    const model = regularized
      ? stack({ rnn: lstm(3, 4), calm: activationRegularization({ alpha, beta }) }, { seed: 1 })
      : stack({ rnn: lstm(3, 4) }, { seed: 1 });
    const loss = regularized
      ? error
      : (ops: Ops, y: Tensor, target: Tensor) => ops.add(error(ops, y, target), penalties(ops, y));
    const learner = trainer(model, { loss, optimizer: sgd(0.5) });
    const losses = Array.from({ length: 3 }, () => learner.learn({ ...window, carry: model.initial(2) as never }).loss);
    return { losses, weights: parametersOf(model.params).flatMap(([, each]) => [...each.data]) };
  };

  it('moves weights as the penalties in the loss do, and leaves the loss that is given as it is', () => {
    const [layer, loss] = [learnt(true), learnt(false)];
    const far = Math.max(...layer.weights.map((value, k) => Math.abs(value - (loss.weights[k] as number))));
    expect(far).toBeLessThan(1e-6);
    expect(layer.losses[0]).toBeLessThan(loss.losses[0] as number);
  });

  it('hands on what it takes', () => {
    const layer = activationRegularization();
    const x = draw([3, 2, 4], 'x');
    for (const training of [false, true]) {
      expect([...layer.apply(reference({ training }), noCarry, x)[0].data]).toEqual([...x.data]);
    }
  });

  it('has no changes to count in a window of one step', () => {
    const weights = (calm: number) => {
      const model = stack({ rnn: lstm(3, 4), calm: activationRegularization({ alpha: 0, beta: calm }) }, { seed: 1 });
      const learner = trainer(model, { loss: error, optimizer: sgd(0.5) });
      learner.learn({ input: draw([1, 2, 3], 'x'), target: draw([1, 2, 4], 'y'), carry: model.initial(2) });
      return parametersOf(model.params).flatMap(([, each]) => [...each.data]);
    };
    expect(weights(1)).toEqual(weights(0));
  });

  it('counts no change to padding', () => {
    const shape = [4, 1, 1];
    const x = tensor(shape, [1, 2, 5, 0]);
    const layer = activationRegularization({ alpha: 0, beta: 1 });
    const slopes = (lengths: readonly number[]) => {
      const recorded = tape(reference(), [x]);
      const [y] = layer.apply({ ...recorded, lengths }, noCarry, x);
      const [gradient] = recorded.gradients(recorded.sumTo(y, []));
      // Without the output's own gradient, which is 1, and the mean's factor.
      return [...(gradient as Tensor).data].map((value) => Math.round((value - 1) * 1.5 * 1e6) / 1e6);
    };
    expect(slopes([4])).toEqual([-1, -2, 8, -5]);
    expect(slopes([3])).toEqual([-1, -2, 3, 0]);
  });

  it.each([{ alpha: -1 }, { beta: Number.NaN }, { alpha: Number.POSITIVE_INFINITY }])('refuses %o', (options) => {
    expect(() => activationRegularization(options)).toThrow(
      /^activationRegularization: (alpha|beta) is a number from 0 up/,
    );
  });
});
