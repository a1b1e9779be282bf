import { described } from '../description.js';
import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { checkLengths } from '../ops/lengths.js';
import { lastOf } from '../ops/padding.js';
import type { Tensor } from '../tensor.js';

/**
 * The last step of a window alone: many steps in, one out.
 *
 * Equation: `y = x_T`.
 * Source: the lecture's many-to-one network; Keras' `return_sequences=False`.
 *
 * Shapes: `x: [T, B, …] → y: [1, B, …]`. No parameters, no carry. It is about windows: of a stream it passes the last
 * step of each signal. In a padded window (`masked`) it is each lane's own last step.
 *
 * After `bidirectional` it is not what it seems: at the last step the backward direction has read one step. For both
 * directions' states after the whole sequence there is `bidirectional(…, { last: true })`.
 *
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where there is no step, or a lane has none of its own.
 * @example
 * ids$.pipe(stack({ code: oneHot(65), rnn: simpleRnn(65, 128), last: lastStep(), head: dense(128, 65) }))
 */
export function lastStep(): Layer<NoCarry> {
  return described(
    layer<NoCarry, Tensor, Tensor>({
      kind: 'lastStep',
      outputs: 'inputs',
      params: {},
      initial: () => noCarry,
      lengthsAfter: (lengths) => lengths.map(() => 1),
      apply: (ops, carry, x) => [lastOf(ops, x, checkLengths(ops.lengths, x, 'lastStep'), 'lastStep'), carry],
    }),
    'lastStep',
    [],
  );
}
