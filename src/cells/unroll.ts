import { outcome } from '../carry.js';
import { requireModel } from '../checks.js';
import { described } from '../description.js';
import { type Layer, layer } from '../layer.js';
import { checkLengths, type Lengths, realSteps } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { atLengths } from '../ops/padding.js';
import type { Params } from '../parameters/parameter.js';
import { type Features, isTensor, type Shape, showShape, type Tensor } from '../tensor.js';
import * as tree from '../tree.js';
import type { Cell } from './cell.js';

/**
 * A layer of a cell: its step over each moment of a window, the carry passed on.
 *
 * Equation: `(y_t, carry_t) = step(carry_{t−1}, project(x)_t)` for t = 1 … T. In a padded window (`masked`) the carry of
 * each lane is that after its own last step, and y is 0 at padding.
 * Source: the lecture's recurrent network unrolled in time.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`. The carry is the cell's own.
 *
 * @param cell one step of a recurrence.
 * @param seed draws the first weights; within a stack, the stack's seed does.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where x has other than three axes, no step, or not the cell's features.
 * @example
 * const leaky: Cell<{ h: Tensor }> = {
 *   kind: 'leaky', inputs: 8, units: 8, params: {},
 *   initial: (batch) => ({ h: zeros([batch, 8]) }),
 *   step(ops, { h }, x) {
 *     const next = ops.add(ops.affine(h, 0.9, 0), ops.affine(x, 0.1, 0));
 *     return [next, { h: next }];
 *   },
 * };
 * signal$.pipe(unroll(leaky))
 */
export function unroll<S, P extends Params = Params>(cell: Cell<S, P>, seed?: number): Layer<S, Features, Tensor, P> {
  requireModel('unroll', cell, 'step');
  const { kind, inputs, units, params, initial } = cell;

  /** The outputs of all lanes from the first step to the last, step after step or all at once, in rows `[…, H]`. */
  function span(ops: Ops, carry: S, x: Tensor): readonly [rows: readonly Tensor[], carry: S] {
    const projected = cell.project?.(ops, x) ?? x;
    const [steps, batch, width] = projected.shape as readonly [number, number, number];
    // One split of the window's rows: a step costs no slicing of its own, forwards or backwards.
    const rows = ops.reshape(projected, [steps * batch, width]);
    let state = carry;
    const outputs = ops.split(rows, 0, new Array<number>(steps).fill(batch)).map((row) => {
      const [y, next] = outcome(kind, state, cell.step(ops, state, row));
      state = next;
      return y;
    });
    return [outputs, state];
  }

  /** Rows as a window: one concat of all of them, for the same reason. */
  const joined = (ops: Ops, rows: readonly Tensor[], [steps = 0, batch = 0]: Shape) =>
    ops.reshape(ops.concat(rows, 0), [steps, batch, units]);

  function whole(ops: Ops, carry: S, x: Tensor): readonly [y: Tensor, carry: S] {
    const atOnce = cell.window?.(ops, carry, x);
    if (atOnce !== undefined) return outcome(kind, carry, atOnce);
    const [rows, last] = span(ops, carry, x);
    return [joined(ops, rows, x.shape), last];
  }

  /** Cut wherever a lane ends, since what it carries there is its last; all lanes run on, and padding comes to 0. */
  function inSpans(ops: Ops, carry: S, x: Tensor, lengths: Lengths): readonly [y: Tensor, carry: S] {
    const [steps = 0, batch = 0] = x.shape;
    const ends = [...new Set([...lengths, steps])].filter((end) => end > 0).sort((a, b) => a - b);
    const moments = [0, ...ends];
    const carries = [carry];
    const spans = ops.split(
      x,
      0,
      ends.map((end, k) => end - (moments[k] as number)),
    );
    // Within a span every step is real, also for a layer that a cell is made of.
    const inner = { ...ops, lengths: undefined };
    const outputs = spans.flatMap((part) => {
      const state = carries.at(-1) as S;
      const [y, next] = cell.window?.(inner, state, part) ?? [undefined, state];
      const [rows, last] = y
        ? [[ops.reshape(y, [(part.shape[0] as number) * batch, units])], next]
        : span(inner, state, part);
      carries.push(last);
      return rows;
    });
    const last = tree.zip(carries, (states) =>
      states.every(isTensor) ? atLengths(ops, states, moments, lengths) : states.at(-1),
    );
    return [ops.multiply(joined(ops, outputs, x.shape), realSteps(steps, lengths)), last as S];
  }

  return described(
    layer(
      {
        kind,
        inputs,
        outputs: units,
        params,
        initial,
        apply(ops, carry: S, x) {
          const [steps = 0, , features] = x.shape;
          if (x.shape.length !== 3 || features !== inputs || steps === 0) {
            throw new RangeError(
              `${kind}: takes a window [T, B, ${inputs}] with T ≥ 1, but got ${showShape(x.shape)}; ` +
                `make it ${inputs} features wide, or the cell as wide as its input.`,
            );
          }
          const lengths = checkLengths(ops.lengths, x, kind);
          return lengths === undefined ? whole(ops, carry, x) : inSpans(ops, carry, x, lengths);
        },
      },
      seed,
    ),
    'unroll',
    [cell, seed],
  );
}

/** The last step of a window's output, `[T, B, H] → [B, H]`: of a cell whose output is its state. */
export function lastState(ops: Ops, y: Tensor): Tensor {
  const [steps = 0, batch = 0, units = 0] = y.shape;
  const last = ops.split(y, 0, [steps - 1, 1])[1] as Tensor;
  return ops.reshape(last, [batch, units]);
}
