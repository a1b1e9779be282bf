/**
 * The closed list of primitives. A layer's body is written once against `Ops`; `eager` runs it on the kernels, `tape`
 * records it for gradients, `reference` runs it in plain float64 as the oracle.
 *
 * Every operand may be any tensor: a signal with an array of its own, a parameter, or a result of an earlier
 * primitive. Tensors are values: no primitive changes an operand.
 *
 * Broadcasting: in `add`, `subtract`, `multiply` and `divide` the second operand may be smaller than the first. It
 * then has one of three forms, seen from a first operand `[..., F]`: the trailing axes of the first (a bias `[F]`, or
 * `[B, F]` under `[T, B, F]`), all axes but a last one of length 1 (a factor per row, `[..., 1]`), or one number
 * (`[]` or `[1]`).
 */
import type { Ids, Shape, Tensor } from '../tensor.js';
import type { AttentionForm } from './attention.js';
import type { RecurrenceAdjoints, Recurrences } from './recurrences.js';

/** Which operands of a product are taken transposed. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/** Primitives with a derivative each. */
export interface Primitives {
  /**
   * Matrix product `y = op(a)·op(b)`. `b` is a matrix; `a` may have more axes, all but the last one together being
   * its rows: `[..., K] × [K, N] → [..., N]`. With `{ a: true }`: `[R, K]ᵀ × [R, N] → [K, N]`, leading axes of both
   * operands being rows. With `{ b: true }`: `[..., K] × [N, K]ᵀ → [..., N]`.
   */
  matmul(a: Tensor, b: Tensor, transposed?: Transposed): Tensor;
  /**
   * One matrix product for each place in the leading axes, `y[i] = op(a[i])·op(b[i])`: `[..., M, K] × [..., K, N] →
   * [..., M, N]`. Leading axes agree. With `{ a: true }` the matrices of `a` are `[K, M]`, with `{ b: true }` those of
   * `b` `[N, K]`; both may be.
   */
  batchedMatmul(a: Tensor, b: Tensor, transposed?: Transposed): Tensor;
  /** `y = x·w + b`, the bias under every row, in one pass: x `[..., I]`, w `[I, N]`, b `[N]` → `[..., N]`. */
  linear(x: Tensor, w: Tensor, b: Tensor): Tensor;

  /** `a + b`, `b` broadcast. */
  add(a: Tensor, b: Tensor): Tensor;
  /** `a − b`, `b` broadcast. */
  subtract(a: Tensor, b: Tensor): Tensor;
  /** `a ⊙ b`, `b` broadcast. */
  multiply(a: Tensor, b: Tensor): Tensor;
  /** `a ⊘ b`, `b` broadcast. */
  divide(a: Tensor, b: Tensor): Tensor;
  /** `scale · x + shift` with two numbers: `affine(z, -1, 1)` is `1 − z`. */
  affine(x: Tensor, scale: number, shift: number): Tensor;

