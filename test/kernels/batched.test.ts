import { describe, expect, it } from 'vitest';
import { type BatchedProduct, batchedGemm } from '../../src/kernels/batched.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { gemm, OperandLayout } from '../../src/kernels/product.js';
import { bits, machineOf, put, take, tiersHere, uniform } from './machines.js';

type Options = Omit<BatchedProduct, 'a' | 'b' | 'c'>;
type Form = Pick<Options, 'aTransposed' | 'layout' | 'accumulate'>;

const forms: readonly Form[] = [false, true].flatMap((aTransposed) =>
  ([OperandLayout.rows, OperandLayout.transposed] as const).flatMap((layout) =>
    [false, true].map((accumulate) => ({ aTransposed, layout, accumulate })),
  ),
);

const nameOf = ({ aTransposed, layout, accumulate }: Form) =>
  `A${aTransposed ? 'ᵀ' : ''}·B${layout === OperandLayout.rows ? '' : 'ᵀ'}${accumulate ? ' + C' : ''}`;

/** Matrices one after another, each without gaps. */
function dense(count: number, m: number, n: number, k: number, form: Form): Options {
  return {
    ...form,
    count,
    m,
    n,
    k,
    lda: form.aTransposed ? m : k,
    ldb: form.layout === OperandLayout.transposed ? k : n,
    ldc: n,
    aStride: m * k,
    bStride: k * n,
    cStride: m * n,
  };
}

/** Every element of every C in float64, with the sum of its absolute terms. */
function eachElement(
  o: Options,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  visit: (at: number, sum: number, scale: number) => void,
): void {
  for (let i = 0; i < o.count; i += 1) {
    for (let row = 0; row < o.m; row += 1) {
      for (let column = 0; column < o.n; column += 1) {
        const at = i * o.cStride + row * o.ldc + column;
        let sum = o.accumulate ? c[at] : 0;
        let scale = Math.abs(sum);
        for (let p = 0; p < o.k; p += 1) {
          const x = a[i * o.aStride + (o.aTransposed ? p * o.lda + row : row * o.lda + p)];
          const y = b[i * o.bStride + (o.layout === OperandLayout.rows ? p * o.ldb + column : column * o.ldb + p)];
          sum += x * y;
          scale += Math.abs(x * y);
        }
        visit(at, sum, scale);
      }
    }
  }
}

type Run = (machine: Machine, product: BatchedProduct) => void;

/** What C holds after a run, gaps included. */
function outcome(
  machine: Machine,
  o: Options,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  run: Run = batchedGemm,
) {
  const mark = machine.arena.mark();
  const at = put(machine, c);
  run(machine, { ...o, a: put(machine, a), b: put(machine, b), c: at });
  const result = take(machine, at, c.length);
  machine.arena.release(mark);
  return result;
}

const oneByOne: Run = (machine, p) => {
  for (let i = 0; i < p.count; i += 1) {
    gemm(machine, {
      ...p,
      a: p.a + 4 * i * p.aStride,
      b: p.b + 4 * i * p.bStride,
      c: p.c + 4 * i * p.cStride,
    });
  }
};

const operands = ({ count, m, n, k }: Options) =>
  [uniform(count * m * k, 1), uniform(count * k * n, 2), uniform(count * m * n, 3)] as const;

/** Thin, odd, with and without a last panel, near and far, several blocks of K, wider than a cell, nothing to add up. */
const sizes = [
  [3, 1, 1, 1],
  [5, 1, 64, 5],
  [4, 1, 33, 40],
  [3, 2, 128, 9],
  [3, 3, 17, 33],
  [2, 4, 16, 16],
  [3, 7, 15, 64],
  [7, 16, 16, 16],
  [3, 20, 31, 20],
  [2, 50, 50, 32],
  [3, 64, 64, 32],
  [2, 65, 48, 64],
  [2, 130, 32, 130],
  [2, 13, 100, 300],
  [1, 9, 300, 70],
  [2, 70, 20, 520],
  [1, 520, 19, 140],
  [3, 5, 7, 0],
] as const;

