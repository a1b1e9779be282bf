/** How a language run of the command learns: one table of optimizers for all commands that train one. */
import { adam } from '../../training/optimizers/adam.js';
import { adamw } from '../../training/optimizers/adamw.js';
import { momentum } from '../../training/optimizers/momentum.js';
import type { Optimizer } from '../../training/optimizers/optimizer.js';
import { rmsprop } from '../../training/optimizers/rmsprop.js';
import { sgd } from '../../training/optimizers/sgd.js';
import type { Schedule } from '../../training/schedules.js';
import { Failure } from './failure.js';

const optimizers = { sgd, momentum, rmsprop, adam };

export type OptimizerName = keyof typeof optimizers | 'adamw';
export const optimizerNames: readonly OptimizerName[] = [
  ...(Object.keys(optimizers) as (keyof typeof optimizers)[]),
  'adamw',
];

/** `decay` is that of `adamw`, which without any is `adam`. */
export function optimizerOf(name: OptimizerName, rate: number | Schedule, decay = 0): Optimizer {
  if (name !== 'adamw') return optimizers[name](rate);
  return decay > 0 ? adamw(rate, { decay }) : adam(rate);
}

/** What a run says of its optimizer, where this command knows it. */
export function knownOptimizer(name: unknown, path: string): OptimizerName {
  const known = optimizerNames.find((each) => each === name);
  if (known !== undefined) return known;
  throw new Failure(
    `${path} was learnt by an optimizer that this command does not know, ${JSON.stringify(name)}; go on by the program that began it.`,
  );
}
