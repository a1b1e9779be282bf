/** A tagger that learns while it runs, as a checkpoint: weights, names, and what learning needs in order to go on. */

import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type * as TE from 'fp-ts/lib/TaskEither.js';
import { requireModel, shown } from '../../../checks.js';
import {
  type FileError,
  type FormatError,
  OxbowError,
  saidOf,
  type TaggerError,
  type WeightsError,
} from '../../../errors.js';
import type { Checkpoint } from '../../../formats/checkpoint.js';
import { loadAs, saveAs } from '../../../formats/checkpoint-file.js';
import { orThrow } from '../../../formats/or-throw.js';
import {
  parsedRecord,
  readTraining,
  type SavedTraining,
  trainingCheckpoint,
  unsound,
} from '../../../formats/training.js';
import { putWeights } from '../../../formats/weights.js';
import { parametersOf } from '../../../parameters/parameter.js';
import { parted } from '../../../path.js';
import { agrees, isTensor, sameShape, showShape, type Tensor } from '../../../tensor.js';
import { tablesOf } from '../growth.js';
import { type LexiconData, lexiconProblem } from '../lexicon.js';
import type { Tagger } from '../tagger.js';
import { keptProblem, type LearnTagsState, namesKnown } from './lessons.js';

/** Of the metadata, the one that is about learning. */
const LEARNING = 'learning';

/**
 * A tagger as a checkpoint: its weights, its words with their counts, tags and intents, and where a state of `learnTags` is
 * given that too. What stands in it besides tensors is JSON.
 *
 * @param model whose weights and names are written down.
 * @param state of `learnTags`, so that learning can go on; default none.
 * @returns a checkpoint for {@link restoreTagger}.
 * @throws TypeError where the model is none.
 * @example
 * encodeCheckpoint(taggerCheckpoint(reader)); // the bytes of a file as saveTagger writes it
 */
export function taggerCheckpoint(model: Tagger, state?: LearnTagsState): Checkpoint {
  requireModel('taggerCheckpoint', model);
  const { words, tags, intents } = model;
  const { trainer, ...about } = state ?? {};
  return trainingCheckpoint(model.params, LEARNING, trainer && { state: trainer, about }, {
    lexicons: JSON.stringify({ words, tags, ...(intents && { intents }) }),
  });
}

/**
 * Puts a checkpoint into a tagger that was made with the same options, and of words, tags and intents with those that come
 * first in the checkpoint; it grows by the others. Nothing changes where something does not fit.
 *
 * @param model takes the weights and the names.
 * @param checkpoint of {@link taggerCheckpoint}.
 * @returns the state for `learnTags`, where there is one.
 * @throws OxbowError, a {@link WeightsError} or a {@link TaggerError}, where something does not fit.
 * @example
 * const model = tagger({ words: [], tags: ['O'], units: 8, bidirectional: false, seed: 1 }); // the options of `reader`
 * const state = restoreTagger(model, taggerCheckpoint(reader));
 * utterance$.pipe(learnTags(model, { optimizer, state }));
 */
export function restoreTagger(model: Tagger, checkpoint: Checkpoint): LearnTagsState | undefined {
  return orThrow(restoreTaggerEither(model, checkpoint));
}

/**
 * {@link restoreTagger} for fp-ts: what does not fit is a value.
 *
 * @param model takes the weights and the names.
 * @param checkpoint of {@link taggerCheckpoint}.
 * @returns right with the state for `learnTags`, where there is one, or left with what does not fit.
 * @example
 * restoreTaggerEither(reader, taggerCheckpoint(reader))._tag; // 'Right'
 * restoreTaggerEither(reader, { tensors: {}, metadata: {} })._tag; // 'Left'
 */
export function restoreTaggerEither(
  model: Tagger,
  checkpoint: Checkpoint,
): E.Either<WeightsError | TaggerError, LearnTagsState | undefined> {
  return pipe(putTagger('restoreTagger', model, checkpoint), E.mapLeft(saidOf('restoreTagger')));
}

