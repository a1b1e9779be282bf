/** The gated delta network: its equation in plain numbers, its cell's step beside its window, and what it can do that a scan cannot. */
import { afterAll, describe, expect, it } from 'vitest';
import { gatedDeltaRuleCell } from '../../src/cells/gated-delta-rule.js';
import { unroll } from '../../src/cells/unroll.js';
import { configure } from '../../src/kernels/machine.js';
import type { Layer } from '../../src/layer.js';
import { gatedDeltaNet } from '../../src/layers/gated-delta-net.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import type { Tensor } from '../../src/tensor.js';
import { tensor } from '../../src/tensor.js';
import { draw, scatterParameters } from '../backprop/differences.js';

type Row = readonly number[];

afterAll(() => void configure({ threads: 2 }));

const logistic = (v: number) => 1 / (1 + Math.exp(-v));
const silu = (v: number) => v * logistic(v);
const dot = (a: Row, b: Row) => a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
const all = (count: number, of: (k: number) => number): number[] => Array.from({ length: count }, (_, k) => of(k));
const unit = (v: Row): Row => v.map((value) => value / Math.sqrt(dot(v, v) + 1e-6));

/** One head's memory, rows being keys. */
const step = (s: readonly Row[], k: Row, v: Row, alpha: number, beta: number): readonly Row[] => {
  const found = all(v.length, (j) => k.reduce((sum, value, i) => sum + value * (s[i]?.[j] as number), 0));
  return s.map((row, i) =>
    row.map(
      (value, j) =>
        alpha * (value - beta * (k[i] as number) * (found[j] as number)) + beta * (k[i] as number) * (v[j] as number),
    ),
  );
};

describe('the equation, written for one lane in plain numbers', () => {
  it.each([
    ['β up to 2', true, { heads: 2, keys: 3 }],
    ['β up to 1', false, { heads: 3, keys: 2, size: 1 }],
  ] as const)('%s', (_, negativeEigenvalues, { heads, keys, ...rest }) => {
    const [inputs, units, outputs, length] = [3, 6, 4, 7];
    const values = units / heads;
    const layer = gatedDeltaNet(inputs, units, { heads, keys, outputs, negativeEigenvalues, ...rest });
    scatterParameters(layer.params);
    const named = Object.fromEntries(parametersOf(layer.params));
    const number = (name: string, k: number) => named[name]?.data[k] ?? 0;
    const product = (row: Row, name: string, k: number) => {
      const width = named[`${name}.w`]?.shape[1] as number;
      return row.reduce((sum, value, j) => sum + value * number(`${name}.w`, j * width + k), number(`${name}.b`, k));
    };
    const x = draw([length, 1, inputs], 'x');
    const rows = all(length, (t) => t).map((t) => Array.from(x.data.slice(t * inputs, (t + 1) * inputs)));
    const [mixed, size] = [heads * (2 * keys + values), named['convolution.w']?.shape[0] as number];
    const entering = rows.map((row) => all(mixed, (k) => product(row, 'input', k)));
    let memories = all(heads, (n) => n).map((): readonly Row[] => all(keys, (k) => k).map(() => all(values, () => 0)));
    const expected = rows.flatMap((row, t) => {
      const seen = all(mixed, (k) =>
        silu(
          all(size, (i) => number('convolution.w', i * mixed + k) * (entering[t - size + 1 + i]?.[k] ?? 0)).reduce(
            (sum, value) => sum + value,
            number('convolution.b', k),
          ),
        ),
      );
      const part = (from: number, width: number, n: number) => seen.slice(from + n * width, from + (n + 1) * width);
      memories = memories.map((s, n) => {
        const beta = (negativeEigenvalues ? 2 : 1) * logistic(product(row, 'rate', n));
        const [k, v] = [unit(part(heads * keys, keys, n)), part(2 * heads * keys, values, n)];
        return step(s, k, v, logistic(product(row, 'decay', n)), beta);
      });
      const read = memories.flatMap((s, n) => {
        const q = unit(part(0, keys, n));
        const o = all(values, (j) => q.reduce((sum, value, i) => sum + value * (s[i]?.[j] as number), 0));
        return o.map((value, j) => (value / Math.sqrt(dot(o, o) / values + 1e-5)) * number('gain', j));
      });
      const passed = read.map((value, k) => value * silu(product(row, 'gate', k)));
      return all(outputs, (k) => product(passed, 'output', k));
    });
    const [y, { memory }] = layer.apply(reference(), layer.initial(1), x);
    expected.forEach((value, k) => {
      expect(Math.abs((y.data[k] as number) - value)).toBeLessThan(1e-12 * Math.max(1, Math.abs(value)));
    });
    memories.flat(2).forEach((value, k) => {
      expect(memory.s.data[k]).toBeCloseTo(value, 12);
    });
  });
});

