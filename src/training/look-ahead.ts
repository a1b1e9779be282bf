/** Optimizers that take a gradient elsewhere than at the weights: the weights are moved there, and come back. */
import { SparsePolicy } from '../kernels/jobs.js';
import type { Step } from '../kernels/parameter-table.js';
import type { Optimizer } from './optimizers/optimizer.js';
import type { Prepared } from './optimizers/preparing.js';
import type { Kept } from './trained.js';

/** Moves the weights to where the gradient is taken. */
export type Away = (from: Step, prepared: Prepared) => void;

/** Runs with weights that `away` may move, and puts them back where it fails. */
export function comingBack<R>(
  { lookAhead }: Optimizer,
  { trained, table }: Kept,
  step: number,
  run: (away: Away) => R,
): R {
  let gone = false;
  try {
    return run((from, { stages, scale }) => {
      if (lookAhead === undefined) return;
      const numbers = lookAhead.numbers(step);
      from.update({ rule: lookAhead.rule, sparsePolicy: SparsePolicy.moves, numbers, stages, scale });
      // Only now: before it what is kept of them is of an earlier step.
      gone = true;
    });
  } catch (error) {
    if (gone) for (const [k, { parameter }] of trained.entries()) parameter.assign(table.slot(k, 0));
    throw error;
  }
}
