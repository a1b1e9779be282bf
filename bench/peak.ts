/** What the silicon gives: the best product there is, small enough to stay in cache, on all threads. */
import { machine } from '../src/kernels/machine.js';
import { gemm, Layout, pack, packedSize } from '../src/kernels/product.js';
import { rate } from './measure.js';

/** GFLOP/s of packed panels that stay in cache; the best of several repetitions. */
export function measuredPeak(): number {
  const home = machine();
  const [m, n, k] = [96 * home.threads, 256, 256];
  const addresses = [m * k, packedSize(n, k), n * k, m * n].map((size) => home.heap.allocate(4 * size));
  const [a, panels, b, c] = addresses as [number, number, number, number];
  home.floats.fill(0.5, a / 4, a / 4 + m * k);
  home.floats.fill(0.5, b / 4, b / 4 + n * k);
  pack(home, b, n, false, n, k, panels);
  const product = {
    a,
    lda: k,
    aTransposed: false,
    b: panels,
    ldb: 0,
    layout: Layout.packed,
    c,
    ldc: n,
    m,
    n,
    k,
    accumulate: false,
  };
  const work = (2 * m * n * k) / 1e9;
  const best = Math.max(...Array.from({ length: 8 }, () => rate(() => gemm(home, product), work, 0.05)));
  for (const address of addresses) home.heap.free(address);
  return best;
}
