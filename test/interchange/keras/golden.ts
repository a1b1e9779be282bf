/** Files of Keras that `make_keras.py` has written, and what their models give. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SourceFile } from '../../../src/interchange/format.js';
import { evaluate } from '../../../src/layer.js';
import { ids, type Tensor, tensor } from '../../../src/tensor.js';
import type { Any } from '../../cells/masked-layers.js';

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface GoldenCase {
  readonly file: string;
  /** What it is the figure of. */
  readonly layers: readonly string[];
  /** Batch first. */
  readonly x: Numbers;
  readonly y: Numbers;
}

const folder = new URL('../golden/', import.meta.url);
export const golden: readonly GoldenCase[] = JSON.parse(readFileSync(new URL('keras.json', folder), 'utf8'));

export const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`keras/${name}`, folder)));

/** A file in memory, with others in its folder. */
export const source = (
  path: string,
  bytes: Uint8Array,
  others: Readonly<Record<string, Uint8Array>> = {},
): SourceFile => ({
  path,
  bytes,
  async beside(name) {
    const found = Object.hasOwn(others, name) ? others[name] : undefined;
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  },
});

export const goldenFile = (name: string): SourceFile =>
  source(fileURLToPath(new URL(`keras/${name}`, folder)), bytesOf(name));

/** Numbers as data for `predict`. */
export const dataOf = ({ shape, data }: Numbers, isIds: boolean): Tensor =>
  isIds ? ids(shape, Int32Array.from(data)) : tensor(shape, Float32Array.from(data));

/** The largest difference from wanted numbers. */
export function differenceOf(found: Tensor, wanted: Numbers): number {
  if (found.data.length !== wanted.data.length) {
    throw new Error(`[${found.shape}] instead of [${wanted.shape}]`);
  }
  return wanted.data.reduce((most, value, k) => Math.max(most, Math.abs(value - (found.data[k] as number))), 0);
}

/** What a model gives for examples, batch first; for a model without `predict` they are sequences. */
export async function predicted(model: Any, x: Tensor): Promise<Tensor> {
  if ('predict' in model) return (model as Any & { predict(x: Tensor): Promise<Tensor> }).predict(x);
  const swapped = swap(x);
  return swap(evaluate(model, model.initial(x.shape[0] as number), swapped)[0] as Tensor);
}

function swap(x: Tensor): Tensor {
  const [a = 1, b = 1, ...rest] = x.shape;
  const width = rest.reduce((product, size) => product * size, 1);
  const data = x.data.slice();
  for (let k = 0; k < data.length; k += 1) {
    const [row, within] = [Math.floor(k / width), k % width];
    data[((row % b) * a + Math.floor(row / b)) * width + within] = x.data[k] as number;
  }
  return { ...x, shape: [b, a, ...rest], data } as Tensor;
}
