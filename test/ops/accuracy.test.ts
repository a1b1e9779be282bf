/** The functions within the fused kernels: copies of their own of those that `exp`, `tanh` and `logistic` run. */
import { describe, expect, it } from 'vitest';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import type { Recurrences } from '../../src/ops/recurrences.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);

/** One block of eight units and a rest of five, which the kernels treat otherwise. */
const units = 13;
/** Closed and open gates: σ is 6e-39 and 1. */
const [closed, open] = [-88, 88];
/** So small that tanh s is s. */
const small = 2 ** -13;

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const filled = (shape: Shape, value: number) => tensor(shape, new Float32Array(sizeOf(shape)).fill(value));
const none = (columns: number) => filled([units, columns], 0);
const identity = tensor(
  [units, units],
  Array.from({ length: units * units }, (_, k) => (k % (units + 1) === 0 ? 1 : 0)),
);

/** Evenly spaced numbers up to a limit and numbers of every magnitude, both signs; as many as fill whole rows. */
function arguments_(limit: number): Float32Array {
  const even = Array.from({ length: 20_001 }, (_, k) => ((k - 10_000) / 10_000) * limit);
  const magnitudes = Array.from({ length: 3_000 }, (_, k) => 10 ** (-30 + (k / 3_000) * (30 + Math.log10(limit))));
  const all = [...even, ...magnitudes, ...magnitudes.map((x) => -x)];
  return Float32Array.from(all.slice(0, all.length - (all.length % units)));
}

/** `[1, B, parts · units]`: what enters the gates at one step, for one of them the arguments and for others a number. */
function gatesOf(x: Float32Array, parts: readonly (number | 'x')[]): Tensor {
  const width = parts.length * units;
  const value = (row: number, column: number) => {
    const part = parts[Math.floor(column / units)] as number | 'x';
    return part === 'x' ? (x[row * units + (column % units)] as number) : part;
  };
  const rows = x.length / units;
  return tensor(
    [1, rows, width],
    Float32Array.from({ length: rows * width }, (_, k) => value(Math.floor(k / width), k % width)),
  );
}

/** The worst distance from the exact values, in units of the last place of these; infinite where there is a NaN. */
function worstUlps(got: Tensor, x: Float32Array, exact: (x: number) => number): number {
  expect(got.data.length).toBe(x.length);
  return x.reduce((worst, value, k) => {
    const expected = exact(value);
    const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(expected))));
    const distance = Math.abs((got.data[k] as number) - expected) / (expected === 0 ? 1 : 2 ** (exponent - 23));
    return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(worst, distance);
  }, 0);
}

interface Case {
  /** One step of a recurrence that shows one function of the arguments. */
  readonly run: (recurrences: Recurrences, x: Float32Array, carry: (value: number) => Tensor) => Tensor;
  readonly exact: (x: number) => number;
  readonly limit: number;
  readonly bound: number;
}

const asTanh = { exact: Math.tanh, limit: 20, bound: 2.5 };
const asLogistic = { exact: logistic, limit: 86.5, bound: 2.5 };
/** Seen through a small tanh, whose error is added. */
const asReset = { exact: (x: number) => Math.tanh(small * logistic(x)), limit: 40, bound: 5 };

const lstm =
  (gates: readonly (number | 'x')[], before: number, result: 'h' | 'c'): Case['run'] =>
  (recurrences, x, carry) => {
    const [y, c] = recurrences.lstm(gatesOf(x, gates), none(4 * units), carry(0), carry(before));
    return result === 'h' ? y : c;
  };

const gru =
  (gates: readonly (number | 'x')[], before: number, bias = 0): Case['run'] =>
  (recurrences, x, carry) =>
    recurrences.gru(gatesOf(x, gates), none(3 * units), filled([units], bias), carry(before))[0];

const gruResetBefore =
  (gates: readonly (number | 'x')[], before: number, wn = identity): Case['run'] =>
  (recurrences, x, carry) =>
    recurrences.gruResetBefore(gatesOf(x, gates), none(2 * units), wn, carry(before))[0];

