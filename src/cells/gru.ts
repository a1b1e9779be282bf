import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import { type WeightDropper, weightDropper } from '../layers/drop.js';
import { projection } from '../ops/lookups.js';
import type { Ops } from '../ops/ops.js';
import type { Recurrences } from '../ops/recurrences.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, orthogonal, sideBySide, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Ids, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { lastState, unroll } from './unroll.js';

/** What a GRU remembers: its output, `[B, H]`. */
export type GruCarry = {
  readonly h: Tensor;
};

/** `bn` where the reset comes after the product, `wn` where it comes before. */
export type GruParams = {
  readonly wx: Parameter;
  readonly wh: Parameter;
  readonly b: Parameter;
  readonly bn?: Parameter;
  readonly wn?: Parameter;
};

/** Options of {@link gruCell}. */
export interface GruCellOptions {
  /**
   * Whether the reset gate acts on h `before` its product with the candidate's weights, as in the textbook, or `after`
   * it, as in PyTorch, Keras and cuDNN. Default `after`: one recurrent product a step, and weights that travel.
   */
  readonly reset?: 'before' | 'after';
  /**
   * The share of the recurrent weights that is dropped in each window that is learnt from, the same ones at each of its steps: `wh ⊙ m / (1 − rate)`
   * (DropConnect: Wan et al., 2013; in recurrent weights, Merity, Keskar and Socher, Regularizing and optimizing LSTM
   * language models, 2018). Windows keep their speed. Default 0.
   */
  readonly dropConnect?: number;
  /** Default, each gate's block by itself: `wx` Glorot uniform, `wh` and `wn` orthogonal, `b` and `bn` zeros. */
  readonly initializers?: Readonly<Partial<Record<'wx' | 'wh' | 'wn' | 'b' | 'bn', Initializer>>>;
}

/** Options of {@link gru}. */
export interface GruOptions extends GruCellOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

const names: Names<GruCellOptions> = {
  reset: true,
  dropConnect: true,
  initializers: { wx: true, wh: true, wn: true, b: true, bn: true },
};

/**
 * The cell of {@link gru}.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options where the reset gate acts, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(unroll(gruCell(8, 16), 1)) // [T, B, 16], as gru(8, 16, { seed: 1 }) does
 */
export function gruCell(inputs: number, units: number, options: GruCellOptions = {}): Cell<GruCarry, GruParams> {
  requireCount('gru', 'inputs', inputs);
  requireCount('gru', 'units', units);
  const { reset = 'after', dropConnect = 0, initializers = {} } = checkedOptions('gruCell', options, names);
  const glorot = glorotUniform();
  const wx = parameter([inputs, 3 * units], initializers.wx ?? sideBySide([glorot, glorot, glorot]));
  const b = parameter([3 * units], initializers.b ?? zeroInitializer());
  const drop = weightDropper(dropConnect, 'gru');
  const form = reset === 'before' ? resetBefore(units, initializers, drop) : resetAfter(units, initializers, drop);
  return described(
    {
      kind: 'gru',
      inputs,
      units,
      params: { wx, b, ...form.params, ...drop.params },
      initial: (batch) => ({ h: zeros([batch, units]) }),
      project: (ops, x) => ops.linear(x, wx, b),
      window(ops, carry, x) {
        if (ops.recurrences === undefined) return undefined;
        const [z, ids] = projection(ops, x, wx, b);
        const y = form.window(ops, ops.recurrences, z, carry.h, ids);
        return [y, { h: lastState(ops, y) }];
      },
      step(ops, carry, x) {
        const { z, n } = form.gates(ops, carry.h, x);
        // n + z ⊙ (h − n) is z ⊙ h + (1 − z) ⊙ n with one product less.
        const h = ops.add(n, ops.multiply(z, ops.subtract(carry.h, n)));
        return [h, { h }];
      },
    },
    'gruCell',
    [inputs, units, options],
  );
}

