/** Checkpoints as the examples write and read them. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import {
  type Checkpoint,
  loadCheckpoint,
  loadWeights,
  type Params,
  saveCheckpoint,
  type TrainerState,
  weightsOf,
} from 'oxbow';
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

/** What the optimizer keeps stands beside the weights under this name. */
const PREFIX = 'optimizer.';

/** A training to go on with: weights, what the optimizer keeps, and `about`, which is all that it takes to build the model again. */
export function trainingCheckpoint(
  example: string,
  params: Params,
  { step, tokens, slots }: TrainerState,
  about: object,
): Checkpoint {
  const kept = Object.fromEntries(Object.entries(slots).map(([name, slot]) => [PREFIX + name, slot]));
  return {
    tensors: { ...weightsOf(params), ...kept },
    metadata: { example, about: JSON.stringify({ step, tokens, ...about }) },
  };
}

/** The training of a checkpoint; `build` makes the model of what is told about it, and throws where that is nonsense. */
export function resume<M extends { readonly model: { readonly params: Params } }>(
  example: string,
  path: string,
  { tensors, metadata }: Checkpoint,
  build: (about: unknown) => M,
): E.Either<Failure, M & { readonly state: TrainerState }> {
  const wrong = (message: string) => failure(`--load ${path}: ${message}`);
  const { about } = metadata;
  if (metadata.example !== example || about === undefined) {
    return E.left(wrong('it is no checkpoint of this example; give one that --save wrote, or leave --load out.'));
  }
  const all = Object.entries(tensors);
  const weights = Object.fromEntries(all.filter(([name]) => !name.startsWith(PREFIX)));
  const slots = Object.fromEntries(
    all.filter(([name]) => name.startsWith(PREFIX)).map(([name, slot]) => [name.slice(PREFIX.length), slot]),
  );
  return pipe(
    E.tryCatch(
      () => {
        const told = JSON.parse(about) as Pick<TrainerState, 'step' | 'tokens'>;
        const { step, tokens } = told;
        return { ...build(told), state: { step, slots, ...(tokens !== undefined && { tokens }) } };
      },
      (error) => wrong(`its metadata is damaged: ${messageOf(error)}`),
    ),
    E.chainFirst(({ model }) =>
      pipe(
        loadWeights(model.params, weights),
        E.mapLeft(({ message }) => wrong(message)),
      ),
    ),
  );
}
