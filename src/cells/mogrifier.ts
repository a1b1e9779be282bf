import { requireCount, requireModel } from '../checks.js';
import { described } from '../description.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions } from '../options.js';
import { glorotUniform } from '../parameters/initializers.js';
import { type Initializer, type Parameter, type Params, parameter } from '../parameters/parameter.js';
import type { Tensor } from '../tensor.js';
import type { Cell } from './cell.js';

/** The gates' weights by round, `q1`, `r2`, `q3` …, and those of the cell within. */
export type MogrifierParams<P extends Params> = {
  readonly rounds: Readonly<Record<string, Parameter>>;
  readonly inner: P;
};

/** Options of {@link mogrifier}. */
export interface MogrifierOptions {
  /** Gatings before each step, x's and h's by turns. Default 5. */
  readonly rounds?: number;
  /** Default Glorot uniform. */
  readonly initializer?: Initializer;
}

/**
 * A cell whose input and state gate each other, by turns, before each step.
 *
 * Equation: with `x⁻¹ = x_t` and `h⁰ = h_{t−1}`, `xⁱ = 2σ(hⁱ⁻¹·qᵢ) ⊙ xⁱ⁻²` for odd i and `hⁱ = 2σ(xⁱ⁻¹·rᵢ) ⊙ hⁱ⁻²` for even i up to the
 * number of rounds; then the cell's own step from the last x and h of these.
 * Source: Melis, Kočiský and Blunsom, Mogrifier LSTM (2020), eqs. 1 and 2.
 *
 * Shapes: those of the cell; parameters `qᵢ [H, I]` and `rᵢ [I, H]` under `rounds`, the cell's under `inner`. The carry: that of the cell, which
 * has an h `[B, H]`. Each step waits for the last one's h, so that no window runs as one primitive: it takes several times
 * the plain cell's time.
 *
 * @param cell one step of a recurrence whose carry has its output h: those of `lstmCell`, `gruCell`, `simpleRnnCell`.
 * @param options the number of rounds, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where the rounds are not a whole number above 0.
 * @throws TypeError where the cell's carry has no h of its units, or an option is not known.
 * @example
 * signal$.pipe(unroll(mogrifier(lstmCell(8, 16)), 1)) // [T, B, 16]
 */
export function mogrifier<S extends { readonly h: Tensor }, P extends Params = Params>(
  cell: Cell<S, P>,
  options: MogrifierOptions = {},
): Cell<S, MogrifierParams<P>> {
  requireModel('mogrifier', cell, 'step');
  const { rounds = 5, initializer = glorotUniform() } = checkedOptions('mogrifier', options, {
    rounds: true,
    initializer: true,
  });
  requireCount('mogrifier', 'rounds', rounds);
  const { inputs, units } = cell;
  if (cell.initial(1).h?.shape?.[1] !== units) {
    throw new TypeError(
      `mogrifier: the carry of ${cell.kind} has no h [B, ${units}] to be gated; give lstmCell, gruCell or simpleRnnCell.`,
    );
  }
  const gates = Array.from({ length: rounds }, (_, k) =>
    k % 2 === 0
      ? ([`q${k + 1}`, parameter([units, inputs], initializer)] as const)
      : ([`r${k + 1}`, parameter([inputs, units], initializer)] as const),
  );
  const gated = (ops: Ops, of: Tensor, by: Tensor, w: Parameter) =>
    ops.multiply(of, ops.affine(ops.logistic(ops.matmul(by, w)), 2, 0));
  return described(
    {
      kind: 'mogrifier',
      inputs,
      units,
      params: { rounds: Object.fromEntries(gates), inner: cell.params },
      initial: cell.initial,
      step(ops, carry, input) {
        let [x, h] = [input, carry.h];
        gates.forEach(([, w], k) => {
          if (k % 2 === 0) x = gated(ops, x, h, w);
          else h = gated(ops, h, x, w);
        });
        const projected = cell.project?.(ops, ops.reshape(x, [1, ...x.shape]));
        const entering = projected === undefined ? x : ops.reshape(projected, projected.shape.slice(1));
        return cell.step(ops, { ...carry, h }, entering);
      },
    },
    'mogrifier',
    [cell, options],
  );
}
