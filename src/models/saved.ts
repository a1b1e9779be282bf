/** A model as a checkpoint: its weights, and what training needs in order to go on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type * as TE from 'fp-ts/lib/TaskEither.js';
import type { FileError, FormatError, WeightsError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { loadAs, saveAs } from '../formats/checkpoint-file.js';
import { readTraining, type SavedTraining, trainingCheckpoint, unsound } from '../formats/training.js';
import { putWeights } from '../formats/weights.js';
import { parametersOf } from '../parameters/parameter.js';
import { below } from '../path.js';
import { isTensor, sameShape, type Tensor } from '../tensor.js';
import { checkedState } from '../training/trainer-state.js';
import type { Compiled } from './fit.js';
import type { LayeredModel } from './layered-model.js';

/** Of the metadata, the one that is about training. */
const TRAINING = 'training';

type Trainable = LayeredModel & Partial<Pick<Compiled, 'memory' | 'optimizer'>>;

export function saveModel(model: Trainable, path: string): TE.TaskEither<FileError, void> {
  return saveAs('save', path, toCheckpoint(model));
}

export function loadModel(model: Trainable, path: string): TE.TaskEither<FileError | FormatError | WeightsError, void> {
  if (model.memory?.current)
    throw new Error('load: the model is being trained; wait for that, or unsubscribe from it.');
  return loadAs('load', path, (checkpoint) => fromCheckpoint(model, checkpoint));
}

function toCheckpoint({ core, memory, optimizer }: Trainable): Checkpoint {
  const state = memory?.current?.() ?? memory?.optimizer;
  const about = { epochs: memory?.epochs, ...(state && { optimizer: optimizer?.kind }) };
  return trainingCheckpoint(core.params, TRAINING, memory && { state, about });
}

function fromCheckpoint(model: Trainable, checkpoint: Checkpoint): E.Either<FormatError | WeightsError, void> {
  return pipe(
    E.Do,
    E.bind('training', () => readTraining(checkpoint, TRAINING)),
    E.bindW('memory', ({ training }) => memoryOf(model, training)),
    E.chainFirstW(({ training }) => putWeights(model.core.params, training.weights)),
    E.map(({ memory }) => remember(model, memory)),
  );
}

function remember({ memory }: Trainable, remembered: Remembered | undefined): void {
  if (memory) Object.assign(memory, remembered);
}

type Remembered = Pick<NonNullable<Trainable['memory']>, 'epochs' | 'optimizer'>;

/** Training goes on where it ended; an optimizer of another kind than the saved one starts afresh. */
function memoryOf(
  { core, memory, optimizer }: Trainable,
  { state, about }: SavedTraining,
): E.Either<FormatError, Remembered | undefined> {
  if (!memory || !optimizer) return E.right(undefined);
  const isCount = Number.isSafeInteger(about.epochs) && (about.epochs as number) >= 0;
  const afresh = { epochs: isCount ? Number(about.epochs) : 0, optimizer: undefined };
  if (state === undefined || about.optimizer !== optimizer.kind) return E.right(afresh);
  // A parameter at two places of a model learns once, under the last of its names.
  const distinct = new Map(parametersOf(core.params).map(([path, parameter]) => [parameter, path]));
  const trained = Array.from(distinct, ([parameter, path]) => ({ path, parameter, shape: parameter.shape }));
  const named = trained.flatMap(({ path, shape }) =>
    optimizer.slots.map((slot) => [below(path, slot), shape] as const),
  );
  const fits = named.every(([name, shape]) => {
    const kept: unknown = state.slots[name];
    return isTensor(kept) && sameShape(kept.shape, shape);
  });
  if (!fits) return E.right(afresh);
  const slots = Object.fromEntries(named.map(([name]) => [name, state.slots[name] as Tensor]));
  return pipe(
    E.tryCatch(() => checkedState({ step: state.step, slots }, trained, optimizer), E.toError),
    E.bimap(
      ({ message }) => unsound(TRAINING, message),
      (checked) => ({ ...afresh, optimizer: checked }),
    ),
  );
}
