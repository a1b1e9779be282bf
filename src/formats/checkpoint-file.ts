/** Checkpoints on disk. A file is replaced as a whole or not at all, and both ways the numbers go by in pieces. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { Tensor } from '../tensor.js';
import { type Checkpoint, layoutOf, piecesOf, tensorOf, toOwnOrder } from './checkpoint.js';
import type { FileError, FormatError } from './errors.js';
import { type Entry, headerLength, inOrder, LENGTH_BYTES, parseHeader } from './header.js';
import { replaceFile } from './replace-file.js';

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
 * @throws TypeError, RangeError where a tensor, a name or metadata cannot be written; see {@link encodeCheckpoint}.
 * @example
 * ```ts no-run
 * const saved = await saveCheckpoint('model.safetensors', { tensors: weightsOf(model.params), metadata: {} })();
 * ```
 */
export function saveCheckpoint(path: string, { tensors, metadata }: Checkpoint): TE.TaskEither<FileError, void> {
  const settled = Object.entries(tensors).map(([name, tensor]) => [name, ownNumbers(tensor)] as const);
  const layout = layoutOf({ tensors: Object.fromEntries(settled), metadata });
  return TE.tryCatch(
    () => replaceFile(path, () => piecesOf(layout, PIECE)),
    (cause) => fileError(path, 'written', cause),
  );
}

/**
 * Reads a checkpoint, of any size that memory holds; every message names the file. What headers may be is said at
 * {@link decodeCheckpoint}.
 *
 * @example
 * ```ts no-run
 * const checkpoint = await loadCheckpoint('model.safetensors')();
 * ```
 */
export function loadCheckpoint(path: string): TE.TaskEither<FileError | FormatError, Checkpoint> {
  return pipe(
    TE.tryCatch(
      async () => {
        // Before it is opened: that of a pipe would wait for somebody who writes to it.
        if (!(await stat(path)).isFile()) throw new Error('it is no regular file; give the path of one.');
        const file = await open(path, 'r');
        try {
          return await readCheckpoint(file, PIECE);
        } finally {
          await file.close();
        }
      },
      (cause): FileError | FormatError => fileError(path, 'read', cause),
    ),
    TE.chainEitherKW(E.mapLeft(naming(path))),
  );
}

/** Reads a checkpoint and makes something of it; every message names the file. */
export function loadThrough<X extends { readonly message: string }, A>(
  path: string,
  restore: (checkpoint: Checkpoint) => E.Either<X, A>,
): TE.TaskEither<FileError | FormatError | X, A> {
  return pipe(
    loadCheckpoint(path),
    TE.chainEitherKW((checkpoint) => pipe(restore(checkpoint), E.mapLeft(naming(path)))),
  );
}

/** Reads an open file from its start to its end, at most so many bytes at once. */
export async function readCheckpoint(file: FileHandle, size: number): Promise<E.Either<FormatError, Checkpoint>> {
  const { size: present } = await file.stat();
  const fill = filler(file, size);
  const first = new Uint8Array(Math.min(LENGTH_BYTES, present));
  if (!(await fill(first))) return shorter;
  const length = headerLength(first, present);
  if (E.isLeft(length)) return length;
  const bytes = new Uint8Array(length.right);
  if (!(await fill(bytes))) return shorter;
  const header = parseHeader(bytes, present - LENGTH_BYTES - bytes.length);
  if (E.isLeft(header)) return header;
  const { entries, metadata } = header.right;
  const tensors = entries.map((entry) => ({ ...entry, tensor: allocated(entry) }));
  for (const { tensor } of inOrder(tensors)) {
    const target = new Uint8Array(tensor.data.buffer);
    if (!(await fill(target))) return shorter;
    toOwnOrder(target);
  }
  return E.right({ tensors: Object.fromEntries(tensors.map(({ name, tensor }) => [name, tensor])), metadata });
}

const shorter: E.Left<FormatError> = {
  _tag: 'Left',
  left: { _tag: 'Truncated', message: 'the file became shorter while it was read.' },
};

/** Fills arrays with what comes next in a file; false where it has ended. Small ones share a read, large ones take several. */
function filler(file: FileHandle, size: number): (target: Uint8Array) => Promise<boolean> {
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

const naming =
  (path: string) =>
  <X extends { readonly message: string }>(error: X): X => ({ ...error, message: `${path}: ${error.message}` });

function fileError(path: string, verb: 'read' | 'written', cause: unknown): FileError {
  return { _tag: 'FileError', path, message: `${path} cannot be ${verb}: ${(cause as Error).message}` };
}
