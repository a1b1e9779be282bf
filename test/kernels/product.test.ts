import { describe, expect, it } from 'vitest';
import type { Machine } from '../../src/kernels/machine-type.js';
import { gemm, OperandLayout, pack, packedSize } from '../../src/kernels/product.js';
import { bits, machineOf, put, take, tiersHere, uniform } from './machines.js';

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aTransposed: boolean;
  readonly layout: OperandLayout;
  readonly accumulate: boolean;
}

/** The product in float64, from the same float32 numbers. */
function exact({ m, n, k, aTransposed, layout, accumulate }: Case, a: Float32Array, b: Float32Array, c: Float32Array) {
  const result = new Float64Array(m * n);
  const scale = new Float64Array(m * n);
  for (let row = 0; row < m; row += 1) {
    for (let column = 0; column < n; column += 1) {
      let sum = accumulate ? c[row * n + column] : 0;
      let size = Math.abs(sum);
      for (let i = 0; i < k; i += 1) {
        const x = aTransposed ? a[i * m + row] : a[row * k + i];
        const y = layout === OperandLayout.rows ? b[i * n + column] : b[column * k + i];
        sum += x * y;
        size += Math.abs(x * y);
      }
      result[row * n + column] = sum;
      scale[row * n + column] = size;
    }
  }
  return { result, scale };
}

function product(machine: Machine, options: Case, a: Float32Array, b: Float32Array, c: Float32Array): Float32Array {
  const { m, n, k, aTransposed, layout, accumulate } = options;
  const mark = machine.arena.mark();
  const target = put(machine, c);
  gemm(machine, {
    a: put(machine, a),
    lda: aTransposed ? m : k,
    aTransposed,
    b: put(machine, b),
    ldb: layout === OperandLayout.transposed ? k : n,
    layout,
    c: target,
    ldc: n,
    m,
    n,
    k,
    accumulate,
  });
  const result = take(machine, target, m * n);
  machine.arena.release(mark);
  return result;
}

const sizes = [
  [1, 1, 1],
  [1, 64, 5],
  [1, 130, 300],
  [2, 17, 33],
  [3, 65, 64],
  [4, 16, 16],
  [5, 15, 257],
  [6, 16, 256],
  [7, 31, 512],
  [13, 100, 7],
  [16, 48, 300],
  [32, 65, 128],
  [97, 33, 70],
  [128, 96, 130],
  [200, 300, 10],
  [60, 530, 300],
  [1, 1, 600],
  [5, 7, 0],
] as const;

const operands = (m: number, n: number, k: number) =>
  [uniform(m * k, 1), uniform(n * k, 2), uniform(m * n, 3)] as const;

for (const tier of tiersHere) {
  describe(`product, ${tier} tier`, () => {
    for (const aTransposed of [false, true]) {
      for (const layout of [OperandLayout.rows, OperandLayout.transposed]) {
        for (const accumulate of [false, true]) {
          it(`A${aTransposed ? 'ᵀ' : ''}·B${layout === OperandLayout.rows ? '' : 'ᵀ'}${accumulate ? ' + C' : ''} matches float64 at every edge`, () => {
            for (const [m, n, k] of sizes) {
              const options = { m, n, k, aTransposed, layout, accumulate };
              const [a, b, c] = operands(m, n, k);
              const { result, scale } = exact(options, a, b, c);
              const got = product(machineOf(tier), options, a, b, c);
              for (let i = 0; i < got.length; i += 1) {
                // k roundings of 2⁻²⁴ each, relative to the sum of absolute terms.
                const bound = (k + 1) * 2 ** -24 * scale[i];
                if (!(Math.abs(got[i] - result[i]) <= bound)) {
                  expect.fail(`${m}×${n}×${k}, element ${i}: ${got[i]} instead of ${result[i]}`);
                }
              }
            }
          });
        }
      }
    }

    it('a packed operand gives the bits of an unpacked one', () => {
      const machine = machineOf(tier);
      for (const [m, n, k] of sizes) {
        const [a, b, c] = operands(m, n, k);
        for (const layout of [OperandLayout.rows, OperandLayout.transposed]) {
          const plain = product(machine, { m, n, k, aTransposed: false, layout, accumulate: false }, a, b, c);
          const mark = machine.arena.mark();
          const panels = machine.arena.allocate(4 * packedSize(n, k));
          pack(
            machine,
            put(machine, b),
            layout === OperandLayout.transposed ? k : n,
            layout === OperandLayout.transposed,
            n,
            k,
            panels,
          );
          const target = put(machine, c);
          gemm(machine, {
            a: put(machine, a),
            lda: k,
            aTransposed: false,
            b: panels,
            ldb: 0,
            layout: OperandLayout.packed,
            c: target,
            ldc: n,
            m,
            n,
            k,
            accumulate: false,
          });
          expect(bits(take(machine, target, m * n))).toEqual(bits(plain));
          machine.arena.release(mark);
        }
      }
    });

    it('a row has the same bits alone and among others', () => {
      const [m, n, k] = [37, 83, 600];
      const [a, b, c] = operands(m, n, k);
      const options = { n, k, aTransposed: false, layout: OperandLayout.rows, accumulate: false };
      const together = product(machineOf(tier), { ...options, m }, a, b, c);
      for (const row of [0, 1, 17, 36]) {
        const alone = product(machineOf(tier), { ...options, m: 1 }, a.slice(row * k, (row + 1) * k), b, c.slice(0, n));
        expect(bits(alone)).toEqual(bits(together.slice(row * n, (row + 1) * n)));
      }
    });

    it('two and three threads give the bits of one', () => {
      for (const [m, n, k] of [
        [128, 512, 128],
        [20, 1000, 100],
        [300, 65, 90],
        [512, 16, 200],
        [1, 1030, 300],
        [60, 530, 64],
        [700, 300, 30],
      ] as const) {
        for (const aTransposed of [false, true]) {
          const [a, b, c] = operands(m, n, k);
          const options = { m, n, k, aTransposed, layout: OperandLayout.rows, accumulate: true };
          const one = bits(product(machineOf(tier, 1), options, a, b, c));
          for (const threads of [2, 3]) {
            for (let round = 0; round < 3; round += 1) {
              expect(bits(product(machineOf(tier, threads), options, a, b, c))).toEqual(one);
            }
          }
        }
      }
    });

    it('memory that is not shared gives the bits of memory that is', () => {
      const alone = machineOf(tier, 1, false);
      expect(alone.shared).toBe(false);
      for (const [m, n, k] of sizes) {
        const [a, b, c] = operands(m, n, k);
        for (const aTransposed of [false, true]) {
          const options = { m, n, k, aTransposed, layout: OperandLayout.rows, accumulate: true };
          expect(bits(product(alone, options, a, b, c))).toEqual(bits(product(machineOf(tier), options, a, b, c)));
        }
      }
    });

    it('baseline and optimised code give the same bits', () => {
      const machine = machineOf(tier);
      const [m, n, k] = [19, 70, 40];
      const [a, b, c] = operands(m, n, k);
      const options = { m, n, k, aTransposed: false, layout: OperandLayout.rows, accumulate: false };
      const first = bits(product(machine, options, a, b, c));
      for (let round = 0; round < 10_000; round += 1) product(machine, options, a, b, c);
      expect(bits(product(machine, options, a, b, c))).toEqual(first);
    });
  });
}
