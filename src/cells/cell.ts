import type { Ops } from '../ops/ops.js';
import type { Params } from '../parameters/parameter.js';
import type { Tensor } from '../tensor.js';

/**
 * A recurrent cell: one step of a recurrence, written in primitives. `unroll` makes a layer of it, and with that
 * windows, streams, stacking and gradients.
 *
 * `S` is the carry, a record of tensors whose first axis is the batch.
 */
export interface Cell<S, P extends Params = Params> {
  /** What it is: `lstm`, `gru`. */
  readonly kind: string;
  /** Features it takes. */
  readonly inputs: number;
  /** Features it gives. */
  readonly units: number;
  readonly params: P;
  /** The carry before the first step. */
  initial(batch: number): S;
  /**
   * What does not depend on the carry, for a whole window at once: `x: [T, B, I] → [T, B, P]`, often one product in
   * place of T. Without it `step` gets x as it is.
   */
  project?(ops: Ops, x: Tensor): Tensor;
  /**
   * All steps at once, where the Ops at hand has a primitive for them: `x: [T, B, I] → y: [T, B, H]`. It computes what
   * the steps compute, up to rounding; undefined where there is none, and then the steps run one by one.
   */
  window?(ops: Ops, carry: S, x: Tensor): readonly [y: Tensor, carry: S] | undefined;
  /** One step: `x: [B, P] → y: [B, H]`. */
  step(ops: Ops, carry: S, x: Tensor): readonly [y: Tensor, carry: S];
}
