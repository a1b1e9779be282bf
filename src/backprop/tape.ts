/**
 * The tape: Ops that run on other Ops and remember how each result came about, so that gradients can be walked back.
 * A window of training is a tape of its own; what entered it from before is unknown to it and hence constant.
 */
import { draws } from '../ops/draws.js';
import type { Adjoints, Ops, Primitives } from '../ops/ops.js';
import type { Recurrences } from '../ops/recurrences.js';
import { finish, type PiecewiseTask } from '../piecewise-task.js';
import { isList, sameShape, showShape, sizeOf, type Tensor } from '../tensor.js';
import { recurrenceVjps } from './recurrence-vjps.js';
import { type Vjp, vjps } from './vjps.js';

/** Ops that remember. */
export interface Tape extends Ops {
  /**
   * Gradients of `Σ seed ⊙ output` with respect to the watched tensors, in their order; zeros for those that the
   * output does not depend on. Without a seed the output must be one number.
   *
   * @throws TypeError where the way back leads through an operation without a derivative.
   * @throws RangeError where the output is not one number, or the seed is not of its shape.
   */
  gradients(output: Tensor, seed?: Tensor): readonly Tensor[];
  /** The same in pieces of some primitives each, between which others may have their turn; as many for any numbers. */
  gradientsInPieces(output: Tensor, seed?: Tensor): PiecewiseTask<readonly Tensor[]>;
}

/** A vjp whose primitive is not known any more: the walk needs only its outcome. */
type AnyVjp = Vjp<readonly unknown[], Tensor | readonly Tensor[]>;

/** How a result, or several, came about. */
interface Entry {
  readonly vjp: AnyVjp;
  readonly args: readonly unknown[];
  readonly needs: readonly boolean[];
  readonly result: Tensor | readonly Tensor[];
}

/**
 * Pieces of a walk back. Of few primitives each is a piece, since the first time a primitive's derivative is asked for takes a
 * millisecond, of which the next one takes a hundredth; of many, some that take less than one.
 */
const [FEWEST_PIECES, MOST_IN_PIECE] = [8, 64];

/** Tensors come first among a primitive's arguments, or as one list in the first place. */
const operandsOf = (args: readonly unknown[]): readonly unknown[] => (isList(args[0]) ? args[0] : args);

/** What has no derivative; one that is missing here does not compile. */
const adjoints: Readonly<Record<keyof Adjoints, 'no derivative'>> = {
  scatterAdd: 'no derivative',
  tanhAdjoint: 'no derivative',
  logisticAdjoint: 'no derivative',
  reluAdjoint: 'no derivative',
  geluAdjoint: 'no derivative',
  geluTanhAdjoint: 'no derivative',
  softmaxAdjoint: 'no derivative',
  crossEntropyAdjoint: 'no derivative',
  linearChainAdjoint: 'no derivative',
  convolution2dInputAdjoint: 'no derivative',
  convolution2dWeightsAdjoint: 'no derivative',
  maxPooling2dAdjoint: 'no derivative',
  meanPooling2dAdjoint: 'no derivative',
  layerNormAdjoint: 'no derivative',
  attentionAdjoint: 'no derivative',
  scanAdjoint: 'no derivative',
  deltaRuleAdjoint: 'no derivative',
};

const withoutDerivative =
  (name: string): AnyVjp =>
  () => {
    throw new TypeError(
      `gradients: the output depends on a watched tensor through ${name}, which has no derivative; ` +
        'write the step in differentiable primitives, or do not watch the tensor.',
    );
  };

type Rules = readonly (readonly [name: string, vjp: AnyVjp])[];

const rulesOf = (table: object): Rules => Object.entries(table) as unknown as Rules;

const rules: Rules = [
  ...rulesOf(vjps),
  ...Object.keys(adjoints).map((name) => [name, withoutDerivative(name)] as const),
];
const recurrenceRules = rulesOf(recurrenceVjps);

/** Adds what the gradient of an entry's result comes to for its operands. */
function backAcross(base: Ops, sums: Map<unknown, Tensor>, { vjp, args, needs, result }: Entry): void {
  const results = isList(result) ? result : [result];
  if (!results.some((y) => sums.has(y))) return;
  const g = isList(result) ? result.map((y) => sums.get(y)) : sumOrZeros(base, sums, result);
  const contributions = vjp(base, g, args, result, needs);
  operandsOf(args).forEach((operand, place) => {
    const contribution = contributions[place];
    if (!needs[place] || contribution === undefined) return;
    const sum = sums.get(operand);
    sums.set(operand, sum === undefined ? contribution : base.add(sum, contribution));
  });
}