/** Puts a checkpoint into a tagger on behalf of an operation, whose name the message has not. */
function putTagger(
  operation: string,
  model: Tagger,
  checkpoint: Checkpoint,
): E.Either<WeightsError | TaggerError, LearnTagsState | undefined> {
  requireModel(operation, model);
  return pipe(
    readTraining(checkpoint, LEARNING),
    E.mapLeft(mismatch),
    E.bindTo('training'),
    E.bind('lexicons', ({ training }) => lexiconsOf(model, checkpoint.metadata, training)),
    E.bind('state', ({ training, lexicons }) =>
      checkpoint.metadata[LEARNING] === undefined ? E.right(undefined) : stateOf(training, lexicons),
    ),
    E.chainFirstW(({ training }) => putWeights(model.params, training.weights)),
    E.map(({ lexicons, state }) => {
      model.words.restore(lexicons.words);
      model.tags.restore(lexicons.tags);
      if (lexicons.intents) model.intents?.restore(lexicons.intents);
      return state;
    }),
  );
}

/**
 * Writes a tagger to a file; see {@link taggerCheckpoint}. The file is replaced as a whole or not at all.
 *
 * @param model whose weights and names are written.
 * @param path of the file.
 * @param state of `learnTags`, so that learning can go on; default none.
 * @returns a promise that is fulfilled once the file is there.
 * @throws OxbowError (as a rejection), a {@link FileError}, where the file cannot be written.
 * @example
 * ```ts no-run
 * utterance$.pipe(learnTags(reader, { optimizer })).subscribe((event) => {
 *   if (event.outcome === 'learned') saveTagger(reader, 'tagger.safetensors', event.state()).catch(console.error);
 * });
 * ```
 */
export async function saveTagger(model: Tagger, path: string, state?: LearnTagsState): Promise<void> {
  return orThrow(await saveTaggerEither(model, path, state)());
}

/**
 * {@link saveTagger} for fp-ts: the tagger is taken at once as it is, and written where the result is called.
 *
 * @param model whose weights and names are written.
 * @param path of the file.
 * @param state of `learnTags`, so that learning can go on; default none.
 * @returns a task, right once the file is there, or left with what the system said.
 * @throws TypeError where the model is none, or the state cannot be written.
 * @example
 * ```ts no-run
 * const saved = await saveTaggerEither(reader, 'tagger.safetensors')();
 * if (saved._tag === 'Left') console.error(saved.left.message);
 * ```
 */
export function saveTaggerEither(model: Tagger, path: string, state?: LearnTagsState): TE.TaskEither<FileError, void> {
  requireModel('saveTagger', model);
  return saveAs('saveTagger', path, taggerCheckpoint(model, state));
}

/**
 * Reads a tagger from a file; see {@link restoreTagger}.
 *
 * @param model takes the weights and the names.
 * @param path of the file.
 * @returns the state for `learnTags`, where there is one.
 * @throws OxbowError (as a rejection) that names the file: a {@link FileError}, {@link FormatError}, {@link WeightsError} or
 * {@link TaggerError}.
 * @example
 * ```ts no-run
 * const state = await loadTagger(reader, 'tagger.safetensors');
 * utterance$.pipe(learnTags(reader, { optimizer, state })).subscribe();
 * ```
 */
export async function loadTagger(model: Tagger, path: string): Promise<LearnTagsState | undefined> {
  return orThrow(await loadTaggerEither(model, path)());
}

/**
 * {@link loadTagger} for fp-ts: the file is read where the result is called.
 *
 * @param model takes the weights and the names.
 * @param path of the file.
 * @returns a task, right with the state for `learnTags`, where there is one, or left with what is wrong with the file.
 * @throws TypeError (as a rejection) where the model is none.
 * @example
 * ```ts no-run
 * const loaded = await loadTaggerEither(reader, 'tagger.safetensors')();
 * if (loaded._tag === 'Right') utterance$.pipe(learnTags(reader, { optimizer, state: loaded.right })).subscribe();
 * ```
 */
export function loadTaggerEither(
  model: Tagger,
  path: string,
): TE.TaskEither<FileError | FormatError | WeightsError | TaggerError, LearnTagsState | undefined> {
  return loadAs('loadTagger', path, (checkpoint) => putTagger('loadTagger', model, checkpoint));
}

