import { tape } from '../backprop/tape.js';
import { restored, startedFrom } from '../carry.js';
import { requireModel } from '../checks.js';
import { inWindow, windowOps } from '../ops/window.js';
import { checkedOptions } from '../options.js';
import { parametersOf } from '../parameters/parameter.js';
import { parted } from '../path.js';
import { type Ids, sizeOf, type Tensor } from '../tensor.js';
import type { Trainable } from './forward.js';
import type { Loss } from './losses/loss.js';

/** How large the gradient is in one layer of a model. */
export interface GradientNorms {
  /** The layer's path: that of its parameters without their own names. */
  readonly layer: string;
  /** Norm over all of the layer's parameters. */
  readonly norm: number;
  /** Root mean square over them: layers of unlike sizes compare by it. */
  readonly rms: number;
  /** Norm by parameter, by its name within the layer. */
  readonly parameters: Readonly<Record<string, number>>;
}

/** What to learn from, and by which loss; nothing is learnt. */
export interface GradientNormsOptions<S, X extends Tensor> {
  readonly loss: Loss;
  /** Signal or ids `[T, B, …]`. */
  readonly input: X;
  readonly target: Tensor | Ids;
  /** The carry that enters. */
  readonly carry: S;
}

/**
 * The gradient's norm layer by layer, from the first to the last: where it vanishes or explodes on its way down a deep
 * model.
 *
 * Equation: `‖∂L/∂θ_l‖`, θ_l being all parameters of layer l; between layers `δ(l) = f′(z(l)) ⊙ (W(l+1)ᵀ δ(l+1))`.
 * Source: the lecture's vanishing gradient: with logistic units f′ ≤ ¼, with ReLU 1 wherever a unit is active.
 *
 * Shapes: input and target as in training, of the same steps. The carry enters and is left as it is; no weight changes.
 *
 * @param model the model, or a layer.
 * @param options the loss, the window and the carry that enters.
 * @returns the norms of each layer that has parameters, from the first to the last.
 * @throws RangeError, TypeError as the model and the loss do.
 * @throws TypeError where an option is not known.
 * @example
 * gradientNorms(model, { loss: crossEntropy(), input, target, carry })
 *   .map(({ layer, rms }) => `${layer}: ${rms.toExponential(1)}`);
 */
export function gradientNorms<S, X extends Tensor>(
  model: Trainable<S>,
  options: GradientNormsOptions<S, X>,
): readonly GradientNorms[] {
  requireModel('gradientNorms', model);
  const { loss, input, target, carry } = checkedOptions('gradientNorms', options, {
    loss: true,
    input: true,
    target: true,
    carry: true,
  });
  const named = parametersOf(model.params);
  const squares = inWindow((_, space) => {
    const watched = named.map(([, parameter]) => parameter);
    const ops = windowOps(space, (kernels) => tape(kernels, watched));
    const before = restored(carry, 'gradientNorms: the carry');
    const [prediction] = startedFrom('gradientNorms', model, before, () => model.apply(ops, before, input));
    return ops.gradients(loss(ops, prediction, target)).map(({ data }) => {
      let sum = 0;
      for (const value of data) sum += value * value;
      return sum;
    });
  });
  const layers = new Map<string, { name: string; square: number; size: number }[]>();
  named.forEach(([path, { shape }], k) => {
    const [layer, name] = parted(path);
    const part = { name, square: squares[k] as number, size: sizeOf(shape) };
    layers.set(layer, [...(layers.get(layer) ?? []), part]);
  });
  return Array.from(layers, ([layer, parts]) => {
    const square = parts.reduce((sum, part) => sum + part.square, 0);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    return {
      layer,
      norm: Math.sqrt(square),
      rms: Math.sqrt(square / size),
      parameters: Object.fromEntries(parts.map((part) => [part.name, Math.sqrt(part.square)])),
    };
  });
}
