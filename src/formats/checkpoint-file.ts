/** Checkpoints on disk. A file is replaced as a whole or not at all, and both ways the numbers go by in pieces. */

import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { host } from '#host';
import { type FileError, type FormatError, fileError, type OxbowError, saidOf } from '../errors.js';
import type { OpenFile } from '../host/host.js';
import type { Tensor } from '../tensor.js';
import { type Checkpoint, fileLayoutOf, piecesOf, requireCheckpoint, tensorOf, toOwnOrder } from './checkpoint.js';
import { type Entry, formatError, headerLength, inOrder, LENGTH_BYTES, parseHeader } from './header.js';
import { orThrow } from './or-throw.js';

/** Bytes that are copied at once: a fraction of a millisecond, after which everybody else has a turn. */
const PIECE = 1 << 20;

/**
 * Writes a checkpoint, of any size. The bytes go to a new file in the same folder, reach the disk, and only then take the
 * name: whoever reads the path finds the old checkpoint or the new one, also where the process or the machine stops midway.
 *
 * A file that is there keeps its mode, and where permitted its owner; the target of a symbolic link is replaced and not the
 * link; a file that is read-only stays as it is. What saves that were killed left in the folder is removed.
 *
 * Tensors are values, read while they are written; those whose numbers are part of a larger buffer, as a live parameter's are,
 * are copied at once.
 *
 * @throws OxbowError (as a rejection), a {@link FileError}, where the file cannot be written.
 * @throws TypeError, RangeError (as rejections) where a tensor, a name or metadata cannot be written; see
 * {@link encodeCheckpoint}.
 * @example
 * await saveCheckpoint('model.safetensors', { tensors: weightsOf(model.params), metadata: {} });
 */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  return orThrow(await saveCheckpointEither(path, checkpoint)());
}

/**
 * {@link saveCheckpoint} for fp-ts: the tensors are taken at once, and written where the result is called.
 *
 * @throws TypeError, RangeError where a tensor, a name or metadata cannot be written; see {@link encodeCheckpoint}.
 * @example
 * pipe(saveCheckpointEither(path, checkpoint), TE.mapLeft(({ message }) => message));
 */
export function saveCheckpointEither(path: string, checkpoint: Checkpoint): TE.TaskEither<FileError, void> {
  return saveAs('saveCheckpoint', path, checkpoint);
}

/** Writes a checkpoint on behalf of an operation. */
export function saveAs(operation: string, path: string, checkpoint: Checkpoint): TE.TaskEither<FileError, void> {
  requireCheckpoint(operation, checkpoint);
  const { tensors, metadata } = checkpoint;
  const settled = Object.entries(tensors).map(([name, tensor]) => [name, ownNumbers(tensor)] as const);
  const layout = fileLayoutOf(operation, { tensors: Object.fromEntries(settled), metadata });
  return TE.tryCatch(
    () => host.replaceFile(path, () => piecesOf(layout, PIECE)),
    (cause) => fileError(operation, 'written', path, cause),
  );
}

/**
 * Reads a checkpoint, of any size that memory holds. What headers may be is said at {@link decodeCheckpoint}.
 *
 * @throws OxbowError (as a rejection) that names the file, a {@link FileError} or a {@link FormatError}.
 * @example
 * const { tensors, metadata } = await loadCheckpoint('model.safetensors');
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return orThrow(await loadCheckpointEither(path)());
}

/**
 * {@link loadCheckpoint} for fp-ts: the file is read where the result is called, and what is wrong with it is a value.
 *
 * @example
 * pipe(loadCheckpointEither(path), TE.chainEitherKW(({ tensors }) => loadWeightsEither(model.params, tensors)));
 */
export function loadCheckpointEither(path: string): TE.TaskEither<FileError | FormatError, Checkpoint> {
  return loadAs('loadCheckpoint', path, E.right<FormatError, Checkpoint>);
}

/** Reads a checkpoint on behalf of an operation, and makes something of it; every message names both. */
export function loadAs<X extends OxbowError, A>(
  operation: string,
  path: string,
  restore: (checkpoint: Checkpoint) => E.Either<X, A>,
): TE.TaskEither<FileError | FormatError | X, A> {
  return pipe(
    TE.tryCatch(
      async () => {
        const file = await host.openFile(path);
        try {
          return await readCheckpoint(file, PIECE);
        } finally {
          await file.close();
        }
      },
      (cause) => fileError(operation, 'read', path, cause),
    ),
    TE.chainEitherKW((read) =>
      pipe(
        read,
        E.chainW(restore),
        E.mapLeft((error): FormatError | X => saidOf(`${operation}: ${path}`)(error)),
      ),
    ),
  );
}

/** Reads an open file from its start to its end, at most so many bytes at once. */
export async function readCheckpoint(file: OpenFile, size: number): Promise<E.Either<FormatError, Checkpoint>> {
  const { size: present } = await file.stat();
  const fill = filler(file, size);
  const first = new Uint8Array(Math.min(LENGTH_BYTES, present));
  if (!(await fill(first))) return shorter();
  const length = headerLength(first, present);
  if (E.isLeft(length)) return length;
  const bytes = new Uint8Array(length.right);
  if (!(await fill(bytes))) return shorter();
  const header = parseHeader(bytes, present - LENGTH_BYTES - bytes.length);
  if (E.isLeft(header)) return header;
  const { entries, metadata } = header.right;
  const tensors = entries.map((entry) => ({ ...entry, tensor: allocated(entry) }));
  for (const { tensor } of inOrder(tensors)) {
    const target = new Uint8Array(tensor.data.buffer);
    if (!(await fill(target))) return shorter();
    toOwnOrder(target);
  }
  return E.right({ tensors: Object.fromEntries(tensors.map(({ name, tensor }) => [name, tensor])), metadata });
}

const shorter = () => E.left(formatError('Truncated', 'the file became shorter while it was read.'));

/** Fills arrays with what comes next in a file; false where it has ended. Small ones share a read, large ones take several. */
function filler(file: OpenFile, size: number): (target: Uint8Array) => Promise<boolean> {
  const buffer = new Uint8Array(size);
  let [at, end] = [0, 0];
  return async (target) => {
    for (let filled = 0; filled < target.length; ) {
      if (at < end) {
        const some = buffer.subarray(at, Math.min(end, at + target.length - filled));
        target.set(some, filled);
        at += some.length;
        filled += some.length;
        continue;
      }
      const straight = target.length - filled >= size;
      const { bytesRead } = straight
        ? await file.read(target, filled, size, null)
        : await file.read(buffer, 0, size, null);
      if (bytesRead === 0) return false;
      if (straight) filled += bytesRead;
      else [at, end] = [0, bytesRead];
    }
    return true;
  };
}

function allocated(entry: Entry): Tensor {
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
