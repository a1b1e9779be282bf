/**
 * Windows: the span in which tensors are places in the kernels' memory. All of them are released together at its end;
 * what is to outlive it is copied out by `toSignal`.
 */
import { isTensor, type Tensor } from '../tensor.js';
import type { Ops } from './ops.js';
import { reference } from './reference.js';

/** Runs a body within a window of its own. Tensors of the window are released when it returns. */
export function inWindow<R>(body: (ops: Ops) => R): R {
  return body(reference());
}

/** The same numbers, records and lists, every tensor copied into a float32 or int32 array of its own. */
export function toSignal<T>(value: T): T {
  return mapTensors(value, (t) => ({
    shape: t.shape,
    type: t.type === 'int32' ? 'int32' : 'float32',
    data: t.type === 'int32' ? Int32Array.from(t.data) : Float32Array.from(t.data),
  }));
}

/** Applies a function to every tensor within records and lists, and leaves everything else as it is. */
export function mapTensors<T>(value: T, change: (tensor: Tensor) => Tensor): T {
  if (isTensor(value)) return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, change)) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTensors(item, change)])) as T;
  }
  return value;
}
