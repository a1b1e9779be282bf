import type { Ops } from '../backprop/ops.js';
import { type Layer, layer } from '../layer.js';
import { showShape, type Tensor } from '../tensor.js';
import type { Cell } from './cell.js';

/**
 * A layer of a cell: its step over each moment of a window, the carry passed on.
 *
 * Equation: `(y_t, carry_t) = step(carry_{t−1}, project(x)_t)` for t = 1 … T.
 * Source: the lecture's recurrent network unrolled in time.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`. The carry is the cell's own.
 *
 * @throws RangeError where x has other than three axes, no step, or not the cell's features.
 * @example
 * const leaky: Cell<{ h: Tensor }> = {
 *   kind: 'leaky', inputs: 4, units: 4, params: {},
 *   initial: (batch) => ({ h: zeros([batch, 4]) }),
 *   step(ops, { h }, x) {
 *     const next = ops.add(ops.affine(h, 0.9, 0), ops.affine(x, 0.1, 0));
 *     return [next, { h: next }];
 *   },
 * };
 * signal$.pipe(unroll(leaky))
 */
export function unroll<S>(cell: Cell<S>, seed?: number): Layer<S> {
  const { kind, inputs, units, params, initial } = cell;
  return layer(
    {
      kind,
      inputs,
      outputs: units,
      params,
      initial,
      apply(ops, carry: S, x) {
        const [steps = 0, batch = 0, features] = x.shape;
        if (x.shape.length !== 3 || features !== inputs || steps === 0) {
          throw new RangeError(
            `${kind}: takes a window [T, B, ${inputs}] with T ≥ 1, but got ${showShape(x.shape)}; ` +
              `make it ${inputs} features wide, or the cell as wide as its input.`,
          );
        }
        const atOnce = cell.window?.(ops, carry, x);
        if (atOnce !== undefined) return atOnce;
        const projected = cell.project?.(ops, x) ?? x;
        const width = projected.shape[2] as number;
        // One split and one concat of the window's rows: a step costs no slicing of its own, forwards or backwards.
        const rows = ops.reshape(projected, [steps * batch, width]);
        let state = carry;
        const outputs = ops.split(rows, 0, new Array<number>(steps).fill(batch)).map((row) => {
          const [y, next] = cell.step(ops, state, row);
          state = next;
          return y;
        });
        return [ops.reshape(ops.concat(outputs, 0), [steps, batch, units]), state];
      },
    },
    seed,
  );
}

/** The last step of a window's output, `[T, B, H] → [B, H]`: of a cell whose output is its state. */
export function lastStep(ops: Ops, y: Tensor): Tensor {
  const [steps = 0, batch = 0, units = 0] = y.shape;
  const last = ops.split(y, 0, [steps - 1, 1])[1] as Tensor;
  return ops.reshape(last, [batch, units]);
}
