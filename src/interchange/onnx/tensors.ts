/** Tensors of ONNX as lists of numbers, from whichever of its fields they are in. */
import { MOST_NUMBERS } from '../../checks.js';
import { isShape } from '../../layers/onnx-graph/graph.js';
import { sizeOf } from '../../tensor.js';
import { refused, type SourceFile } from '../format.js';
import { TITLE } from './emitter.js';
import { DataType, type Dimension, type TensorProto } from './proto.js';

/** A tensor of a file. */
export interface Stored {
  readonly type: 'int' | 'float' | 'bool';
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What a graph takes or gives, as it says. */
export interface Port {
  readonly name: string;
  readonly type: number;
  readonly axes: readonly Dimension[];
}

/** @throws OxbowError that names the place in the file. */
export const cannotRead = (place: string, reason: string, cause?: unknown): never => {
  throw refused('importModel', TITLE, place, reason, cause);
};

/** Half-precision numbers: sign, 5 bits of exponent, 10 of fraction. */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction
          ? Number.NaN
          : Infinity
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

const brain = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number;

type Read = (view: DataView, at: number) => number;
interface Kind {
  readonly type: Stored['type'];
  readonly bytes: number;
  readonly read: Read;
  /** The field that has the numbers where they are not raw, and what is made of one. */
  readonly field: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data';
  readonly of?: (value: number) => number;
}

const ints = (bytes: number, read: Read, field: Kind['field'] = 'int32Data'): Kind => ({
  type: 'int',
  bytes,
  read,
  field,
});

const kinds: Readonly<Record<number, Kind>> = {
  [DataType.float]: { type: 'float', bytes: 4, read: (view, at) => view.getFloat32(at, true), field: 'floatData' },
  [DataType.double]: { type: 'float', bytes: 8, read: (view, at) => view.getFloat64(at, true), field: 'doubleData' },
  [DataType.float16]: {
    type: 'float',
    bytes: 2,
    read: (view, at) => half(view.getUint16(at, true)),
    field: 'int32Data',
    of: half,
  },
  [DataType.bfloat16]: {
    type: 'float',
    bytes: 2,
    read: (view, at) => brain(view.getUint16(at, true)),
    field: 'int32Data',
    of: brain,
  },
  [DataType.int8]: ints(1, (view, at) => view.getInt8(at)),
  [DataType.uint8]: ints(1, (view, at) => view.getUint8(at)),
  [DataType.int16]: ints(2, (view, at) => view.getInt16(at, true)),
  [DataType.uint16]: ints(2, (view, at) => view.getUint16(at, true)),
  [DataType.int32]: ints(4, (view, at) => view.getInt32(at, true)),
  [DataType.int64]: ints(8, (view, at) => Number(view.getBigInt64(at, true)), 'int64Data'),
  [DataType.bool]: { type: 'bool', bytes: 1, read: (view, at) => Number(view.getUint8(at) !== 0), field: 'int32Data' },
};

/** @throws OxbowError where it is none that can be computed with, or its numbers are not as many as its shape says. */
export async function storedOf(proto: TensorProto, place: string, file: SourceFile): Promise<Stored> {
  const { dims: shape = [], dataType = 0, rawData, segment } = proto;
  const kind = Object.hasOwn(kinds, dataType) ? kinds[dataType] : undefined;
  if (kind === undefined)
    return cannotRead(place, `its numbers are of data type ${dataType}, which there is nothing for`);
  if (!isShape(shape)) return cannotRead(place, `its shape is none of at most 16 axes and ${MOST_NUMBERS} numbers`);
  if (segment !== undefined) return cannotRead(place, 'it is in segments, which there is nothing for');
  const size = sizeOf(shape);
  const bytes = proto.dataLocation === 1 ? await external(proto, place, file) : rawData;
  if (bytes !== undefined) {
    if (bytes.length !== size * kind.bytes)
      cannotRead(place, `it has ${bytes.length} bytes for ${size} numbers of ${kind.bytes}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = kind.type === 'float' ? new Float32Array(size) : new Float64Array(size);
    for (let k = 0; k < size; k += 1) data[k] = kind.read(view, k * kind.bytes);
    return { type: kind.type, shape, data };
  }
  const numbers = proto[kind.field] ?? [];
  if (numbers.length !== size) cannotRead(place, `it has ${numbers.length} numbers for a shape of ${size}`);
  return { type: kind.type, shape, data: kind.of === undefined ? numbers : numbers.map(kind.of) };
}

/** The bytes of a tensor that is in a file of its own, which has no way out of the folder. */
async function external({ externalData = [] }: TensorProto, place: string, file: SourceFile): Promise<Uint8Array> {
  const entry = (name: string) => externalData.find(({ key }) => key === name)?.value;
  const location = entry('location') ?? '';
  if (location === '' || /[/\\\0]/.test(location) || location === '.' || location === '..') {
    cannotRead(place, 'its numbers are in a file that is not in the same folder');
  }
  const number = (name: string, otherwise: number): number => {
    const text = entry(name);
    if (text === undefined) return otherwise;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(value) ? value : cannotRead(place, `its ${name} is no whole number`);
  };
  const whole = await file.beside(location);
  const offset = number('offset', 0);
  const length = number('length', Math.max(0, whole.length - offset));
  if (offset + length > whole.length) cannotRead(place, `${location} ends before its numbers do`);
  return whole.subarray(offset, offset + length);
}
