/** Checkpoints on disk. A file is replaced as a whole or not at all, and both ways the numbers go by in pieces. */

import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { host } from '#host';
import { type FileError, type FormatError, fileError, type OxbowError, saidOf } from '../errors.js';
import type { OpenFile } from '../host/host.js';
import type { Tensor } from '../tensor.js';
import {
  type Checkpoint,
  type FileLayout,
  fileLayoutOf,
  piecesOf,
  requireCheckpoint,
  tensorOf,
  toOwnOrder,
} from './checkpoint.js';
import { formatError, type HeaderEntry, headerLength, inOrder, LENGTH_BYTES, parseHeader } from './header.js';
import { orThrow } from './or-throw.js';
import { faultOf, type Metadata, putChecksum, sealedHeader, splitMetadata } from './seal.js';

/** Bytes that are copied at once: a fraction of a millisecond, after which everybody else has a turn. */
const PIECE = 1 << 20;

/**
 * Writes a checkpoint, of any size. The bytes go to a new file in the same folder, reach the disk, and only then take the
 * name: a reader of the path finds the old checkpoint or the new one, also where the process or the machine stops midway.
 *
 * A file that is there keeps its mode, and where permitted its owner; the target of a symbolic link is replaced and not the
 * link; a file that is read-only stays as it is. What saves that were killed left in the folder is removed. A checksum of the
 * whole file is in its metadata, which safetensors files have for such things.
 *
 * Tensors are values, read while they are written; those whose numbers are part of a larger buffer, as a live parameter's are,
 * are copied at once.
 *
 * @param path that of the file; its folder must be there.
 * @param checkpoint tensors and metadata.
 * @returns resolves when the bytes are on the disk under that name.
 * @throws OxbowError (as a rejection), a {@link FileError}, where the file cannot be written.
 * @throws TypeError, RangeError (as rejections) where a tensor, a name or metadata cannot be written; see
 * {@link encodeCheckpoint}.
 * @example
 * ```ts no-run
 * await saveCheckpoint('model.safetensors', { tensors: weightsOf(model.params), metadata: {} });
 * ```
 */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  return orThrow(await saveCheckpointEither(path, checkpoint)());
}

/**
 * {@link saveCheckpoint} for fp-ts: the tensors are taken at once, and written where the result is called.
 *
 * @param path that of the file; its folder must be there.
 * @param checkpoint tensors and metadata.
 * @returns a task: right nothing, left the file's error.
 * @throws TypeError, RangeError where a tensor, a name or metadata cannot be written; see {@link encodeCheckpoint}.
 * @example
 * ```ts no-run
 * const saved = await saveCheckpointEither('model.safetensors', { tensors: weightsOf(model.params), metadata: {} })();
 * if (saved._tag === 'Left') console.error(saved.left.message);
 * ```
 */
export function saveCheckpointEither(path: string, checkpoint: Checkpoint): TE.TaskEither<FileError, void> {
  return saveAs('saveCheckpoint', path, checkpoint);
}

/** Writes a checkpoint on behalf of an operation. */
export function saveAs(operation: string, path: string, checkpoint: Checkpoint): TE.TaskEither<FileError, void> {
  requireCheckpoint(operation, checkpoint);
  const layout = fileLayoutOf(operation, settled(checkpoint));
  return TE.tryCatch(
    () => writeLayout(path, layout),
    (cause) => fileError(operation, 'written', path, cause),
  );
}

/** A checkpoint whose numbers are its own. */
export const settled = ({ tensors, metadata }: Checkpoint): Checkpoint => ({
  tensors: Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, ownNumbers(tensor)])),
  metadata,
});

/**
 * Writes a file whose numbers hold still. Its checksum comes before them, and is written last: each piece is read once from memory,
 * and is still in the processor's cache when the system copies it.
 *
 * @param ready called when all has been written, before the file takes its name; what it throws keeps it from that.
 */
export async function writeLayout(path: string, layout: FileLayout, ready = () => {}): Promise<void> {
  // A layout may be written more than once.
  putChecksum(layout.header, 0);
  const sealed = (checksum: number) => {
    ready();
    putChecksum(layout.header, checksum);
    return layout.header;
  };
  await host.replaceFile(path, () => piecesOf(layout, PIECE, Number.POSITIVE_INFINITY), sealed);
}

/**
 * Reads a checkpoint, of any size that memory holds. What headers may be, and that checksums are held against the bytes, is said
 * at {@link decodeCheckpoint}.
 *
 * @param path that of the file.
 * @returns its tensors, in arrays of their own, and its metadata.
 * @throws OxbowError (as a rejection) that names the file, a {@link FileError} or a {@link FormatError}.
 * @example
 * ```ts no-run
 * const { tensors, metadata } = await loadCheckpoint('model.safetensors');
 * ```
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return orThrow(await loadCheckpointEither(path)());
}

/**
 * {@link loadCheckpoint} for fp-ts: the file is read where the result is called, and what is wrong with it is a value.
 *
 * @param path that of the file.
 * @returns a task: right the tensors and the metadata, left the error that names the file.
 * @example
 * ```ts no-run
 * const loaded = await loadCheckpointEither('model.safetensors')();
 * if (loaded._tag === 'Right') loadWeights(model.params, loaded.right.tensors);
 * ```
 */