/** Gates in their order, i f g o and z r n. */
const cases: Readonly<Record<string, Case>> = {
  'tanh in a simple RNN': {
    run: (recurrences, x, carry) => recurrences.simpleRnn(gatesOf(x, ['x']), none(units), carry(0))[0],
    ...asTanh,
  },
  "an LSTM's input gate": { run: lstm(['x', 0, 20, 0], 0, 'c'), ...asLogistic },
  "an LSTM's forget gate": { run: lstm([0, 'x', 0, 0], 1, 'c'), ...asLogistic },
  "an LSTM's candidate": { run: lstm([open, 0, 'x', 0], 0, 'c'), ...asTanh },
  "an LSTM's output gate": { run: lstm([0, open, 0, 'x'], 20, 'h'), ...asLogistic },
  "tanh of an LSTM's cell": {
    run: (recurrences, x, carry) => {
      const c = tensor(carry(0).shape, x);
      return recurrences.lstm(gatesOf(x, [0, open, 0, open]), none(4 * units), carry(0), c)[0];
    },
    ...asTanh,
  },
  "a GRU's update gate": { run: gru(['x', 0, 0], 1), ...asLogistic },
  "a GRU's candidate": { run: gru([closed, 0, 'x'], 0), ...asTanh },
  "a GRU's reset gate, after": { run: gru([closed, 'x', 0], 0, small), ...asReset },
  "a GRU's update gate, reset before": { run: gruResetBefore(['x', 0, 0], 1, none(units)), ...asLogistic },
  "a GRU's candidate, reset before": { run: gruResetBefore([closed, 0, 'x'], 0, identity), ...asTanh },
  "a GRU's reset gate, before": { run: gruResetBefore([closed, 'x', 0], small, identity), ...asReset },
};

for (const tier of tiers) {
  describe(`functions within fused kernels, ${tier} tier`, () => {
    it.each(Object.entries(cases))('%s', (_, { run, exact, limit, bound }) => {
      configure({ tier });
      const x = arguments_(limit);
      const carry = (value: number) => filled([x.length / units, units], value);
      const got = inWindow(({ recurrences }) => toSignal(run(recurrences as Recurrences, x, carry)));
      expect(worstUlps(got, x, exact)).toBeLessThanOrEqual(bound);
    });

    it('softmax of two logits is within 4 units of the last place, whichever comes first', () => {
      configure({ tier });
      const x = arguments_(80);
      for (const swapped of [false, true]) {
        const logits = Float32Array.from({ length: 2 * x.length }, (_, k) =>
          k % 2 === (swapped ? 1 : 0) ? (x[Math.floor(k / 2)] as number) : 0,
        );
        const both = inWindow((ops) => toSignal(ops.softmax(tensor([x.length, 2], logits))));
        const first = both.data.filter((_, k) => k % 2 === 0);
        const exact = swapped ? (value: number) => logistic(-value) : logistic;
        expect(worstUlps(tensor([x.length], first), x, exact)).toBeLessThanOrEqual(4);
      }
    });

    it('cross-entropy of two logits is right to 2⁻²³ of the larger of loss and 1, and its gradient to 4 units', () => {
      configure({ tier });
      const x = arguments_(80);
      const logits = tensor(
        [x.length, 2],
        Float32Array.from({ length: 2 * x.length }, (_, k) => (k % 2 === 0 ? (x[k / 2] as number) : 0)),
      );
      const targets = { shape: [x.length], type: 'int32', data: new Int32Array(x.length).fill(1) } as const;
      const [losses, slopes] = inWindow((ops) =>
        toSignal([
          ops.crossEntropy(logits, targets),
          ops.crossEntropyAdjoint(filled([x.length], 1), logits, targets),
        ] as const),
      );
      // −log softmax of the second is log(1 + e^x); its slope towards the first is σ(x).
      x.forEach((value, k) => {
        const expected = value > 0 ? value + Math.log1p(Math.exp(-value)) : Math.log1p(Math.exp(value));
        const difference = Math.abs((losses.data[k] as number) - expected);
        if (!(difference <= 2 ** -23 * Math.max(1, expected))) {
          expect.fail(`logits ${value} and 0: a loss of ${losses.data[k]} instead of ${expected}`);
        }
      });
      const first = slopes.data.filter((_, k) => k % 2 === 0);
      expect(worstUlps(tensor([x.length], first), x, logistic)).toBeLessThanOrEqual(4);
    });
  });
}
