import type { Ops } from '../ops/ops.js';
import { type Ids, type Tensor, tensor } from '../tensor.js';

/** 1 at each step but those of padding, `[T, B]` → `[T, B]`; undefined where there is no padding. */
export function visible(symbols: number, padding: number | undefined): ((ops: Ops, x: Ids) => Tensor) | undefined {
  if (padding === undefined) return undefined;
  if (!Number.isInteger(padding) || padding < 0 || padding >= symbols) {
    throw new RangeError(`padding is an id from 0 to ${symbols - 1}, not ${padding}.`);
  }
  const table = tensor(
    [symbols, 1],
    Float32Array.from({ length: symbols }, (_, id) => (id === padding ? 0 : 1)),
  );
  return (ops, x) => ops.reshape(ops.gather(table, x), x.shape);
}
