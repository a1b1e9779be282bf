/**
 * Checkpoints: tensors by name and a few strings about them, in a safetensors file.
 *
 * The format (huggingface/safetensors, README): eight bytes with the header's length, unsigned and little-endian; the
 * header, a JSON object that gives each tensor's type, shape and place in the data, with strings of the writer's own
 * under `__metadata__`; then the data, row-major and little-endian, each byte of it belonging to exactly one tensor.
 */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { checkedNumbers, restoredTensor, sizeOf, type Tensor } from '../tensor.js';
import type { FormatError } from './errors.js';
import { type Entry, parseHeader } from './header.js';

/** Tensors by name, and strings that say what they are. */
export interface Checkpoint {
  /** `float32` and `int32`; a parameter's name is its path, `rnn.wx`. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const lengthBytes = 8;
// Tensors may be read in place by others, who then need them aligned; headers are filled up with blanks.
const alignment = 8;
const dtypes = { float32: 'F32', int32: 'I32' } as const;

/**
 * A checkpoint as the bytes of a safetensors file. Equal checkpoints give equal bytes, whatever order their records
 * were filled in.
 *
 * @throws TypeError where a tensor is neither float32 nor int32, or is named `__metadata__`, or metadata is not text.
 * @throws RangeError where a tensor's shape and numbers disagree.
 * @example
 * const bytes = encodeCheckpoint({ tensors: weightsOf(model.params), metadata: { made: 'by hand' } });
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const tensors = sorted(checkpoint.tensors).map(([name, given]) => {
    const what = `encodeCheckpoint: ${name}`;
    const tensor = restoredTensor(given, what);
    const { shape, type } = tensor;
    return [name, { shape, type, data: checkedNumbers(tensor, what) }] as const;
  });
  let end = 0;
  const entries = tensors.map(([name, tensor]) => {
    const begin = end;
    end += 4 * sizeOf(tensor.shape);
    return [name, { dtype: dtypeOf(name, tensor), shape: tensor.shape, data_offsets: [begin, end] }] as const;
  });
  const metadata = Object.fromEntries(sorted(checkpoint.metadata));
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text === 'string') continue;
    throw new TypeError(
      `encodeCheckpoint: metadata is text, but ${name} is ${typeof text}; write JSON.stringify of it.`,
    );
  }
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries])));
  const start = lengthBytes + Math.ceil(header.length / alignment) * alignment;

  const bytes = new Uint8Array(start + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(start - lengthBytes), true);
  bytes.fill(0x20, lengthBytes, start);
  bytes.set(header, lengthBytes);
  let at = start;
  for (const [, tensor] of tensors) {
    // As words, so that every bit pattern survives, NaNs with a payload included.
    const words = new Int32Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length);
    for (const word of words) {
      view.setInt32(at, word, true);
      at += 4;
    }
  }
  return bytes;
}

/**
 * Reads the bytes of a safetensors file. All tensors have arrays of their own. Whatever is wrong with the bytes is a
 * `FormatError` that says what, and where.
 *
 * @example
 * pipe(decodeCheckpoint(bytes), E.match((error) => console.error(error.message), ({ tensors }) => …));
 */
export function decodeCheckpoint(bytes: Uint8Array): E.Either<FormatError, Checkpoint> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return pipe(
    headerBytes(view),
    E.chain((header) => parseHeader(header, bytes.length - lengthBytes - header.length)),
    E.map(({ entries, metadata, length }) => ({
      tensors: Object.fromEntries(entries.map((entry) => [entry.name, readTensor(view, lengthBytes + length, entry)])),
      metadata,
    })),
  );
}

function headerBytes(view: DataView): E.Either<FormatError, Uint8Array> {
  const present = view.byteLength;
  if (present < lengthBytes) {
    return E.left({
      _tag: 'Truncated',
      message: `a checkpoint starts with ${lengthBytes} bytes that give its header's length, but there are ${present}.`,
    });
  }
  const length = view.getBigUint64(0, true);
  // The limit of the format's own reader, so that a damaged length is not taken for a reason to parse gigabytes.
  if (length > 100_000_000n) {
    return E.left({
      _tag: 'HeaderTooLarge',
      message: `the header would be ${length} bytes long, more than the format's 100,000,000: not a safetensors file.`,
    });
  }
  if (length > BigInt(present - lengthBytes)) {
    return E.left({
      _tag: 'Truncated',
      message: `the header is ${length} bytes long, but only ${present - lengthBytes} bytes follow: the file was cut.`,
    });
  }
  return E.right(new Uint8Array(view.buffer, view.byteOffset + lengthBytes, Number(length)));
}

function readTensor(view: DataView, start: number, { type, shape, begin }: Entry): Tensor {
  const words = new Int32Array(sizeOf(shape));
  for (let i = 0; i < words.length; i += 1) words[i] = view.getInt32(start + begin + 4 * i, true);
  return { shape, type, data: type === 'int32' ? words : new Float32Array(words.buffer) };
}

function dtypeOf(name: string, { type }: Tensor): 'F32' | 'I32' {
  if (name === '__metadata__') {
    throw new TypeError(
      'encodeCheckpoint: the format keeps the name __metadata__ for itself; name the tensor otherwise.',
    );
  }
  if (type === 'float64') {
    throw new TypeError(
      `encodeCheckpoint: ${name} is float64, but a checkpoint holds float32 and int32; convert it to float32 first.`,
    );
  }
  return dtypes[type];
}

function sorted<T>(record: Readonly<Record<string, T>>): readonly (readonly [name: string, value: T])[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
