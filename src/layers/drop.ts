/** Dropout within layers: masks that follow from the seed, the layer's path and the trainer's step. */
import type { AttentionForm } from '../ops/attention.js';
import type { Ops } from '../ops/ops.js';
import { RandomKey } from '../parameters/random-key.js';
import type { Tensor } from '../tensor.js';

/** @throws RangeError where the rate is not in [0, 1). */
export function checkRate(rate: number, operation: string): void {
  if (rate >= 0 && rate < 1) return;
  throw new RangeError(`${operation}: the rate of dropout is a share to drop, from 0 to below 1, not ${rate}.`);
}

/** A place within a layer where a share is dropped while learning. Where the rate is 0 it does nothing at all. */
export interface Dropper {
  /** What names the place; it stands among the layer's parameters. */
  readonly params: { readonly mask: RandomKey };
  /** What attention takes to drop some of its weights. */
  weights(ops: Ops): AttentionForm['drop'];
  /** `x ⊙ m / (1 − rate)`. */
  apply(ops: Ops, x: Tensor): Tensor;
}

/** @throws RangeError where the rate is not in [0, 1). */
export function dropper(rate: number, operation: string): Dropper {
  checkRate(rate, operation);
  const mask = new RandomKey();
  const keep = 1 - rate;
  const drops = (ops: Ops) => rate > 0 && ops.training;
  return {
    params: { mask },
    weights: (ops) => (drops(ops) ? { keep, key: ops.draw(mask) } : undefined),
    apply: (ops, x) =>
      drops(ops) ? ops.affine(ops.multiply(x, ops.bernoulli(x.shape, keep, ops.draw(mask))), 1 / keep, 0) : x,
  };
}
