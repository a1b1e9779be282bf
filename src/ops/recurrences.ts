/**
 * Whole windows of the cells' recurrences as one primitive each. They compute what the cells' steps compute, rows of the
 * batch shared out among the threads for all T steps at once; the cells' own steps are their oracle. An Ops may do
 * without: then the cells run step by step.
 *
 * What enters each step may be given as a table of rows and the ids `[T, B]` that choose among them, in place of a row
 * for each step: `projection` (lookups.ts) gives the one or the other.
 *
 * Results that a layer has no use for (gates, states before each step) are what the derivatives need.
 */
import type { Forget } from '../kernels/jobs.js';
import type { Ids, Tensor } from '../tensor.js';

/** How much of an LSTM's c stays: what a gate says, all, or as much as the input gate leaves room for. */
export type Forgetting = keyof typeof Forget;

/** ε of the layer normalisation within cells. */
export const NORM_EPSILON = 1e-5;

/** What an LSTM's window gives. */
export type LstmWindow = readonly [
  y: Tensor,
  c: Tensor,
  before: Tensor,
  gates: Tensor,
  cells: Tensor,
  /** Where it normalises: h·wh before that, `[T, B, 4H]`, and c after it, `[T, B, H]`. */
  ...norm: readonly [] | readonly [product: Tensor, normed: Tensor],
];

/** What the way back through an LSTM's normalisation needs. */
export interface Normalised {
  readonly norms: Tensor;
  readonly product: Tensor;
  readonly normed: Tensor;
}

/** Primitives of whole windows: T steps of a recurrence at once. */
export interface Recurrences {
  /** `h_t = tanh(z_t + h_{t−1}·wh)`: z `[T, B, H]`, wh `[H, H]`, h `[B, H]` → y and the states before, `[T, B, H]`. */
  simpleRnn(z: Tensor, wh: Tensor, h: Tensor, ids?: Ids): readonly [y: Tensor, before: Tensor];
  /**
   * z `[T, B, 4H]`, gates i, f, g, o side by side; wh `[H, 4H]`; h, c `[B, H]` → y `[T, B, H]`, the last c, the states
   * before each step, the gates `[T, B, 4H]` after their functions, and all cells `[T + 1, B, H]`.
   *
   * Without a forget gate of its own (`none`, `coupled`) the gates are i, g, o, and 4H is 3H. Peepholes are vi, vf and
   * vo one after the other, `[3H]`, or vi and vo, `[2H]`.
   *
   * With `norms`, the gains of h·wh `[4H]` and gain and bias of c `[H]` each, one after the other, z gains `LN(h·wh)` in place
   * of h·wh, and y is made of the tanh of `LN(c)` in place of c.
   */
  lstm(
    z: Tensor,
    wh: Tensor,
    h: Tensor,
    c: Tensor,
    ids?: Ids,
    forget?: Forgetting,
    peepholes?: Tensor,
    norms?: Tensor,
  ): LstmWindow;
  /**
   * Reset after the product: x `[T, B, 3H]`, gates z, r, n side by side; wh `[H, 3H]`; bn `[H]`; h `[B, H]` → y, the
   * states before each step, and `[T, B, 4H]`: z, r, n and h_n + bn.
   */
  gru(x: Tensor, wh: Tensor, bn: Tensor, h: Tensor, ids?: Ids): readonly [y: Tensor, before: Tensor, gates: Tensor];
  /** Reset before the product: wh `[H, 2H]`, wn `[H, H]`; the last quarter of the gates is r ⊙ h. */
  gruResetBefore(
    x: Tensor,
    wh: Tensor,
    wn: Tensor,
    h: Tensor,
    ids?: Ids,
  ): readonly [y: Tensor, before: Tensor, gates: Tensor];
}

/** Their ways back: gradients of what entered, from the gradient of y (and of the last c). They have no derivative. */
export interface RecurrenceAdjoints {
  simpleRnnAdjoint(dy: Tensor, wh: Tensor, y: Tensor): readonly [dz: Tensor, dh: Tensor];
  /**
   * `slopes` are the peepholes' gradients before they are summed over the batch, `[B, 3H]` or `[B, 2H]`; `du` is that of the
   * recurrent product, dz where nothing is normalised.
   */
  lstmAdjoint(
    dy: Tensor,
    dc: Tensor | undefined,
    wh: Tensor,
    gates: Tensor,
    cells: Tensor,
    forget?: Forgetting,
    peepholes?: Tensor,
    normalised?: Normalised,
  ): readonly [dz: Tensor, dh: Tensor, dc: Tensor, slopes: Tensor | undefined, du: Tensor, dNorms: Tensor | undefined];
  /** `du` is the gradient of the recurrent product `h_{t−1}·wh`, `[T, B, 3H]`. */
  gruAdjoint(dy: Tensor, wh: Tensor, before: Tensor, gates: Tensor): readonly [dx: Tensor, du: Tensor, dh: Tensor];
  gruResetBeforeAdjoint(
    dy: Tensor,
    wh: Tensor,
    wn: Tensor,
    before: Tensor,
    gates: Tensor,
  ): readonly [dx: Tensor, dh: Tensor];
}
