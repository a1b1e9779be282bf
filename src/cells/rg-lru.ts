import { requireCount, requireDecays } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import type { Ops } from '../ops/ops.js';
import { checkedOptions, type Names } from '../options.js';
import { glorotUniform, zeros as zeroInitializer } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, sizeOf, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { lastState, unroll } from './unroll.js';

/** What an RG-LRU remembers: its output, `[B, U]`. */
export type RgLruCarry = {
  readonly h: Tensor;
};

/** Weights and biases of the recurrence gate (`wa`, `ba`) and the input gate (`wx`, `bx`), and Λ. */
export type RgLruParams = {
  readonly wa: Parameter;
  readonly ba: Parameter;
  readonly wx: Parameter;
  readonly bx: Parameter;
  readonly lambda: Parameter;
};

/** Options of {@link rgLruCell}. */
export interface RgLruCellOptions {
  /**
   * Between which two numbers a unit's factor of one step lies at first, where its recurrence gate is open. Default [0.9, 0.999], as
   * in the paper.
   */
  readonly decays?: readonly [low: number, high: number];
  /** Default: `wa` and `wx` Glorot uniform, `ba` and `bx` zeros, `lambda` as `decays` says. */
  readonly initializers?: Readonly<Partial<Record<keyof RgLruParams, Initializer>>>;
}

/** Options of {@link rgLru}. */
export interface RgLruOptions extends RgLruCellOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

const names: Names<RgLruCellOptions> = {
  decays: true,
  initializers: { wa: true, ba: true, wx: true, bx: true, lambda: true },
};

/** c, the paper's: how far an open gate takes the decay. */
const OPENNESS = 8;

/** Added to 1 − a², since the root's slope at 0 has no end. */
const LEAST = 1e-12;

/** Λ such that e^(−c·softplus(Λ)) is uniform between two numbers. */
function lambdaOf(decays: readonly [low: number, high: number]): Initializer {
  const [low, high] = requireDecays('rgLru', decays);
  return (shape, random) =>
    new Float32Array(sizeOf(shape)).map(() => {
      const decay = low + (high - low) * random.uniform();
      return Math.log(Math.expm1(-Math.log(decay) / OPENNESS));
    });
}

/**
 * The cell of {@link rgLru}.
 *
 * @param units features that it takes and gives, U.
 * @param options how slowly units forget at first, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where the units are not a whole number above 0, or decays do not lie between 0 and 1.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(unroll(rgLruCell(8), 1)) // [T, B, 8], as rgLru(8, { seed: 1 }) does
 */
export function rgLruCell(units: number, options: RgLruCellOptions = {}): Cell<RgLruCarry, RgLruParams> {
  requireCount('rgLru', 'units', units);
  const { decays = [0.9, 0.999], initializers = {} } = checkedOptions('rgLruCell', options, names);
  const wa = parameter([units, units], initializers.wa ?? glorotUniform());
  const ba = parameter([units], initializers.ba ?? zeroInitializer());
  const wx = parameter([units, units], initializers.wx ?? glorotUniform());
  const bx = parameter([units], initializers.bx ?? zeroInitializer());
  const lambda = parameter([units], initializers.lambda ?? lambdaOf(decays));
  /** What the state is multiplied by, and what is added to it, neither of which depends on it: of a window or of a step. */
  const parts = (ops: Ops, x: Tensor) => {
    const r = ops.logistic(ops.linear(x, wa, ba));
    const i = ops.logistic(ops.linear(x, wx, bx));
    const logA = ops.multiply(r, ops.affine(ops.softplus(lambda), -OPENNESS, 0));
    // 1 − a² as −(e^(2 log a) − 1), which keeps its digits where a is close to 1.
    const share = ops.sqrt(ops.affine(ops.expm1(ops.affine(logA, 2, 0)), -1, LEAST));
    return { a: ops.exp(logA), b: ops.multiply(share, ops.multiply(i, x)) };
  };
  return described(
    {
      kind: 'rgLru',
      inputs: units,
      units,
      params: { wa, ba, wx, bx, lambda },
      initial: (batch) => ({ h: zeros([batch, units]) }),
      window(ops, carry, x) {
        const { a, b } = parts(ops, x);
        const y = ops.scan(a, b, carry.h);
        return [y, { h: lastState(ops, y) }];
      },
      step(ops, carry, x) {
        const { a, b } = parts(ops, x);
        const h = ops.add(ops.multiply(a, carry.h), b);
        return [h, { h }];
      },
    },
    'rgLruCell',
    [units, options],
  );
}

/**
 * The real-gated linear recurrent unit: each unit forgets at a rate of its own, which a gate slows down, and takes as much in as keeps
 * its state's scale. Gates do not see the state, so that all steps of a window are worked out at once and only the recurrence itself
 * goes step by step.
 *
 * Equation: `r_t = σ(x_t·wa + ba)`, `i_t = σ(x_t·wx + bx)`, `a_t = exp(−c·softplus(Λ) ⊙ r_t)` with c = 8,
 * `h_t = a_t ⊙ h_{t−1} + √(1 − a_t² + 10⁻¹²) ⊙ (i_t ⊙ x_t)`.
 * Source: De et al., Griffin: mixing gated linear recurrences with local attention for efficient language models (2024), eqs. 1 to 4
 * and appendix A. Without 10⁻¹², which bounds the root's slope where a gate is shut; and with full matrices, where the paper's are
 * block-diagonal.
 *
 * Shapes: `x: [T, B, U] → y: [T, B, U]`, parameters `wa, wx [U, U]`, `ba, bx, lambda [U]`. The carry: `h [B, U]`.
 * {@link griffinBlock} has the block around it.
 *
 * @param units features that it takes and gives, U.
 * @param options how slowly units forget at first, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where the units are not a whole number above 0, decays do not lie between 0 and 1, or x has other features.
 * @throws TypeError where an option is not known.
 * @example
 * signal$.pipe(rgLru(8, { seed: 1 }))
 */
export function rgLru(units: number, options: RgLruOptions = {}): Layer<RgLruCarry, Features, Tensor, RgLruParams> {
  const { seed, ...cell } = checkedOptions('rgLru', options, { seed: true, ...names });
  return described(unroll(rgLruCell(units, cell), seed), 'rgLru', [units, options]);
}
