import { type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { showShape, type Tensor } from '../tensor.js';

/**
 * The last step of a window alone: many steps in, one out.
 *
 * Equation: `y = x_T`.
 * Source: the lecture's many-to-one network; Keras' `return_sequences=False`.
 *
 * Shapes: `x: [T, B, …] → y: [1, B, …]`. No parameters, no carry. It is about windows: of a stream it passes the last
 * step of each signal.
 *
 * @throws RangeError where there is no step.
 * @example
 * ids$.pipe(stack({ code: oneHot(65), rnn: simpleRnn(65, 128), last: lastStep(), head: dense(128, 65) }))
 */
export function lastStep(): Layer<NoCarry> {
  return layer<NoCarry, Tensor, Tensor>({
    kind: 'lastStep',
    outputs: 'inputs',
    params: {},
    initial: () => noCarry,
    apply(ops, carry, x) {
      const [steps = 0] = x.shape;
      if (steps === 0)
        throw new RangeError(`lastStep: takes a window [T, B, …] with T ≥ 1, but got ${showShape(x.shape)}.`);
      return [steps === 1 ? x : (ops.split(x, 0, [steps - 1, 1])[1] as Tensor), carry];
    },
  });
}