for (const tier of tiersHere) {
  describe(`batched product, ${tier} tier`, () => {
    for (const form of forms) {
      it(`${nameOf(form)} matches float64, and a product a matrix bit for bit`, () => {
        const machine = machineOf(tier);
        for (const [count, m, n, k] of sizes) {
          const o = dense(count, m, n, k, form);
          const [a, b, c] = operands(o);
          const got = outcome(machine, o, a, b, c);
          eachElement(o, a, b, c, (at, sum, scale) => {
            // k roundings of 2⁻²⁴ each, relative to the sum of absolute terms.
            if (!(Math.abs(got[at] - sum) <= (k + 1) * 2 ** -24 * scale)) {
              expect.fail(`${count} of ${m}×${n}×${k}, element ${at}: ${got[at]} instead of ${sum}`);
            }
          });
          expect(bits(got), `${count} of ${m}×${n}×${k}`).toEqual(bits(outcome(machine, o, a, b, c, oneByOne)));
        }
      });
    }

    it.each([
      [48, 64, 64, 32],
      [25, 50, 50, 32],
      [7, 33, 70, 200],
      [3, 128, 300, 96],
      [1, 300, 33, 520],
    ])('two and three threads give the bits of one: %i of %i×%i×%i', (count, m, n, k) => {
      for (const form of forms) {
        const o = dense(count, m, n, k, form);
        const [a, b, c] = operands(o);
        const one = outcome(machineOf(tier, 1), o, a, b, c);
        for (const threads of [2, 3]) {
          for (let round = 0; round < 3; round += 1) {
            const several = outcome(machineOf(tier, threads), o, a, b, c);
            expect(Buffer.compare(Buffer.from(several.buffer), Buffer.from(one.buffer)), nameOf(form)).toBe(0);
          }
        }
      }
    });

    it('reaches heads that lie interleaved in rows, and writes nothing between them', () => {
      const [steps, heads, width, gap] = [37, 6, 20, 3];
      const row = heads * width + gap;
      const form = { aTransposed: false, layout: OperandLayout.transposed, accumulate: false } as const;
      const scores: Options = {
        ...form,
        count: heads,
        m: steps,
        n: steps,
        k: width,
        lda: row,
        ldb: row,
        ldc: steps,
        aStride: width,
        bStride: width,
        cStride: steps * steps,
      };
      const values: Options = {
        ...form,
        layout: OperandLayout.rows,
        count: heads,
        m: steps,
        n: width,
        k: steps,
        lda: steps,
        ldb: row,
        ldc: row,
        aStride: steps * steps,
        bStride: width,
        cStride: width,
      };
      const [queries, keys, sums] = [1, 2, 3].map((seed) => uniform(steps * row, seed));
      for (const [o, a, b, c] of [
        [scores, queries, keys, uniform(heads * steps * steps, 4)],
        [values, uniform(heads * steps * steps, 5), keys, sums],
      ] as const) {
        const expected = Float64Array.from(c);
        const bounds = new Float64Array(c.length);
        eachElement(o, a, b, c, (at, sum, scale) => {
          expected[at] = sum;
          bounds[at] = (o.k + 1) * 2 ** -24 * scale;
        });
        for (const threads of [1, 2]) {
          outcome(machineOf(tier, threads), o, a, b, c).forEach((value, at) => {
            if (!(Math.abs(value - expected[at]) <= bounds[at])) {
              expect.fail(`element ${at}: ${value} instead of ${expected[at]}`);
            }
          });
        }
      }
    });

    it('a stride of 0 repeats an operand', () => {
      const form = { aTransposed: false, layout: OperandLayout.rows, accumulate: false } as const;
      const [count, m, n, k] = [5, 18, 40, 24];
      const o = dense(count, m, n, k, form);
      const [a, b, c] = operands(o);
      const repeated = Float32Array.from({ length: count * k * n }, (_, at) => b[at % (k * n)]);
      const expected = outcome(machineOf(tier), o, a, repeated, c);
      expect(bits(outcome(machineOf(tier), { ...o, bStride: 0 }, a, b, c))).toEqual(bits(expected));
    });

    it('no matrices, or empty ones, leave everything as it was', () => {
      const form = { aTransposed: false, layout: OperandLayout.rows, accumulate: false } as const;
      const c = uniform(64, 3);
      for (const [count, m, n] of [
        [0, 4, 4],
        [3, 0, 4],
        [3, 4, 0],
      ] as const) {
        const o = dense(count, m, n, 4, form);
        expect(bits(outcome(machineOf(tier, 2), o, uniform(64, 1), uniform(64, 2), c))).toEqual(bits(c));
      }
    });

    it('memory that is not shared gives the bits of memory that is', () => {
      for (const form of forms) {
        for (const [count, m, n, k] of sizes) {
          const o = dense(count, m, n, k, form);
          const [a, b, c] = operands(o);
          const alone = outcome(machineOf(tier, 1, false), o, a, b, c);
          expect(bits(alone)).toEqual(bits(outcome(machineOf(tier), o, a, b, c)));
        }
      }
    });

    it('baseline and optimised code give the same bits', () => {
      const form = { aTransposed: true, layout: OperandLayout.rows, accumulate: false } as const;
      const o = dense(3, 19, 70, 40, form);
      const [a, b, c] = operands(o);
      const machine = machineOf(tier);
      const first = bits(outcome(machine, o, a, b, c));
      for (let round = 0; round < 3_000; round += 1) outcome(machine, o, a, b, c);
      expect(bits(outcome(machine, o, a, b, c))).toEqual(first);
    });
  });
}
