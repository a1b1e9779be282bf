import { MOST_NUMBERS, requireCount } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer } from '../layer.js';
import { checkLengths, type Lengths } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { normal } from '../parameters/initializers.js';
import { type Initializer, type Params, parameter } from '../parameters/parameter.js';
import { showShape, type Tensor, tensor, zeros } from '../tensor.js';

/** How many steps each lane has had, `[B]`; it stays at the number of positions. */
export type PositionsCarry = {
  readonly at: Tensor;
};

/** Options of {@link sinusoidalPositions}. */
export interface PositionsOptions {
  /** Whether every window starts at position 0: for windows that stand alone. Default false: a stream counts on. */
  readonly restart?: boolean;
}

/** Options of {@link learnedPositions}. */
export interface LearnedPositionsOptions extends PositionsOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
  /** Default: `table` normal with deviation 0.02. */
  readonly initializers?: { readonly table?: Initializer };
}

/** `min(at + steps, most)`, lane by lane, in the primitives that there are; each lane by its own steps where it has some. */
export function countOn(ops: Ops, at: Tensor, steps: number, most: number, lengths: Lengths | undefined): Tensor {
  const room =
    lengths === undefined
      ? ops.affine(at, -1, most - steps)
      : ops.subtract(
          tensor(
            at.shape,
            lengths.map((length) => most - length),
          ),
          at,
        );
  return ops.affine(ops.relu(room), -1, most);
}

function positions(
  kind: string,
  [steps, features]: readonly [steps: number, features: number],
  table: () => Tensor,
  params: Params,
  { restart = false, seed }: PositionsOptions & { readonly seed?: number },
): Layer<PositionsCarry> {
  return layer(
    {
      kind,
      inputs: features,
      outputs: features,
      params,
      initial: (batch) => ({ at: zeros([batch]) }),
      apply(ops, carry: PositionsCarry, x: Tensor) {
        const [length = 0] = x.shape;
        if (x.shape.length !== 3 || x.shape[2] !== features) {
          throw new RangeError(`${kind}: takes [T, B, ${features}], but got ${showShape(x.shape)}.`);
        }
        const lengths = checkLengths(ops.lengths, x, kind);
        const longest = lengths === undefined ? length : Math.max(0, ...lengths);
        if (longest > steps) {
          throw new RangeError(
            `${kind}: has ${steps} positions, but the window has ${longest} steps; use shorter windows or more positions.`,
          );
        }
        const y = ops.add(x, ops.gather(table(), ops.countFrom(carry.at, length, steps)));
        return [y, restart ? carry : { at: countOn(ops, carry.at, length, steps, lengths) }];
      },
    },
    seed,
  );
}

/**
 * Adds a vector for each position, learnt like any other weights.
 *
 * Equation: `y_t = x_t + table[min(t, steps − 1)]`, t counted from the start of the lane.
 * Source: the lecture's learned positions; Gehring et al., Convolutional sequence to sequence learning (2017), §3.1.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`, parameter `table [steps, F]`. The carry: `at [B]`, the steps that each lane has
 * had. A lane that goes on beyond the last position stays there, which no training has prepared a model for: start it
 * afresh before that (`reset`, `generate`'s `context`).
 *
 * @param steps positions that there are.
 * @param features features that it takes and gives, F.
 * @param options whether each window starts over, the first vectors and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, a window is longer than `steps`, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ embed: embedding(65, 128), positions: learnedPositions(64, 128), block: causalBlock(128, 4, { context: 64 }) })
 */
export function learnedPositions(
  steps: number,
  features: number,
  options: LearnedPositionsOptions = {},
): Layer<PositionsCarry> {
  requireCount('learnedPositions', 'steps', steps);
  requireCount('learnedPositions', 'features', features);
  const names: Names<LearnedPositionsOptions> = { seed: true, restart: 'boolean', initializers: { table: true } };
  const { initializers, ...form } = checkedOptions('learnedPositions', options, names);
  const table = parameter([steps, features], initializers?.table ?? normal(0.02));
  return described(
    positions('learnedPositions', [steps, features], () => table, { table }, form),
    'learnedPositions',
    [steps, features, options],
  );
}

/**
 * Adds sines and cosines of each position: fixed numbers from which a linear map can tell how far apart two steps are.
 *
 * Equation: `y_t = x_t + p_t`, `p_t[2i] = sin(t / 10000^(2i/F))`, `p_t[2i+1] = cos(t / 10000^(2i/F))`.
 * Source: the lecture's sinusoidal positions; Vaswani et al., Attention is all you need (2017), §3.5.
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. No parameters. The carry: `at [B]`, the steps that each lane has had; a lane that
 * goes on beyond `steps` stays at the last position.
 *
 * @param steps positions that there are.
 * @param features features that it takes and gives, F.
 * @param options whether each window starts over.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, a window is longer than `steps`, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * stack({ embed: embedding(65, 128), positions: sinusoidalPositions(512, 128), encoder: encoder(128, 4, { blocks: 2 }) })
 */
export function sinusoidalPositions(
  steps: number,
  features: number,
  options: PositionsOptions = {},
): Layer<PositionsCarry> {
  requireCount('sinusoidalPositions', 'steps', steps);
  requireCount('sinusoidalPositions', 'features', features);
  requireCount('sinusoidalPositions', 'steps × features', steps * features, 1, MOST_NUMBERS);
  const numbers = () =>
    Float64Array.from({ length: steps * features }, (_, k) => {
      const [t, f] = [Math.floor(k / features), k % features];
      const angle = t / 10_000 ** ((f - (f % 2)) / features);
      return f % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    });
  let known: Tensor | undefined;
  const table = () => {
    known ??= tensor([steps, features], numbers());
    return known;
  };
  const form = checkedOptions('sinusoidalPositions', options, { restart: 'boolean' });
  return described(positions('sinusoidalPositions', [steps, features], table, {}, form), 'sinusoidalPositions', [
    steps,
    features,
    options,
  ]);
}
