import { outcome } from '../carry.js';
import { requireChoice, requireModel } from '../checks.js';
import { described } from '../description.js';
import { type Core, type Layer, layer } from '../layer.js';
import { checkLengths, type Lengths } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { lastOf, reversed } from '../ops/padding.js';
import { checkedOptions } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import { opsAfter } from '../stack.js';
import type { Tensor } from '../tensor.js';

/** What both directions remember after a window: `backward` is that at the window's first step. */
export type BidirectionalCarry<F, B> = {
  readonly forward: F;
  readonly backward: B;
};

/** What is made of both directions' outputs at each moment: by default both, side by side. */
export type Merge = (ops: Ops, forward: Tensor, backward: Tensor) => Tensor;

/** A merge by its name: side by side, or element by element. */
export type MergeName = 'concat' | 'sum' | 'average' | 'product';

const merges: Readonly<Record<MergeName, Merge>> = {
  concat: (ops, forward, backward) => ops.concat([forward, backward], forward.shape.length - 1),
  sum: (ops, forward, backward) => ops.add(forward, backward),
  average: (ops, forward, backward) => ops.affine(ops.add(forward, backward), 0.5, 0),
  product: (ops, forward, backward) => ops.multiply(forward, backward),
};

/** Options of {@link bidirectional}. */
export interface BidirectionalOptions {
  /** Draws the first weights of both directions, unless a model around them has a seed. */
  readonly seed?: number;
  /** Default `'concat'`, side by side; a function such as `(ops, f, b) => ops.maximum(f, b)` for others than the named ones. */
  readonly merge?: Merge | MergeName;
  /**
   * Whether it gives one step alone, made of the last one that either direction comes to: the forward one's at the
   * sequence's end, the backward one's at its beginning, each having read all of it. Default false: all steps.
   */
  readonly last?: boolean;
  /** Features that `merge` gives, where it is a function. */
  readonly outputs?: number;
}

/**
 * Two layers over the same window, one of them from its end to its beginning.
 *
 * Equation: `y_t = merge(forward(x_{1…T})_t, backward(x_{T…1})_{T+1−t})`.
 * Source: the lecture's bidirectional recurrent network; Schuster and Paliwal (1997).
 *
 * Shapes: `x: [T, B, …] → y: [T, B, F + G]`, the widths of both side by side unless `merge` says otherwise. The parameters
 * are named `forward` and `backward`. With `{ last: true }`, `y: [1, B, F + G] = merge(forward(x_{1…T})_T,
 * backward(x_{T…1})_T)`: Keras' `Bidirectional(…)` with `return_sequences=False`. (`lastStep()` after it would take the
 * backward direction's state when it has read one step only.) The carry: `{ forward, backward }`, the states each direction ends with.
 *
 * A window is read as a whole: an utterance, a sentence. In a stream of windows the forward direction goes on from window
 * to window; the backward one starts afresh at each window's end, since what comes after it is not known yet. So
 * `carry.backward` leaves a window, but does not enter the next one, and T windows of one are not one window of T. In a
 * padded window (`masked`) the backward direction starts at each lane's own end.
 *
 * @param forward the layer that reads from the beginning to the end.
 * @param backward the one that reads from the end to the beginning.
 * @param options what is made of both outputs, and the seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the layers take other numbers of features than each other, or give other numbers of steps.
 * @throws TypeError where an option is not known, or no merge has that name.
 * @example
 * signal$.pipe(bidirectional(lstm(8, 16), lstm(8, 16), { seed: 1 })) // [T, B, 32]
 * signal$.pipe(bidirectional(lstm(8, 16), lstm(8, 16), { last: true })) // [1, B, 32]
 * signal$.pipe(bidirectional(gru(8, 16), gru(8, 16), { merge: 'sum' })) // [T, B, 16]
 */
