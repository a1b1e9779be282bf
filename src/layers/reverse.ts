import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkLengths } from '../ops/lengths.js';
import { reversed } from '../ops/padding.js';
import type { Tensor } from '../tensor.js';

/**
 * The steps of a window in the other order, so that what follows reads it from its end to its beginning.
 *
 * Equation: `y_t = x_{T+1−t}`.
 * Source: the backward direction of Schuster and Paliwal's bidirectional network (1997); Keras' `go_backwards=True` is this layer before
 * the recurrent one.
 *
 * Shapes: `x: [T, B, …] → y: [T, B, …]`. No parameters, no carry: it is about windows, each of which is turned by itself. In a padded
 * window (`masked`) each lane's own steps are turned, and padding stays behind them.
 *
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a padded window has not one length for each lane.
 * @example
 * signal$.pipe(stack({ turned: reverse(), rnn: lstm(8, 16), last: lastStep() })) // [1, B, 16]: the state after x_1
 */
export function reverse(): Layer<NoCarry> {
  return described(
    layer({
      kind: 'reverse',
      outputs: 'inputs',
      params: {},
      initial: () => noCarry,
      apply: (ops, carry: NoCarry, x: Tensor) => [reversed(ops, x, checkLengths(ops.lengths, x, 'reverse')), carry],
    }),
    'reverse',
    [],
  );
}
