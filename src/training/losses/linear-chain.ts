import type { Ops } from '../../ops/ops.js';
import type { Ids, Tensor } from '../../tensor.js';

/** What neighbouring tags add to a path's score: from each tag to each `[N, N]`, to the first `[N]` and from the last `[N]`. */
export interface LinearChain {
  readonly transitions: Tensor;
  readonly start: Tensor;
  readonly end: Tensor;
}

/**
 * The linear-chain conditional random field: how improbable a lane's tags are among all paths of tags.
 *
 * Equation: `L = log Σ over paths y of e^s(y) − s(tags)` with `s(y) = start[y_1] + Σ_t x_t[y_t] + Σ_t transitions[y_{t−1}, y_t]
 * + end[y_n]`. By the forward algorithm's `r_t[j] = log Σ_i e^(z_{t−1}[i] + transitions[i, j])`, `z_t = x_t + r_t`, it is
 * `−log softmax(z_n + end)[y_n] + Σ_t (r_t[y_t] − z_{t−1}[y_{t−1}] − transitions[y_{t−1}, y_t])`, which neither overflows nor
 * loses digits, however long a lane and whatever the scores, so long as they are finite.
 * Source: Lafferty, McCallum and Pereira, Conditional random fields (2001); Rabiner (1989) for the forward algorithm;
 * Collobert et al., Natural language processing (almost) from scratch (2011), §3.3.2, over a network's scores.
 *
 * Shapes: `x: [T, B, N]`, tags `[T, B]` (−1 at the padding after a lane's last step) `→ [B]`, in nats a lane; 0 for a lane
 * without tags.
 *
 * @param ops what computes it: those of a window, or `reference()`.
 * @param x scores of each tag at each step.
 * @param chain what neighbouring tags add: `transitions`, `start` and `end`.
 * @param tags the tags that were right, −1 for padding.
 * @returns nats of each lane, `[B]`.
 * @throws RangeError where the shapes disagree, a tag is not in 0 … N−1, or padding stands before a tag.
 * @example
 * const chain = { transitions: zeros([2, 2]), start: zeros([2]), end: zeros([2]) };
 * linearChain(reference(), zeros([3, 1, 2]), chain, ids([3, 1], [0, 1, 1])).data[0]; // 3 ln 2: eight paths are as probable
 */
export function linearChain(ops: Ops, x: Tensor, { transitions, start, end }: LinearChain, tags: Ids): Tensor {
  return ops.linearChain(x, transitions, start, end, tags);
}
