/**
 * A model in training as a checkpoint, in one form for all that write one: weights by their paths, what the optimizer keeps for
 * them as `optimizer.path.slot`, and in one of the metadata, as JSON, the steps and what else there is to say of the training.
 */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { type FormatError, OxbowError, saidOf } from '../errors.js';
import { checkedOptions, type Names } from '../options.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import { below } from '../path.js';
import { checkSteps, type TrainerState } from '../training/trainer-state.js';
import type { Checkpoint } from './checkpoint.js';
import { orThrow } from './or-throw.js';
import { weightsOf } from './weights.js';

/** No part of a model that is written down has this name. */
const KEPT = 'optimizer';
const PREFIX = below(KEPT, '');

/** What a checkpoint says of a training. */
export interface SavedTraining {
  /** For `loadWeights`. */
  readonly weights: Checkpoint['tensors'];
  /** For the trainer; undefined where nothing was written of it. */
  readonly state: TrainerState | undefined;
  /** What else was said, as it was read from JSON. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** What a checkpoint says of a training, as it is given to {@link trainingCheckpoint}. */
export interface TrainingRecord {
  /** Where the trainer is. */
  readonly state?: TrainerState | undefined;
  /** What else there is to say: plain values, which JSON can hold. */
  readonly about?: object | undefined;
}

const names: Names<TrainingRecord> = { state: true, about: true };

/** The names of the state's own counts; the rest is written into the same record. */
const counts = ['step', 'tokens'];

/**
 * A model in training as a checkpoint: its weights, what the optimizer keeps, and under a name of the metadata the steps and
 * whatever else is said. {@link trainingOf} reads it.
 *
 * @param params those of the model.
 * @param name that of the metadata to write the record under.
 * @param record where the trainer is, and what else there is to say; `undefined` where the weights are all.
 * @param metadata further ones.
 * @returns a checkpoint for `saveCheckpoint` or `encodeCheckpoint`.
 * @throws TypeError where an option of the record is not known.
 * @throws RangeError where the file could not be read as it was written: a part of the model is named `optimizer`, or what else
 * is said is named as the state's counts, `step` and `tokens`.
 * @example
 * windows$.pipe(
 *   tbptt(model, { loss, optimizer }),
 *   map((step) => trainingCheckpoint(model.params, 'training', { state: step.state(), about: { epoch: 3 } })),
 * );
 */
export function trainingCheckpoint(
  params: Params,
  name: string,
  record: TrainingRecord | undefined,
  metadata: Checkpoint['metadata'] = {},
): Checkpoint {
  const { state: { slots = {}, ...steps } = {}, about } =
    record === undefined ? {} : checkedOptions('trainingCheckpoint', record, names);
  const [lost] = parametersOf(params).find(([path]) => path.startsWith(PREFIX)) ?? [];
  if (lost !== undefined) {
    throw new RangeError(
      `trainingCheckpoint: the parameter ${lost} would be read as what the optimizer keeps; give that part of the model a name ` +
        `other than ${KEPT}.`,
    );
  }
  const count = counts.find((each) => Object.hasOwn(about ?? {}, each));
  if (count !== undefined) {
    throw new RangeError(
      `trainingCheckpoint: about has ${count}, which would be read as the state's; give it another name, or leave it to the state.`,
    );
  }
  const kept = Object.entries(slots).map(([path, slot]) => [below(KEPT, path), slot] as const);
  return {
    tensors: { ...weightsOf(params), ...Object.fromEntries(kept) },
    metadata: { ...metadata, ...(record && { [name]: JSON.stringify({ ...steps, ...about }) }) },
  };
}

/**
 * What a checkpoint says of a training, as {@link trainingCheckpoint} wrote it under that name. Whether weights and state are
 * those of a model is for `loadWeights` and the trainer to say.
 *
 * @param checkpoint as `loadCheckpoint` or `decodeCheckpoint` gives it.
 * @param name that of the metadata that it was written under.
 * @returns the weights, the trainer's state, and what else was said.
 * @throws OxbowError, a {@link FormatError}, where there is something under that name that cannot be read.
 * @example
 * ```ts no-run
 * const { weights, state } = trainingOf(await loadCheckpoint('model.safetensors'), 'training');
 * loadWeights(model.params, weights);
 * windows$.pipe(tbptt(model, { loss, optimizer, ...(state && { state }) })).subscribe();
 * ```
 */
export function trainingOf(checkpoint: Checkpoint, name: string): SavedTraining {
  return orThrow(trainingOfEither(checkpoint, name));
}

/**
 * {@link trainingOf} for fp-ts: what cannot be read is a value.
 *
 * @param checkpoint as `loadCheckpoint` or `decodeCheckpoint` gives it.
 * @param name that of the metadata that it was written under.
 * @returns right what `trainingOf` gives, left the error that it throws.
 * @example
 * trainingOfEither(trainingCheckpoint(model.params, 'training', { about: { epoch: 3 } }), 'training')._tag; // 'Right'
 */
export function trainingOfEither(checkpoint: Checkpoint, name: string): E.Either<FormatError, SavedTraining> {
  return pipe(readTraining(checkpoint, name), E.mapLeft(saidOf('trainingOf')));
}

/** Reads a training on behalf of an operation, whose name the message has not. */
export function readTraining(checkpoint: Checkpoint, name: string): E.Either<FormatError, SavedTraining> {
  const { tensors, metadata } = (checkpoint ?? {}) as Partial<Checkpoint>;
  if (!isRecord(tensors) || !isRecord(metadata)) {
    return bad('what was given is no checkpoint, { tensors, metadata }; give what loadCheckpoint gives.');
  }
  const all = Object.entries(tensors);
  const weights = Object.fromEntries(all.filter(([path]) => !path.startsWith(PREFIX)));
  const slots = Object.fromEntries(
    all.flatMap(([path, slot]) => (path.startsWith(PREFIX) ? [[path.slice(PREFIX.length), slot] as const] : [])),
  );
  if (metadata[name] === undefined) return E.right({ weights, state: undefined, about: {} });
  return pipe(
    parsedRecord(metadata[name]),
    E.fromNullable(bad(`the checkpoint has no ${name} that can be read, a record in JSON; save it anew.`).left),
    E.chain(({ step, tokens, ...about }): E.Either<FormatError, SavedTraining> => {
      if (step === undefined) return E.right({ weights, state: undefined, about });
      const state = { step, ...(tokens !== undefined && { tokens }), slots } as TrainerState;
      return pipe(
        E.tryCatch(() => checkSteps('trainer', state), E.toError),
        E.bimap(
          ({ message }) => unsound(name, message),
          () => ({ weights, state, about }),
        ),
      );
    }),
  );
}

/** A checkpoint whose training cannot have been written so. */
export const unsound = (name: string, message: string): FormatError =>
  bad(`the checkpoint says nothing sound of its ${name}: ${message}`).left;

const bad = (message: string): E.Left<FormatError> => ({
  _tag: 'Left',
  left: new OxbowError<FormatError>({ _tag: 'BadMetadata', message }),
});

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Lists and records within one another: far more than anybody writes, and few enough for whatever walks through them. */
const DEEPEST = 1000;

const isWithin = (value: unknown, depth: number): boolean =>
  !isRecord(value) || (depth > 0 && Object.values(value).every((part) => isWithin(part, depth - 1)));

/** The record that a text of JSON is; undefined where it is none, or one that could not be written again. */
export function parsedRecord(text: unknown): Readonly<Record<string, unknown>> | undefined {
  const value = E.tryCatch(
    () => JSON.parse(text as string) as unknown,
    () => undefined,
  );
  return E.isRight(value) && isRecord(value.right) && isWithin(value.right, DEEPEST) ? value.right : undefined;
}
