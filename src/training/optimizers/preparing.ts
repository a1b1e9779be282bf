/** From an optimizer's description to what the kernels do to gradients before its rule sees them. */
import { Stage } from '../../kernels/jobs.js';
import type { Preparing, Squares, UpdateStep } from '../../kernels/parameter-table.js';
import type { Ops } from '../../ops/ops.js';
import type { Tensor } from '../../tensor.js';
import { because } from '../bad-reason.js';
import { type Optimizer, type Preparation, slotsOfRule } from './optimizer.js';

export interface Prepared {
  /** What is to be done to each gradient in a copy. */
  readonly stages: readonly Preparing[];
  /** What the rule multiplies it by then. */
  readonly scale: number | ArrayLike<number>;
}

/** Below it a factor has not all of float32's digits, or is 0. */
const LEAST_FACTOR = 2 ** -126;

const scaledBy = (factor: number): Preparing => ({ stage: Stage.scale, weights: factor, biases: factor });

/** A factor in parts that float32 holds: powers of two, which cost no digit, as stages, and what is left. */
function partsOf(factor: number): Prepared & { scale: number } {
  const stages: Preparing[] = [];
  let scale = factor;
  for (; scale !== 0 && scale < LEAST_FACTOR; scale /= LEAST_FACTOR) stages.push(scaledBy(LEAST_FACTOR));
  return { stages, scale };
}

/** Preparations of a step, norms being taken where they are asked for. A factor alone needs no copy. */
export function prepare(
  preparations: readonly Preparation[],
  step: UpdateStep,
  raw: Squares,
): Prepared & { scale: number } {
  const stages: Preparing[] = [];
  let factor = 1;
  for (const preparation of preparations) {
    if (preparation.kind === 'clipByGlobalNorm') {
      const norm = normOf(stages, step, raw) * factor;
      if (norm > preparation.limit) factor *= preparation.limit / norm;
      continue;
    }
    if (factor !== 1) {
      const parts = partsOf(factor);
      stages.push(...parts.stages, scaledBy(parts.scale));
    }
    factor = 1;
    const { weights, biases } =
      preparation.kind === 'weightDecay' ? preparation : { weights: preparation.limit, biases: preparation.limit };
    stages.push({ stage: preparation.kind === 'weightDecay' ? Stage.decay : Stage.clamp, weights, biases });
  }
  const parts = partsOf(factor);
  return { stages: [...stages, ...parts.stages], scale: parts.scale };
}

/** @throws RangeError where what the stages make of a gradient is not finite. */
function normOf(stages: readonly Preparing[], step: UpdateStep, raw: Squares): number {
  const norm = Math.sqrt((stages.length === 0 ? raw : step.squares(stages)()).total);
  if (Number.isFinite(norm)) return norm;
  throw because(
    'loss',
    new RangeError(
      `trainer: the gradient's norm is ${norm} once weight decay is added; the weights were left as they are. ` +
        'Lower the decay or clip the gradient before it.',
    ),
  );
}

/** Gradients of a greater norm than it are made smaller before they are divided by it. */
const LARGE_NORM = 2 ** 100;
const SHRINKING = 2 ** -64;

/** What is prepared, with a factor for each parameter where the optimizer asks for gradients of norm 1. */
export function scaled(
  { damping }: Optimizer,
  prepared: Prepared & { scale: number },
  step: UpdateStep,
  raw: Squares,
): Prepared {
  if (damping === undefined) return prepared;
  const { stages, scale } = prepared;
  const { each, total } = stages.length === 0 ? raw : step.squares(stages)();
  const shrinking = Math.sqrt(total) > LARGE_NORM ? SHRINKING : 1;
  return {
    stages: shrinking === 1 ? stages : [...stages, scaledBy(shrinking)],
    scale: each.map((square) => scale / (scale * shrinking * Math.sqrt(square) + shrinking * damping)),
  };
}

/** A parameter's gradient as it is prepared, for a rule in Ops; the parameter is the k-th. */
export function preparedInOps(
  ops: Ops,
  { stages, scale }: Prepared,
  k: number,
  { weights, gradient, bias }: { readonly weights: Tensor; readonly gradient: Tensor; readonly bias: boolean },
): Tensor {
  const factor = typeof scale === 'number' ? scale : (scale[k] as number);
  const staged = stages.reduce((g, { stage, ...numbers }) => {
    const x = bias ? numbers.biases : numbers.weights;
    if (stage === Stage.scale) return ops.affine(g, x, 0);
    if (stage === Stage.decay) return ops.add(g, ops.affine(weights, x, 0));
    const least = ops.fill([], -x);
    // The least of two numbers is minus the greatest of their negatives.
    return ops.affine(ops.maximum(ops.affine(ops.maximum(g, least), -1, 0), least), -1, 0);
  }, gradient);
  return factor === 1 ? staged : ops.affine(staged, factor, 0);
}

/** Squares of numbers up to it, and their sums for a while, are within float32. */
const LARGEST_SQUARED = 2 ** 63;
/** What is kept of gradients up to it stays so, and so does a step alone. */
const LARGEST_KEPT = 2 ** 120;
const LARGEST = 2 ** 127;

/**
 * What the rule sees of a gradient must leave it within float32, or what the optimizer keeps would be infinite ever after.
 *
 * @throws RangeError where it is too large.
 */
export function requireBearable(
  optimizer: Optimizer,
  rate: number,
  prepared: Prepared,
  step: UpdateStep,
  raw: Squares,
): void {
  const { kind, damping, linear = false, rule } = optimizer;
  const keeps = slotsOfRule(optimizer).length > 0;
  // What comes of a rule in Ops is looked at itself.
  if (damping !== undefined || typeof prepared.scale !== 'number' || typeof rule === 'function') return;
  const most = !linear ? LARGEST_SQUARED : keeps ? LARGEST_KEPT / Math.max(1, rate) : LARGEST / rate;
  // A further norm is a fork more: for those alone whose raw norm does not say enough.
  const { stages, scale } = prepared;
  if (Math.sqrt(raw.total) * (stages.length === 0 ? scale : 1) <= most) return;
  const norm = normOf(stages, step, raw) * scale;
  if (norm <= most) return;
  throw because(
    'loss',
    new RangeError(
      `trainer: the gradient's norm is ${norm} as ${kind} takes it, whose update would leave float32; the weights were left as ` +
        'they are. Clip the gradient, or lower the learning rate.',
    ),
  );
}