export function bidirectional<F, B, X extends Tensor, P extends Params = Params, Q extends Params = Params>(
  forward: Core<F, X, Tensor, P>,
  backward: Core<B, X, Tensor, Q>,
  options: BidirectionalOptions = {},
): Layer<BidirectionalCarry<F, B>, X, Tensor, { readonly forward: P; readonly backward: Q }> {
  requireModel('bidirectional', forward);
  requireModel('bidirectional', backward);
  const {
    seed,
    merge: chosen = 'concat',
    outputs,
    last = false,
  } = checkedOptions('bidirectional', options, {
    seed: true,
    merge: true,
    last: 'boolean',
    outputs: true,
  });
  if (forward.inputs !== undefined && backward.inputs !== undefined && forward.inputs !== backward.inputs) {
    throw new RangeError(
      `bidirectional: forward (${forward.kind}) takes ${forward.inputs} features, but backward (${backward.kind}) ` +
        `takes ${backward.inputs}; both read the same signal, so make the two equal.`,
    );
  }
  if (typeof chosen !== 'function') requireChoice('bidirectional', 'merge', chosen, Object.keys(merges));
  const merge: Merge = typeof chosen === 'function' ? chosen : merges[chosen];
  return described(
    layer(
      {
        kind: 'bidirectional',
        inputs: forward.inputs ?? backward.inputs,
        outputs:
          chosen === 'concat' ? sideBySide(forward, backward) : (outputs ?? commonWidth(chosen, forward, backward)),
        params: { forward: forward.params, backward: backward.params },
        initial: (batch) => ({ forward: forward.initial(batch), backward: backward.initial(batch) }),
        lengthsAfter(lengths) {
          const [ahead, behind] = [forward, backward].map((each) => each.lengthsAfter?.(lengths) ?? lengths);
          if (last) return lengths.map(() => 1);
          if (String(ahead) === String(behind)) return ahead as Lengths;
          throw new RangeError(
            `bidirectional: forward (${forward.kind}) gives lanes of ${ahead} steps, but backward (${backward.kind}) of ` +
              `${behind}; make the two equal.`,
          );
        },
        apply(ops, carry: BidirectionalCarry<F, B>, x: X) {
          const lengths = checkLengths(ops.lengths, x, 'bidirectional');
          const [read, afterForward] = outcome(forward.kind, carry.forward, forward.apply(ops, carry.forward, x));
          const start = backward.initial(x.shape[1] as number);
          const mirror = reversed(ops, x, lengths);
          const [mirrored, afterBackward] = outcome(backward.kind, start, backward.apply(ops, start, mirror));
          /** What either gave, up to its end. */
          const within = (each: Core<unknown, never>, from: Tensor, to: Tensor) =>
            checkLengths(opsAfter(ops, each, from, to).lengths, to, 'bidirectional');
          const [real, back] = [within(forward, x, read), within(backward, mirror, mirrored)];
          const ahead = last ? lastOf(ops, read, real, 'bidirectional') : read;
          const behind = last ? lastOf(ops, mirrored, back, 'bidirectional') : reversed(ops, mirrored, back);
          const y = merge(ops, ahead, behind);
          return [y, { forward: afterForward, backward: afterBackward }];
        },
      },
      seed,
    ),
    'bidirectional',
    [forward, backward, options],
  );
}

/** Features that a layer gives, where that is known. */
const widthOf = ({ inputs, outputs }: Core<unknown, never>) => (outputs === 'inputs' ? inputs : outputs);

/** Width of both outputs element by element. @throws RangeError where they have other ones. */
function commonWidth(
  merge: Merge | MergeName,
  forward: Core<unknown, never>,
  backward: Core<unknown, never>,
): number | undefined {
  const [f, b] = [widthOf(forward), widthOf(backward)];
  if (typeof merge === 'function') return undefined;
  if (f === b || f === undefined || b === undefined) return f ?? b;
  throw new RangeError(`bidirectional: ${merge} of ${f} and ${b} features is not defined; make the two equal.`);
}

/** Width of both outputs side by side, where both are known. */
function sideBySide(forward: Core<unknown, never>, backward: Core<unknown, never>): number | undefined {
  const [f, b] = [widthOf(forward), widthOf(backward)];
  return f === undefined || b === undefined ? undefined : f + b;
}
