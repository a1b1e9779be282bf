/**
 * The messages of ONNX that are needed, by the numbers of their fields: onnx.proto of ONNX 1.12 (github.com/onnx/onnx), which
 * are fixed for all versions. What else a message has is passed over.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** AttributeProto.AttributeType. */
export const AttributeType = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** TensorProto.DataType. */
export const DataType = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

export interface Entry {
  readonly key?: string;
  readonly value?: string;
}
export interface TensorProto {
  readonly dims?: readonly number[];
  readonly dataType?: number;
  readonly segment?: unknown;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly int64Data?: readonly number[];
  readonly name?: string;
  readonly rawData?: Uint8Array;
  readonly doubleData?: readonly number[];
  readonly externalData?: readonly Entry[];
  /** 1 where the numbers are in another file. */
  readonly dataLocation?: number;
}
export interface AttributeProto {
  readonly name?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
  readonly type?: number;
  readonly reference?: string;
}
export interface NodeProto {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute?: readonly AttributeProto[];
  readonly domain?: string;
}
export interface Dimension {
  readonly value?: number;
  readonly param?: string;
}
export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: {
    readonly tensorType?: { readonly elemType?: number; readonly shape?: { readonly dim?: readonly Dimension[] } };
  };
}
export interface GraphProto {
  readonly node?: readonly NodeProto[];
  readonly name?: string;
  readonly initializer?: readonly TensorProto[];
  readonly input?: readonly ValueInfoProto[];
  readonly output?: readonly ValueInfoProto[];
  readonly sparseInitializer?: readonly unknown[];
}
export interface ModelProto {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: GraphProto;
  readonly opsetImport?: readonly { readonly domain?: string; readonly version?: number }[];
  readonly metadata?: readonly Entry[];
  readonly functions?: readonly unknown[];
}

type Scalar = 'int32' | 'int64' | 'float' | 'double' | 'string' | 'bytes';
type Field = readonly [name: string, type: Scalar | Message, many?: 'many'];
type Message = { readonly [number: number]: Field };

const entry: Message = { 1: ['key', 'string'], 2: ['value', 'string'] };
const tensor: Message = {
  1: ['dims', 'int64', 'many'],
  2: ['dataType', 'int32'],
  3: ['segment', 'bytes'],
  4: ['floatData', 'float', 'many'],
  5: ['int32Data', 'int32', 'many'],
  7: ['int64Data', 'int64', 'many'],
  8: ['name', 'string'],
  9: ['rawData', 'bytes'],
  10: ['doubleData', 'double', 'many'],
  13: ['externalData', entry, 'many'],
  14: ['dataLocation', 'int32'],
};
const attribute: Message = {
  1: ['name', 'string'],
  2: ['f', 'float'],
  3: ['i', 'int64'],
  4: ['s', 'bytes'],
  5: ['t', tensor],
  7: ['floats', 'float', 'many'],
  8: ['ints', 'int64', 'many'],
  9: ['strings', 'bytes', 'many'],
  20: ['type', 'int32'],
  21: ['reference', 'string'],
};
const node: Message = {
  1: ['input', 'string', 'many'],
  2: ['output', 'string', 'many'],
  3: ['name', 'string'],
  4: ['opType', 'string'],
  5: ['attribute', attribute, 'many'],
  7: ['domain', 'string'],
};
const dimension: Message = { 1: ['value', 'int64'], 2: ['param', 'string'] };
const shape: Message = { 1: ['dim', dimension, 'many'] };
const tensorType: Message = { 1: ['elemType', 'int32'], 2: ['shape', shape] };
const valueInfo: Message = { 1: ['name', 'string'], 2: ['type', { 1: ['tensorType', tensorType] }] };
const graph: Message = {
  1: ['node', node, 'many'],
  2: ['name', 'string'],
  5: ['initializer', tensor, 'many'],
  11: ['input', valueInfo, 'many'],
  12: ['output', valueInfo, 'many'],
  15: ['sparseInitializer', 'bytes', 'many'],
};
const opset: Message = { 1: ['domain', 'string'], 2: ['version', 'int64'] };
const model: Message = {
  1: ['irVersion', 'int64'],
  2: ['producerName', 'string'],
  3: ['producerVersion', 'string'],
  7: ['graph', graph],
  8: ['opsetImport', opset, 'many'],
  14: ['metadata', entry, 'many'],
  25: ['functions', 'bytes', 'many'],
};

const wire: Readonly<Record<Scalar, WireType>> = {
  int32: WireType.Varint,
  int64: WireType.Varint,
  float: WireType.Bit32,
  double: WireType.Bit64,
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
};

/** Messages that a model has at most: more than a million nodes, attributes and names are no model. */
const MOST_MESSAGES = 1_000_000;

function requireWhole({ pos, len }: BinaryReader): void {
  if (pos > len) throw new RangeError('it ends within a field');
}

/** @throws Error in words of its own or of the wire format, where the bytes are no such message. */
export const decodeModel = (bytes: Uint8Array): ModelProto => {
  let left = MOST_MESSAGES;
  const scalar = (reader: BinaryReader, type: Scalar): unknown => {
    if (type === 'int64') return Number(reader.int64());
    return reader[type]();
  };
  // A message lies within another by the tables above alone, so that none is deeper than these.
  function decode(whole: Uint8Array, message: Message): Record<string, unknown> {
    left -= 1;
    if (left < 0) throw new RangeError(`more than ${MOST_MESSAGES} messages`);
    const reader = new BinaryReader(whole);
    const read: Record<string, unknown> = {};
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      const field = Object.hasOwn(message, number) ? message[number] : undefined;
      if (field === undefined) {
        reader.skip(type, number);
        continue;
      }
      const [name, kind, many] = field;
      const wanted = typeof kind === 'string' ? wire[kind] : WireType.LengthDelimited;
      let list = read[name] as unknown[] | undefined;
      if (many && list === undefined) {
        list = [];
        read[name] = list;
      }
      if (many && type === WireType.LengthDelimited && wanted !== type) {
        const packed = new BinaryReader(reader.bytes());
        while (packed.pos < packed.len) list?.push(scalar(packed, kind as Scalar));
        requireWhole(packed);
        continue;
      }
      if (type !== wanted) throw new RangeError(`field ${name} is written as another type`);
      const value = typeof kind === 'string' ? scalar(reader, kind) : decode(reader.bytes(), kind);
      requireWhole(reader);
      if (list === undefined) read[name] = value;
      else list.push(value);
    }
    requireWhole(reader);
    return read;
  }
  return decode(bytes, model) as ModelProto;
};

/** The bytes of a model. */
export function encodeModel(value: ModelProto): Uint8Array {
  const writer = new BinaryWriter();
  function encode(message: Message, record: Readonly<Record<string, unknown>>): void {
    for (const [number, [name, kind, many]] of Object.entries(message) as [string, Field][]) {
      const given = record[name];
      if (given === undefined) continue;
      for (const each of many ? (given as readonly unknown[]) : [given]) {
        if (typeof kind === 'string') writer.tag(Number(number), wire[kind])[kind](each as never);
        else {
          writer.tag(Number(number), WireType.LengthDelimited).fork();
          encode(kind, each as Readonly<Record<string, unknown>>);
          writer.join();
        }
      }
    }
  }
  encode(model, value as Readonly<Record<string, unknown>>);
  return writer.finish();
}
