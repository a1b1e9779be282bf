import type { Ops } from '../../ops/ops.js';
import { ids, type Numbers, sizeOf, type Tensor } from '../../tensor.js';

/** The logit of each position's own class, `[..., V]` → `[N, 1]`; of positions that do not count (−1), that of the first class. */
export function logitsOf(ops: Ops, logits: Tensor, classes: Numbers): Tensor {
  const width = logits.shape.at(-1) as number;
  const places = Int32Array.from(classes, (id, row) => row * width + Math.max(0, id));
  return ops.gather(ops.reshape(logits, [sizeOf(logits.shape), 1]), ids([places.length], places));
}
