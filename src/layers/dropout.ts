import { type Layer, layer } from '../layer.js';
import { hashText, mix32 } from '../random.js';

/** How many windows dropout has drawn a mask for: with seed and path it gives the next mask. */
export interface DropoutCarry {
  readonly windows: number;
}

export interface DropoutOptions {
  readonly seed?: number;
}

/**
 * Sets features to 0 at random while learning, and leaves everything as it is otherwise.
 *
 * Equation: `y = x ⊙ m / (1 − rate)`, each element of m being 1 with probability 1 − rate and else 0, drawn anew for
 * each window; `y = x` when not training.
 * Source: the lecture's dropout in its inverted form, which scales while learning instead of at test time; Srivastava
 * et al. (2014).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. The carry: the number of windows drawn so far. Masks follow from the seed, the
 * layer's path and that number, so that a run that is resumed draws what the uninterrupted one would have drawn.
 *
 * @throws RangeError where the rate is not in [0, 1).
 * @example
 * stack({ rnn: lstm(64, 128), drop: dropout(0.5), head: dense(128, 65) }, { seed: 42 })
 */
export function dropout(rate: number, options: DropoutOptions = {}): Layer<DropoutCarry> {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`dropout: the rate is a share of features to drop, from 0 to below 1, not ${rate}.`);
  }
  const keep = 1 - rate;
  let key = 0;
  let seed = 0;
  return layer(
    {
      kind: 'dropout',
      outputs: 'inputs',
      params: {},
      initial: () => ({ windows: 0 }),
      named(path, given) {
        seed = given ?? seed;
        key = hashText(`${seed} ${path}`);
      },
      apply(ops, carry: DropoutCarry, x) {
        if (!ops.training || rate === 0) return [x, carry];
        const mask = ops.bernoulli(x.shape, keep, mix32(key + carry.windows));
        return [ops.affine(ops.multiply(x, mask), 1 / keep, 0), { windows: carry.windows + 1 }];
      },
    },
    options.seed,
  );
}
