import { describe, expect, it } from 'vitest';
import { capture } from '../../src/kernels/capture.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { orthonormal } from '../../src/kernels/orthonormal.js';
import { finish } from '../../src/piecewise-task.js';
import { generator } from '../../src/random.js';
import { machineOf, tiersHere } from './machines.js';

/** Gram–Schmidt row by row, as a textbook has it. */
function plain(rows: Float64Array, count: number, length: number): Float64Array {
  const row = (k: number) => rows.subarray(k * length, (k + 1) * length);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, k) => sum + x * (b[k] as number), 0);
  for (let v = 0; v < count; v += 1) {
    for (let q = 0; q < v; q += 1) {
      const c = dot(row(q), row(v));
      row(q).forEach((x, k) => {
        row(v)[k] = (row(v)[k] as number) - c * x;
      });
    }
    const norm = Math.sqrt(dot(row(v), row(v)));
    row(v).set(row(v).map((x) => x / norm));
  }
  return rows;
}

/** Their bits as a text. */
const bitsOf = (rows: Float64Array) => Buffer.from(rows.slice().buffer).toString('base64');

/** All rows, or what is made of them. */
function rowsOf(machine: Machine, count: number, length: number, draw: (into: Float64Array) => void): Float64Array {
  const all = new Float64Array(count * length);
  finish(orthonormal(machine, count, length, draw, (row, k) => all.set(row, k * length)));
  return all;
}

const draws = () => generator(3, 'rows').normals;

describe('orthonormal rows', () => {
  it.each([
    [1, 1],
    [3, 7],
    [16, 16],
    [17, 18],
    [37, 61],
    [67, 67],
    [70, 33 * 4],
  ])(
    '%i of %i numbers are those of a plain form, with the same bits in every tier and on any number of threads',
    (count, length) => {
      const first = rowsOf(machineOf('simd'), count, length, draws());
      const expected = plain(new Float64Array(count * length).map(generator(3, 'rows').normal), count, length);
      first.forEach((value, k) => {
        expect(Math.abs(value - (expected[k] as number))).toBeLessThan(1e-10);
      });
      for (const tier of tiersHere) {
        for (const threads of [1, 2]) {
          const machine = machineOf(tier, threads);
          const before = machine.heap.used();
          expect(bitsOf(rowsOf(machine, count, length, draws()))).toBe(bitsOf(first));
          expect(machine.heap.used()).toBe(before);
        }
      }
      expect(bitsOf(rowsOf(machineOf('simd', 1, false), count, length, draws()))).toBe(bitsOf(first));
    },
  );

  it('are drawn at once where kernels are being captured, and leave no trace there', () => {
    const machine = machineOf('simd');
    const expected = bitsOf(rowsOf(machine, 20, 20, draws()));
    const { result, forks } = capture(machine, (captured) => [
      bitsOf(rowsOf(machine, 20, 20, draws())),
      captured.looks,
    ]);
    expect(result).toEqual([expected, 0]);
    expect(forks).toEqual([]);
    expect([...machine.ints.subarray(machine.arguments, machine.arguments + 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
