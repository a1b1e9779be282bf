/** Checkpoints on disk. A file is replaced as a whole or not at all. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import type { FileError, FormatError } from './errors.js';

/**
 * Writes a checkpoint. The bytes go to a new file in the same folder, reach the disk, and only then take the name:
 * whoever reads the path finds the old checkpoint or the new one, also where the process or the machine stops midway.
 *
 * @throws TypeError where a tensor or a name cannot be written.
 * @example
 * const saved = await saveCheckpoint('model.safetensors', { tensors: weightsOf(model.params), metadata: {} })();
 */
export function saveCheckpoint(path: string, checkpoint: Checkpoint): TE.TaskEither<FileError, void> {
  const bytes = encodeCheckpoint(checkpoint);
  return TE.tryCatch(
    () => replaceFile(path, bytes),
    (cause) => fileError(path, 'written', cause),
  );
}

/**
 * Reads a checkpoint; every message names the file.
 *
 * @example
 * const checkpoint = await loadCheckpoint('model.safetensors')();
 */
export function loadCheckpoint(path: string): TE.TaskEither<FileError | FormatError, Checkpoint> {
  return pipe(
    TE.tryCatch(
      () => readFile(path),
      (cause): FileError | FormatError => fileError(path, 'read', cause),
    ),
    TE.chainEitherKW((bytes) => pipe(decodeCheckpoint(bytes), E.mapLeft(naming(path)))),
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

const naming =
  (path: string) =>
  <X extends { readonly message: string }>(error: X): X => ({ ...error, message: `${path}: ${error.message}` });

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes the new name durable. Some systems cannot open a folder; there the rename itself has to do. */
async function syncFolder(folder: string): Promise<void> {
  await withFile(folder, 'r', (handle) => handle.sync()).catch(() => undefined);
}

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

function fileError(path: string, verb: 'read' | 'written', cause: unknown): FileError {
  return { _tag: 'FileError', path, message: `${path} cannot be ${verb}: ${(cause as Error).message}` };
}