/** Parameters and equation of the gates, in which the two forms differ. */
interface Form {
  readonly params: Pick<GruParams, 'wh' | 'bn' | 'wn'>;
  /** Update gate z and candidate n, `[B, H]` each. */
  gates(ops: Ops, h: Tensor, x: Tensor): { readonly z: Tensor; readonly n: Tensor };
  /** All steps at once. */
  window(ops: Ops, recurrences: Recurrences, x: Tensor, h: Tensor, ids?: Ids): Tensor;
}

function resetAfter(
  units: number,
  initializers: NonNullable<GruCellOptions['initializers']>,
  drop: WeightDropper,
): Form {
  const square = orthogonal();
  const wh = parameter([units, 3 * units], initializers.wh ?? sideBySide([square, square, square]));
  const bn = parameter([units], initializers.bn ?? zeroInitializer());
  return {
    params: { wh, bn },
    window: (ops, recurrences, x, h, ids) => recurrences.gru(x, drop.apply(ops, wh), bn, h, ids)[0],
    gates(ops, h, x) {
      const [xz, xr, xn] = thirds(ops, x, units);
      const [hz, hr, hn] = thirds(ops, ops.matmul(h, drop.apply(ops, wh)), units);
      const z = ops.logistic(ops.add(xz, hz));
      const r = ops.logistic(ops.add(xr, hr));
      return { z, n: ops.tanh(ops.add(xn, ops.multiply(r, ops.add(hn, bn)))) };
    },
  };
}

function resetBefore(
  units: number,
  initializers: NonNullable<GruCellOptions['initializers']>,
  drop: WeightDropper,
): Form {
  const square = orthogonal();
  const wh = parameter([units, 2 * units], initializers.wh ?? sideBySide([square, square]));
  const wn = parameter([units, units], initializers.wn ?? square);
  return {
    params: { wh, wn },
    window: (ops, recurrences, x, h, ids) =>
      recurrences.gruResetBefore(x, drop.apply(ops, wh), drop.apply(ops, wn), h, ids)[0],
    gates(ops, h, x) {
      const [xz, xr, xn] = thirds(ops, x, units);
      const [hz, hr] = ops.split(ops.matmul(h, drop.apply(ops, wh)), 1, [units, units]) as readonly [Tensor, Tensor];
      const z = ops.logistic(ops.add(xz, hz));
      const r = ops.logistic(ops.add(xr, hr));
      return { z, n: ops.tanh(ops.add(xn, ops.matmul(ops.multiply(r, h), drop.apply(ops, wn)))) };
    },
  };
}

function thirds(ops: Ops, x: Tensor, units: number): readonly [z: Tensor, r: Tensor, n: Tensor] {
  return ops.split(x, 1, [units, units, units]) as unknown as readonly [Tensor, Tensor, Tensor];
}

/**
 * The gated recurrent unit, in both of its forms.
 *
 * Equation: with `(x_z, x_r, x_n) = x_t·wx + b`,
 * reset after the product: `(h_z, h_r, h_n) = h_{t−1}·wh`, `n = tanh(x_n + r ⊙ (h_n + bn))`;
 * reset before it: `(h_z, h_r) = h_{t−1}·wh`, `n = tanh(x_n + (r ⊙ h_{t−1})·wn)`;
 * in both `z = σ(x_z + h_z)`, `r = σ(x_r + h_r)` and `h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n`.
 * Source: the lecture's GRU (its h̃ is n), which resets before; Cho et al. (2014). Reset after as in PyTorch and in
 * Keras with `reset_after`.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, parameters `wx [I, 3H]`, `b [3H]`, gates side by side in the order z, r, n, and
 * after: `wh [H, 3H]`, `bn [H]`; before: `wh [H, 2H]`, `wn [H, H]`. PyTorch's order is r, z, n, and of its two biases b is
 * the sum but for n, where the recurrent one is bn. The carry: `h [B, H]`.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options where the reset gate acts, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(gru(8, 16, { seed: 1, reset: 'before' }))
 */
export function gru(
  inputs: number,
  units: number,
  options: GruOptions = {},
): Layer<GruCarry, Features, Tensor, GruParams> {
  const { seed, ...cell } = checkedOptions('gru', options, { seed: true, ...names });
  return described(unroll(gruCell(inputs, units, cell), seed), 'gru', [inputs, units, options]);
}
