/** A training as it stands, in memory, to go back to. */
import { inPlace } from '../kernels/in-place.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import type { Trainer } from './trainer.js';

export interface Remembered {
  /** Updates up to then. */
  readonly step: number;
  /** Has weights, and what the optimizer keeps, be what they were. */
  putBack(): void;
}

/**
 * What copies a model's weights and what its optimizer keeps. Also within a window: nothing is changed. The copy before is written over:
 * new arrays would cost more than the numbers do.
 *
 * Memory: as much as both.
 */
export function remembering(params: Params, trainer: Pick<Trainer<never>, 'state' | 'restore'>): () => Remembered {
  const room = new Map<unknown, Float32Array>();

  function keep(what: unknown, numbers: ArrayLike<number>): Float32Array {
    const there = room.get(what);
    const own = there?.length === numbers.length ? there : new Float32Array(numbers.length);
    own.set(numbers);
    room.set(what, own);
    return own;
  }

  return () => {
    const distinct = new Set(parametersOf(params).map(([, parameter]) => parameter));
    const weights = Array.from(distinct, (parameter) => ({
      parameter,
      shape: parameter.shape,
      numbers: keep(parameter, parameter.place.data),
    }));
    const { slots, ...counts } = inPlace(() => trainer.state()).result;
    const kept = Object.entries(slots).map(([path, slot]) => [path, { ...slot, data: keep(path, slot.data) }]);
    const state = { ...counts, slots: Object.fromEntries(kept) };
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
  };
}
