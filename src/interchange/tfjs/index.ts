/** TensorFlow.js' layers models: `model.json`, and shards of weights in its folder. Their layers are those of Keras 2. */

import { MOST_NUMBERS } from '../../checks.js';
import type { Core } from '../../layer.js';
import { type Tensor, tensor } from '../../tensor.js';
import { type Format, type ReadOptions, refused, type SourceFile } from '../format.js';
import type { ChainLayer } from '../keras/chain.js';
import { isFields, quoted } from '../keras/config.js';
import { jsonOf } from '../keras/index.js';
import { intoModel } from '../keras/into-model.js';
import { readModel, type WeightsFile } from '../keras/read-model.js';
import { inOrder } from '../keras/read-order.js';

const TITLE = 'TensorFlow.js';

const refuse = (place: string, reason: string): never => {
  throw refused('importModel', TITLE, place, reason);
};

/** Shards, and tensors, that a manifest may name. */
const MOST_NAMES = 100_000;

/** How numbers are stored, by name: bytes of each, and its value. */
const kinds: Readonly<Record<string, readonly [bytes: number, read: (view: DataView, at: number) => number]>> = {
  float32: [4, (view, at) => view.getFloat32(at, true)],
  int32: [4, (view, at) => view.getInt32(at, true)],
  uint8: [1, (view, at) => view.getUint8(at)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  float16: [2, (view, at) => half(view.getUint16(at, true))],
};

/** A number of half precision (IEEE 754 binary16). */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

interface Stored {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly at: number;
  read(): Tensor;
}

/** A shard's name: one in the folder, with no way out of it. */
const isName = (name: unknown): name is string =>
  typeof name === 'string' && name !== '' && name !== '.' && name !== '..' && !/[/\\:\0]/.test(name);

/** The tensors of a manifest, by their names in its order. */
async function tensorsOf(file: SourceFile, manifest: unknown): Promise<readonly Stored[]> {
  if (!Array.isArray(manifest)) return refuse('weightsManifest', `${quoted(manifest ?? null)} is no list`);
  const all: Stored[] = [];
  for (const [k, group] of manifest.entries()) {
    const place = `weightsManifest[${k}]`;
    if (!isFields(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) {
      return refuse(place, 'it is no record of paths and weights');
    }
    if (all.length + group.weights.length + group.paths.length > MOST_NAMES)
      refuse(place, 'it has more weights than any model');
    const shards: Uint8Array[] = [];
    for (const name of group.paths as unknown[]) {
      if (!isName(name)) return refuse(`${place}.paths`, `${quoted(name)} is no name of a file in the folder`);
      shards.push(await file.beside(name));
    }
    const bytes = joined(shards);
    let at = 0;
    for (const spec of group.weights as unknown[]) {
      const stored = storedAs(place, spec, bytes, at);
      all.push(stored);
      at = stored.at;
    }
    if (at !== bytes.length) refuse(place, `its shards have ${bytes.length} bytes, but its weights are ${at}`);
  }
  return all;
}

/** One tensor of a manifest, and where the next one begins. */
function storedAs(place: string, spec: unknown, bytes: Uint8Array, from: number): Stored {
  if (!isFields(spec) || typeof spec.name !== 'string') return refuse(place, `${quoted(spec)} is no tensor`);
  const { name, shape, dtype, quantization } = spec;
  const where = `${place}: ${quoted(name)}`;
  const sizes =
    Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)
      ? (shape as number[])
      : undefined;
  const count = sizes?.reduce((product, size) => product * size, 1);
  if (sizes === undefined || count === undefined || !(count <= MOST_NUMBERS))
    return refuse(where, `${quoted(shape)} is no shape`);
  const packing = quantization === undefined || quantization === null ? undefined : quantization;
  if (packing !== undefined && !isFields(packing)) return refuse(where, `its quantization is ${quoted(packing)}`);
  const type = packing?.dtype ?? dtype;
  const kind = typeof type === 'string' && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (kind === undefined || dtype !== 'float32') {
    return refuse(
      where,
      `it is ${quoted(dtype)}, stored as ${quoted(type)}; weights are float32, stored so or as float16, uint8 or uint16`,
    );
  }
  const isScaled = packing !== undefined && type !== 'float16';
  const [scale, min] = [packing?.scale ?? 1, packing?.min ?? 0];
  if (isScaled && !(Number.isFinite(packing.scale) && Number.isFinite(packing.min))) {
    return refuse(where, `its quantization has no scale and min, but ${quoted(packing)}`);
  }
  const at = from + count * kind[0];
  if (at > bytes.length)
    refuse(where, `it takes ${count * kind[0]} bytes, but its shards have ${bytes.length - from} left`);
  return {
    name,
    bytes,
    at,
    read() {
      const view = new DataView(bytes.buffer, bytes.byteOffset + from, at - from);
      const value = (k: number) => kind[1](view, k * kind[0]);
      const data = Float32Array.from({ length: count }, (_, k) =>
        isScaled ? value(k) * (scale as number) + (min as number) : value(k),
      );
      return tensor(sizes, data);
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function read(file: SourceFile, { as }: ReadOptions): Promise<Core<unknown, never, unknown>> {
  const json = jsonOf(TITLE, 'model.json', file.bytes);
  if (!isFields(json) || !isFields(json.modelTopology))
    return refuse('modelTopology', 'it is not there; give the model.json of a layers model');
  const { modelTopology: topology, format } = json;
  if (format === 'graph-model' || 'node' in topology) {
    refuse(
      'format',
      'it is a graph model, of operations instead of layers; convert the model anew as tfjs_layers_model',
    );
  }
  const model = topology.model_config ?? topology;
  const tensors = await tensorsOf(file, json.weightsManifest);
  const left = new Set(tensors);
  const weights: WeightsFile = {
    of({ config }: ChainLayer) {
      // Its own are called after it: `lstm_LSTM1/kernel`; or after what is within it, in a converted Bidirectional.
      const own = tensors.filter(({ name }) => name.startsWith(`${config.name}/`));
      for (const each of own) left.delete(each);
      return inOrder(own.map((each) => [each.name, each.read]));
    },
    done() {
      const [other] = left;
      if (other !== undefined) refuse(quoted(other.name), 'there is no layer whose weights these are');
    },
  };
  const core = readModel(TITLE, model, weights);
  return as === undefined ? core : intoModel(TITLE, core, as);
}

/** TensorFlow.js' layers models, which are read. */
export const tfjs: Format = {
  name: 'tfjs',
  title: TITLE,
  endings: ['model.json'],
  recognises({ bytes, path }) {
    // A file of Keras or of tokens is JSON too.
    return (
      path.endsWith('.json') &&
      bytes.length > 0 &&
      new TextDecoder().decode(bytes.subarray(0, 65_536)).includes('"modelTopology"')
    );
  },
  read,
  async write() {
    throw refused(
      'exportModel',
      TITLE,
      'the format',
      "it is read, and not written; export to Keras ({ format: 'keras' }) and convert that by tensorflowjs_converter",
    );
  },
};
