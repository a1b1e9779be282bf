import { batchedGemm } from '../../src/kernels/batched.js';
import { machine } from '../../src/kernels/machine.js';
import { gemm, OperandLayout } from '../../src/kernels/product.js';
import { generator } from '../../src/random.js';
import type { Case, Workload } from '../workload.js';

const shapes = [
  [128, 512, 128],
  [32, 2048, 512],
  [512, 512, 512],
  [1024, 1024, 1024],
  [20, 10_000, 500],
] as const;

/** Of attention: scores, values, and two larger ones. */
const batches = [
  [48, 64, 64, 32],
  [48, 64, 32, 64],
  [192, 64, 64, 64],
  [8, 256, 256, 256],
] as const;

/** `count` products of one shape; one of them is a plain product. */
function productCase(m: number, n: number, k: number, count = 1): Case {
  const home = machine();
  const place = (size: number, path: string) => {
    const address = home.heap.allocate(4 * size);
    const random = generator(1, path);
    for (let i = 0; i < size; i += 1) home.floats[address / 4 + i] = random.normal();
    return address;
  };
  const [a, b, c] = [place(count * m * k, 'a'), place(count * k * n, 'b'), place(count * m * n, 'c')];
  const product = {
    a,
    lda: k,
    aTransposed: false,
    b,
    ldb: n,
    layout: OperandLayout.rows as const,
    c,
    ldc: n,
    m,
    n,
    k,
    accumulate: false,
  };
  const batch = { ...product, count, aStride: m * k, bStride: k * n, cStride: m * n };
  const step = count === 1 ? () => gemm(home, product) : () => batchedGemm(home, batch);
  const name = `W1 ${count === 1 ? '' : `${count} of `}${m}x${n}x${k}`;
  return {
    name,
    unit: 'GFLOP/s',
    flop: 1e9,
    work: (2 * count * m * n * k) / 1e9,
    check() {
      step();
      const { floats } = home;
      const random = generator(2);
      for (let trial = 0; trial < 200; trial += 1) {
        const [i, row, column] = [random.below(count), random.below(m), random.below(n)];
        let exact = 0;
        for (let p = 0; p < k; p += 1)
          exact +=
            (floats[a / 4 + (i * m + row) * k + p] as number) * (floats[b / 4 + (i * k + p) * n + column] as number);
        const got = floats[c / 4 + (i * m + row) * n + column] as number;
        if (!(Math.abs(got - exact) <= 1e-5 * k)) throw new Error(`${name}: ${got} instead of ${exact}`);
      }
    },
    step,
    release() {
      for (const address of [a, b, c]) home.heap.free(address);
    },
  };
}

/** W1: row-major matrix products, packing included, one by one and many at once. */
export const products: Workload = {
  id: 'W1',
  title: 'matrix product',
  cases: () => [
    ...shapes.map(([m, n, k]) => productCase(m, n, k)),
    ...batches.map(([count, m, n, k]) => productCase(m, n, k, count)),
  ],
};
