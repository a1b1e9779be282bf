/** Single files, as the examples write and read them whose runs are not kept in folders. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import {
  type Checkpoint,
  loadCheckpointEither,
  loadWeightsEither,
  type Params,
  saveCheckpointEither,
  type TrainerState,
  trainingCheckpoint,
  trainingOfEither,
} from 'oxbow';
import { type Failure, failure, messageOf, refused } from './failure.js';
import { count } from './numbers.js';

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
  pipe(loadCheckpointEither(path), TE.mapLeft(refused('--load')));

export const writeCheckpoint = (path: string, checkpoint: Checkpoint): TE.TaskEither<Failure, void> =>
  pipe(saveCheckpointEither(path, checkpoint), TE.mapLeft(refused('--save')));

/** Of the metadata, the one that is all it takes to build the model again. */
const ABOUT = 'about';

/** A training to go on with. */
export const exampleCheckpoint = (example: string, params: Params, state: TrainerState, about: object): Checkpoint =>
  trainingCheckpoint(params, ABOUT, { state, about }, { example });

/** A whole number in metadata, within what is possible. @throws RangeError where it is none. */
export function wholeNumberIn(
  about: unknown,
  name: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const value: unknown = (about as Record<string, unknown> | null | undefined)?.[name];
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${count(most)}`;
  throw new RangeError(`${name} is a whole number ${range} there, not ${JSON.stringify(value)}.`);
}

/** The training of a checkpoint; `build` makes the model of what the file says about it, and throws where that is nonsense. */
export function resume<M extends { readonly model: { readonly params: Params } }>(
  example: string,
  path: string,
  checkpoint: Checkpoint,
  build: (about: unknown) => M,
): E.Either<Failure, M & { readonly state: TrainerState }> {
  if (checkpoint.metadata.example !== example) {
    const message = 'it is no checkpoint of this example; give one that --save wrote, or leave --load out.';
    return E.left(failure(`--load ${path}: ${message}`));
  }
  const wrong = refused(`--load ${path}`);
  return pipe(
    trainingOfEither(checkpoint, ABOUT),
    E.mapLeft(wrong),
    E.chain(({ weights, state, about }) =>
      pipe(
        E.tryCatch(
          () => {
            if (state === undefined) throw new RangeError('step is a number there, and is not there.');
            return { ...build(about), state };
          },
          (error) => failure(`--load ${path}: its metadata is damaged: ${messageOf(error)}`),
        ),
        E.chainFirst(({ model }) => pipe(loadWeightsEither(model.params, weights), E.mapLeft(wrong))),
      ),
    ),
  );
}
