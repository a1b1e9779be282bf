import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import { weightDropper } from '../layers/drop.js';
import { type ActivationChoice, activationOf } from '../ops/activation-names.js';
import { tanh } from '../ops/activations.js';
import { projection } from '../ops/lookups.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, orthogonal, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { lastState, unroll } from './unroll.js';

/** What a simple recurrent cell remembers: its output, `[B, H]`. */
export type SimpleRnnCarry = {
  readonly h: Tensor;
};

/** Input weights `[I, H]`, recurrent weights `[H, H]` and bias `[H]`. */
export type SimpleRnnParams = {
  readonly wx: Parameter;
  readonly wh: Parameter;
  readonly b: Parameter;
};

/** Options of {@link simpleRnnCell}. */
export interface SimpleRnnCellOptions {
  /** f; default tanh. */
  readonly activation?: ActivationChoice;
  /**
   * The share of the recurrent weights that is dropped in each window that is learnt from, the same ones at each of its steps: `wh ⊙ m / (1 − rate)`
   * (DropConnect: Wan et al., 2013; in recurrent weights, Merity, Keskar and Socher, Regularizing and optimizing LSTM
   * language models, 2018). Windows keep their speed. Default 0.
   */
  readonly dropConnect?: number;
  /** Default: `wx` Glorot uniform, `wh` orthogonal, `b` zeros. */
  readonly initializers?: { readonly wx?: Initializer; readonly wh?: Initializer; readonly b?: Initializer };
}

/** Options of {@link simpleRnn}. */
export interface SimpleRnnOptions extends SimpleRnnCellOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

const names: Names<SimpleRnnCellOptions> = {
  activation: true,
  dropConnect: true,
  initializers: { wx: true, wh: true, b: true },
};

/**
 * The cell of {@link simpleRnn}.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options f, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * signal$.pipe(unroll(simpleRnnCell(8, 16, { activation: 'relu' }), 1)) // [T, B, 16]
 */
export function simpleRnnCell(
  inputs: number,
  units: number,
  options: SimpleRnnCellOptions = {},
): Cell<SimpleRnnCarry, SimpleRnnParams> {
  requireCount('simpleRnn', 'inputs', inputs);
  requireCount('simpleRnn', 'units', units);
  const { initializers = {}, dropConnect = 0, activation: f = tanh } = checkedOptions('simpleRnnCell', options, names);
  const activation = activationOf('simpleRnn', f);
  const wx = parameter([inputs, units], initializers.wx ?? glorotUniform());
  const wh = parameter([units, units], initializers.wh ?? orthogonal());
  const b = parameter([units], initializers.b ?? zeroInitializer());
  const drop = weightDropper(dropConnect, 'simpleRnn');
  return described(
    {
      kind: 'simpleRnn',
      inputs,
      units,
      params: { wx, wh, b, ...drop.params },
      initial: (batch) => ({ h: zeros([batch, units]) }),
      project: (ops, x) => ops.linear(x, wx, b),
      window(ops, carry, x) {
        if (ops.recurrences === undefined || activation !== tanh) return undefined;
        const [z, ids] = projection(ops, x, wx, b);
        const [y] = ops.recurrences.simpleRnn(z, drop.apply(ops, wh), carry.h, ids);
        return [y, { h: lastState(ops, y) }];
      },
      step(ops, carry, x) {
        const z = ops.add(x, ops.matmul(carry.h, drop.apply(ops, wh)));
        const h = activation(ops, z);
        return [h, { h }];
      },
    },
    'simpleRnnCell',
    [inputs, units, options],
  );
}

/**
 * The simple recurrent network (Elman's).
 *
 * Equation: `h_t = f(x_t·wx + h_{t−1}·wh + b)`, f tanh or another.
 * Source: the lecture's simple recurrent network; Elman, Finding structure in time (1990).
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, parameters `wx [I, H]`, `wh [H, H]`, `b [H]`. The carry: `h [B, H]`.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options f, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where there is no activation of that name, or an option is not known.
 * @example
 * signal$.pipe(simpleRnn(8, 16, { seed: 1, activation: activations.relu }))
 */
export function simpleRnn(
  inputs: number,
  units: number,
  options: SimpleRnnOptions = {},
): Layer<SimpleRnnCarry, Features, Tensor, SimpleRnnParams> {
  const { seed, ...cell } = checkedOptions('simpleRnn', options, { seed: true, ...names });
  return described(unroll(simpleRnnCell(inputs, units, cell), seed), 'simpleRnn', [inputs, units, options]);
}
