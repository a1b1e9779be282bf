/** A graph of ONNX while it is written: nodes, weights, what goes in and what comes out. */
import { sizeOf, type Tensor } from '../../tensor.js';
import { version } from '../../version.js';
import { refused } from '../format.js';
import {
  type AttributeProto,
  AttributeType,
  DataType,
  type Dimension,
  encodeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.js';

export const TITLE = 'ONNX';

/** Operator set 17 is the first one with LayerNormalization. */
export const OPSET = 17;
const IR_VERSION = 8;

/** Bytes of a message of protobuf are fewer. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** A name's sizes, an axis that is not known being a name. */
export type Axes = readonly (number | string)[];

/** A tensor that flows: its name in the graph, and its axes. */
export interface Signal {
  readonly name: string;
  readonly axes: Axes;
}

export type Attributes = Readonly<Record<string, number | string | readonly number[] | readonly string[]>>;

/** A number, or several, as a float attribute even where they are whole. */
export class Real {
  constructor(readonly value: number | readonly number[]) {}
}

/** @throws OxbowError that names the layer. */
export const cannot = (place: string, reason: string): never => {
  throw refused('exportModel', TITLE, place, reason);
};

export class Emitter {
  readonly #weights: Readonly<Record<string, Tensor>>;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers = new Map<string, TensorProto>();
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #carry: (readonly [input: string | null, output: string])[] = [];
  readonly #names = new Set<string>();
  #bytes = 0;
  /** How many steps of each lane are real, `[B]` int32, within `masked`. */
  lengths: string | undefined;
  readonly graph: 'window' | 'step';

  constructor(weights: Readonly<Record<string, Tensor>>, graph: 'window' | 'step') {
    this.#weights = weights;
    this.graph = graph;
  }

  /** A name that nothing else has. */
  #fresh(wanted: string): string {
    let name = wanted;
    for (let k = 2; this.#names.has(name); k += 1) name = `${wanted}_${k}`;
    this.#names.add(name);
    return name;
  }

  /** @throws OxbowError in a graph of one step, that a layer takes whole windows. */
  requireWindow(place: string): void {
    if (this.graph === 'window') return;
    cannot(place, "it takes a window as a whole, and a step alone is none; write it as { graph: 'window' }");
  }

  /** A weight as the model has it. */
  weight(path: string): Tensor {
    const found = this.#weights[path];
    return found ?? cannot(path, 'the model has no such weight');
  }

  has(path: string): boolean {
    return Object.hasOwn(this.#weights, path);
  }

  /** Numbers that are kept in the file by a name. */
  numbers(name: string, shape: readonly number[], data: Float32Array): string {
    return this.#stored(name, shape, DataType.float, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Numbers that are no weights, and are never learnt. */
  constant(wanted: string, shape: readonly number[], data: Float32Array): string {
    const name = this.#fresh(wanted);
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const t: TensorProto = { dims: shape, dataType: DataType.float, rawData };
    const attribute: AttributeProto[] = [{ name: 'value', t, type: AttributeType.tensor }];
    this.#nodes.push({ name: `${name}/Constant`, opType: 'Constant', input: [], output: [name], attribute });
    return name;
  }

  /** A parameter as it is, once in the file however often it is used. */
  parameter(path: string): string {
    const { shape, data } = this.weight(path);
    return this.#initializers.has(path) ? path : this.numbers(path, shape, data as Float32Array);
  }

  /** Whole numbers, int64. */
  ints(values: readonly number[] | number): string {
    const list = typeof values === 'number' ? [values] : values;
    const name = `ints_${typeof values === 'number' ? 'of_' : ''}${list.map((each) => String(each).replace('-', 'm')).join('_')}`;
    if (this.#initializers.has(name)) return name;
    const bytes = new Uint8Array(BigInt64Array.from(list, BigInt).buffer);
    return this.#stored(name, typeof values === 'number' ? [] : [list.length], DataType.int64, bytes);
  }

  /** One number. */
  number(value: number): string {
    const name = `number_${String(value).replace('-', 'm')}`;
    return this.#initializers.has(name) ? name : this.numbers(name, [], Float32Array.of(value));
  }

  #stored(wanted: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    const name = this.#fresh(wanted);
    this.#bytes += rawData.length;
    if (this.#bytes > MOST_BYTES) cannot(name, 'the weights are more than the 2 GiB that a file of protobuf holds');
    this.#initializers.set(name, { name, dims, dataType, rawData });
    return name;
  }

  /** A node of several outputs. */
  nodes(
    place: string,
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, Attributes[string] | Real>,
    outputs: number,
  ): string[] {
    const base = `${place || 'model'}/${opType}`;
    const name = this.#fresh(base);
    const output = Array.from({ length: outputs }, (_, k) =>
      this.#fresh(outputs === 1 ? `${name}:y` : `${name}:y${k}`),
    );
    this.#nodes.push({
      name,
      opType,
      input: inputs,
      output,
      attribute: Object.entries(attributes).map(([key, each]) => attributeOf(key, each)),
    });
    return output;
  }

  /** A node of one output. */
  node(
    place: string,
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, Attributes[string] | Real> = {},
  ): string {
    return this.nodes(place, opType, inputs, attributes, 1)[0] as string;
  }

  input(wanted: string, type: 'float' | 'int32' | 'int64', axes: Axes): Signal {
    const name = this.#fresh(wanted);
    this.#inputs.push(valueInfo(name, DataType[type], axes));
    return { name, axes };
  }

  output(wanted: string, value: Signal): string {
    const name = this.#fresh(wanted);
    this.#nodes.push({
      name: `${name}/Identity`,
      opType: 'Identity',
      input: [value.name],
      output: [name],
      attribute: [],
    });
    this.#outputs.push(valueInfo(name, DataType.float, value.axes));
    return name;
  }

  /** A part of the carry, by its path: what enters, and a function that takes what leaves. */
  carry(path: string, axes: Axes): readonly [enters: Signal, leaves: (name: string) => void] {
    const enters = this.input(path, 'float', axes);
    return [enters, (name) => this.#leaving(enters.name, path, { name, axes })];
  }

  /** A part of the carry that leaves alone. */
  leaving(path: string, value: Signal): void {
    this.#leaving(null, path, value);
  }

  #leaving(enters: string | null, path: string, value: Signal): void {
    this.#carry.push([enters, this.output(`${path}.next`, value)]);
  }

  finish(): Uint8Array {
    return encodeModel({
      irVersion: IR_VERSION,
      producerName: 'oxbow',
      producerVersion: version,
      opsetImport: [{ domain: '', version: OPSET }],
      graph: {
        name: 'oxbow',
        node: this.#nodes,
        initializer: [...this.#initializers.values()],
        input: this.#inputs,
        output: this.#outputs,
      },
      metadata: [
        { key: 'oxbow.graph', value: this.graph },
        { key: 'oxbow.carry', value: JSON.stringify(this.#carry) },
      ],
    });
  }
}

function attributeOf(name: string, value: Attributes[string] | Real): AttributeProto {
  const text = new TextEncoder();
  if (value instanceof Real) {
    return typeof value.value === 'number'
      ? { name, f: value.value, type: AttributeType.float }
      : { name, floats: value.value, type: AttributeType.floats };
  }
  if (typeof value === 'number') return { name, i: value, type: AttributeType.int };
  if (typeof value === 'string') return { name, s: text.encode(value), type: AttributeType.string };
  if (typeof value[0] === 'string') {
    return {
      name,
      strings: (value as readonly string[]).map((each) => text.encode(each)),
      type: AttributeType.strings,
    };
  }
  return { name, ints: value as readonly number[], type: AttributeType.ints };
}

const valueInfo = (name: string, elemType: number, axes: Axes): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: axes.map((axis): Dimension => (typeof axis === 'number' ? { value: axis } : { param: axis })) },
    },
  },
});

/** `[R, C] → [C, R]`. */
export function transposed({ shape, data }: Tensor): Float32Array {
  const [rows = 0, columns = 0] = shape;
  const turned = new Float32Array(sizeOf(shape));
  for (let r = 0; r < rows; r += 1)
    for (let c = 0; c < columns; c += 1) turned[c * rows + r] = data[r * columns + c] as number;
  return turned;
}
