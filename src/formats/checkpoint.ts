/**
 * Checkpoints: tensors by name and a few strings about them, in a safetensors file.
 *
 * The format (huggingface/safetensors, README): eight bytes with the header's length, unsigned and little-endian; the
 * header, a JSON object that gives each tensor's type, shape and place in the data, with strings of the writer's own
 * under `__metadata__`; then the data, row-major and little-endian, each byte of it belonging to exactly one tensor. What is
 * written here also bears a checksum (`seal.ts`).
 */

import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { host } from '#host';
import { isRecord, requireKind } from '../checks.js';
import { type FormatError, saidOf } from '../errors.js';
import { checkedNumbers, restoredTensor, showShape, sizeOf, type Tensor } from '../tensor.js';
import {
  type HeaderEntry,
  type HeaderTypes,
  headerLength,
  headerLimits,
  LENGTH_BYTES,
  ownTypes,
  parseHeader,
} from './header.js';
import { orThrow } from './or-throw.js';
import { faultOf, type Metadata, OWN, putChecksum, sealedHeader, sealing, splitMetadata } from './seal.js';

/** Tensors by name, and strings that say what they are. */
export interface Checkpoint {
  /** `float32` and `int32`; a parameter's name is its path, `rnn.wx`. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Names that begin with `oxbow.` are the package's own: they are written by it, and left out where it reads. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A checkpoint as it lies in a file: the header, its length before it, and the tensors one after the other. */
export interface FileLayout {
  readonly header: Uint8Array;
  readonly tensors: readonly Tensor[];
  /** Bytes in all. */
  readonly length: number;
}

// Tensors may be read in place by others, who then need them aligned; headers are filled up with blanks.
const alignment = 8;
const dtypes = { float32: 'F32', int32: 'I32' } as const;

/**
 * A checkpoint as the bytes of a safetensors file, with a checksum of all of them in its metadata. Equal checkpoints give
 * equal bytes, whatever order their records were filled in.
 *
 * @param checkpoint tensors and metadata.
 * @returns the whole file: the length of the header, the header, the data.
 * @throws TypeError where a tensor is neither float32 nor int32, has not as many numbers as its shape says, or is named
 * `__metadata__`, and where metadata are no strings, or are named as the package's own, `oxbow.…`.
 * @throws RangeError where the header would be larger than any that is read: 100,000,000 bytes, or 500,000 values, of which a
 * tensor is 6 and one for each size.
 * @example
 * const bytes = encodeCheckpoint({ tensors: weightsOf(model.params), metadata: { made: 'by hand' } });
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { header, tensors, length } = fileLayoutOf('encodeCheckpoint', checkpoint);
  const bytes = new Uint8Array(length);
  bytes.set(header);
  let at = header.length;
  for (const tensor of tensors) {
    bytes.set(bytesOf(tensor), at);
    at += 4 * tensor.data.length;
  }
  putChecksum(bytes, host.crc32(bytes, 0));
  return bytes;
}

/** @throws TypeError where a value is no checkpoint. */
export function requireCheckpoint(operation: string, given: Checkpoint): void {
  const fits = isRecord(given) && isRecord(given.tensors) && isRecord(given.metadata);
  requireKind(operation, fits, 'a checkpoint { tensors, metadata }', given, 'give both, each a record by name');
}

/**
 * The checksum in the header is still to be put in.
 *
 * @param own what else the package itself says in the metadata.
 * @throws TypeError, RangeError as {@link encodeCheckpoint}.
 */
export function fileLayoutOf(operation: string, checkpoint: Checkpoint, own: Metadata = {}): FileLayout {
  requireCheckpoint(operation, checkpoint);
  const tensors = sorted(checkpoint.tensors).map(([name, given]) => {
    const what = `${operation}: ${name}`;
    const tensor = restoredTensor(given, what);
    return [name, { shape: tensor.shape, type: tensor.type, data: checkedNumbers(tensor, what) }] as const;
  });
  let end = 0;
  const entries = tensors.map(([name, tensor]) => {
    const begin = end;
    end += 4 * sizeOf(tensor.shape);
    return [
      name,
      { dtype: dtypeOf(operation, name, tensor), shape: tensor.shape, data_offsets: [begin, end] },
    ] as const;
  });
  const given = sorted(checkpoint.metadata);
  for (const [name, value] of given) {
    if (name.startsWith(OWN)) {
      throw new TypeError(
        `${operation}: metadata named ${OWN}… are written by the package itself, but ${JSON.stringify(name)} is given; ` +
          'name it otherwise.',
      );
    }
    if (typeof value === 'string') continue;
    throw new TypeError(
      `${operation}: metadata are strings, but ${JSON.stringify(name)} is ${value === null ? 'null' : typeof value}; ` +
        'write it as JSON first.',
    );
  }
  const metadata = [...sealing, ...sorted(own), ...given];
  const values = tensors.reduce((sum, [, { shape }]) => sum + 6 + shape.length, 2 + metadata.length);
  if (values > headerLimits.values) throw tooLarge(operation, values, headerLimits.values, 'values');
  // An object would have names that are numbers first, whatever was put into it first.
  const text = objectOf([['__metadata__', objectOf(metadata.map(quoted))], ...entries.map(quoted)]);
  const json = new TextEncoder().encode(text);
  if (json.length > headerLimits.bytes) throw tooLarge(operation, json.length, headerLimits.bytes, 'bytes');
  const header = new Uint8Array(LENGTH_BYTES + Math.ceil(json.length / alignment) * alignment).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - LENGTH_BYTES), true);
  header.set(json, LENGTH_BYTES);
  return { header, tensors: tensors.map(([, tensor]) => tensor), length: header.length + end };
}

