/** A training as it stands, in memory, to go back to. */
import { type Params, parametersOf } from '../parameters/parameter.js';
import type { Trainer } from './trainer.js';

export interface Remembered {
  /** Updates up to then. */
  readonly step: number;
  /** Has weights, and what the optimizer keeps, be what they were. */
  putBack(): void;
}

/**
 * A copy of a model's weights and of what its optimizer keeps. Also within a window: nothing is changed.
 *
 * Memory: as much as both.
 */
export function remember(params: Params, trainer: Pick<Trainer<never>, 'state' | 'restore'>): Remembered {
  const distinct = new Set(parametersOf(params).map(([, parameter]) => parameter));
  const weights = Array.from(distinct, (parameter) => ({
    parameter,
    shape: parameter.shape,
    numbers: parameter.place.data.slice(),
  }));
  const state = trainer.state();
  return {
    step: state.step,
    putBack() {
      for (const { parameter, shape, numbers } of weights) {
        // Growth may have been undone since.
        shape.forEach((size, axis) => void (size > (parameter.shape[axis] as number) && parameter.grow(axis, size)));
        parameter.shorten(shape);
        parameter.assign(numbers);
      }
      trainer.restore(state);
    },
  };
}
