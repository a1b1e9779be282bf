/** A model as a checkpoint: its weights, and what training needs in order to go on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type * as TE from 'fp-ts/lib/TaskEither.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { loadThrough, saveCheckpoint } from '../formats/checkpoint-file.js';
import type { FileError, FormatError, WeightsError } from '../formats/errors.js';
import { loadWeights, weightsOf } from '../formats/weights.js';
import { parametersOf } from '../parameters/parameter.js';
import { sameShape, type Tensor } from '../tensor.js';
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
    loadWeights(model.core.params, weights),
    E.map(() => goOn(model, tensors, metadata)),
  );
}

/** Training goes on where it ended; an optimizer of another kind than the saved one starts afresh. */
function goOn(
  { core, memory, optimizer }: Trainable,
  tensors: Checkpoint['tensors'],
  metadata: Checkpoint['metadata'],
): void {
  if (!memory || !optimizer) return;
  const training = trainingOf(metadata.training);
  memory.epochs = training.epochs;
  memory.optimizer = undefined;
  if (training.optimizer !== optimizer.kind) return;
  const slots: Record<string, Tensor> = {};
  // A parameter at two places of a model learns once, under the last of its names.
  const distinct = new Map(parametersOf(core.params).map(([path, parameter]) => [parameter, path]));
  for (const [parameter, path] of distinct) {
    for (const slot of optimizer.slots) {
      const name = `${path}.${slot}`;
      const kept = tensors[PREFIX + name];
      if (!kept || !sameShape(kept.shape, parameter.shape)) return;
      slots[name] = kept;
    }
  }
  memory.optimizer = { step: training.step, slots };
}

interface SavedTraining {
  readonly epochs: number;
  readonly optimizer: unknown;
  readonly step: number;
}

/** What the metadata says; what it does not say, or says wrongly, is as before the first epoch. */
function trainingOf(text: string | undefined): SavedTraining {
  const parsed = E.tryCatch(
    () => JSON.parse(text ?? '{}') as Record<string, unknown> | null,
    () => undefined,
  );
  const { epochs, optimizer, step } = (E.isRight(parsed) ? parsed.right : null) ?? {};
  const count = (value: unknown): number => (Number.isSafeInteger(value) && (value as number) >= 0 ? Number(value) : 0);
  return { epochs: count(epochs), optimizer, step: count(step) };
}
