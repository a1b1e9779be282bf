/** What an optimizer keeps, as it is written down and put back. */
import { shown } from '../checks.js';
import { copied } from '../kernels/in-place.js';
import type { ParameterTable } from '../kernels/parameter-table.js';
import { below } from '../path.js';
import {
  isTensor,
  type NumberType,
  restoredTensor,
  type Shape,
  sameShape,
  showShape,
  sizeOf,
  type Tensor,
} from '../tensor.js';
import type { Optimizer } from './optimizers/optimizer.js';

/** What training needs beyond the weights in order to go on as if it had never stopped. */
export interface TrainerState {
  readonly step: number;
  /** The optimizer's arrays by parameter path and slot: `rnn.wx.mean`. */
  readonly slots: Readonly<Record<string, Tensor>>;
  /** Targets learnt from so far, where that is counted, as `tbptt` does. */
  readonly tokens?: number;
}

interface Place {
  readonly path: string;
  /** The shape that what the optimizer keeps has. */
  readonly shape: Shape;
}

/**
 * A state as it was before it went through JSON, known to be one of these parameters and this optimizer.
 *
 * @throws TypeError, RangeError where it is not, or no optimizer can have left such numbers.
 */
export function checkedState(state: TrainerState, places: readonly Place[], optimizer: Optimizer): TrainerState {
  checkSteps('trainer', state);
  const { step } = state;
  const slots = Object.fromEntries(
    places.flatMap((place) =>
      optimizer.slots.map((slot) => {
        const least = optimizer.least?.[slot] ?? Number.NEGATIVE_INFINITY;
        return [below(place.path, slot), slotOf(state, place, slot, step === 0 ? Math.min(0, least) : least)] as const;
      }),
    ),
  );
  return { ...state, step, slots };
}

/** @throws TypeError, RangeError where what should be a state has no count of steps, or no slots. */
export function checkSteps(operation: string, state: TrainerState): void {
  if (typeof state !== 'object' || state === null || typeof state.slots !== 'object' || state.slots === null) {
    throw new TypeError(
      `${operation}: a state is what state() gave, { step, slots }, not ${shown(state)}; leave it out to start afresh.`,
    );
  }
  for (const [name, count] of Object.entries({
    step: state.step,
    tokens: state.tokens === undefined ? 0 : state.tokens,
  })) {
    if (Number.isSafeInteger(count) && count >= 0) continue;
    throw new RangeError(
      `${operation}: the state's ${name} is a whole number from 0 up, not ${shown(count)}; it is not what state() gave.`,
    );
  }
}

function slotOf({ slots }: TrainerState, { path, shape }: Place, slot: string, least: number): Tensor {
  const name = below(path, slot);
  const what = `trainer: the state's ${name}`;
  const given: unknown = Object.hasOwn(slots, name) ? slots[name] : undefined;
  if (!isTensor(given)) {
    throw new RangeError(
      `trainer: the state has no numbers for ${name}, but ${sizeOf(shape)} are needed; it is of another model or optimizer.`,
    );
  }
  const tensor = restoredTensor(given, what);
  if (tensor.type !== 'float32' || !sameShape(tensor.shape, shape)) {
    throw new RangeError(
      `${what} is ${tensor.type} ${showShape(tensor.shape)}, that is ${sizeOf(tensor.shape)} numbers, but float32 ` +
        `${showShape(shape)} is needed; it is of another model or optimizer.`,
    );
  }
  const at = tensor.data.findIndex((value) => !(value >= least && Number.isFinite(value)));
  if (at < 0) return tensor;
  const wanted = least > Number.NEGATIVE_INFINITY ? `finite and at least ${least}` : 'finite';
  throw new RangeError(
    `${what} has ${tensor.data[at]} at ${at}, but is ${wanted}; it was changed, or training diverged.`,
  );
}

export function restore(
  kept: ParameterTable,
  trained: readonly Place[],
  optimizer: Optimizer,
  { slots }: TrainerState,
): void {
  trained.forEach(({ path }, k) => {
    optimizer.slots.forEach((name, slot) => {
      kept.slot(k, slot).set((slots[below(path, name)] as Tensor).data);
    });
  });
}

export function keptSlots(
  kept: ParameterTable,
  trained: readonly Place[],
  optimizer: Optimizer,
): Record<string, Tensor> {
  return Object.fromEntries(
    trained.flatMap(({ path, shape }, k) =>
      optimizer.slots.map((name, slot) => [
        below(path, name),
        { shape, type: 'float32' satisfies NumberType, data: copied(kept.slot(k, slot)) },
      ]),
    ),
  );
}
