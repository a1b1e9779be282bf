import { describe, expect, it } from 'vitest';
import { Unary } from '../../src/kernels/jobs.js';
import { unary } from '../../src/kernels/kernels.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { nearNormal, normalDistribution } from '../../src/ops/normal.js';
import { bits, machineOf, put, take, tiersHere } from './machines.js';

function apply(machine: Machine, op: Unary, x: Float32Array): Float32Array {
  const mark = machine.arena.mark();
  const from = put(machine, x);
  const to = machine.arena.allocate(4 * x.length);
  unary(machine, op, from, to, x.length);
  const y = take(machine, to, x.length);
  machine.arena.release(mark);
  return y;
}

/** Distance of a float32 from an exact value, in units of the last place of the exact value. */
function ulps(got: number, exact: number): number {
  if (Object.is(got, exact) || got === exact) return 0;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(exact))));
  return Math.abs(got - exact) / 2 ** (exponent - 23);
}

/** Evenly spaced numbers and numbers of every magnitude, both signs. */
function arguments_(limit: number): Float32Array {
  const even = Array.from({ length: 200_001 }, (_, i) => ((i - 100_000) / 100_000) * limit);
  const magnitudes = Array.from({ length: 20_000 }, (_, i) => 10 ** (-30 + (i / 20_000) * (30 + Math.log10(limit))));
  return Float32Array.from([...even, ...magnitudes, ...magnitudes.map((x) => -x)]);
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const gelu = (x: number) => x * normalDistribution(x);
const geluTanh = (x: number) => x * nearNormal(x);
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The bounds that the documentation gives; worst error over all arguments, in units of the last place. */
const functions = [
  { op: Unary.exp, name: 'exp', exact: Math.exp, limit: 86.5, bound: 2 },
  { op: Unary.tanh, name: 'tanh', exact: Math.tanh, limit: 20, bound: 2.5 },
  { op: Unary.logistic, name: 'logistic', exact: logistic, limit: 86.5, bound: 2.5 },
  { op: Unary.expm1, name: 'expm1', exact: Math.expm1, limit: 86.5, bound: 2.5 },
  { op: Unary.softplus, name: 'softplus', exact: softplus, limit: 86.5, bound: 3 },
  { op: Unary.gelu, name: 'gelu', exact: gelu, limit: 13, bound: 6 },
  { op: Unary.geluTanh, name: 'geluTanh', exact: geluTanh, limit: 4, bound: 20 },
] as const;

for (const tier of tiersHere) {
  describe(`functions, ${tier} tier`, () => {
    for (const { op, name, exact, limit, bound } of functions) {
      it(`${name} is within ${bound} units of the last place`, () => {
        const x = arguments_(limit);
        const y = apply(machineOf(tier), op, x);
        let worst = 0;
        x.forEach((value, i) => {
          worst = Math.max(worst, ulps(y[i], exact(value)));
        });
        expect(worst).toBeLessThanOrEqual(bound);
      });
    }

    it('log is within 2 units of the last place, or 2⁻²⁴ near 1', () => {
      const x = Float32Array.from({ length: 100_000 }, (_, i) => 10 ** (-37 + (i / 100_000) * 75));
      const y = apply(machineOf(tier), Unary.log, x);
      x.forEach((value, i) => {
        const expected = Math.log(value);
        if (ulps(y[i], expected) > 2 && Math.abs(y[i] - expected) > 2 ** -24) {
          expect.fail(`log ${value}: ${y[i]} instead of ${expected}`);
        }
      });
    });

    it('has the limits right', () => {
      const machine = machineOf(tier);
      const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
      const at = (op: Unary, ...x: number[]) => Array.from(apply(machine, op, Float32Array.from(x)));
      expect(at(Unary.exp, -inf, -200, 0, 89, inf, nan)).toEqual([0, 0, 1, inf, inf, nan]);
      expect(at(Unary.tanh, -inf, 0, inf, nan)).toEqual([-1, 0, 1, nan]);
      expect(at(Unary.logistic, 0, inf, nan)).toEqual([0.5, 1, nan]);
      expect(at(Unary.logistic, -inf)[0]).toBeLessThan(1e-37);
      expect(at(Unary.expm1, -inf, -200, 0, 89, inf, nan)).toEqual([-1, -1, 0, inf, inf, nan]);
      expect(at(Unary.softplus, -inf, 200, inf, nan)).toEqual([0, 200, inf, nan]);
      for (const op of [Unary.gelu, Unary.geluTanh]) {
        expect(at(op, 0, 15, inf, nan)).toEqual([0, 15, inf, nan]);
        for (const y of at(op, -inf, -1e30, -100)) expect(Math.abs(y)).toBeLessThan(1e-37);
      }
      expect(at(Unary.log, 0, 1, inf, -1, nan)).toEqual([-inf, 0, inf, nan, nan]);
      expect(at(Unary.log, 1e-40)[0]).toBeCloseTo(Math.log(1e-40), 4);
      expect(at(Unary.relu, -1, 0, 2, nan)).toEqual([0, 0, 2, nan]);
      expect(at(Unary.sqrt, 0, 4, -1)).toEqual([0, 2, nan]);
    });

    it('gives the same bits at any length, any number of threads, cold and hot', () => {
      const x = arguments_(20).slice(0, 60_001);
      for (const op of [
        Unary.exp,
        Unary.tanh,
        Unary.logistic,
        Unary.log,
        Unary.expm1,
        Unary.softplus,
        Unary.gelu,
        Unary.geluTanh,
      ]) {
        const results = apply(machineOf(tier, 1), op, x);
        const all = bits(results);
        expect(bits(apply(machineOf(tier, 3), op, x))).toEqual(all);
        for (const length of [1, 3, 7, 9, 250]) {
          expect(bits(apply(machineOf(tier), op, x.slice(0, length)))).toEqual(bits(results.slice(0, length)));
        }
        for (let round = 0; round < 3000; round += 1) apply(machineOf(tier), op, x.subarray(0, 16));
        expect(bits(apply(machineOf(tier, 1), op, x))).toEqual(all);
      }
    });
  });
}
