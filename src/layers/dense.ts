import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';
import { checkedOptions } from '../options.js';
import { glorotUniform, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, showShape, type Tensor } from '../tensor.js';

/** `b` unless it was left out. */
export type DenseParams = { readonly w: Parameter; readonly b?: Parameter };

/** Options of {@link dense}. */
export interface DenseOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** f; default none, as logits want it. */
  readonly activation?: ActivationChoice;
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
  /** Whether it may gain units: `w` by columns, `params.w.grow(1, units)`, and `b`, `params.b.grow(0, units)`; default false. */
  readonly grows?: boolean;
  /** Default: `w` Glorot uniform, `b` zeros. */
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

/**
 * A fully connected layer, at each moment by itself.
 *
 * Equation: `y = f(x·w + b)`.
 * Source: the lecture's fully connected layer, `a = f(W a + b)`, its W being our w transposed.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, O]`, parameters `w [I, O]`, `b [O]`. No carry.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, O.
 * @param options f, the bias, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * signal$.pipe(dense(8, 4, { seed: 1, activation: activations.relu }))
 */
export function dense(
  inputs: number,
  units: number,
  options: DenseOptions = {},
): Layer<NoCarry, Features, Tensor, DenseParams> {
  requireCount('dense', 'inputs', inputs);
  requireCount('dense', 'units', units);
  const checked = checkedOptions('dense', options, {
    seed: true,
    activation: true,
    bias: 'boolean',
    grows: 'boolean',
    initializers: { w: true, b: true },
  });
  const { seed, bias = true, grows = false, initializers = {} } = checked;
  const activation = activationOf('dense', checked.activation);
  const w = parameter([inputs, units], initializers.w ?? glorotUniform(), { grows: grows ? [1] : [] });
  const b = bias ? parameter([units], initializers.b ?? zeroInitializer(), { grows: grows ? [0] : [] }) : undefined;
  return described(
    layer(
      {
        kind: 'dense',
        inputs,
        // What follows cannot rely on a width that grows.
        outputs: grows ? undefined : units,
        params: b === undefined ? { w } : { w, b },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x: Tensor) {
          if (x.shape.at(-1) !== inputs) {
            throw new RangeError(
              `dense: takes ${inputs} features, but got ${showShape(x.shape)}; ` +
                `make the signal ${inputs} features wide, or the layer as wide as its input.`,
            );
          }
          const z = b === undefined ? ops.matmul(x, w) : ops.linear(x, w, b);
          return [activation?.(ops, z) ?? z, carry];
        },
      },
      seed,
    ),
    'dense',
    [inputs, units, options],
  );
}
