import { requireNumber } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { customVjp } from '../ops/custom.js';
import { type Lengths, realSteps } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions } from '../options.js';
import { type Features, sizeOf, type Tensor } from '../tensor.js';

/** Options of {@link activationRegularization}. */
export interface ActivationRegularizationOptions {
  /** α, of the activations' squares. Default 2. */
  readonly alpha?: number;
  /** β, of the squares of their changes from step to step. Default 1. */
  readonly beta?: number;
}

/**
 * Hands on what it takes, and adds penalties of large activations, and of activations that change quickly, to what is learnt.
 *
 * Equation: `y = x`; while learning, the gradient is that of `L + α · mean(x²) + β · mean((x_{t+1} − x_t)²)`, each mean over all numbers of the
 * window. The loss that is given is L alone.
 * Source: Merity, McCann and Socher, Revisiting activation regularization for language RNNs (2017), AR and TAR.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. No parameters, no carry: the step before the window plays no part. It belongs behind a recurrent layer, for
 * a loss that is a mean.
 *
 * @param options α and β.
 * @returns the layer, for a `stack`.
 * @throws RangeError where α or β is not a number from 0 up.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ embed: embedding(65, 64), rnn: lstm(64, 128), calm: activationRegularization({ alpha: 2, beta: 1 }), head: dense(128, 65) })
 */
export function activationRegularization(
  options: ActivationRegularizationOptions = {},
): Layer<NoCarry, Features, Tensor, Record<never, never>> {
  const names = { alpha: true, beta: true } as const;
  const { alpha = 2, beta = 1 } = checkedOptions('activationRegularization', options, names);
  for (const [name, value] of Object.entries({ alpha, beta })) {
    const fits = (share: number) => share >= 0 && share < Number.POSITIVE_INFINITY;
    requireNumber('activationRegularization', name, value, 'a number from 0 up', fits);
  }
  return described(
    layer<NoCarry, Features, Tensor, Record<never, never>>({
      kind: 'activationRegularization',
      outputs: 'inputs',
      params: {},
      initial: () => noCarry,
      apply: (ops, carry, x) => [ops.training ? penalised(ops, x, alpha, beta) : x, carry],
    }),
    'activationRegularization',
    [options],
  );
}

function penalised(at: Ops, signal: Tensor, alpha: number, beta: number): Tensor {
  const { lengths } = at;
  const regularized = customVjp({
    kind: 'activationRegularization',
    forward: (ops, x) => ops.affine(x, 1, 0),
    backward(ops, gradient, [x]) {
      const given = x as Tensor;
      const size = sizeOf(given.shape);
      const small = alpha === 0 ? gradient : ops.add(gradient, ops.affine(given, (2 * alpha) / size, 0));
      const [steps = 0] = given.shape;
      if (beta === 0 || steps < 2) return [small];
      const slope = slopeOfChanges(ops, given, lengths);
      return [ops.add(small, ops.affine(slope, (2 * beta) / (size - size / steps), 0))];
    },
  });
  return regularized(at, signal);
}

/** Half the gradient of `Σ (x_{t+1} − x_t)²`, over steps that are real. */
function slopeOfChanges(ops: Ops, x: Tensor, lengths: Lengths | undefined): Tensor {
  const [steps = 0, ...rest] = x.shape;
  const [, later] = ops.split(x, 0, [1, steps - 1]) as readonly [Tensor, Tensor];
  const [earlier] = ops.split(x, 0, [steps - 1, 1]) as readonly [Tensor, Tensor];
  const all = ops.subtract(later, earlier);
  const changes =
    lengths === undefined
      ? all
      : ops.multiply(
          all,
          realSteps(
            steps - 1,
            lengths.map((length) => Math.max(0, length - 1)),
          ),
        );
  const none = ops.fill([1, ...rest], 0);
  return ops.subtract(ops.concat([none, changes], 0), ops.concat([changes, none], 0));
}
