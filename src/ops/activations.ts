/**
 * Activations: functions of a layer's sums, element by element but for softmax. Each can be the `activation` of any layer
 * that has one, by value or by name (`'relu'`), and `activation(f)` makes a layer of it. Those with parameters are layers:
 * `prelu`, `maxout`.
 */
import { described } from '../description.js';
import type { Tensor } from '../tensor.js';
import type { Ops } from './ops.js';

/** A function of a layer's sums, written against Ops: from any shape to the same shape. */
export type Activation = (ops: Ops, z: Tensor) => Tensor;

/**
 * The logistic function ("sigmoid").
 *
 * σ(z) = 1 / (1 + e^−z); σ′ = σ (1 − σ), at most ¼
 *
 * Source: the lecture's logistic function.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @example
 * dense(8, 1, { activation: activations.logistic })
 */
export const logistic: Activation = (ops, z) => ops.logistic(z);

/**
 * The hyperbolic tangent.
 *
 * tanh z = (e^z − e^−z) / (e^z + e^−z); tanh′ = 1 − tanh²
 *
 * Source: the lecture's tanh.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @example
 * dense(8, 8, { activation: activations.tanh })
 */
export const tanh: Activation = (ops, z) => ops.tanh(z);

/**
 * The rectifier.
 *
 * relu(z) = max(0, z); relu′ = 1 where z > 0, else 0
 *
 * Source: the lecture's ReLU; Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @example
 * dense(8, 8, { activation: activations.relu })
 */
export const relu: Activation = (ops, z) => ops.relu(z);

/**
 * A rectifier with a slope γ below 0.
 *
 * f(z) = max(0, z) + γ min(0, z); f′ = 1 where z > 0, else γ
 *
 * Source: the lecture's leaky ReLU; Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic
 * Models", 2013.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @param slope γ; 0.01 by default.
 * @returns the activation, for the `activation` of a layer.
 * @throws RangeError where γ is not in [0, 1).
 * @example
 * dense(8, 8, { activation: activations.leakyRelu(0.1) })
 */
export function leakyRelu(slope = 0.01): Activation {
  if (!(slope >= 0 && slope < 1)) {
    throw new RangeError(`leakyRelu: the slope is a number in [0, 1), not ${slope}; for a learned one use prelu.`);
  }
  // z is the larger of the two only where it is above 0, so that the slope at 0 is γ.
  return described((ops, z) => ops.maximum(ops.affine(z, slope, 0), z), 'activations.leakyRelu', [slope]);
}

/**
 * The exponential linear unit.
 *
 * f(z) = max(0, z) + γ (e^min(0, z) − 1); f′ = 1 where z > 0, else γ e^z
 *
 * Source: the lecture's ELU; Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
 * Linear Units (ELUs)", 2016.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @param scale γ; 1 by default.
 * @returns the activation, for the `activation` of a layer.
 * @throws RangeError where γ is negative.
 * @example
 * dense(8, 8, { activation: activations.elu() })
 */
export function elu(scale = 1): Activation {
  if (!(scale >= 0 && scale < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`elu: the scale is a number from 0 up, not ${scale}.`);
  }
  return described(
    (ops, z) => {
      const above = ops.relu(z);
      return ops.add(above, ops.affine(ops.expm1(ops.subtract(z, above)), scale, 0));
    },
    'activations.elu',
    [scale],
  );
}

/**
 * A smooth rectifier, exact for any z: neither does e^z overflow nor are small results lost.
 *
 * f(z) = log(1 + e^z); f′ = σ(z)
 *
 * Source: the lecture's softplus; Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
 * Pricing", 2001.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @example
 * dense(8, 8, { activation: activations.softplus })
 */
export const softplus: Activation = (ops, z) => ops.softplus(z);

/**
 * The Gaussian error linear unit: a number weighed by the chance that a normal one is smaller. This is its definition,
 * which PyTorch and Keras take where nothing is said; `geluTanh` comes within 5·10⁻⁴ of it.
 *
 * f(z) = z Φ(z) = ½ z (1 + erf(z / √2)); f′ = Φ(z) + z φ(z), φ(z) = e^(−z²/2) / √(2π)
 *
 * Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @example
 * feedForward(128, 512, { activation: activations.gelu })
 */
export const gelu: Activation = (ops, z) => ops.gelu(z);

/**
 * The Gaussian error linear unit by a hyperbolic tangent, as the code of GPT-2 and BERT has it: their weights want it.
 *
 * f(z) = ½ z (1 + tanh(√(2/π) (z + 0.044715 z³)))
 *
 * Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.
 *
 * Shapes: `z: [...] → [...]`.
 *
 * @example
 * feedForward(128, 512, { activation: activations.geluTanh })
 */
export const geluTanh: Activation = (ops, z) => ops.geluTanh(z);

/**
 * Probabilities of classes, over the last axis. What is trained by `crossEntropy` gives logits instead, whose softmax is
 * within the loss.
 *
 * f(z)ᵢ = e^zᵢ / Σⱼ e^zⱼ
 *
 * Source: the lecture's softmax output.
 *
 * Shapes: `z: [..., F] → [..., F]`.
 *
 * @example
 * dense(8, 10, { activation: activations.softmax })
 */
export const softmax: Activation = (ops, z) => ops.softmax(z);
