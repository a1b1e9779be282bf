/** Dropout within layers: masks that follow from the seed, the layer's path and the trainer's step. */
import { shown } from '../checks.js';
import type { AttentionForm } from '../ops/attention.js';
import type { Ops } from '../ops/ops.js';
import { RandomKey } from '../parameters/random-key.js';
import type { Ids, Tensor } from '../tensor.js';

/** @throws RangeError where the rate is not in [0, 1). */
export function checkRate(rate: number, operation: string): void {
  if (typeof rate === 'number' && rate >= 0 && rate < 1) return;
  throw new RangeError(`${operation}: the rate of dropout is a share to drop, from 0 to below 1, not ${shown(rate)}.`);
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

/**
 * Rows that were looked up in a table, of which a share is dropped while learning: a row that is dropped is so wherever it stands in the window.
 *
 * @throws RangeError where the rate is not in [0, 1).
 */
export function rowDropper(rate: number, operation: string) {
  checkRate(rate, operation);
  const mask = new RandomKey();
  const keep = 1 - rate;
  return {
    params: rate === 0 ? {} : { mask },
    apply(ops: Ops, rows: Tensor, ids: Ids, count: number): Tensor {
      if (rate === 0 || !ops.training) return rows;
      const kept = ops.bernoulli([count, 1], keep, ops.draw(mask));
      return ops.multiply(rows, ops.affine(ops.gather(kept, ids), 1 / keep, 0));
    },
  };
}

/** Recurrent weights of which a share is dropped while learning, the same ones at each step of a window. */
export interface WeightDropper {
  /** What names the place among the cell's parameters; nothing where the rate is 0. */
  readonly params: { readonly mask?: RandomKey };
  /** `w ⊙ m / (1 − rate)`, one m for a whole window. */
  apply(ops: Ops, w: Tensor): Tensor;
}

/** @throws RangeError where the rate is not in [0, 1). */
export function weightDropper(rate: number, operation: string): WeightDropper {
  if (rate === 0) return { params: {}, apply: (_, w) => w };
  const { params, apply } = dropper(rate, operation);
  // A window has draws of its own, whatever Ops its parts are given: steps, and spans between the ends of lanes.
  const dropped = new WeakMap<Ops['draw'], Map<Tensor, Tensor>>();
  return {
    params,
    apply(ops, w) {
      if (!ops.training) return w;
      const known = dropped.get(ops.draw) ?? new Map<Tensor, Tensor>();
      dropped.set(ops.draw, known);
      const weights = known.get(w) ?? apply(ops, w);
      known.set(w, weights);
      return weights;
    },
  };
}