const quoted = ([name, value]: readonly [string, unknown]) => [name, JSON.stringify(value)] as const;

const objectOf = (members: readonly (readonly [name: string, json: string])[]): string =>
  `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join()}}`;

const tooLarge = (operation: string, count: number, most: number, what: string): RangeError =>
  new RangeError(
    `${operation}: the header would have ${count} ${what}, but no more than ${most} are read of any; keep what is large in ` +
      'tensors, or in several files.',
  );

/** The bytes of a layout from first to last, as they lie, at most so many at a time. */
export function* bytesIn({ header, tensors }: FileLayout, size: number): Generator<Uint8Array, void, void> {
  for (const part of partsOf(header, tensors)) {
    for (let from = 0; from < part.length; from += size) yield part.subarray(from, from + size);
  }
}

/**
 * The bytes of a layout from first to last. Small parts share a piece of that size, which is written over by the next one; large ones
 * go by as they lie, at most `straight` bytes at a time.
 */
export function* piecesOf(
  { header, tensors, length }: FileLayout,
  size: number,
  straight = size,
): Generator<Uint8Array, void, void> {
  const piece = new Uint8Array(Math.min(size, length));
  let filled = 0;
  for (const part of partsOf(header, tensors)) {
    for (let from = 0; from < part.length; ) {
      if (filled === 0 && part.length - from >= size) {
        yield part.subarray(from, from + straight);
        from += straight;
        continue;
      }
      const some = part.subarray(from, from + piece.length - filled);
      piece.set(some, filled);
      from += some.length;
      filled += some.length;
      if (filled < piece.length) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

function* partsOf(header: Uint8Array, tensors: readonly Tensor[]): Generator<Uint8Array, void, void> {
  yield header;
  let part: Uint8Array = new Uint8Array(0);
  for (const tensor of tensors) {
    const { buffer, byteOffset, length } = bytesOf(tensor);
    // Tensors that lie one after the other are one part.
    const joins = buffer === part.buffer && byteOffset === part.byteOffset + part.length;
    if (!joins && part.length > 0) yield part;
    part = joins
      ? new Uint8Array(buffer, part.byteOffset, part.length + length)
      : new Uint8Array(buffer, byteOffset, length);
  }
  if (part.length > 0) yield part;
}

/**
 * Reads the bytes of a safetensors file. All tensors have arrays of their own. Names are there once, and headers have at most
 * 100,000,000 bytes, 500,000 values and 8 objects and lists within one another, so that time and memory are bounded for any
 * bytes. Where they bear a checksum, as all have that this package writes, it is held against them.
 *
 * @param bytes a whole file, as `encodeCheckpoint` or any other writer of safetensors gives it.
 * @returns its tensors and its metadata.
 * @throws OxbowError, a {@link FormatError}, that says what is wrong with the bytes, and where.
 * @example
 * const bytes = encodeCheckpoint({ tensors: weightsOf(model.params), metadata: { made: 'by hand' } });
 * decodeCheckpoint(bytes).metadata['made']; // 'by hand'
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  return orThrow(decodeCheckpointEither(bytes));
}

/**
 * {@link decodeCheckpoint} for fp-ts: what is wrong with the bytes is a value.
 *
 * @param bytes a whole file.
 * @returns right the tensors and the metadata, left the error that `decodeCheckpoint` throws.
 * @throws TypeError where what is given is no bytes.
 * @example
 * decodeCheckpointEither(Uint8Array.of(1, 2, 3))._tag; // 'Left'
 */
export function decodeCheckpointEither(bytes: Uint8Array): E.Either<FormatError, Checkpoint> {
  requireKind('decodeCheckpoint', bytes instanceof Uint8Array, 'bytes, a Uint8Array', bytes, 'read the file as bytes');
  return pipe(
    readHeader(bytes),
    E.map(({ entries, metadata, start }) => ({
      tensors: Object.fromEntries(
        entries.map((entry) => {
          const tensor = tensorOf(entry);
          const target = new Uint8Array(tensor.data.buffer);
          target.set(bytes.subarray(start + entry.begin, start + entry.end));
          toOwnOrder(target);
          return [entry.name, tensor];
        }),
      ),
      metadata,
    })),
    E.mapLeft(saidOf('decodeCheckpoint')),
  );
}

/** What the header of a whole file says, where it is sound: its checksum, if it has one, is held against the bytes. */
export function readHeader(bytes: Uint8Array): E.Either<FormatError, FileHeader<'float32' | 'int32'>>;
export function readHeader<T extends { readonly bytes: number }>(
  bytes: Uint8Array,
  types: HeaderTypes<T>,
): E.Either<FormatError, FileHeader<T>>;
export function readHeader(
  bytes: Uint8Array,
  types: HeaderTypes<unknown> = ownTypes,
): E.Either<FormatError, FileHeader<unknown>> {
  return pipe(
    headerLength(bytes.subarray(0, LENGTH_BYTES), bytes.length),
    E.map((length) => LENGTH_BYTES + length),
    E.chain((start) =>
      pipe(
        parseHeader(
          bytes.subarray(LENGTH_BYTES, start),
          bytes.length - start,
          types as HeaderTypes<{ readonly bytes: number }>,
        ),
        E.chainFirst(({ metadata }) => {
          const sealed = sealedHeader(bytes.subarray(0, start));
          const checksum = sealed ? host.crc32(bytes.subarray(start), sealed.checksum) : 0;
          return faultOf(splitMetadata(metadata).own, sealed?.said, checksum);
        }),
        E.map(({ entries, metadata }) => ({ entries, metadata: splitMetadata(metadata).metadata, start })),
      ),
    ),
  );
}

/** Tensors by their places, which count from `start`, and metadata but for the package's own. */
interface FileHeader<T> {
  readonly entries: readonly HeaderEntry<T>[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly start: number;
}

/** A tensor as its entry says, of zeros in a buffer of its own. */
export function tensorOf({ type, shape, begin, end }: HeaderEntry): Tensor {
  const { buffer } = new Uint8Array(end - begin);
  return { shape, type, data: type === 'int32' ? new Int32Array(buffer) : new Float32Array(buffer) };
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** A tensor's bytes as the format has them; bytes, so that every bit pattern survives, NaNs with a payload included. */
function bytesOf({ data }: Tensor): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return isLittleEndian ? bytes : toOwnOrder(bytes.slice());
}

/** Turns words from the format's order to the machine's, or back. */
export function toOwnOrder(bytes: Uint8Array): Uint8Array {
  if (isLittleEndian) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, view.getUint32(at, true), false);
  return bytes;
}

function dtypeOf(operation: string, name: string, { type, shape, data }: Tensor): 'F32' | 'I32' {
  if (name === '__metadata__') {
    throw new TypeError(`${operation}: the format keeps the name __metadata__ for itself; name the tensor otherwise.`);
  }
  if (type === 'float64') {
    throw new TypeError(
      `${operation}: ${name} is float64, but a checkpoint holds float32 and int32; convert it to float32 first.`,
    );
  }
  const array = type === 'int32' ? Int32Array : Float32Array;
  if (!(data instanceof array) || data.length !== sizeOf(shape)) {
    throw new TypeError(
      `${operation}: ${name} is ${type} ${showShape(shape)}, but its numbers are no ${array.name} of ${sizeOf(shape)}; ` +
        'make tensors by tensor() or ids().',
    );
  }
  return dtypes[type];
}

/** As a file has them. */
export function sorted<T>(record: Readonly<Record<string, T>>): readonly (readonly [name: string, value: T])[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
