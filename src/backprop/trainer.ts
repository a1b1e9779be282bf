/** A trainer: a model, a loss and an optimizer, and what the optimizer keeps. One call learns from one window. */
import { total, update } from '../kernels/kernels.js';
import { type Machine, machine } from '../kernels/machine.js';
import { isTensor, type NumberType, showShape, sizeOf, type Tensor } from '../tensor.js';
import { throughLookups } from './lookups.js';
import type { Loss } from './losses/loss.js';
import type { Ops } from './ops.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { type Parameter, type Params, parametersOf } from './parameter.js';
import { tape } from './tape.js';
import { inWindow, toSignal } from './window.js';

/** What a trainer needs of a model; every `Core` and `Layer` is one. */
export interface Trainable<S, X = Tensor> {
  readonly kind: string;
  readonly params: Params;
  apply(ops: Ops, carry: S, x: X): readonly [y: Tensor, carry: S];
}

export interface TrainerOptions {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Gradients whose global norm is greater are scaled down to it; by default none are. */
  readonly clipNorm?: number | undefined;
  /** What the optimizer kept in an earlier run, from `state()`. */
  readonly state?: TrainerState | undefined;
}

export interface TrainingWindow<S, X = Tensor> {
  readonly carry: S;
  /** Signal or ids `[T, B, …]`, or a record of them where the model takes one. */
  readonly input: X;
  /** `[T′, B, …]` with T′ ≤ T: the loss counts the last T′ predictions. */
  readonly target: Tensor;
  /** Whether nothing follows this window: the carry after it is not kept, and the one that entered is given back. */
  readonly alone?: boolean | undefined;
  /** After how many steps the carry is wanted; all by default. */
  readonly carryAfter?: number | undefined;
}

export interface Learned<S> {
  /** The loss of the weights as they were before this update. */
  readonly loss: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** The carry after `carryAfter` steps. */
  readonly carry: S;
  /** The carry after the last step; by default `carry` itself. */
  readonly finalCarry: S;
}

/** What training needs beyond the weights in order to go on as if it had never stopped. */
export interface TrainerState {
  readonly step: number;
  /** The optimizer's arrays by parameter path and slot: `rnn.wx.mean`. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

export interface Trainer<S, X = Tensor> {
  /** Forward, gradients, clipping, update. Nothing changes where it throws. */
  learn(window: TrainingWindow<S, X>): Learned<S>;
  /** Updates so far. */
  readonly steps: number;
  /** A copy of what the optimizer keeps. */
  state(): TrainerState;
  /** Gives back the optimizer's memory; the trainer is of no use afterwards. */
  release(): void;
}

interface Trained {
  readonly path: string;
  readonly parameter: Parameter;
  readonly size: number;
  /** Addresses of the optimizer's slots. */
  readonly slots: readonly number[];
}

/**
 * A trainer of a model.
 *
 * @throws RangeError where clipNorm is not a number above 0, or `state` is not of this model.
 * @example
 * const { learn } = trainer(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 });
 * const { loss, carry } = learn({ carry: model.initial(32), input, target });
 */
export function trainer<S, X = Tensor>(model: Trainable<S, X>, options: TrainerOptions): Trainer<S, X> {
  const { loss: lossOf, optimizer, clipNorm, state } = options;
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new RangeError(`trainer: clipNorm is a number above 0, not ${clipNorm}; leave it out for no clipping.`);
  }
  const home = machine();
  const trained = trainedOf(home, model.params, optimizer, state);
  const parameters = trained.map(({ parameter }) => parameter);
  let step = state?.step ?? 0;
  let released = false;

  function forward(ops: Ops, window: TrainingWindow<S, X>): readonly [predictions: Tensor, carry: S, finalCarry: S] {
    const { input, carryAfter } = window;
    const steps = isTensor(input) ? (input.shape[0] as number) : carryAfter;
    if (!isTensor(input) || carryAfter === undefined || carryAfter === steps) {
      const [predictions, carry] = model.apply(ops, window.carry, input);
      return [predictions, carry, carry];
    }
    const [first, carry] = model.apply(ops, window.carry, stepsOf(input, 0, carryAfter) as Tensor & X);
    const [second, finalCarry] = model.apply(ops, carry, stepsOf(input, carryAfter, steps as number) as Tensor & X);
    return [ops.concat([first, second], 0), carry, finalCarry];
  }

  function learn(window: TrainingWindow<S, X>): Learned<S> {
    if (released) throw new Error('trainer: it was released; make a new one.');
    checkWindow(model.kind, window);
    return inWindow((eager, space) => {
      const ops = throughLookups(tape(eager, parameters));
      const [predictions, carry, finalCarry] = forward(ops, window);
      const early = (predictions.shape[0] as number) - (window.target.shape[0] as number);
      const counted =
        early === 0 ? predictions : (ops.split(predictions, 0, [early, window.target.shape[0] as number])[1] as Tensor);
      const loss = lossOf(ops, counted, window.target);
      const gradients = ops.gradients(loss).map((gradient) => space.place(gradient).address);

      let squares = 0;
      trained.forEach(({ size }, k) => {
        squares = total(home, gradients[k] as number, size, true, squares);
      });
      const gradientNorm = Math.sqrt(squares);
      const lossValue = loss.data[0] as number;
      if (!Number.isFinite(lossValue) || !Number.isFinite(gradientNorm)) {
        throw new RangeError(
          `trainer: at step ${step} the loss of ${model.kind} is ${lossValue} and its gradient's norm ${gradientNorm}; ` +
            'the weights were left as they are. Lower the learning rate, clip the gradient, or look for NaN in the data.',
        );
      }
      const clip = clipNorm !== undefined && gradientNorm > clipNorm ? clipNorm / gradientNorm : 1;
      const learningRate = optimizer.learningRate(step);
      const numbers = optimizer.numbers(step);
      const kept = window.alone ? window.carry : toSignal(carry);
      const keptFinal = window.alone || finalCarry === carry ? kept : toSignal(finalCarry);
      trained.forEach(({ parameter, size, slots }, k) => {
        const addresses = [parameter.place.address, gradients[k] as number, ...slots];
        update(home, optimizer.kernel, addresses, size, clip, numbers);
      });
      step += 1;
      return { loss: lossValue, gradientNorm, learningRate, carry: kept, finalCarry: keptFinal };
    });
  }

  const self: Trainer<S, X> = {
    learn,
    get steps() {
      return step;
    },
    state() {
      if (released) throw new Error('trainer: it was released, and what it kept with it.');
      return { step, slots: slotsOf(home, trained, optimizer) };
    },
    release() {
      if (released) return;
      released = true;
      abandoned.unregister(self);
      freeSlots(trained);
    },
  };
  // A trainer that nobody holds any more gives its memory back all the same.
  abandoned.register(self, trained, self);
  return self;
}

