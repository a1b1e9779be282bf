/** The tensors of a checkpoint: changed as records say, and compared bit by bit. */
import fc from 'fast-check';
import { type Checkpoint, ids, type Tensor, tensor } from '../src/index.js';

export interface TensorMutation {
  readonly nth: number;
  readonly to:
    | { readonly name: string }
    | { readonly shape: readonly number[] }
    | { readonly value: number }
    | 'gone'
    | 'ids';
}

const place = fc.nat({ max: 1000 });

export const tensorMutation: fc.Arbitrary<TensorMutation> = fc.record({
  nth: place,
  to: fc.oneof(
    fc.constantFrom('gone' as const, 'ids' as const),
    fc.record({
      name: fc.constantFrom('', '__proto__', 'toString', 'optimizer.', 'optimizer.step', 'extra', 'head.w'),
    }),
    fc.record({ shape: fc.array(fc.nat({ max: 6 }), { maxLength: 4 }) }),
    fc.record({ value: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, -0, 3e38, 1e-45, 0.5) }),
  ),
});

export function mutatedTensors(
  tensors: Checkpoint['tensors'],
  mutations: readonly TensorMutation[],
): Checkpoint['tensors'] {
  const entries = Object.entries(tensors);
  for (const { nth, to } of mutations) {
    const at = nth % Math.max(1, entries.length);
    const [name, given] = entries[at] ?? [];
    if (name === undefined || given === undefined) continue;
    if (to === 'gone') entries.splice(at, 1);
    else if (to === 'ids') entries[at] = [name, ids(given.shape, new Int32Array(given.data.length))];
    else if ('name' in to) entries[at] = [to.name, given];
    else if ('shape' in to) {
      const size = to.shape.reduce((product, length) => product * length, 1);
      entries[at] = [name, tensor(to.shape, new Float32Array(size))];
    } else if (given.type === 'float32' && given.data.length > 0) {
      const data = Float32Array.from(given.data);
      data[nth % data.length] = to.value;
      entries[at] = [name, tensor(given.shape, data)];
    }
  }
  return Object.fromEntries(entries);
}

const bitsOf = ({ shape, type, data }: Tensor) => ({
  shape: [...shape],
  type,
  bytes: [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
});
export const allBitsOf = (tensors: Checkpoint['tensors']) =>
  new Map(Object.entries(tensors).map(([name, each]) => [name, bitsOf(each)] as const));
