import { requireChoice, requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { lastState, unroll } from './unroll.js';

/** What a minGRU remembers: its output, `[B, H]`. */
export type MinGruCarry = {
  readonly h: Tensor;
};

/** Weights and biases of the gate z and of the candidate h̃. */
export type MinGruParams = {
  readonly wz: Parameter;
  readonly bz: Parameter;
  readonly wh: Parameter;
  readonly bh: Parameter;
};

/** What becomes of a candidate: nothing, or it is made positive. */
export type Candidate = 'linear' | 'positive';

/** Options of {@link minGruCell}. */
export interface MinGruCellOptions {
  /**
   * `linear` (default): `h̃ = x·wh + bh`. `positive`: g of that, `g(v) = v + ½` where v ≥ 0, else σ(v), as in the paper's form in log space
   * (appendix B), whose state is a mean of positive numbers.
   */
  readonly candidate?: Candidate;
  /** Default: `wz` and `wh` Glorot uniform, `bz` and `bh` zeros. Biases of −log(T − 1) in `bz` remember for some T steps. */
  readonly initializers?: Readonly<Partial<Record<keyof MinGruParams, Initializer>>>;
}

/** Options of {@link minGru}. */
export interface MinGruOptions extends MinGruCellOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

const names: Names<MinGruCellOptions> = {
  candidate: true,
  initializers: { wz: true, bz: true, wh: true, bh: true },
};

/** g of the paper's appendix B, one function of both halves: `max(v, 0) + σ(min(v, 0))`. */
function positive(ops: Ops, v: Tensor): Tensor {
  const above = ops.relu(v);
  return ops.add(above, ops.logistic(ops.subtract(v, above)));
}

/** What is done to a candidate. @throws TypeError where it is none of the choices. */
export function candidateOf(operation: string, candidate: Candidate = 'linear'): (ops: Ops, v: Tensor) => Tensor {
  requireChoice(operation, 'candidate', candidate, ['linear', 'positive']);
  return candidate === 'positive' ? positive : (_, v) => v;
}

/**
 * The cell of {@link minGru}.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options what becomes of the candidate, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where an option is not known, or no value of it.
 * @example
 * signal$.pipe(unroll(minGruCell(8, 16), 1)) // [T, B, 16], as minGru(8, 16, { seed: 1 }) does
 */
export function minGruCell(
  inputs: number,
  units: number,
  options: MinGruCellOptions = {},
): Cell<MinGruCarry, MinGruParams> {
  requireCount('minGru', 'inputs', inputs);
  requireCount('minGru', 'units', units);
  const { candidate, initializers = {} } = checkedOptions('minGruCell', options, names);
  const shaped = candidateOf('minGru', candidate);
  const wz = parameter([inputs, units], initializers.wz ?? glorotUniform());
  const bz = parameter([units], initializers.bz ?? zeroInitializer());
  const wh = parameter([inputs, units], initializers.wh ?? glorotUniform());
  const bh = parameter([units], initializers.bh ?? zeroInitializer());
  /** Gate and candidate, neither of which depends on the state: of a window or of a step. */
  const parts = (ops: Ops, x: Tensor) => ({
    z: ops.logistic(ops.linear(x, wz, bz)),
    n: shaped(ops, ops.linear(x, wh, bh)),
  });
  return described(
    {
      kind: 'minGru',
      inputs,
      units,
      params: { wz, bz, wh, bh },
      initial: (batch) => ({ h: zeros([batch, units]) }),
      window(ops, carry, x) {
        const { z, n } = parts(ops, x);
        const y = ops.scan(ops.affine(z, -1, 1), ops.multiply(z, n), carry.h);
        return [y, { h: lastState(ops, y) }];
      },
      step(ops, carry, x) {
        const { z, n } = parts(ops, x);
        const h = ops.add(ops.multiply(ops.affine(z, -1, 1), carry.h), ops.multiply(z, n));
        return [h, { h }];
      },
    },
    'minGruCell',
    [inputs, units, options],
  );
}

/**
 * The minimal gated recurrent unit: a GRU whose gate and candidate do not see the state, so that all steps of a window are worked out
 * at once and only the recurrence itself goes step by step.
 *
 * Equation: `z_t = σ(x_t·wz + bz)`, `h̃_t = x_t·wh + bh`, `h_t = (1 − z_t) ⊙ h_{t−1} + z_t ⊙ h̃_t`.
 * Source: Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, Were RNNs all we needed? (2024), §3.1, whose z this is (1 remembers nothing;
 * `gru` has it the other way round).
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, parameters `wz, wh [I, H]`, `bz, bh [H]`. The carry: `h [B, H]`. A unit knows of the others in the
 * layer above alone, so at least two layers are the rule.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options what becomes of the candidate, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where an option is not known, or no value of it.
 * @example
 * signal$.pipe(stacked([minGru(8, 16), minGru(16, 16)], { seed: 1 }))
 */
export function minGru(
  inputs: number,
  units: number,
  options: MinGruOptions = {},
): Layer<MinGruCarry, Features, Tensor, MinGruParams> {
  const { seed, ...cell } = checkedOptions('minGru', options, { seed: true, ...names });
  return described(unroll(minGruCell(inputs, units, cell), seed), 'minGru', [inputs, units, options]);
}
