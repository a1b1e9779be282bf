import type { Ops } from '../../ops/ops.js';
import { checkedOptions } from '../../options.js';
import { type Parameter, type Params, parametersOf } from '../../parameters/parameter.js';
import type { Tensor } from '../../tensor.js';
import type { Loss } from './loss.js';

/** Options of {@link l2Penalty} and {@link withL2}. */
export interface L2Options {
  /**
   * Which parameters are penalised. Default those of two axes or more: matrices, embedding tables and kernels, but
   * neither biases nor gains.
   */
  readonly penalise?: (parameter: Parameter) => boolean;
}

/**
 * The L2 penalty of a model's weights.
 *
 * Equation: `½ λ Σ over weights ‖W‖²_F`; its gradient is `λ W`.
 * Source: the lecture's regularised objective, on weights and not on biases.
 *
 * A parameter that stands at two places of a model (tied weights) counts once.
 *
 * @param params the model's parameters.
 * @param lambda λ.
 * @param options which parameters are penalised.
 * @returns the penalty of the weights as they are then, `[]`, in the Ops at hand.
 * @throws RangeError where λ is not a number from 0 up, or no parameter is penalised.
 * @throws TypeError where an option is not known.
 * @example
 * const penalty = l2Penalty(model.params, 1e-4);
 * inWindow((ops) => penalty(ops).data[0]);
 */
export function l2Penalty(params: Params, lambda: number, options: L2Options = {}): (ops: Ops) => Tensor {
  if (!(lambda >= 0 && lambda < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`l2Penalty: λ is a number from 0 up, not ${lambda}.`);
  }
  const { penalise = ({ shape }) => shape.length >= 2 } = checkedOptions<L2Options>('l2Penalty', options, {
    penalise: true,
  });
  const all = new Set(parametersOf(params).map(([, parameter]) => parameter));
  const weights = [...all].filter(penalise);
  if (weights.length === 0) {
    throw new RangeError(
      `l2Penalty: none of ${all.size} parameters is a weight matrix, so there is nothing to penalise; choose some by ` +
        '{ penalise }, or leave the penalty out.',
    );
  }
  return (ops) =>
    weights
      .map((w) => ops.affine(ops.sumTo(ops.multiply(w, w), []), lambda / 2, 0))
      .reduce((sum, part) => ops.add(sum, part));
}

/**
 * A loss with an L2 penalty on the model's weights, for a trainer or for `tbptt`. (`compile` has the option `l2`.)
 *
 * Equation: `J = L + ½ λ ‖W‖²_F`, on weights and not on biases: with plain SGD it is weight decay,
 * `W ← (1 − η λ) W − η ∂L/∂W`.
 * Source: the lecture's regularised objective.
 *
 * Shapes: those of the loss.
 *
 * @param loss L.
 * @param params the model's parameters.
 * @param lambda λ.
 * @param options which parameters are penalised.
 * @returns J, a loss of the same shapes; its `each` is that of L, since the penalty belongs to no position.
 * @throws RangeError where λ is not a number from 0 up, or no parameter is penalised.
 * @throws TypeError where an option is not known.
 * @example
 * tbptt(model, { loss: withL2(crossEntropy(), model.params, 1e-4), optimizer: sgd(0.1) })
 */
export function withL2(loss: Loss, params: Params, lambda: number, options: L2Options = {}): Loss {
  const penalty = l2Penalty(params, lambda, checkedOptions('withL2', options, { penalise: true }));
  return Object.assign(
    (ops: Ops, prediction: Tensor, target: Tensor) => ops.add(loss(ops, prediction, target), penalty(ops)),
    // Of the sum of two windows' losses it would be counted twice; of their mean it is itself.
    loss.reduction === 'mean' && loss.count ? { reduction: loss.reduction, count: loss.count } : {},
    loss.each && { each: loss.each },
    loss.takes && { takes: loss.takes },
  );
}
