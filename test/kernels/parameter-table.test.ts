import { describe, expect, it } from 'vitest';
import { Rule, SparsePolicy } from '../../src/kernels/jobs.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { parameterTable } from '../../src/kernels/parameter-table.js';
import { bits, machineOf, put, take, tiersHere, uniform } from './machines.js';

/** A table of 150 rows of 60 (three blocks, rows across their borders), and parameters of awkward sizes around it. */
const extents = [
  { size: 1, columns: 1 },
  { size: 9000, columns: 60 },
  { size: 4097, columns: 4097 },
  { size: 21, columns: 7 },
];
const TABLE = 1;
const touched = Int32Array.of(0, 3, 4, 68, 69, 149);
const clip = 0.75;
const [rate, beta1, beta2, correction, epsilon] = [0.1, 0.9, 0.99, 3, 1e-3];

const gradients = extents.map(({ size, columns }, k) => {
  const gradient = uniform(size, 10 + k);
  if (k !== TABLE) return gradient;
  return gradient.map((value, i) => (touched.includes(Math.floor(i / columns)) ? value : 0));
});
const weights = extents.map(({ size }, k) => uniform(size, 20 + k));
const means = extents.map(({ size }, k) => uniform(size, 30 + k));
const meanSquares = extents.map(({ size }, k) => uniform(size, 40 + k, 0, 1));

/** One step of Adam over all of them; the table's gradient whole, or as the rows that are not 0. */
function step(machine: Machine, sparsePolicy: SparsePolicy, storesRows: boolean) {
  const mark = machine.arena.mark();
  // A guard behind each parameter: nobody may touch it.
  const at = weights.map((w) => put(machine, Float32Array.of(...w, 7)));
  const home = parameterTable(machine, extents, 2);
  extents.forEach((_, k) => {
    home.slot(k, 0).set(means[k] as Float32Array);
    home.slot(k, 1).set(meanSquares[k] as Float32Array);
  });
  const { squares, update } = home.step(
    gradients.map((gradient, k) => {
      const w = at[k] as number;
      if (k !== TABLE || !storesRows) return { weights: w, gradient: put(machine, gradient) };
      const stored = Float32Array.from([...touched].flatMap((row) => [...gradient.subarray(60 * row, 60 * (row + 1))]));
      const rows = { numbers: touched, address: put(machine, touched) };
      return { weights: w, gradient: put(machine, stored), rows };
    }),
    machine.arena,
  );
  const sum = squares()().total;
  const numbers = [rate, beta1, 1 - beta1, beta2, 1 - beta2, correction, epsilon];
  update({ rule: Rule.adam, sparsePolicy, numbers, scale: clip });
  const result = extents.map(({ size }, k) => ({
    weights: take(machine, at[k] as number, size + 1),
    mean: home.slot(k, 0).slice(),
    meanSquare: home.slot(k, 1).slice(),
  }));
  home.free();
  machine.arena.release(mark);
  return { sum, result };
}

const bitsOf = ({ sum, result }: ReturnType<typeof step>) => [sum, result.map((part) => Object.values(part).map(bits))];

const isIdle = (k: number, i: number) => k === TABLE && !touched.includes(Math.floor(i / 60));

describe.each(tiersHere)('a step over all parameters, %s tier', (tier) => {
  const machine = machineOf(tier);

  it('sums all squares', () => {
    const exact = gradients.flatMap((gradient) => [...gradient]).reduce((sum, g) => sum + g * g, 0);
    expect(Math.abs(step(machine, SparsePolicy.moves, false).sum - exact)).toBeLessThan(1e-6 * exact);
  });

  it.each([SparsePolicy.moves, SparsePolicy.skipped])(
    'updates each number by its rule and none beyond, idle rows: %i',
    (sparsePolicy) => {
      step(machine, sparsePolicy, true).result.forEach(({ weights: w, mean, meanSquare }, k) => {
        const [w0, m0, v0, g0] = [weights, means, meanSquares, gradients].map((arrays) => arrays[k] as Float32Array);
        w0.forEach((before, i) => {
          if (sparsePolicy === SparsePolicy.skipped && isIdle(k, i)) {
            expect([w[i], mean[i], meanSquare[i]]).toEqual([before, m0[i], v0[i]]);
            return;
          }
          const g = clip * g0[i];
          const m = beta1 * m0[i] + (1 - beta1) * g;
          const v = beta2 * v0[i] + (1 - beta2) * g * g;
          const expected = [before - (rate * m) / (Math.sqrt(v) * correction + epsilon), m, v];
          [w[i], mean[i], meanSquare[i]].forEach((value, n) => {
            const error = Math.abs((value as number) - (expected[n] as number));
            if (!(error < 2e-6)) expect.fail(`parameter ${k}, number ${i}: off by ${error}`);
          });
        });
        expect(w[w0.length]).toBe(7);
      });
    },
  );

  it.each([SparsePolicy.moves, SparsePolicy.skipped])(
    'gives the same bits for stored rows and on any threads, idle rows: %i',
    (sparsePolicy) => {
      const expected = bitsOf(step(machine, sparsePolicy, false));
      expect(bitsOf(step(machine, sparsePolicy, true))).toEqual(expected);
      for (const threads of [2, 3]) {
        expect(bitsOf(step(machineOf(tier, threads), sparsePolicy, false))).toEqual(expected);
        expect(bitsOf(step(machineOf(tier, threads), sparsePolicy, true))).toEqual(expected);
      }
    },
  );
});
