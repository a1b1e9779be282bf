import { isListOf, requireKind } from '../checks.js';
import type { Padded } from '../ops/lengths.js';
import { type Ids, ids, showShape, sizeOf, type Tensor, tensor } from '../tensor.js';
import type { SignalWindow } from './window.js';

/** Steps of one lane: ids, or features `[T, F]`. */
export type Steps = readonly number[] | Int32Array | Tensor;

/** A sequence, and what should be said at each of its steps; target ids may be −1 where nothing is asked. */
export interface Sequence<X extends Steps = Steps> {
  readonly input: X;
  readonly target: Steps;
}

/** Sequences side by side, to be learnt from by a `masked` model. */
export interface PaddedWindow<X extends Tensor = Tensor> extends SignalWindow<Padded<X>, Padded> {
  readonly reset: readonly boolean[];
}

const lengthOf = (steps: Steps): number => ('shape' in steps ? (steps.shape[0] as number) : steps.length);

function padIds(lanes: readonly (readonly number[] | Int32Array)[], steps: number, padding: number): Ids {
  const data = new Int32Array(steps * lanes.length).fill(padding);
  lanes.forEach((lane, b) => {
    lane.forEach((id, t) => {
      data[t * lanes.length + b] = id;
    });
  });
  return ids([steps, lanes.length], data);
}

function padFeatures(lanes: readonly Tensor[], steps: number, what: string): Tensor {
  const [, ...rest] = (lanes[0] as Tensor).shape;
  const width = sizeOf(rest);
  const data = new Float32Array(steps * lanes.length * width);
  lanes.forEach(({ shape, data: numbers }, b) => {
    if (shape.slice(1).join() !== rest.join()) {
      throw new RangeError(
        `padded: ${what} ${showShape(shape)} of lane ${b} and ${showShape((lanes[0] as Tensor).shape)} of lane 0 have ` +
          'other features; make them as wide.',
      );
    }
    for (let t = 0; t < (shape[0] as number); t += 1) {
      data.set(numbers.subarray(t * width, (t + 1) * width), (t * lanes.length + b) * width);
    }
  });
  return tensor([steps, lanes.length, ...rest], data);
}

function pad(lanes: readonly Steps[], steps: number, padding: number, what: string): Tensor {
  const lists = lanes.filter((lane) => !('shape' in lane));
  if (lists.length === lanes.length) return padIds(lists as readonly Int32Array[], steps, padding);
  if (lists.length === 0) return padFeatures(lanes as readonly Tensor[], steps, what);
  throw new TypeError(`padded: every ${what} is a list of ids, or every one features [T, F]; do not mix them.`);
}

/**
 * Sequences of several lengths as one window, the shorter ones padded at their ends: input ids with 0, features with 0,
 * target ids with −1, which have no loss. Lengths go with input and target, for `masked` models and for `squaredError`.
 * Each lane starts afresh.
 *
 * Shapes: of B sequences, the longest having T steps, ids `[T, B]`, features `[T, B, F]`.
 *
 * @param sequences at least one, each with as many targets as steps.
 * @returns a window: `input`, `target` and `reset`.
 * @throws RangeError where there is no sequence, one has no step, its target is of another length, or features differ.
 * @throws TypeError where some are ids and others features.
 * @example
 * padded([
 *   { input: [3, 1, 4], target: [0, 0, 2] },
 *   { input: [1, 5], target: [-1, 1] },
 * ]); // input 3 1 | 1 5 | 4 0, lengths 3 and 2, target 0 −1 | 0 1 | 2 −1
 */
export function padded<X extends Steps>(
  sequences: readonly Sequence<X>[],
): PaddedWindow<X extends Tensor ? Tensor : Ids> {
  const fits = isListOf('object', sequences);
  requireKind('padded', fits, 'a list of sequences { input, target }', sequences, 'give one for each lane');
  const lengths = sequences.map(({ input, target }, lane) => {
    const [length, asked] = [lengthOf(input), lengthOf(target)];
    if (length >= 1 && length === asked) return length;
    throw new RangeError(
      `padded: sequence ${lane} has ${length} steps and ${asked} targets; give each one step at least and as many targets.`,
    );
  });
  if (lengths.length === 0) throw new RangeError('padded: there is no sequence; give one at least.');
  const steps = Math.max(...lengths);
  const side = (what: 'input' | 'target', padding: number) => ({
    ...pad(
      sequences.map((sequence) => sequence[what]),
      steps,
      padding,
      what,
    ),
    lengths,
  });
  return {
    input: side('input', 0) as Padded as Padded<X extends Tensor ? Tensor : Ids>,
    target: side('target', -1),
    reset: lengths.map(() => true),
  };
}
