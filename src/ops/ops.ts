/**
 * The closed list of primitives. A layer's body is written once against `Ops`; `eager` runs it on the kernels, `tape`
 * records it for gradients, `reference` runs it in plain float64 as the oracle.
 *
 * Every operand may be any tensor: a signal with an array of its own, a parameter, or a result of an earlier
 * primitive. Tensors are values: no primitive changes an operand.
 *
 * Broadcasting: in `add`, `subtract`, `multiply`, `divide` and `maximum` the second operand may be smaller than the first. It
 * then has one of three forms, seen from a first operand `[..., F]`: the trailing axes of the first (a bias `[F]`, or
 * `[B, F]` under `[T, B, F]`), all axes but a last one of length 1 (a factor per row, `[..., 1]`), or one number
 * (`[]` or `[1]`).
 */
import type { Ids, Shape, Tensor } from '../tensor.js';
import type { AttentionForm } from './attention.js';
import type { Draw } from './draws.js';
import type { Convolution, Pooling } from './images.js';
import type { Lengths } from './lengths.js';
import type { RecurrenceAdjoints, Recurrences } from './recurrences.js';
import type { Transposed } from './shapes.js';

/** Where a tensor's rows come from: a table's rows, or unit vectors where there is none. */
export interface Lookup {
  readonly ids: Ids;
  readonly rows: number;
  readonly table: Tensor | undefined;
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
  /** The larger of each two, `b` broadcast; where they are equal, the gradient is a's. */
  maximum(a: Tensor, b: Tensor): Tensor;
  /** `scale · x + shift` with two numbers: `affine(z, -1, 1)` is `1 − z`. */
  affine(x: Tensor, scale: number, shift: number): Tensor;

