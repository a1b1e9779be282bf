/**
 * Sequences of several lengths side by side. A lane's real steps come first; what follows them is padding, there only because
 * a tensor has no ragged edge.
 */
import { showShape, type Tensor, tensor } from '../tensor.js';

/** How many steps of each lane are real. */
export type Lengths = readonly number[];

/** For each lane the steps within a window at which it begins afresh: another sequence follows there. */
export type Restarts = readonly (readonly number[])[];

/** A signal `[T, B, …]` whose lanes have lengths of their own, and may begin afresh within it. */
export type Padded<X extends Tensor = Tensor> = X & { readonly lengths: Lengths; readonly restarts?: Restarts };

/**
 * Lengths that say something: undefined where every lane is as long as the signal.
 *
 * @throws RangeError where there is not one for each lane, or one is not a whole number from 0 to T.
 */
export function checkLengths(lengths: Lengths | undefined, x: Tensor, operation: string): Lengths | undefined {
  if (lengths === undefined) return undefined;
  const [steps = 0, lanes] = x.shape;
  const wrong = lengths.find((length) => !Number.isInteger(length) || length < 0 || length > steps);
  if (lengths.length !== lanes || wrong !== undefined) {
    throw new RangeError(
      `${operation}: ${showShape(x.shape)} takes ${lanes} lengths from 0 to ${steps}, but got [${lengths.join(', ')}]; ` +
        'give one for each lane.',
    );
  }
  return lengths.every((length) => length === steps) ? undefined : lengths;
}

/** The lengths that a signal has with it, where it has some. */
export const lengthsWith = (x: Tensor): Lengths | undefined => (x as Partial<Padded>).lengths;

/** Where lanes begin afresh within a signal, where it says so. */
export const restartsWith = (x: Tensor): Restarts | undefined => (x as Partial<Padded>).restarts;

/** What is said of the lanes of steps `from` to `to` of a signal. */
export function lanesWithin(x: Tensor, from: number, to: number): Partial<Pick<Padded, 'lengths' | 'restarts'>> {
  const [lengths, restarts] = [lengthsWith(x), restartsWith(x)];
  return {
    ...(lengths && { lengths: lengths.map((length) => Math.min(Math.max(length, from), to) - from) }),
    ...(restarts && {
      restarts: restarts.map((steps) => steps.filter((step) => step >= from && step < to).map((step) => step - from)),
    }),
  };
}

/** What is said of the lanes of two signals one after the other in time. */
export function lanesJoined(first: Tensor, second: Tensor): Partial<Pick<Padded, 'lengths' | 'restarts'>> {
  const lengths = lengthsJoined(first, second);
  const [before, after] = [restartsWith(first), restartsWith(second)];
  const restarts = lengths?.map((_, lane) => [
    ...(before?.[lane] ?? []),
    ...(after?.[lane] ?? []).map((step) => step + (first.shape[0] as number)),
  ]);
  return { ...(lengths && { lengths }), ...((before ?? after) && restarts && { restarts }) };
}

/**
 * The lengths of two signals one after the other in time; undefined where neither has any.
 *
 * @throws TypeError where a lane goes on after its padding.
 */
function lengthsJoined(first: Tensor, second: Tensor): Lengths | undefined {
  const [before, after] = [lengthsWith(first), lengthsWith(second)];
  if (before === undefined && after === undefined) return undefined;
  const [steps, more] = [first.shape[0] as number, second.shape[0] as number];
  return Array.from({ length: first.shape[1] as number }, (_, lane) => {
    const [early, late] = [before?.[lane] ?? steps, after?.[lane] ?? more];
    if (early === steps || late === 0) return early + late;
    throw new TypeError(
      `lane ${lane} of a padded window ended after ${early} of ${steps} steps and goes on in the next one, so the two cannot ` +
        'be learnt from as one; reset it there, or let gradients flow through one window at a time.',
    );
  });
}

/** 1 at real steps and 0 at padding, `[T, B, 1]`. */
export function realSteps(steps: number, lengths: Lengths): Tensor {
  const lanes = lengths.length;
  const data = new Float32Array(steps * lanes);
  for (let k = 0; k < data.length; k += 1) data[k] = Math.floor(k / lanes) < (lengths[k % lanes] as number) ? 1 : 0;
  return tensor([steps, lanes, 1], data);
}

/** How a layer over time looks at its input: so many steps at once, from one look to the next, zeros at both ends together. */
export interface Looks {
  readonly size: number;
  readonly stride: number;
  readonly zeros: number;
}

/**
 * Steps of each lane after a layer that looks at several at once: as many as that lane gives alone.
 *
 * @throws RangeError where a lane has too few steps to be looked at, as it would be refused alone.
 */
export function lengthsAfterLooks(operation: string, lengths: Lengths, { size, stride, zeros }: Looks): Lengths {
  return lengths.map((length, lane) => {
    if (length > 0 && length + zeros < size) {
      throw new RangeError(
        `${operation}: takes ${size} steps at once, but lane ${lane} has ${length} of its own; ` +
          'leave such lanes out, or take fewer at once.',
      );
    }
    return length === 0 ? 0 : Math.floor((length + zeros - size) / stride) + 1;
  });
}
