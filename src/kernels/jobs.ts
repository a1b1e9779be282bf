/**
 * What a team can be asked to do. Read by both sides: the AssemblyScript kernels dispatch on these numbers, the
 * TypeScript side asks for them.
 */
export enum Job {
  gemm,
  batchedGemm,
  pack,
  unary,
  affine,
  binary,
  copyBlock,
  fill,
  bernoulli,
  sumTrailing,
  sumRows,
  sumBlocks,
  sumFinish,
  gather,
  scatterAdd,
  softmax,
  softmaxAdjoint,
  crossEntropy,
  crossEntropyAdjoint,
  sample,
  sgd,
  momentum,
  rmsprop,
  adam,
  lstmForward,
  lstmBackward,
  gruForward,
  gruBackward,
  rnnForward,
  rnnBackward,
  transpose,
  oneHot,
  attention,
  attentionAdjoint,
  layerNorm,
  layerNormAdjoint,
  layerNormSums,
  swapAxes,
  countFrom,
  fail,
  straggle,
}

/** Functions of one operand; `Job.unary` takes one of them as an argument. */
export enum Unary {
  exp,
  log,
  sqrt,
  tanh,
  logistic,
  relu,
}

/** Functions of two operands; `Job.binary` takes one of them as an argument. */
export enum Binary {
  add,
  subtract,
  multiply,
  divide,
  tanhAdjoint,
  logisticAdjoint,
  reluAdjoint,
}

/** How the second operand of `Job.binary` meets the first, `[outer, inner]`. */
export enum Broadcast {
  same,
  trailing,
  rows,
  one,
}