  exp(x: Tensor): Tensor;
  /** `e^x − 1`, which keeps its digits near 0. */
  expm1(x: Tensor): Tensor;
  log(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  /** `1 / (1 + e^−x)`. */
  logistic(x: Tensor): Tensor;
  /** `max(0, x)`. */
  relu(x: Tensor): Tensor;
  /** `log(1 + e^x)`, for any x. */
  softplus(x: Tensor): Tensor;
  /** `x · Φ(x)`, Φ the distribution function of N(0, 1). */
  gelu(x: Tensor): Tensor;
  /** Near `gelu`: `½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`. */
  geluTanh(x: Tensor): Tensor;
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
  /**
   * A linear recurrence, element by element: `y_t = a_t ⊙ y_{t−1} + b_t` from `y_0 = h`. Factors a and summands b `[T, …]`,
   * h `[…]` → `[T, …]`.
   */
  scan(a: Tensor, b: Tensor, h: Tensor): Tensor;
  /**
   * The gated delta rule, a recurrence whose state is a matrix a head: `S_t = α_t (S_{t−1} − β_t k_t (k_tᵀ S_{t−1})) + β_t k_t v_tᵀ`
   * and `y_t = S_tᵀ q_t`. State `[B, H, K, V]`, queries and keys `[T, B, H, K]`, values `[T, B, H, V]`, decays α and rates β
   * `[T, B, H]` → y `[T, B, H, V]` and the last state.
   */
  deltaRule(
    state: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    decay: Tensor,
    rate: Tensor,
  ): readonly [y: Tensor, state: Tensor];

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
  /**
   * How improbable each lane's tags are among all paths of tags, `log Σ_y e^s(y) − s(tags)`, a path's score being `s(y) =
   * start[y_1] + Σ_t x_t[y_t] + Σ_t transitions[y_{t−1}, y_t] + end[y_n]`: fused, and stable for any scores. Scores
   * `[T, B, N]`, transitions `[N, N]` from row to column, start and end `[N]`, tags `[T, B]` → `[B]`. Tags of −1 are padding at
   * a lane's end: its gradient is 0 there, and so is the loss of a lane without tags.
   */
  linearChain(x: Tensor, transitions: Tensor, start: Tensor, end: Tensor, tags: Ids): Tensor;

  /**
   * Convolution of images, channels last, with kernels that are not turned (cross-correlation, as the field has it):
   * `y[i, j, o] = b[o] + Σ x[i·s + r, j·s + q, c] · w[r, q, c, o]`, zeros beyond the edges. x `[..., H, W, C]`,
   * w `[kh, kw, C, O]`, b `[O]` or none → `[..., H′, W′, O]` with `H′ = ⌊(H + zeros − kh) / s⌋ + 1`.
   */
  convolution2d(x: Tensor, w: Tensor, b: Tensor | undefined, convolution?: Convolution): Tensor;
  /**
   * The largest of each pool, `[..., H, W, C] → [..., H′, W′, C]`, and where in its image it is: the first of several.
   * Pools that would reach beyond an edge are left out.
   */
  maxPooling2d(x: Tensor, pooling: Pooling): readonly [y: Tensor, places: Ids];
  /** The mean of each pool, `[..., H, W, C] → [..., H′, W′, C]`. */
  meanPooling2d(x: Tensor, pooling: Pooling): Tensor;

  /** A function with a derivative of its own; `customVjp` makes one. */
  custom(operands: readonly Tensor[], rule: CustomVjp): Tensor;
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
  /** `g ⊙ (Φ(x) + x φ(x))` for `gelu x`, φ being Φ's derivative. */
  geluAdjoint(gradient: Tensor, x: Tensor): Tensor;
  /** The same for `geluTanh x`. */
  geluTanhAdjoint(gradient: Tensor, x: Tensor): Tensor;
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
  /** Gradients of a, b and h for `y = scan(a, b, h)`. */
  scanAdjoint(gradient: Tensor, a: Tensor, y: Tensor, h: Tensor): readonly [da: Tensor, db: Tensor, dh: Tensor];
  /** Gradients of state, q, k, v, decay and rate for `deltaRule(…operands)`, from those of y and of the last state. */
  deltaRuleAdjoint(gradient: Tensor, gradientOfState: Tensor, operands: readonly Tensor[]): readonly Tensor[];
  /** `g · (softmax(logits) − onehot(target))` for `gradient [...]`, logits `[..., V]`; 0 where the target is −1. */
  crossEntropyAdjoint(gradient: Tensor, logits: Tensor, targets: Ids): Tensor;
  /** Gradients of scores, transitions, start and end for `y = linearChain(x, transitions, start, end, tags)`. */
  linearChainAdjoint(
    gradient: Tensor,
    x: Tensor,
    transitions: Tensor,
    start: Tensor,
    end: Tensor,
    tags: Ids,
  ): readonly Tensor[];
  /** Gradient of the images of a convolution, which have the given shape; `relu` plays no part. */
  convolution2dInputAdjoint(gradient: Tensor, w: Tensor, shape: Shape, convolution?: Convolution): Tensor;
  /** Gradients of the kernels of a convolution, which have the given shape, and of its bias. */
  convolution2dWeightsAdjoint(
    gradient: Tensor,
    x: Tensor,
    shape: Shape,
    convolution?: Convolution,
  ): readonly [w: Tensor, b: Tensor];
  /** Images of zeros, of the given shape, that gain each gradient at its place. */
  maxPooling2dAdjoint(gradient: Tensor, places: Ids, shape: Shape, pooling: Pooling): Tensor;
  /** Images of zeros, of the given shape, that gain each gradient in equal shares over its pool. */
  meanPooling2dAdjoint(gradient: Tensor, shape: Shape, pooling: Pooling): Tensor;
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
  /**
   * A key for `bernoulli`, of the window's next draw at a place. It follows from the seed, the place and the trainer's
   * step, so that there is another mask for each window, and the same one again where a run is resumed.
   */
  readonly draw: Draw;
  /** Where a tensor's rows were looked up, if they were, where this Ops knows. */
  lookupOf?(x: Tensor): Lookup | undefined;
  /**
   * How many steps of each lane are real, where the window is padded. What a layer gives at a lane's real steps, and the
   * carry of that lane, are then those of the lane alone: a layer that remembers, or that looks at several steps at once,
   * reads this; one that takes each step by itself need not. What it gives at padding is nobody's business, but finite.
   */
  readonly lengths?: Lengths | undefined;
  /** Windows of recurrences in one primitive each, where this Ops has them. */
  readonly recurrences?: Recurrences & RecurrenceAdjoints;
}

/** A primitive of one's own: what it computes, and how its gradient goes back. */
export interface CustomVjp {
  /** What messages call it. */
  readonly kind: string;
  /** The result, written in primitives; they are not recorded for gradients. */
  forward(ops: Ops, ...operands: readonly Tensor[]): Tensor;
  /**
   * The vector–Jacobian product `ȳᵀ · ∂y/∂operand` for each operand, in their order and of their shapes; undefined for
   * one that has no gradient, such as ids. `needs` says which are asked for.
   */
  backward(
    ops: Ops,
    gradient: Tensor,
    operands: readonly Tensor[],
    y: Tensor,
    needs: readonly boolean[],
  ): readonly (Tensor | undefined)[];
}
