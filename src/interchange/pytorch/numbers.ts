/** Numbers of PyTorch's kinds as float32, which weights are here. */
import { toOwnOrder } from '../../formats/checkpoint.js';

/** A kind of numbers. */
export interface Kind {
  /** As PyTorch calls it. */
  readonly name: string;
  readonly bytes: number;
  /** The number at a byte; there is none where weights cannot be of this kind. */
  readonly read?: (view: DataView, at: number) => number;
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function brain(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

const kinds = {
  float32: { name: 'float32', bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  float64: { name: 'float64', bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  float16: { name: 'float16', bytes: 2, read: (view, at) => half(view.getUint16(at, true)) },
  bfloat16: { name: 'bfloat16', bytes: 2, read: (view, at) => brain(view.getUint16(at, true)) },
  int64: { name: 'int64', bytes: 8 },
  int32: { name: 'int32', bytes: 4 },
  int16: { name: 'int16', bytes: 2 },
  int8: { name: 'int8', bytes: 1 },
  uint8: { name: 'uint8', bytes: 1 },
  bool: { name: 'bool', bytes: 1 },
  complex64: { name: 'complex64', bytes: 8 },
} as const satisfies Readonly<Record<string, Kind>>;

/** By the names that safetensors files have for them. */
export const kindsOfSafetensors: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['F32', kinds.float32],
  ['F64', kinds.float64],
  ['F16', kinds.float16],
  ['BF16', kinds.bfloat16],
  ['I64', kinds.int64],
  ['I32', kinds.int32],
  ['I16', kinds.int16],
  ['I8', kinds.int8],
  ['U8', kinds.uint8],
  ['BOOL', kinds.bool],
]);

/** By the names of PyTorch's storages. */
export const kindsOfStorages: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['torch.FloatStorage', kinds.float32],
  ['torch.DoubleStorage', kinds.float64],
  ['torch.HalfStorage', kinds.float16],
  ['torch.BFloat16Storage', kinds.bfloat16],
  ['torch.LongStorage', kinds.int64],
  ['torch.IntStorage', kinds.int32],
  ['torch.ShortStorage', kinds.int16],
  ['torch.CharStorage', kinds.int8],
  ['torch.ByteStorage', kinds.uint8],
  ['torch.BoolStorage', kinds.bool],
  ['torch.ComplexFloatStorage', kinds.complex64],
]);

/**
 * Numbers as float32, in an array of their own.
 *
 * @param bytes little-endian.
 * @param at the places of the numbers, or undefined where they lie one after the other.
 * @throws Error where they cannot be weights.
 */
export function float32Of(bytes: Uint8Array, kind: Kind, count: number, at?: (k: number) => number): Float32Array {
  const { read } = kind;
  if (read === undefined)
    throw new Error(`it is of ${kind.name}, and weights are of float32, float64, float16 or bfloat16`);
  const numbers = new Float32Array(count);
  if (kind.name === 'float32' && at === undefined) {
    const target = new Uint8Array(numbers.buffer);
    target.set(bytes.subarray(0, target.length));
    toOwnOrder(target);
    return numbers;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let k = 0; k < count; k += 1) {
    const value = read(view, (at?.(k) ?? k) * kind.bytes);
    numbers[k] = value;
    if (Number.isFinite(value) && !Number.isFinite(numbers[k]))
      throw new Error(`its ${value} is too large for float32`);
  }
  return numbers;
}
