import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Core, Layer } from '../layer.js';
import { checkedOptions } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { unroll } from './unroll.js';

/** What a residual recurrence remembers: its state `[B, H]`, and what g does. */
export type ResidualRnnCarry<S> = {
  readonly h: Tensor;
  readonly g: S;
};

/**
 * The cell of {@link residualRnn}.
 *
 * @param inputs features that it takes, I.
 * @param units features of the state, H.
 * @param g any layer that gives H features; where it takes I it sees the input, where I + H the state too.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0, or g has other widths.
 * @example
 * signal$.pipe(unroll(residualRnnCell(8, 16, dense(8, 16)), 1)) // [T, B, 16]
 */
export function residualRnnCell<S, P extends Params = Params>(
  inputs: number,
  units: number,
  g: Core<S, Features, Tensor, P>,
): Cell<ResidualRnnCarry<S>, { readonly g: P }> {
  requireCount('residualRnn', 'inputs', inputs);
  requireCount('residualRnn', 'units', units);
  const seesState = g.inputs === inputs + units;
  if ((!seesState && g.inputs !== inputs) || g.outputs !== units) {
    throw new RangeError(
      `residualRnn: g (${g.kind}) takes ${g.inputs ?? 'any number of'} features and gives ${g.outputs ?? 'any number'}; ` +
        `it takes ${inputs} to see the input, or ${inputs + units} to see input and state, and gives ${units}.`,
    );
  }
  return described(
    {
      kind: 'residualRnn',
      inputs,
      units,
      params: { g: g.params },
      initial: (batch) => ({ h: zeros([batch, units]), g: g.initial(batch) }),
      window(ops, carry, x) {
        if (seesState) return undefined;
        const [steps, batch] = x.shape as readonly [number, number, number];
        // What does not depend on the state is worked out for all steps at once.
        const [changes, after] = g.apply(ops, carry.g, x);
        let { h } = carry;
        const rows = ops.reshape(changes, [steps * batch, units]);
        const states = ops.split(rows, 0, new Array<number>(steps).fill(batch)).map((change) => {
          h = ops.add(h, change);
          return h;
        });
        return [ops.reshape(ops.concat(states, 0), [steps, batch, units]), { h, g: after }];
      },
      step(ops, carry, x) {
        const seen = seesState ? ops.concat([x, carry.h], 1) : x;
        const [batch, width] = seen.shape as readonly [number, number];
        const [change, after] = g.apply(ops, carry.g, ops.reshape(seen, [1, batch, width]));
        const h = ops.add(carry.h, ops.reshape(change, [batch, units]));
        return [h, { h, g: after }];
      },
    },
    'residualRnnCell',
    [inputs, units, g],
  );
}

/** Options of {@link residualRnn}. */
export interface ResidualRnnOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

/**
 * A residual recurrence: the state is what it was, and what g adds to it. Its gradient flows back unchanged, and
 * through g as well.
 *
 * Equation: `h_t = h_{t−1} + g(x_t; θ)` where g takes I features; `h_t = h_{t−1} + g(x_t, h_{t−1}; θ)` where it takes
 * I + H, input and state side by side.
 * Source: the lecture's two steps from the simple recurrent network to the LSTM.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`; g, any layer, from `[T, B, I]` or `[1, B, I + H]` to H features. The
 * parameters are g's, under the name `g`. The carry: `h [B, H]`, and g's own as `g`.
 *
 * @param inputs features that it takes, I.
 * @param units features of the state, H.
 * @param g any layer that gives H features; where it takes I it sees the input, where I + H the state too.
 * @param options the seed of its first weights.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, g's widths are none of these, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * const tanh = (ops: Ops, z: Tensor) => ops.tanh(z);
 * signal$.pipe(residualRnn(8, 16, dense(8, 16, { activation: tanh }), { seed: 1 })) // sees x_t
 * signal$.pipe(residualRnn(8, 16, dense(24, 16, { activation: tanh }), { seed: 1 })) // sees x_t and h_{t−1}
 */
export function residualRnn<S, P extends Params = Params>(
  inputs: number,
  units: number,
  g: Core<S, Features, Tensor, P>,
  options: ResidualRnnOptions = {},
): Layer<ResidualRnnCarry<S>, Features, Tensor, { readonly g: P }> {
  const { seed } = checkedOptions('residualRnn', options, { seed: true });
  return described(unroll(residualRnnCell(inputs, units, g), seed), 'residualRnn', [inputs, units, g, options]);
}
