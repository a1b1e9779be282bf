import { glorotUniform, ones, orthogonal, sideBySide, zeros as zeroInitializer } from '../backprop/initializers.js';
import { projection } from '../backprop/lookups.js';
import { type Initializer, parameter } from '../backprop/parameter.js';
import { checkCount } from '../backprop/shapes.js';
import type { Layer } from '../layer.js';
import { type Tensor, zeros } from '../tensor.js';
import type { Cell } from './cell.js';
import { lastStep, unroll } from './unroll.js';

/** What an LSTM remembers: its output h and its cell c, `[B, H]` each. */
export interface LstmCarry {
  readonly h: Tensor;
  readonly c: Tensor;
}

export interface LstmCellOptions {
  /**
   * Default, each gate's block by itself: `wx` Glorot uniform, `wh` orthogonal, `b` 1 for the forget gate (Jozefowicz,
   * Zaremba and Sutskever, 2015: it remembers until it learns to forget) and 0 for the others.
   */
  readonly initializers?: { readonly wx?: Initializer; readonly wh?: Initializer; readonly b?: Initializer };
}

export interface LstmOptions extends LstmCellOptions {
  readonly seed?: number;
}

/** One initialiser for each gate, by name; the gates lie side by side in the order i, f, g, o. */
const perGate = (gates: Readonly<Record<'i' | 'f' | 'g' | 'o', Initializer>>): Initializer =>
  sideBySide([gates.i, gates.f, gates.g, gates.o]);

const allGates = (each: Initializer): Initializer => perGate({ i: each, f: each, g: each, o: each });

/** The cell of {@link lstm}. */
export function lstmCell(inputs: number, units: number, options: LstmCellOptions = {}): Cell<LstmCarry> {
  checkCount(inputs, 'inputs', 'lstm');
  checkCount(units, 'units', 'lstm');
  const { initializers = {} } = options;
  const wx = parameter([inputs, 4 * units], initializers.wx ?? allGates(glorotUniform()));
  const wh = parameter([units, 4 * units], initializers.wh ?? allGates(orthogonal()));
  const none = zeroInitializer();
  const b = parameter([4 * units], initializers.b ?? perGate({ i: none, f: ones(), g: none, o: none }));
  return {
    kind: 'lstm',
    inputs,
    units,
    params: { wx, wh, b },
    initial: (batch) => ({ h: zeros([batch, units]), c: zeros([batch, units]) }),
    project: (ops, x) => ops.linear(x, wx, b),
    window(ops, carry, x) {
      if (ops.recurrences === undefined) return undefined;
      const [z, ids] = projection(ops, x, wx, b);
      const [y, c] = ops.recurrences.lstm(z, wh, carry.h, carry.c, ids);
      return [y, { h: lastStep(ops, y), c }];
    },
    step(ops, carry, x) {
      const gates = ops.split(ops.add(x, ops.matmul(carry.h, wh)), 1, [units, units, units, units]);
      const [i, f, g, o] = gates as readonly [Tensor, Tensor, Tensor, Tensor];
      const c = ops.add(ops.multiply(ops.logistic(f), carry.c), ops.multiply(ops.logistic(i), ops.tanh(g)));
      const h = ops.multiply(ops.logistic(o), ops.tanh(c));
      return [h, { h, c }];
    },
  };
}

/**
 * Long short-term memory.
 *
 * Equation: with `(i, f, g, o) = x_t·wx + h_{t−1}·wh + b`,
 * `c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)` and `h_t = σ(o) ⊙ tanh(c_t)`.
 * Source: the lecture's LSTM (its c̃ is tanh(g)); Hochreiter and Schmidhuber (1997) with the forget gate of Gers,
 * Schmidhuber and Cummins (2000).
 *
 * Shapes: `x: [T, B, I] → y: [T, B, H]`, parameters `wx [I, 4H]`, `wh [H, 4H]`, `b [4H]`, in each the gates side by
 * side in the order i, f, g, o (PyTorch's, which keeps the transposes and two biases, of which b is the sum). The
 * carry: `h [B, H]` and `c [B, H]`.
 *
 * @throws RangeError where a size is not a whole number above 0, or x has other features.
 * @example
 * ids$.pipe(embedding(65, 64), lstm(64, 128, { seed: 1 }), dense(128, 65))
 */
export function lstm(inputs: number, units: number, options: LstmOptions = {}): Layer<LstmCarry> {
  return unroll(lstmCell(inputs, units, options), options.seed);
}