const abandoned = new FinalizationRegistry<readonly Trained[]>(freeSlots);

function freeSlots(trained: readonly Trained[]): void {
  for (const { slots } of trained) for (const address of slots) machine().heap.free(address);
}

function trainedOf(
  home: Machine,
  params: Params,
  optimizer: Optimizer,
  state: TrainerState | undefined,
): readonly Trained[] {
  // A parameter that stands at two places of a model (tied weights) learns once.
  const distinct = new Map(parametersOf(params).map(([path, parameter]) => [parameter, path]));
  if (distinct.size === 0) throw new TypeError('trainer: the model has no parameters, so there is nothing to learn.');
  const places = Array.from(distinct, ([parameter, path]) => ({ path, parameter, size: sizeOf(parameter.shape) }));
  if (state !== undefined) checkState(state, places, optimizer);
  return places.map(({ path, parameter, size }) => {
    const slots = optimizer.slots.map((slot) => {
      const address = home.heap.allocate(4 * size);
      // The padding too: kernels take whole groups of eight.
      const numbers = home.floats.subarray(address / 4, address / 4 + Math.ceil(size / 16) * 16);
      numbers.fill(0);
      if (state !== undefined) numbers.set((state.slots[`${path}.${slot}`] as Tensor).data);
      return address;
    });
    return { path, parameter, size, slots };
  });
}

/** @throws RangeError where a state is not that of these parameters and this optimizer. */
function checkState(
  { slots }: TrainerState,
  places: readonly { readonly path: string; readonly size: number }[],
  optimizer: Optimizer,
): void {
  for (const { path, size } of places) {
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

function slotsOf(home: Machine, trained: readonly Trained[], optimizer: Optimizer): Record<string, Tensor> {
  return Object.fromEntries(
    trained.flatMap(({ path, parameter, size, slots }) =>
      slots.map((address, k) => [
        `${path}.${optimizer.slots[k]}`,
        {
          shape: parameter.shape,
          type: 'float32' satisfies NumberType,
          data: home.floats.slice(address / 4, address / 4 + size),
        },
      ]),
    ),
  );
}

/** Steps `from` to `to` of a time-major signal; the numbers are shared, not copied. */
function stepsOf(signal: Tensor, from: number, to: number): Tensor {
  const [, ...rest] = signal.shape;
  const width = sizeOf(rest);
  return { shape: [to - from, ...rest], type: signal.type, data: signal.data.subarray(from * width, to * width) };
}

function checkWindow<S, X>(kind: string, { input, target, carryAfter }: TrainingWindow<S, X>): void {
  if (!isTensor(input)) {
    if (carryAfter === undefined) return;
    throw new RangeError(`trainer: ${kind} takes a record, which cannot be cut at a step; leave carryAfter out.`);
  }
  const [steps = 0, lanes] = input.shape;
  const [counted = 0, targetLanes] = target.shape;
  if (input.shape.length < 2 || target.shape.length < 2 || lanes !== targetLanes || counted < 1 || counted > steps) {
    throw new RangeError(
      `trainer: ${kind} was given input ${showShape(input.shape)} and target ${showShape(target.shape)}; both are ` +
        'time-major [T, B, …] with the same lanes, and the target has at least one step and no more than the input.',
    );
  }
  if (carryAfter !== undefined && !(Number.isInteger(carryAfter) && carryAfter >= 1 && carryAfter <= steps)) {
    throw new RangeError(`trainer: carryAfter is a step from 1 to ${steps}, not ${carryAfter}.`);
  }
}
