import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import { weightDropper } from '../layers/drop.js';
import { projection } from '../ops/lookups.js';
import type { Ops } from '../ops/ops.js';
import { type Forgetting, NORM_EPSILON } from '../ops/recurrences.js';
import { checkedOptions, type Names } from '../options.js';
import { constant, glorotUniform, ones, orthogonal, sideBySide } from '../parameters/initializers.js';
import { type Initializer, type Parameter, parameter } from '../parameters/parameter.js';
import { type Features, type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { lastState, unroll } from './unroll.js';

/** What an LSTM remembers: its output h and its cell c, `[B, H]` each. */
export type LstmCarry = {
  readonly h: Tensor;
  readonly c: Tensor;
};

/** `vi`, `vf` and `vo` with peepholes, where the gate is there; `gx`, `gh`, `gc` and `bc` with layer normalisation. */
export type LstmParams = {
  readonly wx: Parameter;
  readonly wh: Parameter;
  readonly b: Parameter;
  readonly vi?: Parameter;
  readonly vf?: Parameter;
  readonly vo?: Parameter;
  readonly gx?: Parameter;
  readonly gh?: Parameter;
  readonly gc?: Parameter;
  readonly bc?: Parameter;
};

/** Options of {@link lstmCell}. */
export interface LstmCellOptions {
  /**
   * How much of c stays: what a gate of its own says (`learned`, the default), all of it (`none`), or as much as the
   * input gate leaves room for (`coupled`, f = 1 − i).
   */
  readonly forget?: Forgetting;
  /** Whether the gates see c, each unit its own: i and f that before the step, o that after it. Default false. */
  readonly peepholes?: boolean;
  /**
   * Whether what goes into the gates from x and from h is normalised, each apart, and c before the output's tanh (Ba, Kiros
   * and Hinton, Layer normalization, 2016, eqs. 20 to 22). Windows keep their speed. Default false.
   */
  readonly layerNorm?: boolean;
  /**
   * The share of the recurrent weights that is dropped in each window that is learnt from, the same ones at each of its steps: `wh ⊙ m / (1 − rate)`
   * (DropConnect: Wan et al., 2013; in recurrent weights, Merity, Keskar and Socher, Regularizing and optimizing LSTM
   * language models, 2018). Windows keep their speed. Default 0.
   */
  readonly dropConnect?: number;
  /**
   * Default, each gate's block by itself: `wx` Glorot uniform, `wh` orthogonal, `b` 1 for the forget gate (Jozefowicz,
   * Zaremba and Sutskever, 2015: it remembers until it learns to forget), −1 for the input gate where the two are
   * coupled (the same f), and 0 for the others; peepholes 0; gains of what is normalised 1, and c's bias 0.
   */
  readonly initializers?: Readonly<
    Partial<Record<'wx' | 'wh' | 'b' | 'vi' | 'vf' | 'vo' | 'gx' | 'gh' | 'gc' | 'bc', Initializer>>
  >;
}

/** Options of {@link lstm}. */
export interface LstmOptions extends LstmCellOptions {
  /** Draws the first weights, unless a model around it has a seed. */
  readonly seed?: number;
}

const names: Names<LstmCellOptions> = {
  forget: true,
  peepholes: 'boolean',
  layerNorm: 'boolean',
  dropConnect: true,
  initializers: { wx: true, wh: true, b: true, vi: true, vf: true, vo: true, gx: true, gh: true, gc: true, bc: true },
};

/** Each gate's first bias, by name: there is no f where nothing is forgotten, or where it follows from i. */
const firstBiases = {
  learned: { i: 0, f: 1, g: 0, o: 0 },
  none: { i: 0, g: 0, o: 0 },
  coupled: { i: -1, g: 0, o: 0 },
} as const;

/**
 * The cell of {@link lstm}.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options how it forgets, peepholes, what is normalised or dropped, and the first weights.
 * @returns the cell, for `unroll`.
 * @throws RangeError where a size is not a whole number above 0.
 * @throws TypeError where `forget` is none of its values, or an option is not known.
 * @example
 * signal$.pipe(unroll(lstmCell(8, 16), 1)) // [T, B, 16], as lstm(8, 16, { seed: 1 }) does
 * gradientFlow(lstmCell(8, 16, { forget: 'none' }), { steps: 20 }).lags.length; // 20
 */
export function lstmCell(inputs: number, units: number, options: LstmCellOptions = {}): Cell<LstmCarry, LstmParams> {
  requireCount('lstm', 'inputs', inputs);
  requireCount('lstm', 'units', units);
  const {
    forget = 'learned',
    peepholes = false,
    layerNorm = false,
    dropConnect = 0,
    initializers = {},
  } = checkedOptions('lstmCell', options, names);
  if (!Object.hasOwn(firstBiases, forget)) {
    throw new TypeError(`lstm: forget is 'learned', 'none' or 'coupled', not ${JSON.stringify(forget)}.`);
  }
  const biases = Object.values(firstBiases[forget]);
  const sizes = biases.map(() => units);
  const width = biases.length * units;
  const allGates = (each: Initializer) => sideBySide(biases.map(() => each));
  const wx = parameter([inputs, width], initializers.wx ?? allGates(glorotUniform()));
  const wh = parameter([units, width], initializers.wh ?? allGates(orthogonal()));
  const b = parameter([width], initializers.b ?? sideBySide(biases.map(constant)));
  const peephole = (name: 'vi' | 'vf' | 'vo') => parameter([units], initializers[name] ?? constant(0));
  const vi = peepholes ? peephole('vi') : undefined;
  const vf = peepholes && forget === 'learned' ? peephole('vf') : undefined;
  const vo = peepholes ? peephole('vo') : undefined;
  const gain = (name: 'gx' | 'gh' | 'gc', size: number) => parameter([size], initializers[name] ?? ones());
  const norm = layerNorm
    ? {
        gx: gain('gx', width),
        gh: gain('gh', width),
        gc: gain('gc', units),
        bc: parameter([units], initializers.bc ?? constant(0)),
      }
    : undefined;
  const drop = weightDropper(dropConnect, 'lstm');
  const seeing = [vi, vf, vo].filter((v): v is Parameter => v !== undefined);

  /** A gate's function, and before it what it sees of c. */
  const gate = (ops: Ops, z: Tensor, c: Tensor, v: Tensor | undefined) =>
    ops.logistic(v === undefined ? z : ops.add(z, ops.multiply(c, v)));

  /** `LN(x)` with a gain and, if it has one, a bias. */
  const normalised = (ops: Ops, x: Tensor, by: Tensor, bias: Tensor = ops.fill(by.shape, 0)) =>
    ops.layerNorm(x, by, bias, NORM_EPSILON);

  function nextC(ops: Ops, c: Tensor, zi: Tensor, zf: Tensor | undefined, zg: Tensor): Tensor {
    const i = gate(ops, zi, c, vi);
    const g = ops.tanh(zg);
    if (zf !== undefined) return ops.add(ops.multiply(gate(ops, zf, c, vf), c), ops.multiply(i, g));
    // c + i ⊙ (g − c) is (1 − i) ⊙ c + i ⊙ g with one product less.
    return ops.add(c, ops.multiply(i, forget === 'coupled' ? ops.subtract(g, c) : g));
  }

  return described(
    {
      kind: 'lstm',
      inputs,
      units,
      params: { wx, wh, b, ...(vi && { vi }), ...(vf && { vf }), ...(vo && { vo }), ...norm, ...drop.params },
      initial: (batch) => ({ h: zeros([batch, units]), c: zeros([batch, units]) }),
      project: (ops, x) => (norm === undefined ? ops.linear(x, wx, b) : normalised(ops, ops.matmul(x, wx), norm.gx, b)),
      window(ops, carry, x) {
        if (ops.recurrences === undefined) return undefined;
        const [product, ids] = projection(ops, x, wx, norm === undefined ? b : ops.fill([width], 0));
        const z = norm === undefined ? product : normalised(ops, product, norm.gx, b);
        const together = peepholes ? ops.concat(seeing, 0) : undefined;
        const norms = norm && ops.concat([norm.gh, norm.gc, norm.bc], 0);
        const [y, c] = ops.recurrences.lstm(z, drop.apply(ops, wh), carry.h, carry.c, ids, forget, together, norms);
        return [y, { h: lastState(ops, y), c }];
      },
      step(ops, carry, x) {
        const product = ops.matmul(carry.h, drop.apply(ops, wh));
        const gates = ops.split(ops.add(x, norm ? normalised(ops, product, norm.gh) : product), 1, sizes);
        const zf = forget === 'learned' ? gates[1] : undefined;
        const [zg, zo] = gates.slice(-2) as [Tensor, Tensor];
        const c = nextC(ops, carry.c, gates[0] as Tensor, zf, zg);
        const seen = norm ? normalised(ops, c, norm.gc, norm.bc) : c;
        const h = ops.multiply(gate(ops, zo, c, vo), ops.tanh(seen));
        return [h, { h, c }];
      },
    },
    'lstmCell',
    [inputs, units, options],
  );
}

/**
 * Long short-term memory, and its variants.
 *
 * Equation: with `(i, f, g, o) = x_t·wx + h_{t−1}·wh + b`,
 * `c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)` and `h_t = σ(o) ⊙ tanh(c_t)`.
 * `forget: 'none'`: `c_t = c_{t−1} + σ(i) ⊙ tanh(g)`; `'coupled'`: `c_t = (1 − σ(i)) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)`.
 * `peepholes`: i gains `vi ⊙ c_{t−1}`, f `vf ⊙ c_{t−1}`, and o `vo ⊙ c_t`.
 * `layerNorm`: `(i, f, g, o) = LN(x_t·wx; gx) + LN(h_{t−1}·wh; gh) + b` and `h_t = σ(o) ⊙ tanh(LN(c_t; gc) + bc)`, where
 * `LN(a; g) = g ⊙ (a − μ) / √(σ² + 10⁻⁵)`, μ and σ² the mean and variance of a's numbers, all gates together.
 * Source: the lecture's LSTM (its c̃ is tanh(g)) and the variants it names; Hochreiter and Schmidhuber (1997), who have
 * no forget gate; the forget gate of Gers, Schmidhuber and Cummins (2000); peepholes of Gers and Schmidhuber (2000), the
 * lecture's V being diagonal; the coupled gates of Greff et al., LSTM: a search space odyssey (2017); layer normalisation
 * of Ba, Kiros and Hinton (2016), eqs. 20 to 22, whose biases within the gates are one, b.
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, parameters `wx [I, 4H]`, `wh [H, 4H]`, `b [4H]`, in each the gates side by
 * side in the order i, f, g, o (PyTorch's, which keeps the transposes and two biases, of which b is the sum). Without
 * a forget gate of its own they are i, g, o, and 4H is 3H. With peepholes `vi [H]`, `vo [H]`, and `vf [H]` where there
 * is an f. With layer normalisation the gains `gx [4H]`, `gh [4H]` and `gc [H]`, and c's bias `bc [H]`. The carry:
 * `h [B, H]` and `c [B, H]`, c as it is before it is normalised.
 *
 * @param inputs features that it takes, I.
 * @param units features that it gives, H.
 * @param options how it forgets, peepholes, what is normalised or dropped, the first weights and their seed.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @throws TypeError where `forget` is none of its values, or an option is not known.
 * @example
 * ids$.pipe(embedding(65, 64), lstm(64, 128, { seed: 1 }), dense(128, 65))
 *
 * @example
 * signal$.pipe(lstm(8, 16, { seed: 1, forget: 'coupled', peepholes: true }))
 *
 * @example
 * signal$.pipe(lstm(8, 16, { seed: 1, layerNorm: true }))
 */
export function lstm(
  inputs: number,
  units: number,
  options: LstmOptions = {},
): Layer<LstmCarry, Features, Tensor, LstmParams> {
  const { seed, ...cell } = checkedOptions('lstm', options, { seed: true, ...names });
  return described(unroll(lstmCell(inputs, units, cell), seed), 'lstm', [inputs, units, options]);
}
