import { lanesJoined, lanesWithin } from '../ops/lengths.js';
import { type Numbers, showShape, type Tensor } from '../tensor.js';

/** Steps of a signal `[T, B, …]`. */
export function stepsOf(x: Tensor): number {
  return x.shape[0] as number;
}

/** Steps `from` to `to` (which is left out) of a signal `[T, B, …]`. */
export function sliceSteps<X extends Tensor>(x: X, from: number, to: number = stepsOf(x)): X {
  if (from === 0 && to === stepsOf(x)) return x;
  const width = x.data.length / stepsOf(x);
  return {
    ...x,
    shape: [to - from, ...x.shape.slice(1)],
    data: x.data.slice(from * width, to * width),
    ...lanesWithin(x, from, to),
  };
}

/** Two signals one after the other in time: `[T, B, …]`, `[U, B, …]` → `[T + U, B, …]`. */
export function joinSteps<X extends Tensor>(first: X, second: X): X {
  const [steps, ...rest] = first.shape as [number, ...number[]];
  if (first.type !== second.type || rest.join() !== second.shape.slice(1).join()) {
    throw new TypeError(
      `signals of one stream differ only in their number of steps, but ${first.type} ${showShape(first.shape)} is ` +
        `followed by ${second.type} ${showShape(second.shape)}.`,
    );
  }
  const ArrayOf = first.data.constructor as new (length: number) => Numbers;
  const data = new ArrayOf(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return { ...first, shape: [steps + stepsOf(second), ...rest], data, ...lanesJoined(first, second) };
}
