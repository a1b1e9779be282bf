import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions } from '../options.js';
import { constant } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import type { Features, Tensor } from '../tensor.js';

/** The slope γ of each unit, `[F]`. */
export type PreluParams = { readonly slope: Parameter };

/** Options of {@link prelu}. */
export interface PreluOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Default: `slope` 0.25, as in the paper. */
  readonly initializers?: { readonly slope?: Initializer };
}

/**
 * A rectifier whose slope below 0 is learned, one for each unit.
 *
 * Equation: `y = max(0, x) + γ ⊙ min(0, x)`; its slope in x is 1 where x > 0 and else γ, and that in γ is min(0, x).
 * Source: the lecture's PReLU; He et al., "Delving Deep into Rectifiers", 2015, equation 1.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameter `slope [F]`, which counts as a bias where weights decay. No carry.
 *
 * @param units features that it takes and gives, F.
 * @param options the first slopes and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the number of units is not a whole number above 0, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ sums: dense(8, 16), bend: prelu(16), head: dense(16, 4) })
 */
export function prelu(units: number, options: PreluOptions = {}): Layer<NoCarry, Features, Tensor, PreluParams> {
  requireCount('prelu', 'units', units);
  const { seed, initializers } = checkedOptions('prelu', options, { seed: true, initializers: { slope: true } });
  const slope = parameter([units], initializers?.slope ?? constant(0.25));
  return described(
    layer(
      {
        kind: 'prelu',
        inputs: units,
        outputs: units,
        params: { slope },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x) {
          const above = ops.relu(x);
          return [ops.add(above, ops.multiply(ops.subtract(x, above), slope)), carry];
        },
      },
      seed,
    ),
    'prelu',
    [units, options],
  );
}
