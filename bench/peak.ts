/** What the silicon gives: multiply-adds from cache, and weights from wherever so many of them lie. */
import { machine } from '../src/kernels/machine.js';
import type { Machine } from '../src/kernels/machine-type.js';
import { gemm, OperandLayout, type Product, pack, packedSize } from '../src/kernels/product.js';
import { rate } from './measure.js';

/** The best of several short repetitions of a product, in its unit of work a second. */
function best(home: Machine, product: Product, work: number): number {
  return Math.max(...Array.from({ length: 8 }, () => rate(() => gemm(home, product), work, 0.05)));
}

/** Blocks of memory for as long as `use` runs, filled with a number that multiplies without growing. */
function borrowed<T>(home: Machine, sizes: readonly number[], use: (addresses: readonly number[]) => T): T {
  const addresses = sizes.map((size) => home.heap.allocate(4 * size));
  addresses.forEach((address, k) => {
    home.floats.fill(0.5, address / 4, address / 4 + (sizes[k] as number));
  });
  try {
    return use(addresses);
  } finally {
    for (const address of addresses) home.heap.free(address);
  }
}

/** GFLOP/s of the best product there is: packed panels that stay in cache, on all threads. */
export function measuredPeak(): number {
  const home = machine();
  const [m, n, k] = [96 * home.threads, 256, 256];
  return borrowed(home, [m * k, packedSize(n, k), n * k, m * n], (addresses) => {
    const [a, panels, b, c] = addresses as [number, number, number, number];
    pack(home, b, n, false, n, k, panels);
    const packed = { lda: k, aTransposed: false, ldb: 0, layout: OperandLayout.packed, ldc: n, accumulate: false };
    return best(home, { ...packed, a, b: panels, c, m, n, k }, (2 * m * n * k) / 1e9);
  });
}

const bandwidths = new Map<string, number>();

/**
 * GB/s at which a vector times a matrix of so many bytes reads the matrix, again and again, from the cache or the memory
 * that holds it; the best of several widths. Products too small to share are read by one thread, as they are in a model.
 */
export function measuredBandwidth(bytes: number): number {
  const home = machine();
  const key = `${home.tier} ${home.threads} ${bytes}`;
  const known = bandwidths.get(key);
  if (known !== undefined) return known;
  const found = Math.max(
    ...[512, 1024, 2048].map((n) => {
      const k = Math.max(1, Math.round(bytes / 4 / n));
      return borrowed(home, [k, k * n, n], (addresses) => {
        const [a, b, c] = addresses as [number, number, number];
        const rows = { lda: k, aTransposed: false, ldb: n, layout: OperandLayout.rows, ldc: n, accumulate: false };
        return best(home, { ...rows, a, b, c, m: 1, n, k }, (4 * k * n) / 1e9);
      });
    }),
  );
  bandwidths.set(key, found);
  return found;
}
