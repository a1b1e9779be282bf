import { requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, sideBySide, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, showShape, type Tensor } from '../tensor.js';

/** Weights `[I, K·U]` and biases `[K·U]` of all elements. */
export type MaxoutParams = { readonly w: Parameter; readonly b: Parameter };

/** Options of {@link maxout}. */
export interface MaxoutOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Elements of a group, of which each unit gives the largest; default 2. */
  readonly group?: number;
  /** Default: `w` Glorot uniform, each element's block by itself, `b` zeros. */
  readonly initializers?: { readonly w?: Initializer; readonly b?: Initializer };
}

/** More linear functions than any unit has, so that a size from outside is refused before there are lists of it. */
const MOST_OF_A_GROUP = 65_536;

/**
 * A fully connected layer whose activation is learned: each unit is the largest of a group of sums, a convex function of
 * as many pieces.
 *
 * Equation: `y_u = max over k of (x·w_k + b_k)_u`. With two elements, one of them 0, it is ReLU. Where elements are
 * equal, the gradient is the first one's.
 * Source: the lecture's Maxout; Goodfellow et al., "Maxout Networks", 2013.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, U]`, parameters `w [I, K·U]`, `b [K·U]`, the K elements side by side in blocks of U. No
 * carry.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, U.
 * @param options elements of a group, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ bend: maxout(8, 16, { group: 3 }), head: dense(16, 4) })
 */
export function maxout(
  inputs: number,
  units: number,
  options: MaxoutOptions = {},
): Layer<NoCarry, Features, Tensor, MaxoutParams> {
  const names: Names<MaxoutOptions> = { seed: true, group: true, initializers: { w: true, b: true } };
  const { seed, group = 2, initializers = {} } = checkedOptions('maxout', options, names);
  requireCount('maxout', 'inputs', inputs);
  requireCount('maxout', 'units', units);
  requireCount('maxout', 'group', group);
  requireCount('maxout', 'group', group, 1, MOST_OF_A_GROUP);
  const blocks = new Array<Initializer>(group).fill(glorotUniform());
  const sizes = new Array<number>(group).fill(units);
  const w = parameter([inputs, group * units], initializers.w ?? sideBySide(blocks));
  const b = parameter([group * units], initializers.b ?? zeroInitializer());
  return described(
    layer(
      {
        kind: 'maxout',
        inputs,
        outputs: units,
        params: { w, b },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x) {
          if (x.shape.at(-1) !== inputs) {
            throw new RangeError(
              `maxout: takes ${inputs} features, but got ${showShape(x.shape)}; ` +
                `make the signal ${inputs} features wide, or the layer as wide as its input.`,
            );
          }
          const sums = ops.linear(x, w, b);
          const elements = ops.split(sums, sums.shape.length - 1, sizes);
          return [elements.reduce((largest, element) => ops.maximum(largest, element)), carry];
        },
      },
      seed,
    ),
    'maxout',
    [inputs, units, options],
  );
}
