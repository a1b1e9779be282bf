/** What an optimizer keeps, as it is written down and put back. */
import type { Spans } from '../kernels/spans.js';
import type { NumberType, Shape, Tensor } from '../tensor.js';
import { sizeOf } from '../tensor.js';
import type { Optimizer } from './optimizers/optimizer.js';

/** What training needs beyond the weights in order to go on as if it had never stopped. */
export interface TrainerState {
  readonly step: number;
  /** The optimizer's arrays by parameter path and slot: `rnn.wx.mean`. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

interface Place {
  readonly path: string;
  /** The shape that what the optimizer keeps has. */
  readonly shape: Shape;
}

/** @throws RangeError where a state is not that of these parameters and this optimizer. */
export function checkState({ slots }: TrainerState, places: readonly Place[], optimizer: Optimizer): void {
  for (const { path, shape } of places) {
    const size = sizeOf(shape);
    for (const slot of optimizer.slots) {
      const count = slots[`${path}.${slot}`]?.data.length;
      if (count !== size) {
        throw new RangeError(
          `trainer: the state has ${count ?? 'no'} numbers for ${path}.${slot}, but ${size} are needed; ` +
            'it is of another model or optimizer.',
        );
      }
    }
  }
}

export function restore(kept: Spans, trained: readonly Place[], optimizer: Optimizer, { slots }: TrainerState): void {
  trained.forEach(({ path }, k) => {
    optimizer.slots.forEach((name, slot) => {
      kept.slot(k, slot).set((slots[`${path}.${name}`] as Tensor).data);
    });
  });
}

export function slotsOf(kept: Spans, trained: readonly Place[], optimizer: Optimizer): Record<string, Tensor> {
  return Object.fromEntries(
    trained.flatMap(({ path, shape }, k) =>
      optimizer.slots.map((name, slot) => [
        `${path}.${name}`,
        { shape, type: 'float32' satisfies NumberType, data: kept.slot(k, slot).slice() },
      ]),
    ),
  );
}