  exp(x: Tensor): Tensor;
  log(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  /** `1 / (1 + e^−x)`. */
  logistic(x: Tensor): Tensor;
  /** `max(0, x)`. */
  relu(x: Tensor): Tensor;
  /** Softmax over the last axis. */
  softmax(x: Tensor): Tensor;
  /** `gain ⊙ (x − μ) / √(σ² + ε) + bias`, mean μ and variance σ² over the last axis: x `[..., F]`, gain and bias `[F]`. */
  layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor;
  /**
   * Scaled dot-product attention by heads, `softmax(q·kᵀ/√d)·v` over the keys that a query may see, d features a head:
   * queries `[T, B, D]`, keys and values `[S, B, D]` → `[T, B, D]`. Keys where the mask `[S, B]` is 0 are seen by none; a
   * query that sees nothing gives 0.
   *
   * With a past, two parts more: keys and values of the M steps before the window, `[B, M, D]`, of which the last `known`
   * (one number a lane, `[B]`) have been. A query then sees itself and the M steps before it.
   */
  attention(parts: readonly Tensor[], form: AttentionForm, mask?: Tensor, known?: Tensor): Tensor;

  /** The same numbers in the same order under another shape of the same size. */
  reshape(x: Tensor, shape: Shape): Tensor;
  /** The first two axes exchanged, `[A, B, ...]` → `[B, A, ...]`: from time first to batch first and back. */
  swapAxes(x: Tensor): Tensor;
  /** Cuts an axis into parts of the given sizes, which add up to its length. */
  split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[];
  /** Joins tensors along an axis; the inverse of `split`. */
  concat(parts: readonly Tensor[], axis: number): Tensor;
  /** Sums what broadcasting repeated: the result has the given shape, one of the three broadcast forms (or x's own). */
  sumTo(x: Tensor, shape: Shape): Tensor;

  /** Rows of a table: `table [V, E]`, ids `[...]` → `[..., E]`. Ids outside 0 … V−1 are an error. */
  gather(table: Tensor, ids: Ids): Tensor;
  /**
   * `−log softmax(logits)[target]` at each position, fused and stable: logits `[..., V]`, targets `[...]` → `[...]`.
   * A target of −1 is padding: its loss and gradient are 0.
   */
  crossEntropy(logits: Tensor, targets: Ids): Tensor;
}

/** What the derivatives of the primitives need beyond the primitives themselves. They have no derivative. */
export interface Adjoints {
  /** Adjoint of `gather`: row `ids[k]` of a table of zeros, `[rows, E]`, gains row k of `gradient`. */
  scatterAdd(gradient: Tensor, ids: Ids, rows: number): Tensor;
  /** `g ⊙ (1 − y²)` for `y = tanh x`. */
  tanhAdjoint(gradient: Tensor, y: Tensor): Tensor;
  /** `g ⊙ y ⊙ (1 − y)` for `y = logistic x`. */
  logisticAdjoint(gradient: Tensor, y: Tensor): Tensor;
  /** `g` where `y > 0`, else 0, for `y = relu x`. */
  reluAdjoint(gradient: Tensor, y: Tensor): Tensor;
  /** `y ⊙ (g − Σ g ⊙ y)` over the last axis for `y = softmax x`. */
  softmaxAdjoint(gradient: Tensor, y: Tensor): Tensor;
  /** Gradients of x, gain and bias for `y = layerNorm(x, gain, bias, epsilon)`. */
  layerNormAdjoint(gradient: Tensor, x: Tensor, gain: Tensor, epsilon: number): readonly Tensor[];
  /** Gradients of the parts for `y = attention(parts, …)`; of the first three alone without `past`. */
  attentionAdjoint(
    gradient: Tensor,
    y: Tensor,
    parts: readonly Tensor[],
    form: AttentionForm,
    mask: Tensor | undefined,
    known: Tensor | undefined,
    past: boolean,
  ): readonly Tensor[];
  /** `g · (softmax(logits) − onehot(target))` for `gradient [...]`, logits `[..., V]`; 0 where the target is −1. */
  crossEntropyAdjoint(gradient: Tensor, logits: Tensor, targets: Ids): Tensor;
}

/** Tensors made from nothing. */
export interface Sources {
  /** Unit vectors: ids `[...]` → `[..., classes]`, 1 at each id and 0 elsewhere. */
  oneHot(ids: Ids, classes: number): Tensor;
  /**
   * Ids that count on in each lane: `start + t`, but no more than `below` − 1; start `[B]` (whole numbers) → `[steps, B]`.
   */
  countFrom(start: Tensor, steps: number, below: number): Ids;
  /** A tensor filled with one number. */
  fill(shape: Shape, value: number): Tensor;
  /**
   * Independent draws, 1 with probability `keep` and 0 otherwise. Element k is `uniform(mix32(key + k)) < keep`, so the
   * mask follows from its key alone, on every thread and in every Ops.
   */
  bernoulli(shape: Shape, keep: number, key: number): Tensor;
}

/** The primitives a layer's body is written against. */
export interface Ops extends Primitives, Adjoints, Sources {
  /** Whether the body runs in order to learn (dropout drops) or to predict (it does not). */
  readonly training: boolean;
  /** Windows of recurrences in one primitive each, where this Ops has them. */
  readonly recurrences?: Recurrences & RecurrenceAdjoints;
}
