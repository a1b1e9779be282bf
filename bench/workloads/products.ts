import { machine } from '../../src/kernels/machine.js';
import { gemm, Layout } from '../../src/kernels/product.js';
import { generator } from '../../src/random.js';
import type { Case, Workload } from '../workload.js';

const shapes = [
  [128, 512, 128],
  [32, 2048, 512],
  [512, 512, 512],
  [1024, 1024, 1024],
  [20, 10_000, 500],
] as const;

function productCase(m: number, n: number, k: number): Case {
  const home = machine();
  const place = (size: number, path: string) => {
    const address = home.heap.allocate(4 * size);
    const random = generator(1, path);
    for (let i = 0; i < size; i += 1) home.floats[address / 4 + i] = random.normal();
    return address;
  };
  const [a, b, c] = [place(m * k, 'a'), place(k * n, 'b'), place(m * n, 'c')];
  const product = {
    a,
    lda: k,
    aTransposed: false,
    b,
    ldb: n,
    layout: Layout.rows,
    c,
    ldc: n,
    m,
    n,
    k,
    accumulate: false,
  };
  return {
    name: `W1 ${m}x${n}x${k}`,
    unit: 'GFLOP/s',
    flop: 1e9,
    work: (2 * m * n * k) / 1e9,
    check() {
      gemm(home, product);
      const { floats } = home;
      const random = generator(2);
      for (let trial = 0; trial < 200; trial += 1) {
        const [row, column] = [random.below(m), random.below(n)];
        let exact = 0;
        for (let i = 0; i < k; i += 1)
          exact += (floats[a / 4 + row * k + i] as number) * (floats[b / 4 + i * n + column] as number);
        const got = floats[c / 4 + row * n + column] as number;
        if (!(Math.abs(got - exact) <= 1e-5 * k)) throw new Error(`W1 ${m}x${n}x${k}: ${got} instead of ${exact}`);
      }
    },
    step: () => gemm(home, product),
    release() {
      for (const address of [a, b, c]) home.heap.free(address);
    },
  };
}

/** W1: row-major matrix products, packing included. */
export const products: Workload = {
  id: 'W1',
  title: 'matrix product',
  cases: () => shapes.map(([m, n, k]) => productCase(m, n, k)),
};
