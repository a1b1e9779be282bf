import { requireModel } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer } from '../layer.js';
import type { Params } from '../parameters/parameter.js';
import type { Features, Tensor } from '../tensor.js';

/**
 * A layer and a direct way past it, whose outputs are added.
 *
 * Equation: `y = x + f(x)`.
 * Source: the lecture's residual connection; He et al., Deep residual learning for image recognition (2016), eq. 1.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. Carry and parameters: those of the layer.
 *
 * @param inner f, any layer that gives as many features as it takes.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the layer gives another number of features than it takes.
 * @example
 * stack({ first: residual(dense(64, 64)), second: residual(stack({ norm: layerNorm(64), f: feedForward(64, 256) })) })
 */
export function residual<S, P extends Params = Params>(
  inner: Core<S, Features, Tensor, P>,
): Layer<S, Features, Tensor, P> {
  requireModel('residual', inner);
  const { inputs, outputs, params } = inner;
  if (typeof inputs === 'number' && typeof outputs === 'number' && inputs !== outputs) {
    throw new RangeError(
      `residual: ${inner.kind} takes ${inputs} features and gives ${outputs}, which cannot be added; make the two equal.`,
    );
  }
  const core: Core<S, Features, Tensor, P> = {
    kind: 'residual',
    inputs,
    outputs: outputs ?? 'inputs',
    params,
    initial: inner.initial,
    ...(inner.lengthsAfter && { lengthsAfter: inner.lengthsAfter }),
    apply(ops, carry, x) {
      const [y, next] = inner.apply(ops, carry, x);
      return [ops.add(x, y), next];
    },
  };
  return described(layer(core, undefined, ''), 'residual', [inner]);
}
