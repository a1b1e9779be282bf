/** How a language run of the command learns: one table of optimizers for all commands that train one. */
import { adam } from '../../training/optimizers/adam.js';
import { momentum } from '../../training/optimizers/momentum.js';
import type { Optimizer } from '../../training/optimizers/optimizer.js';
import { rmsprop } from '../../training/optimizers/rmsprop.js';
import { sgd } from '../../training/optimizers/sgd.js';
import type { Schedule } from '../../training/schedules.js';
import { Failure } from './failure.js';

const optimizers = { sgd, momentum, rmsprop, adam };

export type OptimizerName = keyof typeof optimizers;
export const optimizerNames = Object.keys(optimizers) as readonly OptimizerName[];

export const optimizerOf = (name: OptimizerName, rate: number | Schedule): Optimizer => optimizers[name](rate);

/** What a run says of its optimizer, where this command knows it. */
export function knownOptimizer(name: unknown, path: string): OptimizerName {
  const known = optimizerNames.find((each) => each === name);
  if (known !== undefined) return known;
  throw new Failure(
    `${path} was learnt by an optimizer that this command does not know, ${JSON.stringify(name)}; go on by the program that began it.`,
  );
}
