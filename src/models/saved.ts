/** A model as a checkpoint: its weights, and what training needs in order to go on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type * as TE from 'fp-ts/lib/TaskEither.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { loadThrough, saveCheckpoint } from '../formats/checkpoint-file.js';
import type { FileError, FormatError, WeightsError } from '../formats/errors.js';
import { loadWeights, weightsOf } from '../formats/weights.js';
import { parametersOf } from '../parameters/parameter.js';
import { isTensor, sameShape, type Tensor } from '../tensor.js';
import { checkedState } from '../training/trainer-state.js';
import type { Compiled } from './fit.js';
import type { Subject } from './subject.js';

/** What the optimizer keeps stands beside the weights under this name; no layer of a sequential model has it. */
const PREFIX = 'optimizer.';

type Trainable = Subject & Partial<Pick<Compiled, 'memory' | 'optimizer'>>;

export function saveModel(model: Trainable, path: string): TE.TaskEither<FileError, void> {
  return saveCheckpoint(path, toCheckpoint(model));
}

export function loadModel(model: Trainable, path: string): TE.TaskEither<FileError | FormatError | WeightsError, void> {
  if (model.memory?.current)
    throw new Error('load: the model is being trained; wait for that, or unsubscribe from it.');
  return loadThrough(path, (checkpoint) => fromCheckpoint(model, checkpoint));
}

function toCheckpoint({ core, memory, optimizer }: Trainable): Checkpoint {
  const weights = weightsOf(core.params);
  const kept = memory?.current?.() ?? memory?.optimizer;
  const training = memory && {
    epochs: memory.epochs,
    ...(kept && { optimizer: optimizer?.kind, step: kept.step }),
  };
  return {
    tensors: {
      ...weights,
      ...Object.fromEntries(Object.entries(kept?.slots ?? {}).map(([name, slot]) => [PREFIX + name, slot])),
    },
    metadata: training ? { training: JSON.stringify(training) } : {},
  };
}

function fromCheckpoint(model: Trainable, { tensors, metadata }: Checkpoint): E.Either<WeightsError, void> {
  const all = Object.entries(tensors);
  const weights = Object.fromEntries(all.filter(([name]) => !name.startsWith(PREFIX)));
  return pipe(
    E.Do,
    E.bind('memory', () => memoryOf(model, tensors, metadata)),
    E.chainFirst(() => loadWeights(model.core.params, weights)),
    E.map(({ memory }) => remember(model, memory)),
  );
}

type Remembered = Pick<NonNullable<Trainable['memory']>, 'epochs' | 'optimizer'>;

/** Training goes on where it ended; an optimizer of another kind than the saved one starts afresh. */
function memoryOf(
  { core, memory, optimizer }: Trainable,
  tensors: Checkpoint['tensors'],
  metadata: Checkpoint['metadata'],
): E.Either<WeightsError, Remembered | undefined> {
  if (!memory || !optimizer) return E.right(undefined);
  const { epochs, step, kind } = trainingOf(metadata.training);
  const afresh = { epochs, optimizer: undefined };
  if (kind !== optimizer.kind) return E.right(afresh);
  // A parameter at two places of a model learns once, under the last of its names.
  const distinct = new Map(parametersOf(core.params).map(([path, parameter]) => [parameter, path]));
  const trained = Array.from(distinct, ([parameter, path]) => ({ path, parameter, shape: parameter.shape }));
  const named = trained.flatMap(({ path, shape }) =>
    optimizer.slots.map((slot) => [`${path}.${slot}`, shape] as const),
  );
  const fits = named.every(([name, shape]) => {
    const kept: unknown = tensors[PREFIX + name];
    return isTensor(kept) && sameShape(kept.shape, shape);
  });
  if (!fits) return E.right(afresh);
  const slots = Object.fromEntries(named.map(([name]) => [name, tensors[PREFIX + name] as Tensor]));
  return pipe(
    E.tryCatch(() => checkedState({ step: step as number, slots }, trained, optimizer), E.toError),
    E.match(
      ({ message }) => unsound(message),
      (state) => E.right({ ...afresh, optimizer: state }),
    ),
  );
}

function remember({ memory }: Trainable, remembered: Remembered | undefined): void {
  if (memory) Object.assign(memory, remembered);
}

function unsound(message: string): E.Either<WeightsError, never> {
  const whole = `the checkpoint says nothing sound of its training: ${message}`;
  return E.left({ _tag: 'WeightsMismatch', missing: [], unexpected: [], misshapen: [message], message: whole });
}

interface SavedTraining {
  readonly epochs: number;
  readonly kind: unknown;
  readonly step: unknown;
}

/** What the metadata says; where it says nothing, all is as before the first epoch. */
function trainingOf(text: string | undefined): SavedTraining {
  const parsed = E.tryCatch(
    () => JSON.parse(text ?? '{}') as Record<string, unknown> | null,
    () => undefined,
  );
  const { epochs, optimizer: kind, step } = (E.isRight(parsed) ? parsed.right : null) ?? {};
  const isCount = Number.isSafeInteger(epochs) && (epochs as number) >= 0;
  return { epochs: isCount ? Number(epochs) : 0, kind, step };
}
