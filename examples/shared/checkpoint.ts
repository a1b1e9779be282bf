/** Checkpoints as the examples write and read them. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from 'oxbow';
import { type Failure, failure, messageOf } from './failure.js';

/** Better now than after a minute of training. */
export function checkSavePath(path: string | undefined): TE.TaskEither<Failure, void> {
  if (path === undefined) return TE.right(undefined);
  return TE.tryCatch(
    async () => {
      await access(dirname(path), constants.W_OK);
      const there = await stat(path).catch(() => undefined);
      if (there?.isDirectory()) throw new Error('it is a folder');
    },
    (error) => failure(`--save ${path} cannot be written: ${messageOf(error)}.`),
  );
}

export const readCheckpoint = (path: string): TE.TaskEither<Failure, Checkpoint> =>
  pipe(
    loadCheckpoint(path),
    TE.mapLeft(({ message }) => failure(`--load: ${message}`)),
  );

export const writeCheckpoint = (path: string, checkpoint: Checkpoint): TE.TaskEither<Failure, void> =>
  pipe(
    saveCheckpoint(path, checkpoint),
    TE.mapLeft(({ message }) => failure(`--save: ${message}`)),
  );