const sumOrZeros = (base: Ops, sums: ReadonlyMap<unknown, Tensor>, x: Tensor): Tensor =>
  sums.get(x) ?? base.fill(x.shape, 0);

/** The walk back in pieces. No closure, which V8 would give generators of another map for each tape. */
function* walkBack(
  base: Ops,
  entries: readonly Entry[],
  watched: readonly Tensor[],
  sums: Map<unknown, Tensor>,
): PiecewiseTask<readonly Tensor[]> {
  const piece = Math.min(MOST_IN_PIECE, Math.ceil(entries.length / FEWEST_PIECES));
  for (let k = entries.length - 1; k >= 0; k -= 1) {
    backAcross(base, sums, entries[k] as Entry);
    if (k % piece === 0) yield;
  }
  return watched.map((x) => sumOrZeros(base, sums, x));
}

/**
 * Records on a tape what depends on the watched tensors, and takes gradients.
 *
 * Equation: reverse accumulation, `x̄ = Σ over uses y of x: ȳ · ∂y/∂x`.
 * Source: the lecture's reverse mode of automatic differentiation on a computation graph.
 *
 * @param base what runs the primitives, forwards and backwards.
 * @param watched tensors to take gradients for: parameters, and where wanted inputs or the carry that enters.
 * @param step the trainer's step, from which dropout's masks follow; 0 by default.
 * @returns Ops that remember, with `gradients`.
 * @throws TypeError where a watched tensor holds ids.
 * @example
 * const x = tensor([3], [1, 2, 3]);
 * const ops = tape(reference(), [x]);
 * const [dx] = ops.gradients(ops.sumTo(ops.multiply(x, x), [])); // [2, 4, 6]
 */
export function tape(base: Ops, watched: readonly Tensor[], step = 0): Tape {
  for (const x of watched) {
    if (x.type === 'int32') {
      throw new TypeError(
        `tape: ids ${showShape(x.shape)} have no gradient; watch the table that they are looked up in.`,
      );
    }
  }
  const tracked = new Set<unknown>(watched);
  const entries: Entry[] = [];

  const recording = (of: object, name: string, vjp: AnyVjp) => {
    const run = (of as Record<string, (...args: readonly unknown[]) => Tensor | readonly Tensor[]>)[name];
    return (...args: readonly unknown[]) => {
      const result = run.call(of, ...args);
      const operands = operandsOf(args);
      if (!operands.some((operand) => tracked.has(operand))) return result;
      const results = isList(result) ? result : [result];
      // Ops may hand an operand back where there is nothing to do (a reshape to the same shape): it is its own history.
      if (results.some((y) => operands.includes(y))) return result;
      entries.push({ vjp, args, needs: operands.map((operand) => tracked.has(operand)), result });
      for (const y of results) tracked.add(y);
      return result;
    };
  };

  function gradientsInPieces(output: Tensor, seed?: Tensor): PiecewiseTask<readonly Tensor[]> {
    if (seed === undefined && sizeOf(output.shape) !== 1) {
      throw new RangeError(
        `gradients: the output ${showShape(output.shape)} is not one number; reduce it to a loss, or give a seed.`,
      );
    }
    if (seed !== undefined && !sameShape(seed.shape, output.shape)) {
      throw new RangeError(
        `gradients: the seed ${showShape(seed.shape)} must have the output's shape, ${showShape(output.shape)}.`,
      );
    }
    return walkBack(base, entries, watched, new Map([[output, seed ?? base.fill(output.shape, 1)]]));
  }

  const recorded = (of: object, table: Rules) =>
    Object.fromEntries(table.map(([name, vjp]) => [name, recording(of, name, vjp)]));
  const { recurrences } = base;
  return {
    ...(recorded(base, rules) as unknown as Primitives & Adjoints),
    ...(recurrences && {
      recurrences: { ...recurrences, ...(recorded(recurrences, recurrenceRules) as unknown as Recurrences) },
    }),
    oneHot: (ids, classes) => base.oneHot(ids, classes),
    countFrom: (start, steps, below) => base.countFrom(start, steps, below),
    fill: (shape, value) => base.fill(shape, value),
    bernoulli: (shape, keep, key) => base.bernoulli(shape, keep, key),
    training: true,
    draw: draws(step),
    gradients: (output, seed) => finish(gradientsInPieces(output, seed)),
    gradientsInPieces,
  };
}