describe('its cell', () => {
  it.each([
    ['β up to 2', {}],
    ['β up to 1', { negativeEigenvalues: false }],
  ])('step by step it is what a window is: %s', (_, options) => {
    const cell = gatedDeltaRuleCell(2, 3, 5, options);
    const { window, ...steps } = cell;
    expect(window).toBeDefined();
    const x = draw([6, 3, cell.inputs], 'x');
    const s = draw([3, 2, 3, 5], 's');
    const at = (made: typeof steps) => {
      const [y, carry] = unroll(made as typeof cell).apply(reference(), { s }, x);
      return [...y.data, ...carry.s.data];
    };
    const [whole, single] = [at(cell), at(steps)];
    for (const [k, value] of whole.entries()) expect(value).toBeCloseTo(single[k] as number, 12);
  });
});

describe('counting modulo 2', () => {
  /** One head, key and value; ones are written at the rate of 2 (or 1), nothing else is written. */
  const ones = (length: number, x: readonly number[], negativeEigenvalues: boolean) =>
    inWindow((ops) => {
      const cell = gatedDeltaRuleCell(1, 1, 1, { negativeEigenvalues });
      const rows = x.flatMap((bit) => [1, 1, 1, 30, bit === 1 ? 30 : -30]);
      const [y] = unroll(cell).apply(ops, cell.initial(1), tensor([length, 1, 5], rows));
      return Array.from(toSignal(y).data, (value) => Math.round(value));
    });

  it('takes a memory of one number, over 400 steps', () => {
    const x = all(400, (k) => (k * k + (k >> 2)) % 2);
    let odd = 0;
    const states = x.map((bit) => {
      odd ^= bit;
      return 2 * odd;
    });
    expect(ones(400, x, true)).toEqual(states);
  });

  it('cannot be done where β ends at 1', () => {
    expect(ones(4, [1, 1, 1, 1], false)).toEqual([1, 1, 1, 1]);
  });
});

describe('first weights', () => {
  it('heads forget at rates between the two that it is given', () => {
    for (const decays of [
      [0.9, 0.999],
      [0.3, 0.5],
    ] as const) {
      const layer = gatedDeltaNet(2, 300, { heads: 300, seed: 1, decays });
      const biases = new Map<string, Tensor>(parametersOf(layer.params)).get('decay.b');
      const rates = Array.from(biases?.data ?? [], logistic);
      expect(rates).toHaveLength(300);
      expect(Math.min(...rates)).toBeGreaterThanOrEqual(decays[0] - 1e-6);
      expect(Math.max(...rates)).toBeLessThanOrEqual(decays[1] + 1e-6);
    }
  });

  it.each([
    [8, [8, 4, 2, 2]],
    [6, [6, 2, 3, 3]],
    [5, [5, 1, 5, 5]],
  ])('%i units are as many heads by default as share them out', (units, [, heads, keys, values]) => {
    const layer = gatedDeltaNet(3, units) as Layer<{ memory: { s: Tensor } }, Tensor>;
    expect(layer.initial(2).memory.s.shape).toEqual([2, heads, keys, values]);
  });

  it.each([
    [() => gatedDeltaNet(0, 4), 'gatedDeltaNet: inputs is a whole number of at least 1, not 0.'],
    [() => gatedDeltaNet(4, 1.5), 'gatedDeltaNet: units is a whole number'],
    [
      () => gatedDeltaNet(4, 6, { heads: 4 }),
      'gatedDeltaNet: 6 units do not share out among 4 heads; give it a multiple',
    ],
    [() => gatedDeltaNet(4, 6, { heads: 0 }), 'gatedDeltaNet: heads is a whole number'],
    [() => gatedDeltaNet(4, 6, { keys: 0 }), 'gatedDeltaNet: keys is a whole number'],
    [() => gatedDeltaNet(4, 6, { size: 0 }), 'gatedDeltaNet: the size is a whole number'],
    [() => gatedDeltaNet(4, 6, { outputs: 0.5 }), 'gatedDeltaNet: outputs is a whole number'],
    [() => gatedDeltaNet(4, 6, { decays: [0.9, 1] }), 'gatedDeltaNet: decays are two numbers above 0 and below 1'],
    [() => gatedDeltaNet(4, 6, { decays: [0.9, 0.8] }), 'the smaller one first, not [0.9, 0.8]'],
    [() => gatedDeltaNet(4, 6, { negativeEigenvalue: true } as never), "did you mean 'negativeEigenvalues'?"],
    [() => gatedDeltaRuleCell(0, 2, 2), 'gatedDeltaRule: heads is a whole number'],
    [() => gatedDeltaRuleCell(1, -1, 2), 'gatedDeltaRule: keys is a whole number'],
    [() => gatedDeltaRuleCell(1, 2, 0.5), 'gatedDeltaRule: values is a whole number'],
  ])('what is none is refused (%#)', (make, message) => {
    expect(make).toThrow(message);
  });
});
