/** Steps, as streams and corpora bring them, and rows of them cut out. */
import { requireSameLanes } from '../carry.js';
import {
  checkedNumbers,
  type Features,
  type Ids,
  ids,
  isTensor,
  type Numbers,
  type Shape,
  showShape,
  sizeOf,
  type Tensor,
  tensor,
} from '../tensor.js';
import { stepsAndLanes } from './window.js';

/** Steps of a stream: ids `[T, B]`, features `[T, B, …]`; of one lane ids, one id, or the features of one step. */
export type StepsLike = number | Int32Array | Float32Array | Tensor;

/** The signal that steps become. */
export type SignalOf<V> = V extends number | Int32Array | Ids ? Ids : Features;

/** What is predicted, and from what. */
export interface PredictionOptions<V, X = V, Y = X> {
  /** The steps that a value brings. By default the value itself. */
  readonly input?: (value: V) => X;
  /** What should be predicted at each of them. By default the input, one step later. */
  readonly target?: (value: V) => Y;
}

/** Numbers of steps in one array. @throws TypeError where a value brings no steps. */
export function asSignal(operation: string, value: unknown): Tensor {
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return ids([1, 1], [value]);
    throw new TypeError(`${operation}: a number is an id, and ${value} is none; give features as a Float32Array.`);
  }
  if (value instanceof Int32Array) return ids([value.length, 1], value);
  if (value instanceof Float32Array) return tensor([1, 1, value.length], value);
  if (!isTensor(value)) {
    throw new TypeError(
      `${operation}: takes ids [T, B] or features [T, B, F], an id or the features of one step as a Float32Array, but got ` +
        `${value === null ? 'null' : typeof value}; say by \`input\` where its steps are.`,
    );
  }
  if (value.type === 'int32') {
    stepsAndLanes(operation, value);
    return value;
  }
  checkedNumbers(value, operation);
  if (value.shape.length > 2) return value;
  if (value.shape.length === 1) return { ...value, shape: [1, 1, ...value.shape] };
  throw new TypeError(
    `${operation}: features are [T, B, F], or [F] for one step of one lane, but got ${showShape(value.shape)}; reshape them.`,
  );
}

/** Inputs of the same steps and lanes as what is to be predicted. @throws RangeError where they are not. */
export function requireAlike(operation: string, input: Tensor, target: Tensor): void {
  if (input.shape[0] === target.shape[0] && input.shape[1] === target.shape[1]) return;
  throw new RangeError(
    `${operation}: \`target\` gave ${showShape(target.shape)} for the input ${showShape(input.shape)}; give a target for each ` +
      'step of each lane.',
  );
}

/** What all steps of a stream have in common. */
export interface SignalLayout {
  readonly type: Tensor['type'];
  /** Without steps: lanes and features. */
  readonly rest: Shape;
  readonly width: number;
}

export function signalLayoutOf({ type, shape: [, ...rest] }: Tensor): SignalLayout {
  return { type, rest, width: sizeOf(rest) };
}

/** @throws TypeError where steps are other than those before them. */
export function requireLayout(operation: string, before: SignalLayout, signal: Tensor): void {
  const { type, shape } = signal;
  if (
    type === before.type &&
    shape.length === before.rest.length + 1 &&
    before.rest.every((size, k) => size === shape[k + 1])
  )
    return;
  requireSameLanes(operation, before.rest[0], shape[1] as number);
  throw new TypeError(
    `${operation}: signals of one stream differ only in their number of steps, but ${type} [T, ${shape.slice(1).join(', ')}] follows ` +
      `${before.type} [T, ${before.rest.join(', ')}].`,
  );
}

/** Room for numbers of a type. */
export const numbersOf = (type: Tensor['type'], length: number): Numbers =>
  type === 'int32' ? new Int32Array(length) : new Float32Array(length);

/** Of one lane `[N, 1, …]`, the steps from several places on, side by side: `[T, B, …]`. */
export function joinedLanes(lane: Tensor, places: ArrayLike<number>, steps: number): Tensor {
  const [, , ...rest] = lane.shape;
  const [batch, width] = [places.length, sizeOf(rest)];
  const data = numbersOf(lane.type, steps * batch * width);
  for (let b = 0; b < batch; b += 1) {
    const from = places[b] as number;
    for (let t = 0; t < steps; t += 1) {
      const to = t * batch + b;
      if (width === 1) data[to] = lane.data[from + t] as number;
      else data.set(lane.data.subarray((from + t) * width, (from + t + 1) * width), to * width);
    }
  }
  return { shape: [steps, batch, ...rest], type: lane.type === 'int32' ? 'int32' : 'float32', data };
}

/** A lane that is there as a whole, to be cut anywhere. */
export interface Corpus<X, Y> {
  /** Steps that have a target. */
  readonly count: number;
  /** How many steps a target is ahead of its input where both are one signal. */
  readonly ahead: 0 | 1;
  /** The windows from several places on, side by side. */
  at(places: ArrayLike<number>, steps: number): { readonly input: X; readonly target: Y };
}

/** @throws TypeError where there are several lanes, or no steps. */
export function corpusOf<X extends StepsLike, Y extends StepsLike>(
  operation: string,
  given: X,
  target: ((corpus: X) => Y) | undefined,
): Corpus<SignalOf<X>, SignalOf<Y>> {
  const lane = asSignal(operation, given);
  const asked = target && asSignal(operation, target(given));
  for (const { shape } of asked ? [lane, asked] : [lane]) {
    if (shape[1] === 1) continue;
    const what = lane.type === 'int32' ? 'ids, [N, 1]' : 'features, [N, 1, F]';
    throw new TypeError(
      `${operation}: a corpus is one lane of ${what}, but got ${shape[1]} lanes; cut each by itself.`,
    );
  }
  if (asked) requireAlike(operation, lane, asked);
  const ahead = asked ? 0 : 1;
  return {
    count: (lane.shape[0] as number) - ahead,
    ahead,
    at: (places, steps) => ({
      input: joinedLanes(lane, places, steps) as SignalOf<X>,
      target: joinedLanes(
        asked ?? lane,
        Array.from(places, (place) => place + ahead),
        steps,
      ) as SignalOf<Y>,
    }),
  };
}