export function loadCheckpointEither(path: string): TE.TaskEither<FileError | FormatError, Checkpoint> {
  return loadAs('loadCheckpoint', path, E.right<FormatError, Checkpoint>);
}

/** Reads a checkpoint on behalf of an operation, and makes something of it; every message names both. */
export function loadAs<X extends OxbowError, A>(
  operation: string,
  path: string,
  restore: (checkpoint: Checkpoint, file: ReadFile) => E.Either<X, A>,
): TE.TaskEither<FileError | FormatError | X, A> {
  return pipe(
    TE.tryCatch(
      async () => {
        const file = await host.openFile(path);
        try {
          return await readWhole(file, PIECE);
        } finally {
          await file.close();
        }
      },
      (cause) => fileError(operation, 'read', path, cause),
    ),
    TE.chainEitherKW((read) =>
      pipe(
        read,
        E.chainW((file) => restore(file.checkpoint, file)),
        E.mapLeft((error): FormatError | X => saidOf(`${operation}: ${path}`)(error)),
      ),
    ),
  );
}

/** A file that was read, and is as it was written in so far as it says how that was. */
export interface ReadFile {
  readonly checkpoint: Checkpoint;
  /** What the package itself said in its metadata. */
  readonly own: Metadata;
  /** The header, with its length before it. */
  readonly header: Uint8Array;
}

/** Reads an open file from its start to its end, at most so many bytes at once. */
export const readCheckpoint = async (file: OpenFile, size: number): Promise<E.Either<FormatError, Checkpoint>> =>
  E.map(({ checkpoint }: ReadFile) => checkpoint)(await readWhole(file, size));

async function readWhole(file: OpenFile, size: number): Promise<E.Either<FormatError, ReadFile>> {
  const { size: present } = await file.stat();
  let checksum: number | undefined;
  const fill = filler(file, size, (bytes) => {
    if (checksum !== undefined) checksum = host.crc32(bytes, checksum);
  });
  const first = new Uint8Array(Math.min(LENGTH_BYTES, present));
  if (!(await fill(first))) return shorter();
  const length = headerLength(first, present);
  if (E.isLeft(length)) return length;
  const header = new Uint8Array(LENGTH_BYTES + length.right);
  header.set(first);
  if (!(await fill(header.subarray(LENGTH_BYTES)))) return shorter();
  const parsed = parseHeader(header.subarray(LENGTH_BYTES), present - header.length);
  if (E.isLeft(parsed)) return parsed;
  const { own, metadata } = splitMetadata(parsed.right.metadata);
  const sealed = sealedHeader(header);
  checksum = sealed?.checksum;
  const tensors = parsed.right.entries.map((entry) => ({ ...entry, tensor: allocated(entry) }));
  for (const { tensor } of inOrder(tensors)) {
    const target = new Uint8Array(tensor.data.buffer);
    if (!(await fill(target))) return shorter();
    toOwnOrder(target);
  }
  const checkpoint = { tensors: Object.fromEntries(tensors.map(({ name, tensor }) => [name, tensor])), metadata };
  return pipe(
    faultOf(own, sealed?.said, checksum ?? 0),
    E.map(() => ({ checkpoint, own, header })),
  );
}

const shorter = () => E.left(formatError('Truncated', 'the file became shorter while it was read.'));

/**
 * Fills arrays with what comes next in a file; false where it has ended. Small ones share a read, large ones take several. `seen`
 * is given what has been filled.
 */
function filler(
  file: OpenFile,
  size: number,
  seen: (bytes: Uint8Array) => void,
): (target: Uint8Array) => Promise<boolean> {
  const buffer = new Uint8Array(size);
  let [at, end] = [0, 0];
  return async (target) => {
    for (let filled = 0; filled < target.length; ) {
      if (at < end) {
        const some = buffer.subarray(at, Math.min(end, at + target.length - filled));
        target.set(some, filled);
        seen(some);
        at += some.length;
        filled += some.length;
        continue;
      }
      const straight = target.length - filled >= size;
      const { bytesRead } = straight
        ? await file.read(target, filled, size, null)
        : await file.read(buffer, 0, size, null);
      if (bytesRead === 0) return false;
      if (straight) {
        seen(target.subarray(filled, filled + bytesRead));
        filled += bytesRead;
      } else [at, end] = [0, bytesRead];
    }
    return true;
  };
}

function allocated(entry: HeaderEntry): Tensor {
  try {
    return tensorOf(entry);
  } catch (cause) {
    const bytes = entry.end - entry.begin;
    throw new Error(`tensor ${JSON.stringify(entry.name)} takes ${bytes} bytes: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function ownNumbers(tensor: Tensor): Tensor {
  const { shape, type, data } = tensor;
  const isPart = ArrayBuffer.isView(data) && data.byteLength < data.buffer.byteLength;
  return isPart ? { shape, type, data: data.slice() } : tensor;
}
