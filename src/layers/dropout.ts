import { type Layer, layer } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import type { Tensor } from '../tensor.js';
import { checkRate, maskKeys } from './drop.js';

/** How many windows dropout has drawn a mask for: with seed and path it gives the next mask. */
export type DropoutCarry = {
  readonly windows: number;
};

/** How a mask is drawn and made up for. */
export interface DropoutForm {
  /** What has a draw of its own: every `step`, or only every lane, whose mask holds for the whole `window`. Default `step`. */
  readonly mask?: 'step' | 'window';
  /** When the missing share is made up for: while learning (`inverted`) or else (`classic`). Default `inverted`. */
  readonly scaling?: 'inverted' | 'classic';
}

export interface DropoutOptions extends DropoutForm {
  readonly seed?: number;
}

/**
 * Sets features to 0 at random while learning, and leaves everything as it is otherwise.
 *
 * Equation: `y = x ⊙ m / (1 − rate)`, each element of m being 1 with probability 1 − rate and else 0, drawn anew for
 * each window; `y = x` when not training. `scaling: 'classic'`: `y = x ⊙ m`, and `y = (1 − rate) · x` when not training.
 * `mask: 'window'`: one m for all steps of a window.
 * Source: the lecture's dropout, which is the classic one (its p is our 1 − rate); Srivastava et al. (2014). One mask
 * for all steps: Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks (2016).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. The carry: the number of windows drawn so far. Masks follow from the seed, the
 * layer's path and that number, so that a run that is resumed draws what the uninterrupted one would have drawn.
 *
 * @throws RangeError where the rate is not in [0, 1).
 * @throws TypeError where an option is none of its values.
 * @example
 * stack({ rnn: lstm(64, 128), drop: dropout(0.5), head: dense(128, 65) }, { seed: 42 })
 */
export function dropout(rate: number, options: DropoutOptions = {}): Layer<DropoutCarry> {
  checkRate(rate, 'dropout');
  const { mask: each = 'step', scaling = 'inverted' } = options;
  requireOneOf('mask', each, ['step', 'window']);
  requireOneOf('scaling', scaling, ['inverted', 'classic']);
  const keep = 1 - rate;
  const scaled = (ops: Ops, x: Tensor, when: typeof scaling) =>
    scaling === when ? ops.affine(x, when === 'inverted' ? 1 / keep : keep, 0) : x;
  const keys = maskKeys();
  return layer(
    {
      kind: 'dropout',
      outputs: 'inputs',
      params: {},
      initial: () => ({ windows: 0 }),
      named: keys.named,
      apply(ops, carry: DropoutCarry, x) {
        if (rate === 0) return [x, carry];
        if (!ops.training) return [scaled(ops, x, 'classic'), carry];
        const mask = ops.bernoulli(each === 'step' ? x.shape : x.shape.slice(1), keep, keys.of(carry.windows));
        return [scaled(ops, ops.multiply(x, mask), 'inverted'), { windows: carry.windows + 1 }];
      },
    },
    options.seed,
  );
}

function requireOneOf<T>(name: string, value: T, values: readonly T[]): void {
  if (values.includes(value)) return;
  throw new TypeError(`dropout: ${name} is ${values.map((each) => `'${each}'`).join(' or ')}, not ${String(value)}.`);
}
