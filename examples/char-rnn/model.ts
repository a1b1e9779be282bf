/** The model: symbols in, logits of the next symbol out. And how it is written down. */
import * as E from 'fp-ts/lib/Either.js';
import {
  type Checkpoint,
  dense,
  embedding,
  gru,
  type Ids,
  type Layer,
  loadWeightsEither,
  lstm,
  oneHot,
  simpleRnn,
  stack,
  stacked,
  type Vocabulary,
  vocabularyFrom,
  weightsOf,
} from 'oxbow';
import { type Limits, limitsOf, told } from '../shared/checkpoint.js';
import { type Failure, failure, messageOf, refused } from '../shared/failure.js';

const cells = { rnn: simpleRnn, lstm, gru };

export type CellName = keyof typeof cells;
export const cellNames = Object.keys(cells) as readonly CellName[];

export interface Shape {
  readonly cell: CellName;
  readonly units: number;
  readonly layers: number;
  /** Features of an embedded symbol; 0 is one-hot. */
  readonly embed: number;
}

export type CharModel = Layer<unknown, Ids>;

/** A model, and all that is needed to use it. */
export interface Speaker {
  readonly shape: Shape;
  readonly vocab: Vocabulary;
  readonly model: CharModel;
}

export function speaker(shape: Shape, vocab: Vocabulary, seed: number): Speaker {
  const { cell, units, layers, embed } = shape;
  const first = embed === 0 ? oneHot(vocab.size) : embedding(vocab.size, embed);
  const widths = [embed === 0 ? vocab.size : embed, ...Array.from({ length: layers - 1 }, () => units)];
  const model = stack(
    {
      embed: first,
      rnn: stacked(widths.map((inputs) => cells[cell](inputs, units))),
      head: dense(units, vocab.size),
    },
    { seed },
  );
  return { shape, vocab, model };
}

/** The checkpoint: the weights, and as metadata what `fromCheckpoint` needs to build the model again. */
export function toCheckpoint({ shape, vocab, model }: Speaker): Checkpoint {
  return {
    tensors: weightsOf(model.params),
    metadata: { model: JSON.stringify(shape), vocabulary: JSON.stringify(vocab) },
  };
}

/** The model of a checkpoint; `asked` is what the user wants it to be. */
export function fromCheckpoint(
  { tensors, metadata }: Checkpoint,
  asked: Partial<Shape>,
  seed: number,
): E.Either<Failure, Speaker> {
  const { model, vocabulary } = metadata;
  if (model === undefined || vocabulary === undefined) {
    return E.left(failure('it has no model and vocabulary in its metadata: not a checkpoint of this example.'));
  }
  const restored = E.tryCatch(
    () => speaker(readShape(JSON.parse(model), limitsOf(tensors)), vocabularyFrom(JSON.parse(vocabulary)), seed),
    (error) => failure(`its metadata is damaged: ${messageOf(error)}`),
  );
  if (E.isLeft(restored)) return restored;
  for (const [name, value] of Object.entries(asked)) {
    const saved = restored.right.shape[name as keyof Shape];
    if (saved !== value) {
      return E.left(failure(`its model has --${name} ${saved}, not ${value}; leave --${name} out, or --load.`));
    }
  }
  const loaded = loadWeightsEither(restored.right.model.params, tensors);
  return E.isLeft(loaded) ? E.left(refused()(loaded.left)) : restored;
}

function readShape(about: unknown, { layers, size }: Limits): Shape {
  const cell = cellNames.find((name) => name === (about as Partial<Shape> | null)?.cell);
  if (cell === undefined) throw new RangeError(`${JSON.stringify(about)} is no model.`);
  return {
    cell,
    units: told(about, 'units', 1, size),
    layers: told(about, 'layers', 1, layers),
    embed: told(about, 'embed', 0, size),
  };
}
