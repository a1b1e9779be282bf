import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, ones, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { type Candidate, candidateOf } from './min-gru.js';
import { lastState, unroll } from './unroll.js';

/** What a minLSTM remembers: its output, `[B, H]`. */
export type MinLstmCarry = {
  readonly h: Tensor;
};

/** Weights and biases of the gates f and i, and of the candidate h̃. */
export type MinLstmParams = {
  readonly wf: Parameter;
  readonly bf: Parameter;
  readonly wi: Parameter;
  readonly bi: Parameter;
  readonly wh: Parameter;
  readonly bh: Parameter;
};

/** Options of {@link minLstmCell}. */
export interface MinLstmCellOptions {
  /** As that of {@link minGruCell}: `linear` (default) or `positive`. */
  readonly candidate?: Candidate;
  /** Default: `wf`, `wi` and `wh` Glorot uniform, `bf` ones, `bi` and `bh` zeros. */
  readonly initializers?: Readonly<Partial<Record<keyof MinLstmParams, Initializer>>>;
}

/** Options of {@link minLstm}. */
export interface MinLstmOptions extends MinLstmCellOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

const names: Names<MinLstmCellOptions> = {
  candidate: true,
  initializers: { wf: true, bf: true, wi: true, bi: true, wh: true, bh: true },
};

/**
 * The cell of {@link minLstm}.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options what becomes of the candidate, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where an option is not known, or no value of it.
 * @example
 * signal$.pipe(unroll(minLstmCell(8, 16), 1)) // [T, B, 16], as minLstm(8, 16, { seed: 1 }) does
 */
export function minLstmCell(
  inputs: number,
  units: number,
  options: MinLstmCellOptions = {},
): Cell<MinLstmCarry, MinLstmParams> {
  requireCount('minLstm', 'inputs', inputs);
  requireCount('minLstm', 'units', units);
  const { candidate, initializers = {} } = checkedOptions('minLstmCell', options, names);
  const shaped = candidateOf('minLstm', candidate);
  const matrix = (given: Initializer | undefined) => parameter([inputs, units], given ?? glorotUniform());
  const [wf, wi, wh] = [matrix(initializers.wf), matrix(initializers.wi), matrix(initializers.wh)];
  const bf = parameter([units], initializers.bf ?? ones());
  const bi = parameter([units], initializers.bi ?? zeroInitializer());
  const bh = parameter([units], initializers.bh ?? zeroInitializer());
  /**
   * f / (f + i), which is σ(log f − log i), and log σ(v) = −softplus(−v): no quotient of two numbers that may both be 0. What is left
   * to one is i / (f + i).
   */
  const parts = (ops: Ops, x: Tensor) => {
    const minusLog = (w: Parameter, b: Parameter) => ops.softplus(ops.affine(ops.linear(x, w, b), -1, 0));
    const f = ops.logistic(ops.subtract(minusLog(wi, bi), minusLog(wf, bf)));
    return { f, i: ops.affine(f, -1, 1), n: shaped(ops, ops.linear(x, wh, bh)) };
  };
  return described(
    {
      kind: 'minLstm',
      inputs,
      units,
      params: { wf, bf, wi, bi, wh, bh },
      initial: (batch) => ({ h: zeros([batch, units]) }),
      window(ops, carry, x) {
        const { f, i, n } = parts(ops, x);
        const y = ops.scan(f, ops.multiply(i, n), carry.h);
        return [y, { h: lastState(ops, y) }];
      },
      step(ops, carry, x) {
        const { f, i, n } = parts(ops, x);
        const h = ops.add(ops.multiply(f, carry.h), ops.multiply(i, n));
        return [h, { h }];
      },
    },
    'minLstmCell',
    [inputs, units, options],
  );
}

/**
 * The minimal LSTM: gates and candidate do not see the state, nothing is squashed, and the two gates share out 1, so that the state's
 * scale does not depend on its length. All steps of a window are worked out at once; only the recurrence itself goes step by step.
 *
 * Equation: `f_t = σ(x_t·wf + bf)`, `i_t = σ(x_t·wi + bi)`, `h̃_t = x_t·wh + bh`, `f′ = f / (f + i)`, `i′ = i / (f + i)`,
 * `h_t = f′_t ⊙ h_{t−1} + i′_t ⊙ h̃_t`.
 * Source: Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, Were RNNs all we needed? (2024), §3.2.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, parameters `wf, wi, wh [I, H]`, `bf, bi, bh [H]`. The carry: `h [B, H]`.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options what becomes of the candidate, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where an option is not known, or no value of it.
 * @example
 * signal$.pipe(stacked([minLstm(8, 16), minLstm(16, 16)], { seed: 1 }))
 */
export function minLstm(
  inputs: number,
  units: number,
  options: MinLstmOptions = {},
): Layer<MinLstmCarry, Features, Tensor, MinLstmParams> {
  const { seed, ...cell } = checkedOptions('minLstm', options, { seed: true, ...names });
  return described(unroll(minLstmCell(inputs, units, cell), seed), 'minLstm', [inputs, units, options]);
}
