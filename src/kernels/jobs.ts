/** The numbers that jobs take as arguments. Read by both sides: the AssemblyScript kernels and the TypeScript that asks for them. */

/** Functions of one operand; `unary` takes one of them as an argument. */
export enum Unary {
  exp,
  log,
  sqrt,
  tanh,
  logistic,
  relu,
  expm1,
  softplus,
  gelu,
  geluTanh,
}

/** Functions of two operands; `binary` takes one of them as an argument. */
export enum Binary {
  add,
  subtract,
  multiply,
  divide,
  maximum,
  tanhAdjoint,
  logisticAdjoint,
  reluAdjoint,
  geluAdjoint,
  geluTanhAdjoint,
}

/** How the second operand of `binary` meets the first, `[outer, inner]`. */
export enum Broadcast {
  same,
  trailing,
  rows,
  one,
}

/** What becomes of an LSTM's c; `lstmForward` and `lstmBackward` take one of them as an argument. */
export enum Forget {
  /** A gate of its own says how much of it stays. */
  learned,
  /** All of it stays: there is no such gate. */
  none,
  /** As much stays as the input gate leaves room for: there is no such gate. */
  coupled,
}

/**
 * How an optimizer moves a parameter; `update` takes one of them as an argument.
 *
 * @example
 * const { rule } = adam(1e-3); // Rule.adam, by its number
 */
export enum Rule {
  sgd,
  momentum,
  classicalMomentum,
  lookAhead,
  nesterovSimplified,
  adagrad,
  rmsprop,
  adadelta,
  adam,
  adamw,
  nadam,
  adasecant,
  probe,
  vsgd,
  average,
  outerNesterov,
}

/** What is done to a gradient before the rule sees it; a list of them is an argument of `squares` and `update`. */
export enum Stage {
  /** g ← x g. */
  scale,
  /** g ← g held within ±x. */
  clamp,
  /** g ← g + x w. */
  decay,
}

/**
 * What becomes of a row whose gradient is 0 throughout. A row is what one index of a parameter's first axis selects.
 *
 * @example
 * const { sparsePolicy } = adam(1e-3, { lazy: true }); // SparsePolicy.skipped, by its number
 */
export enum SparsePolicy {
  /** It is updated as any other: what the optimizer keeps decays, and may still move it. */
  moves,
  /** It is updated as any other, which changes nothing: the work may be left out. */
  stays,
  /** It and what is kept for it are left as they are, though the update would have changed them. */
  skipped,
}
