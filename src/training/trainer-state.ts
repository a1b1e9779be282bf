/** What an optimizer keeps, as it is written down and put back. */
import type { Spans } from '../kernels/spans.js';
import type { Parameter } from '../parameters/parameter.js';
import type { NumberType, Shape, Tensor } from '../tensor.js';
import { sizeOf } from '../tensor.js';
import type { Optimizer } from './optimizers/optimizer.js';

/** What training needs beyond the weights in order to go on as if it had never stopped. */
export interface TrainerState {
  readonly step: number;
  /** The optimizer's arrays by parameter path and slot: `rnn.wx.mean`. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** A parameter that a trainer trains. */
export interface Trained {
  readonly path: string;
  readonly parameter: Parameter;
  /** The shape that what the optimizer keeps has. */
  shape: Shape;
}

/** @throws RangeError where a state is not that of these parameters and this optimizer. */
export function checkState({ slots }: TrainerState, places: readonly Trained[], optimizer: Optimizer): void {
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

export function restore(kept: Spans, trained: readonly Trained[], optimizer: Optimizer, { slots }: TrainerState): void {
  trained.forEach(({ path }, k) => {
    optimizer.slots.forEach((name, slot) => {
      kept.slot(k, slot).set((slots[`${path}.${name}`] as Tensor).data);
    });
  });
}

export function slotsOf(kept: Spans, trained: readonly Trained[], optimizer: Optimizer): Record<string, Tensor> {
  return Object.fromEntries(
    trained.flatMap(({ path, parameter: { shape } }, k) =>
      optimizer.slots.map((name, slot) => [
        `${path}.${name}`,
        { shape, type: 'float32' satisfies NumberType, data: kept.slot(k, slot).slice() },
      ]),
    ),
  );
}