interface Lexicons {
  readonly words: LexiconData;
  readonly tags: LexiconData;
  readonly intents?: LexiconData;
}

const mismatch = ({ message }: { readonly message: string }): TaggerError =>
  new OxbowError<TaggerError>({ _tag: 'TaggerMismatch', message });

const wrong = (message: string): E.Either<TaggerError, never> => E.left(mismatch({ message }));

type Saved = Omit<LearnTagsState, 'trainer'> & { readonly outstanding?: LearnTagsState['pending'] };

/** The state that was written down, as far as it can be checked without its options; `learnTags` holds the rest against those. */
function stateOf(
  { state: trainer, about, weights }: SavedTraining,
  { tags, intents }: Lexicons,
): E.Either<TaggerError, LearnTagsState> {
  // Files of earlier versions name what is pending otherwise.
  const { replay, outstanding, pending = outstanding } = about as Saved;
  const kept = { ...(replay !== undefined && { replay }), ...(pending !== undefined && { pending }) };
  const problem =
    keptProblem(kept, namesKnown(tags, intents)) ??
    (trainer === undefined ? 'there is no step' : slotsProblem(trainer.slots, weights));
  return problem === undefined && trainer !== undefined
    ? E.right({ trainer, ...kept })
    : E.left(mismatch(unsound(LEARNING, `${problem}; it was changed.`)));
}

/** What an optimizer keeps has its parameter's name and shape, and is finite. */
function slotsProblem(slots: Tensors, weights: Tensors): string | undefined {
  for (const [name, slot] of Object.entries(slots)) {
    const [owner] = parted(name);
    if (!Object.hasOwn(weights, owner)) return `${name} belongs to no parameter`;
    const shape = weights[owner]?.shape;
    // Weights that are none are named where they are loaded.
    if (!Array.isArray(shape)) continue;
    if (!isTensor(slot) || !agrees(slot) || slot.type !== 'float32' || !sameShape(slot.shape, shape)) {
      return `${name} is not float32 ${showShape(shape)}`;
    }
    const at = slot.data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) return `${name} has ${slot.data[at]} at ${at}`;
  }
  return undefined;
}

type Tensors = Readonly<Record<string, Tensor>>;

/** Lexicons that begin with the model's names, and that the weights have as many rows and columns as. */
function lexiconsOf(
  model: Tagger,
  metadata: Checkpoint['metadata'],
  { weights }: SavedTraining,
): E.Either<TaggerError, Lexicons> {
  const lexicons = parsedRecord(metadata.lexicons) as Lexicons | undefined;
  if (lexicons === undefined) return wrong('the checkpoint has no lexicons of a tagger that can be read.');
  const tables = tablesOf(model.params);
  for (const what of ['words', 'tags', 'intents'] as const) {
    const [own, saved] = [model[what], lexicons[what] ?? undefined];
    if (own === undefined && saved === undefined) continue;
    if (!own || !saved) return wrong(`the ${own ? 'checkpoint' : 'model'} has no ${what}; make the two alike.`);
    const problem = lexiconProblem(saved);
    if (problem !== undefined) return wrong(`of the checkpoint, the lexicon of ${what} ${problem}; it was changed.`);
    const count = saved.names.length;
    for (const [path, { grows }] of parametersOf(tables[what])) {
      const shape: unknown = weights[path]?.shape;
      const other = grows
        .map((axis) => (Array.isArray(shape) ? shape[axis] : undefined))
        .find((size) => size !== count);
      if (grows.length === 0 || (Array.isArray(shape) && grows.every((axis) => shape[axis] === count))) continue;
      return wrong(`the checkpoint has ${count} ${what}, but weights for ${String(other ?? 'none')} in ${path}.`);
    }
    const other = own.names.findIndex((name, id) => name !== saved.names[id]);
    if (other >= 0) {
      return wrong(
        `the checkpoint's ${what} do not begin with the model's ${own.size}, which has ${shown(own.names[other])} ` +
          `where it has ${shown(saved.names[other])}; make the model with fewer ${what}, and let it grow.`,
      );
    }
  }
  return E.right(lexicons);
}
