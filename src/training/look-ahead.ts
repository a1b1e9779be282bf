/** Optimizers that take a gradient elsewhere than at the weights: at a copy in the window, so that nobody else sees it. */
import { SparsePolicy } from '../kernels/jobs.js';
import type { Workspace } from '../ops/eager/workspace.js';
import type { Tensor } from '../tensor.js';
import type { LookAhead } from './optimizers/optimizer.js';
import type { Prepared } from './optimizers/preparing.js';
import type { Beside, Kept } from './trained.js';

/** Puts the weights at which a gradient is to be taken, and what else the rule leaves, into arrays of the window. */
export function lookAhead(
  { rule, arrays: count, numbers }: LookAhead,
  { trained, parameters, step: stepOf }: Kept,
  step: number,
  space: Workspace,
  // A rule that comes before any gradient asks for none.
  gradients: readonly Tensor[] = parameters,
  prepared?: Prepared,
): Beside {
  const more = Array.from({ length: count - 1 });
  const arrays = trained.map(({ shape }) => [space.result(shape), ...more.map(() => space.result(shape))] as const);
  const away = stepOf(space, gradients, { arrays, takenThere: false });
  away.update({ rule, sparsePolicy: SparsePolicy.moves, numbers: numbers(step), ...prepared });
  return { arrays, takenThere: true };
}
