/**
 * The derivatives: one vector–Jacobian product for each primitive, written in primitives, so that they run wherever
 * the primitives do. They work out nothing that is not needed.
 */

import { customGradients } from '../ops/custom.js';
import type { Ops, Primitives } from '../ops/ops.js';
import { sizeOf, type Tensor } from '../tensor.js';

/**
 * Carries the gradient `g` of a result `y` back to the operands.
 *
 * An entry of the result stands at its operand's place among the arguments (or among the list, where the first
 * argument is a list), and may be missing where `needs` is false.
 */
export type Vjp<Arguments extends readonly unknown[], Y> = (
  ops: Ops,
  g: GradientOf<Y>,
  args: Arguments,
  y: Y,
  needs: readonly boolean[],
) => readonly (Tensor | undefined)[];

/** A result's gradient; of several results, those that nothing depends on have none. */
export type GradientOf<Y> = Y extends Tensor ? Tensor : readonly (Tensor | undefined)[];

export type Vjps = { readonly [K in keyof Primitives]: Vjp<Parameters<Primitives[K]>, ReturnType<Primitives[K]>> };

export const vjps: Vjps = {
  // y = op(a)·op(b), so d op(a) = g·op(b)ᵀ and d op(b) = op(a)ᵀ·g, taken transposed where the operand was.
  matmul(ops, g, [a, b, transposed = {}], _y, [needsA, needsB]) {
    const { a: ta = false, b: tb = false } = transposed;
    if (!ta) {
      return [
        needsA ? ops.matmul(g, b, { b: !tb }) : undefined,
        needsB ? (tb ? ops.matmul(g, a, { a: true }) : ops.matmul(a, g, { a: true })) : undefined,
      ];
    }
    // Leading axes of a transposed operand are rows, however the other operand shapes its own.
    const db = () => (tb ? ops.matmul(g, ops.reshape(a, matrixOf(a)), { a: true, b: true }) : ops.matmul(a, g));
    return [
      needsA ? ops.reshape(ops.matmul(b, g, { a: tb, b: true }), a.shape) : undefined,
      needsB ? ops.reshape(db(), b.shape) : undefined,
    ];
  },

  // The same for each matrix; here leading axes agree, so that all four cases are plain.
  batchedMatmul(ops, g, [a, b, transposed = {}], _y, [needsA, needsB]) {
    const { a: ta = false, b: tb = false } = transposed;
    const da = () => (ta ? ops.batchedMatmul(b, g, { a: tb, b: true }) : ops.batchedMatmul(g, b, { b: !tb }));
    const db = () => (tb ? ops.batchedMatmul(g, a, { a: true, b: ta }) : ops.batchedMatmul(a, g, { a: !ta }));
    return [needsA ? da() : undefined, needsB ? db() : undefined];
  },

  linear: (ops, g, [x, w, b], _y, [needsX, needsW, needsB]) => [
    needsX ? ops.matmul(g, w, { b: true }) : undefined,
    needsW ? ops.matmul(x, g, { a: true }) : undefined,
    needsB ? ops.sumTo(g, b.shape) : undefined,
  ],

  add: (ops, g, [, b], _y, [, needsB]) => [g, needsB ? ops.sumTo(g, b.shape) : undefined],
  subtract: (ops, g, [, b], _y, [, needsB]) => [g, needsB ? ops.affine(ops.sumTo(g, b.shape), -1, 0) : undefined],
  multiply: (ops, g, [a, b], _y, [needsA, needsB]) => [
    needsA ? ops.multiply(g, b) : undefined,
    needsB ? ops.sumTo(ops.multiply(g, a), b.shape) : undefined,
  ],
  divide: (ops, g, [, b], y, [needsA, needsB]) => [
    needsA ? ops.divide(g, b) : undefined,
    needsB ? ops.affine(ops.divide(ops.sumTo(ops.multiply(g, y), b.shape), b), -1, 0) : undefined,
  ],
  // b's share is g where b > a, a's is the rest: exact, since one of them is 0.
  maximum(ops, g, [a, b], _y, [needsA, needsB]) {
    const ofB = ops.reluAdjoint(g, ops.affine(ops.subtract(a, b), -1, 0));
    return [needsA ? ops.subtract(g, ofB) : undefined, needsB ? ops.sumTo(ofB, b.shape) : undefined];
  },
  affine: (ops, g, [, scale]) => [ops.affine(g, scale, 0)],

  exp: (ops, g, _args, y) => [ops.multiply(g, y)],
  expm1: (ops, g, _args, y) => [ops.multiply(g, ops.affine(y, 1, 1))],
  log: (ops, g, [x]) => [ops.divide(g, x)],
  sqrt: (ops, g, _args, y) => [ops.affine(ops.divide(g, y), 0.5, 0)],
  tanh: (ops, g, _args, y) => [ops.tanhAdjoint(g, y)],
  logistic: (ops, g, _args, y) => [ops.logisticAdjoint(g, y)],
  relu: (ops, g, _args, y) => [ops.reluAdjoint(g, y)],
  softplus: (ops, g, [x]) => [ops.multiply(g, ops.logistic(x))],
  gelu: (ops, g, [x]) => [ops.geluAdjoint(g, x)],
  geluTanh: (ops, g, [x]) => [ops.geluTanhAdjoint(g, x)],
  layerNorm: (ops, g, [x, gain, , epsilon]) => ops.layerNormAdjoint(g, x, gain, epsilon),
  // Seldom is a past learnt from: a window's own carry is constant.
  attention: (ops, g, [parts, form, mask, known], y, needs) =>
    ops.attentionAdjoint(g, y, parts, form, mask, known, needs.slice(3).includes(true)),
  scan: (ops, g, [a, , h], y) => ops.scanAdjoint(g, a, y, h),
  deltaRule: (ops, [g, ofState], operands, [y, state]) =>
    ops.deltaRuleAdjoint(g ?? ops.fill(y.shape, 0), ofState ?? ops.fill(state.shape, 0), operands),
  softmax: (ops, g, _args, y) => [ops.softmaxAdjoint(g, y)],

  swapAxes: (ops, g) => [ops.swapAxes(g)],
  reshape: (ops, g, [x]) => [ops.reshape(g, x.shape)],
  // All parts at once: a split into T steps and its derivative are one walk over the numbers each, not T.
  split: (ops, g, [, axis], parts) => [
    ops.concat(
      parts.map((part, k) => g[k] ?? ops.fill(part.shape, 0)),
      axis,
    ),
  ],
  concat: (ops, g, [parts, axis]) =>
    ops.split(
      g,
      axis,
      parts.map((part) => part.shape[axis] as number),
    ),
  sumTo: (ops, g, [x]) => [ops.add(ops.fill(x.shape, 0), g)],

  gather: (ops, g, [table, ids]) => [ops.scatterAdd(g, ids, table.shape[0] as number)],
  crossEntropy: (ops, g, [logits, targets]) => [ops.crossEntropyAdjoint(g, logits, targets)],
  linearChain: (ops, g, [x, transitions, start, end, tags]) =>
    ops.linearChainAdjoint(g, x, transitions, start, end, tags),

  convolution2d(ops, g, [x, w, , convolution], y, [needsX, needsW, needsB]) {
    const dz = convolution?.relu ? ops.reluAdjoint(g, y) : g;
    const [dw, db] = needsW || needsB ? ops.convolution2dWeightsAdjoint(dz, x, w.shape, convolution) : [];
    return [needsX ? ops.convolution2dInputAdjoint(dz, w, x.shape, convolution) : undefined, dw, db];
  },
  maxPooling2d: (ops, [g], [x, pooling], [, places]) =>
    g === undefined ? [] : [ops.maxPooling2dAdjoint(g, places, x.shape, pooling)],
  meanPooling2d: (ops, g, [x, pooling]) => [ops.meanPooling2dAdjoint(g, x.shape, pooling)],

  custom: (ops, g, [operands, rule], y, needs) => customGradients(ops, rule, g, operands, y, needs),
};

function matrixOf(x: Tensor): readonly [rows: number, width: number] {
  const width = x.shape.at(-1) as number;
  return [sizeOf(x.shape.slice(0, -1)), width];
}
