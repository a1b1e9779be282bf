import type { Tensor } from '../../tensor.js';
import type { Ops } from '../ops.js';

/** A model's output and what it should have been → one number, `[]`, to be made small. */
export type Loss = (ops: Ops, prediction: Tensor, target: Tensor) => Tensor;
