/** Dropout within layers: masks that follow from the seed, the layer's path and how many windows there have been. */
import type { AttentionForm } from '../ops/attention.js';
import type { Ops } from '../ops/ops.js';
import { hashText, mix32 } from '../random.js';
import type { Tensor } from '../tensor.js';

/** How many windows masks were drawn for, in the carry of a layer that drops something; missing where nothing is dropped. */
export type DropCount = {
  readonly windows?: number;
};

/** @throws RangeError where the rate is not in [0, 1). */
export function checkRate(rate: number, operation: string): void {
  if (rate >= 0 && rate < 1) return;
  throw new RangeError(`${operation}: the rate of dropout is a share to drop, from 0 to below 1, not ${rate}.`);
}

/** Keys of masks, one for each window, that follow from the seed and the path. */
export interface MaskKeys {
  named(path: string, seed: number | undefined): void;
  of(windows: number): number;
}

export function maskKeys(): MaskKeys {
  let [key, seed] = [0, 0];
  return {
    named(path, given) {
      seed = given ?? seed;
      key = hashText(`${seed} ${path}`);
    },
    of: (windows) => mix32(key + windows),
  };
}

/** A place within a layer where a share is dropped while learning. Where the rate is 0 it does nothing at all. */
export interface Dropper {
  readonly initial: DropCount;
  named(path: string, seed: number | undefined): void;
  /** What attention is told of the weights that it drops. */
  weights(ops: Ops, carry: DropCount): AttentionForm['drop'];
  /** `x ⊙ m / (1 − rate)`. */
  apply(ops: Ops, x: Tensor, carry: DropCount): Tensor;
  /** The count after a window. */
  next(ops: Ops, carry: DropCount): DropCount;
}

const nothing: DropCount = Object.freeze({});

/** @throws RangeError where the rate is not in [0, 1). */
export function dropper(rate: number, operation: string): Dropper {
  checkRate(rate, operation);
  const keys = maskKeys();
  const keep = 1 - rate;
  const drops = (ops: Ops) => rate > 0 && ops.training;
  const keyOf = ({ windows = 0 }: DropCount) => keys.of(windows);
  return {
    initial: rate > 0 ? { windows: 0 } : nothing,
    named: keys.named,
    weights: (ops, carry) => (drops(ops) ? { keep, key: keyOf(carry) } : undefined),
    apply: (ops, x, carry) =>
      drops(ops) ? ops.affine(ops.multiply(x, ops.bernoulli(x.shape, keep, keyOf(carry))), 1 / keep, 0) : x,
    next: (ops, carry) => (drops(ops) ? { windows: (carry.windows ?? 0) + 1 } : carry),
  };
}
