/** From an optimizer's description to what the kernels do to gradients before its rule sees them. */
import { Stage } from '../../kernels/jobs.js';
import type { Preparing, Squares, Step } from '../../kernels/spans.js';
import type { Optimizer, Preparation } from './optimizer.js';

export interface Prepared {
  /** What is to be done to each gradient in a copy. */
  readonly stages: readonly Preparing[];
  /** What the rule multiplies it by then. */
  readonly scale: number | ArrayLike<number>;
}

/** Preparations of a step, norms being taken where they are asked for. A factor alone needs no copy. */
export function prepare(preparations: readonly Preparation[], step: Step, raw: Squares): Prepared & { scale: number } {
  const stages: Preparing[] = [];
  let factor = 1;
  for (const preparation of preparations) {
    if (preparation.kind === 'clipByGlobalNorm') {
      const norm = Math.sqrt((stages.length === 0 ? raw : step.squares(stages)()).total) * factor;
      if (norm > preparation.limit) factor *= preparation.limit / norm;
      continue;
    }
    if (factor !== 1) stages.push({ stage: Stage.scale, weights: factor, biases: factor });
    factor = 1;
    const { weights, biases } =
      preparation.kind === 'weightDecay' ? preparation : { weights: preparation.limit, biases: preparation.limit };
    stages.push({ stage: preparation.kind === 'weightDecay' ? Stage.decay : Stage.clamp, weights, biases });
  }
  return { stages, scale: factor };
}

/** The same factor for all, or one for each where the optimizer asks for gradients of norm 1. */
export function scaleOf(
  { damping }: Optimizer,
  { stages, scale }: Prepared & { scale: number },
  step: Step,
  raw: Squares,
): number | ArrayLike<number> {
  if (damping === undefined) return scale;
  const { each } = stages.length === 0 ? raw : step.squares(stages)();
  return each.map((square) => scale / (scale * Math.sqrt(square) + damping));
}
