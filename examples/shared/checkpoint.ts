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

/** A whole number that metadata tells, within what is possible. @throws RangeError where it is none. */
export function told(about: unknown, name: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  const value: unknown = (about as Record<string, unknown> | null | undefined)?.[name];
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${count(most)}`;
  throw new RangeError(`${name} is a whole number ${range} there, not ${JSON.stringify(value)}.`);
}

/**
 * What sizes a model can have whose weights stand in a file. Each layer has a tensor at least, and each size is one of
 * a tensor's: sizes that are told beside them are held against that before anything is made of them.
 */
export interface Limits {
  readonly layers: number;
  readonly size: number;
}

export function limitsOf(weights: Checkpoint['tensors']): Limits {
  const all = Object.values(weights);
  return { layers: all.length, size: all.reduce((most, { shape }) => Math.max(most, ...shape), 0) };
}

/** The training of a checkpoint; `build` makes the model of what is told about it, and throws where that is nonsense. */
export function resume<M extends { readonly model: { readonly params: Params } }>(
  example: string,
  path: string,
  { tensors, metadata }: Checkpoint,
  build: (about: unknown, limits: Limits) => M,
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
        const parsed: unknown = JSON.parse(about);
        // Not every example counts them.
        const counted = (parsed as { readonly tokens?: unknown } | null)?.tokens !== undefined;
        const state = {
          step: told(parsed, 'step', 0),
          slots,
          ...(counted && { tokens: told(parsed, 'tokens', 0) }),
        };
        return { ...build(parsed, limitsOf(weights)), state };
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
