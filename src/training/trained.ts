/** The parameters that a trainer trains, and what its optimizer keeps for them. */
import type { BufferView } from '../kernels/buffer-view.js';
import { lengthenings } from '../kernels/lines.js';
import type { Machine } from '../kernels/machine-type.js';
import {
  type Extent,
  type Moved,
  type ParameterTable,
  parameterTable,
  type UpdateStep,
} from '../kernels/parameter-table.js';
import { Rows } from '../ops/eager/rows.js';
import type { Workspace } from '../ops/eager/workspace.js';
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';
import { type Shape, sizeOf, type Tensor } from '../tensor.js';
import { type Optimizer, slotsOfRule } from './optimizers/optimizer.js';
import { checkedState, keptSlots, restore, type TrainerState } from './trainer-state.js';

/** A parameter that a trainer trains. */
export interface Trained {
  readonly path: string;
  readonly parameter: Parameter;
  /** The shape that what the optimizer keeps has. */
  shape: Shape;
}

/** Arrays of a window for each parameter. */
export interface Beside {
  /** By parameter; the first is that of other weights. */
  readonly arrays: readonly (readonly [weights: BufferView, ...more: readonly BufferView[]])[];
  /** Whether the gradients were taken at those. */
  readonly takenThere: boolean;
}

/** All parameters of a model with what is kept for them, in the kernels' memory. */
export interface Kept {
  readonly trained: readonly Trained[];
  readonly parameters: readonly Parameter[];
  readonly table: ParameterTable;
  /** A step along gradients, one for each parameter, taken at the weights or at others in their place. */
  step(space: Workspace, gradients: readonly Tensor[], beside?: Beside): UpdateStep;
  /** Lets what the optimizer keeps follow parameters that have become longer, or shorter again. */
  follow(): void;
  /** Keeps all of it where it lies until the function that is returned is called. */
  stay(): () => void;
  /** A copy of what the optimizer keeps. */
  slots(): Record<string, Tensor>;
  /** Has the optimizer keep what a state says. @throws TypeError, RangeError as `kept`; then nothing changes. */
  put(state: TrainerState): void;
}

/**
 * @throws TypeError where the model has no parameters.
 * @throws RangeError where the state is not of this model and optimizer.
 */
export function kept(machine: Machine, params: Params, optimizer: Optimizer, state: TrainerState | undefined): Kept {
  const trained = trainedOf(params);
  const checked = state === undefined ? undefined : checkedState(state, trained, optimizer);
  const table = parameterTable(machine, trained.map(extentOf), optimizer.slots.length, slotsOfRule(optimizer).length);
  const { slots, first, firstGained } = optimizer;
  if (checked !== undefined) restore(table, trained, optimizer, checked);
  else if (first !== undefined) {
    for (const k of trained.keys()) slots.forEach((name, slot) => void table.slot(k, slot).fill(first[name] ?? 0));
  }
  const atGrowth = slots.map((slot) => firstGained?.[slot] ?? first?.[slot] ?? 0);

  /** Lets what is kept for a parameter become longer as it has; no number that was there is NaN. */
  function grow(k: number, each: Trained, parameter: Parameter): void {
    const gained = atGrowth.map((value) => (value === 'weights' ? Number.NaN : value));
    table.grow(k, extentOf(each), lengthenings(each.shape, parameter.shape), gained);
    atGrowth.forEach((value, slot) => {
      if (value !== 'weights') return;
      const numbers = table.slot(k, slot);
      parameter.place.data.forEach((weight, at) => {
        if (Number.isNaN(numbers[at])) numbers[at] = weight;
      });
    });
  }

  return {
    trained,
    parameters: trained.map(({ parameter }) => parameter),
    table: table,
    step: (space, gradients, beside) =>
      table.step(
        gradients.map((gradient, k) => {
          const arrays = beside?.arrays[k]?.map(({ address }) => address);
          const takenAt = beside?.takenThere ? arrays?.[0] : undefined;
          return {
            weights: (trained[k] as Trained).parameter.place.address,
            takenAt,
            arrays,
            ...gradientOf(space, gradient),
          };
        }),
        space.arena,
      ),
    follow() {
      trained.forEach((each, k) => {
        const { parameter, shape } = each;
        if (parameter.shape === shape) return;
        if (parameter.shape.some((size, axis) => size < (shape[axis] as number))) {
          table.shorten(k, extentOf(each), lengthenings(parameter.shape, shape));
        } else grow(k, each, parameter);
        each.shape = parameter.shape;
      });
    },
    stay() {
      const leave = [...trained.map(({ parameter }) => parameter.stay()), table.stay()];
      return () => {
        for (const each of leave) each();
      };
    },
    slots: () => keptSlots(table, trained, optimizer),
    put: (given) => restore(table, trained, optimizer, checkedState(given, trained, optimizer)),
  };
}

function trainedOf(params: Params): readonly Trained[] {
  // A parameter that stands at two places of a model (tied weights) learns once.
  const distinct = new Map(parametersOf(params).map(([path, parameter]) => [parameter, path]));
  if (distinct.size === 0) throw new TypeError('trainer: the model has no parameters, so there is nothing to learn.');
  return Array.from(distinct, ([parameter, path]) => ({ path, parameter, shape: parameter.shape }));
}

/** A row is what one index of the first axis selects; a vector is one row, and a bias. */
function extentOf({ parameter: { shape } }: Trained): Extent {
  const size = sizeOf(shape);
  return { size, columns: shape.length < 2 ? size : sizeOf(shape.slice(1)), bias: shape.length < 2 };
}

const gradientOf = (space: Workspace, gradient: Tensor): Pick<Moved, 'gradient' | 'rows'> =>
  gradient instanceof Rows
    ? { gradient: gradient.stored.address, rows: gradient.rows }
    : { gradient: space.place(gradient).address };
