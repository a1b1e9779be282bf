import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { RandomKey } from '../parameters/random-key.js';
import type { Features, Tensor } from '../tensor.js';
import { checkRate } from './drop.js';

/** How a mask is drawn and made up for. */
export interface DropoutForm {
  /** What has a draw of its own: every `step`, or only every lane, whose mask holds for the whole `window`. Default `step`. */
  readonly mask?: 'step' | 'window';
  /** When the missing share is made up for: while learning (`inverted`) or else (`classic`). Default `inverted`. */
  readonly scaling?: 'inverted' | 'classic';
}

/** No numbers: the place that its masks follow from. */
export type DropoutParams = { readonly mask: RandomKey };

/** Options of {@link dropout}. */
export interface DropoutOptions extends DropoutForm {
  /** Draws the masks, unless a model around it has a seed. */
  readonly seed?: number;
}

/**
 * Sets features to 0 at random while learning, and leaves everything as it is otherwise.
 *
 * Equation: `y = x ⊙ m / (1 − rate)`, each element of m being 1 with probability 1 − rate and else 0, drawn again for
 * each window; `y = x` when not training. `scaling: 'classic'`: `y = x ⊙ m`, and `y = (1 − rate) · x` when not training.
 * `mask: 'window'`: one m for all steps of a window.
 * Source: the lecture's dropout, which is the classic one (its p is our 1 − rate); Srivastava et al. (2014). One mask
 * for all steps: Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks (2016).
 *
 * Shapes: `x: [T, B, F] → y: [T, B, F]`. No parameters, no carry. Masks follow from the seed, the layer's path and the
 * trainer's step, so that a run that is resumed draws what the uninterrupted one would have drawn.
 *
 * @param rate the share that is dropped, from 0 to below 1.
 * @param options how masks are drawn and made up for, and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the rate is not in [0, 1).
 * @throws TypeError where an option is not known, or is none of its values.
 * @example
 * stack({ rnn: lstm(64, 128), drop: dropout(0.5), head: dense(128, 65) }, { seed: 42 })
 */
export function dropout(rate: number, options: DropoutOptions = {}): Layer<NoCarry, Features, Tensor, DropoutParams> {
  checkRate(rate, 'dropout');
  const names: Names<DropoutOptions> = { seed: true, mask: true, scaling: true };
  const { seed, mask: each = 'step', scaling = 'inverted' } = checkedOptions('dropout', options, names);
  requireOneOf('mask', each, ['step', 'window']);
  requireOneOf('scaling', scaling, ['inverted', 'classic']);
  const keep = 1 - rate;
  const scaled = (ops: Ops, x: Tensor, when: typeof scaling) =>
    scaling === when ? ops.affine(x, when === 'inverted' ? 1 / keep : keep, 0) : x;
  const place = new RandomKey();
  return described(
    layer(
      {
        kind: 'dropout',
        outputs: 'inputs',
        params: { mask: place },
        initial: () => noCarry,
        apply(ops, carry: NoCarry, x) {
          if (rate === 0) return [x, carry];
          if (!ops.training) return [scaled(ops, x, 'classic'), carry];
          const mask = ops.bernoulli(each === 'step' ? x.shape : x.shape.slice(1), keep, ops.draw(place));
          return [scaled(ops, ops.multiply(x, mask), 'inverted'), carry];
        },
      },
      seed,
    ),
    'dropout',
    [rate, options],
  );
}

function requireOneOf<T>(name: string, value: T, values: readonly T[]): void {
  if (values.includes(value)) return;
  throw new TypeError(`dropout: ${name} is ${values.map((each) => `'${each}'`).join(' or ')}, not ${String(value)}.`);
}
