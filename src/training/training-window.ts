/** What a trainer learns from at a time. */

import { restored } from '../carry.js';
import { isRecord, requireKind } from '../checks.js';
import { lanesWithin } from '../ops/lengths.js';
import type { Ops } from '../ops/ops.js';
import { isTensor, showShape, sizeOf, type Tensor } from '../tensor.js';
import { leaves } from '../tree.js';
import { because } from './bad-reason.js';
import type { Trained } from './trained.js';

/** What a trainer learns from at a time: an input and its target, and the carry that enters. */
export interface TrainingWindow<S, X = Tensor, Z = Tensor> {
  readonly carry: S;
  /** Signal or ids `[T, B, …]`, or a record of them where the model takes one. */
  readonly input: X;
  /** `[T′, B, …]` with T′ ≤ T: the loss counts the last T′ predictions. A record goes to the loss as it is. */
  readonly target: Z;
  /**
   * Whether nothing follows this window: the carry after it is not kept, and the one that entered is given back.
   */
  readonly alone?: boolean | undefined;
  /** After how many steps the carry is wanted; all by default. */
  readonly carryAfter?: number | undefined;
}

/** Steps `from` to `to` of a time-major signal, its lengths too; the numbers are shared, not copied. */
export function stepsBetween(signal: Tensor, from: number, to: number): Tensor {
  const [, ...rest] = signal.shape;
  const width = sizeOf(rest);
  const data = signal.data.subarray(from * width, to * width);
  return { shape: [to - from, ...rest], type: signal.type, data, ...lanesWithin(signal, from, to) } as Tensor;
}

/** The predictions of a window that was run in two parts. */
export function joined<Y>(ops: Ops, kind: string, first: Y, second: Y): Y {
  if (isTensor(first) && isTensor(second)) return ops.concat([first, second], 0) as Tensor & Y;
  throw new TypeError(`trainer: ${kind} gives a record, which cannot be put together again; leave carryAfter out.`);
}

/** The last predictions, as many as there are targets; of records all. */
export function counted<Y, Z>(ops: Ops, predictions: Y, target: Z): Y {
  if (!isTensor(predictions) || !isTensor(target)) return predictions;
  const last = target.shape[0] as number;
  const early = (predictions.shape[0] as number) - last;
  return early === 0 ? predictions : (ops.split(predictions, 0, [early, last])[1] as Tensor & Y);
}

/** @throws RangeError where data holds NaN or an infinity, with its place. Looked for only once something went wrong. */
export function requireFinite(kind: string, what: string, data: unknown): void {
  for (const [name, signal] of leaves(data)) {
    if (signal.type === 'int32') continue;
    const at = signal.data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const [, lanes = 1, ...rest] = signal.shape;
    const [row, element] = [Math.floor(at / sizeOf(rest)), at % sizeOf(rest)];
    throw because(
      'data',
      new RangeError(
        `trainer: ${what}${name === '' ? '' : ` (${name})`} of ${kind} has ${signal.data[at]} at step ` +
          `${Math.floor(row / lanes)} of lane ${row % lanes}, element ${element} of ${showShape(rest)}; the weights were ` +
          'left as they are. Put the data right, or leave it out.',
      ),
    );
  }
}

/**
 * @throws RangeError where what a window started from, its carry and the weights, holds NaN or an infinity. Looked for only
 * once something went wrong.
 */
export function requireFiniteStart(kind: string, carry: unknown, trained: readonly Trained[]): void {
  for (const [path, tensor] of leaves(carry, 'the carry')) {
    refuseNotFinite(path, kind, tensor, 'Start from another carry.');
  }
  for (const { path, parameter } of trained) {
    refuseNotFinite(
      `the parameter ${path}`,
      kind,
      parameter,
      'Load sound weights; where training made them so, start over with a lower learning rate, or clip the gradient.',
    );
  }
}

function refuseNotFinite(what: string, kind: string, { shape, data }: Tensor, remedy: string): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw because(
    'start',
    new RangeError(
      `trainer: ${what} of ${kind} had ${data[at]} at element ${at} of ${showShape(shape)} before this update; the weights ` +
        `were left as they are. ${remedy}`,
    ),
  );
}

/** The window, its tensors known to be what their shapes say. @throws TypeError, RangeError where it is none to learn from. */
export function checkedWindow<S, X, Z>(kind: string, given: TrainingWindow<S, X, Z>): TrainingWindow<S, X, Z> {
  requireKind('trainer', isRecord(given), 'a window { carry, input, target }', given, 'give all three');
  const window = {
    ...given,
    carry: restored(given.carry, 'trainer: the carry'),
    input: restored(given.input, 'trainer: the input'),
    target: restored(given.target, 'trainer: the target'),
  };
  checkSteps(kind, window);
  return window;
}

function checkSteps<S, X, Z>(kind: string, { input, target, carryAfter }: TrainingWindow<S, X, Z>): void {
  if (!isTensor(input) || !isTensor(target)) {
    if (carryAfter === undefined) return;
    throw new RangeError(`trainer: ${kind} learns from records, which cannot be cut at a step; leave carryAfter out.`);
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
