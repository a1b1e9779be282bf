/** Files of PyTorch's tensors: safetensors, and the zip files of `torch.save`. */
import * as E from 'fp-ts/lib/Either.js';
import { readHeader } from '../../formats/checkpoint.js';
import { orThrow } from '../../formats/or-throw.js';
import { type Shape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import { refused, type SourceFile } from '../format.js';
import { float32Of, type Kind, kindsOfSafetensors, kindsOfStorages } from './numbers.js';
import { Global, Made, Outside, PickleFault, readPickle, type Value } from './pickle.js';
import { filesInZip, isZip, type ZipEntry } from './zip.js';

export const TITLE = 'PyTorch';

/** A tensor of a file; its numbers are converted when they are asked for. */
export interface FileTensor {
  readonly shape: Shape;
  /** As PyTorch calls it: `float16`. */
  readonly kind: string;
  /** @throws OxbowError, an InterchangeError, where they cannot be weights. */
  numbers(): Tensor;
}

/** What a file has. */
export interface TorchFile {
  /** By name, in the file's order. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export const wrong = (place: string, reason: string, cause?: unknown) =>
  refused('importModel', TITLE, place, reason, cause);

const PICKLED = 'data.pkl';

/** The folder of the one pickle of a zip file, with its slash. */
function folderIn(files: ReadonlyMap<string, ZipEntry>): string | undefined {
  const [name] = [...files.keys()].filter((each) => each === PICKLED || each.endsWith(`/${PICKLED}`));
  return name?.slice(0, -PICKLED.length);
}

/** Eight bytes with the header's length, and the brace that begins it. */
const isSafetensors = (bytes: Uint8Array) => bytes.length > 8 && bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;

export function recognises({ bytes }: SourceFile): boolean {
  if (isSafetensors(bytes)) return true;
  if (!isZip(bytes)) return isOldPickle(bytes);
  try {
    return folderIn(filesInZip(bytes)) !== undefined;
  } catch {
    return false;
  }
}

/** What `torch.save` wrote before its version 1.6, or any other pickle. */
const isOldPickle = (bytes: Uint8Array) => bytes[0] === 0x80 && (bytes[1] as number) <= 5;

/** @throws OxbowError, an InterchangeError, that names the place in the file. */
export function readTorchFile({ path, bytes }: SourceFile): TorchFile {
  if (isZip(bytes)) return readZip(path, bytes);
  // A header's length may begin like one.
  if (isOldPickle(bytes) && !isSafetensors(bytes)) {
    throw wrong(
      path,
      'it is a pickle and no zip file, as PyTorch wrote before 1.6; load it there, and torch.save(model.state_dict(), file)',
    );
  }
  return readSafetensors(path, bytes);
}

function readSafetensors(path: string, bytes: Uint8Array): TorchFile {
  const header = readHeader(bytes, kindsOfSafetensors);
  if (E.isLeft(header)) throw wrong(path, header.left.message, header.left);
  const { entries, metadata, start } = orThrow(header);
  const tensors = entries.map(
    ({ name, type, shape, begin, end }) =>
      [name, tensorOf(`${path}: ${name}`, shape, type, () => bytes.subarray(start + begin, start + end))] as const,
  );
  return { tensors: new Map(tensors), metadata };
}

function tensorOf(
  place: string,
  shape: Shape,
  kind: Kind,
  bytes: () => Uint8Array,
  at?: (k: number) => number,
): FileTensor {
  return {
    shape,
    kind: kind.name,
    numbers() {
      try {
        return { shape, type: 'float32', data: float32Of(bytes(), kind, sizeOf(shape), at) };
      } catch (error) {
        throw wrong(place, (error as Error).message, error);
      }
    },
  };
}

const REBUILD = 'torch._utils._rebuild_tensor_v2';
const PARAMETER = 'torch._utils._rebuild_parameter';

/** Plain data with tensors: what asks for more is refused. */
const globals: ReadonlySet<string> = new Set([
  'collections.OrderedDict',
  REBUILD,
  PARAMETER,
  'torch.nn.parameter.Parameter',
  'torch.Size',
  'torch.device',
  ...kindsOfStorages.keys(),
]);

function readZip(path: string, bytes: Uint8Array): TorchFile {
  try {
    const files = filesInZip(bytes);
    const folder = folderIn(files);
    if (folder === undefined) throw new Error(`it is a zip file without ${PICKLED}; give what torch.save wrote`);
    const order = files.get(`${folder}byteorder`)?.read();
    if (order !== undefined && new TextDecoder().decode(order) !== 'little')
      throw new Error('its numbers are big-endian');
    const root = readPickle((files.get(`${folder}${PICKLED}`) as ZipEntry).read(), globals);
    const tensors = [...stateOf(root)].map(
      ([name, value]) => [name, rebuilt(`${path}: ${name}`, value, files, folder)] as const,
    );
    return { tensors: new Map(tensors), metadata: {} };
  } catch (error) {
    if (error instanceof PickleFault) {
      throw wrong(
        `${path}: ${PICKLED}`,
        `${error.message}; save plain tensors, torch.save(model.state_dict(), file)`,
        error,
      );
    }
    if (error instanceof Error && error.name === 'Error') throw wrong(path, error.message, error);
    throw error;
  }
}

const isTensor = (value: Value | undefined): value is Made =>
  value instanceof Made && (value.by === REBUILD || value.by === PARAMETER);

/** Names under which programs store a state_dict next to other things. */
const wrappers = ['state_dict', 'model_state_dict', 'model_state', 'model', 'weights', 'net'];

/** The tensors by their names: the pickle's own value, or the one of it that is a state_dict. */
function stateOf(root: Value): ReadonlyMap<string, Made> {
  const named = (value: Value | undefined): ReadonlyMap<string, Made> | undefined => {
    if (!(value instanceof Map) || value.size === 0) return undefined;
    const entries = [...value];
    return entries.every(([name, each]) => typeof name === 'string' && isTensor(each))
      ? (value as Map<string, Made>)
      : undefined;
  };
  const own = named(root);
  if (own !== undefined) return own;
  if (!(root instanceof Map)) throw new Error('it has no state_dict; torch.save(model.state_dict(), file)');
  const within = wrappers.flatMap((name) => named(root.get(name)) ?? []);
  if (within.length === 1) return within[0] as ReadonlyMap<string, Made>;
  const keys = [...root.keys()].slice(0, 20).map((key) => (typeof key === 'string' ? key.slice(0, 60) : typeof key));
  throw new Error(
    `it has ${keys.join(', ')}, and ${within.length === 0 ? 'none of' : 'more than one of'} ${wrappers.join(', ')} is a state_dict; ` +
      'torch.save(model.state_dict(), file)',
  );
}

const isCount = (value: Value | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isCounts = (value: Value | undefined): value is number[] =>
  Array.isArray(value) && value.length <= 16 && value.every(isCount);

/** A tensor as its storage, offset, sizes and strides say. */
function rebuilt(place: string, made: Made, files: ReadonlyMap<string, ZipEntry>, folder: string): FileTensor {
  const inner = made.by === PARAMETER ? made.args[0] : made;
  if (!(inner instanceof Made) || inner.by !== REBUILD) throw wrong(place, 'it is a parameter of what is no tensor');
  const [storage, offset, size, strides] = inner.args;
  const id = storage instanceof Outside ? storage.id : undefined;
  const [tag, kindGlobal, key, , count] = Array.isArray(id) ? id : [];
  const kind = kindGlobal instanceof Global ? kindsOfStorages.get(kindGlobal.name) : undefined;
  const shape = size instanceof Made ? size.args[0] : size;
  if (tag !== 'storage' || kind === undefined || typeof key !== 'string' || !isCount(count)) {
    throw wrong(place, 'its storage is none of plain numbers');
  }
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || strides.length !== shape.length) {
    throw wrong(place, 'its sizes, strides and offset are no whole numbers');
  }
  const numbers = shape.includes(0) ? 0 : sizeOf(shape);
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] as number), offset);
  // With strides of 0 a small file would become any size.
  if (!(numbers <= count) || (numbers > 0 && !(last < count))) {
    throw wrong(
      place,
      `${showShape(shape)} with strides ${showShape(strides)} does not lie within its storage of ${count} numbers`,
    );
  }
  const file = files.get(`${folder}data/${key}`);
  if (file === undefined || file.size !== count * kind.bytes) {
    throw wrong(
      place,
      `its storage is ${count} of ${kind.name}, but ${folder}data/${key} has ${file?.size ?? 'no'} bytes`,
    );
  }
  const inOrder = shape.every((length, axis) => length === 1 || strides[axis] === sizeOf(shape.slice(axis + 1)));
  const from = offset * kind.bytes;
  const at = inOrder ? undefined : placesOf(shape, strides);
  return tensorOf(place, shape, kind, () => file.read().subarray(from), at);
}

/** Where the k-th number lies. */
const placesOf = (shape: Shape, strides: readonly number[]) => (k: number) => {
  let [rest, at] = [k, 0];
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const length = shape[axis] as number;
    at += (rest % length) * (strides[axis] as number);
    rest = Math.floor(rest / length);
  }
  return at;
};
