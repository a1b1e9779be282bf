import { requireModel } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer } from '../layer.js';
import { checkedOptions } from '../options.js';
import { constant, glorotUniform } from '../parameters/initializers.js';
import { type Initializer, type Parameter, type Params, parameter } from '../parameters/parameter.js';
import type { Features, Tensor } from '../tensor.js';

/** The gate's weights, and those of the layer within. */
export type HighwayParams<P extends Params> = {
  readonly w: Parameter;
  readonly b: Parameter;
  readonly inner: P;
};

/** Options of {@link highway}. */
export interface HighwayOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Default: `w` Glorot uniform, `b` −1, so that most goes past the layer at first. */
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

/**
 * A layer and a way past it, and a gate that says how much takes which.
 *
 * Equation: `y = g ⊙ f(x) + (1 − g) ⊙ x`, `g = σ(x·w + b)`.
 * Source: Srivastava, Greff and Schmidhuber, Highway networks (2015), eq. 3; between recurrent layers, Zhang et al., Highway long
 * short-term memory RNNs (2016).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameters `w [F, F]`, `b [F]`, and the layer's under `inner`. Carry: that of the layer.
 *
 * @param inner f, any layer that says how many features it takes and gives as many.
 * @param options the gate's first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the layer does not say how many features it takes, or gives another number.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ embed: embedding(65, 64), first: highway(lstm(64, 64)), second: highway(lstm(64, 64)), head: dense(64, 65) })
 */
export function highway<S, P extends Params = Params>(
  inner: Core<S, Features, Tensor, P>,
  options: HighwayOptions = {},
): Layer<S, Features, Tensor, HighwayParams<P>> {
  requireModel('highway', inner);
  const names = { seed: true, initializers: { w: true, b: true } } as const;
  const { seed, initializers = {} } = checkedOptions('highway', options, names);
  const { inputs: features, outputs } = inner;
  if (features === undefined || (outputs !== 'inputs' && outputs !== features)) {
    throw new RangeError(
      `highway: ${inner.kind} takes ${features ?? 'any number of'} features and gives ${outputs ?? 'any number'}, but the way past ` +
        'it needs both numbers, and equal; make the two equal.',
    );
  }
  const w = parameter([features, features], initializers.w ?? glorotUniform());
  const b = parameter([features], initializers.b ?? constant(-1));
  const core: Core<S, Features, Tensor, HighwayParams<P>> = {
    kind: 'highway',
    inputs: features,
    outputs: features,
    params: { w, b, inner: inner.params },
    initial: inner.initial,
    ...(inner.lengthsAfter && { lengthsAfter: inner.lengthsAfter }),
    apply(ops, carry, x) {
      const [y, next] = inner.apply(ops, carry, x);
      const gate = ops.logistic(ops.linear(x, w, b));
      // x + g ⊙ (f(x) − x) is g ⊙ f(x) + (1 − g) ⊙ x with one product less.
      return [ops.add(x, ops.multiply(gate, ops.subtract(y, x))), next];
    },
  };
  return described(layer(core, seed), 'highway', [inner, options]);
}
