/** A tagger that learns while it runs, as a checkpoint: weights, names, and what learning needs in order to go on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type * as TE from 'fp-ts/lib/TaskEither.js';
import type { Checkpoint } from '../../../formats/checkpoint.js';
import { loadThrough, saveCheckpoint } from '../../../formats/checkpoint-file.js';
import type { FileError, FormatError, WeightsError } from '../../../formats/errors.js';
import { loadWeights, weightsOf } from '../../../formats/weights.js';
import { parametersOf } from '../../../parameters/parameter.js';
import { agrees, isTensor, sameShape, showShape, type Tensor } from '../../../tensor.js';
import { tablesOf } from '../growth.js';
import { type LexiconData, lexiconProblem } from '../lexicon.js';
import type { Tagger } from '../tagger.js';
import { keptProblem, type LearnTagsState } from './lessons.js';

/** What the optimizer keeps stands beside the weights under this name; no part of a tagger has it. */
const PREFIX = 'optimizer.';

/** What was written down is not this tagger's. */
export interface TaggerError {
  readonly _tag: 'TaggerMismatch';
  readonly message: string;
}

/**
 * A tagger as a checkpoint: its weights, its words with their counts, tags and intents, and where a state of `learnTags` is
 * given that too. What stands in it besides tensors is JSON.
 *
 * @example
 * await saveCheckpoint('tagger.safetensors', taggerCheckpoint(model, event.state()))();
 */
export function taggerCheckpoint(model: Tagger, state?: LearnTagsState): Checkpoint {
  const { words, tags, intents } = model;
  const { trainer, ...rest } = state ?? {};
  const learning = trainer && { step: trainer.step, ...rest };
  const slots = Object.entries(trainer?.slots ?? {}).map(([name, slot]) => [PREFIX + name, slot] as const);
  return {
    tensors: { ...weightsOf(model.params), ...Object.fromEntries(slots) },
    metadata: {
      lexicons: JSON.stringify({ words, tags, ...(intents && { intents }) }),
      ...(learning && { learning: JSON.stringify(learning) }),
    },
  };
}

/**
 * Puts a checkpoint into a tagger that was made with the same options, and of words, tags and intents with those that come
 * first in the checkpoint; it grows by the others. What is right is the state for `learnTags`, where there is one.
 * Nothing changes where something does not fit.
 *
 * @example
 * const model = tagger({ words: [], tags: ['O'], seed: 1 });
 * pipe(restoreTagger(model, checkpoint), E.map((state) => utterance$.pipe(learnTags(model, { optimizer, replay, state }))));
 */
export function restoreTagger(
  model: Tagger,
  checkpoint: Checkpoint,
): E.Either<WeightsError | TaggerError, LearnTagsState | undefined> {
  const { tensors, metadata } = (checkpoint ?? {}) as Partial<Checkpoint>;
  if (!isRecord(tensors) || !isRecord(metadata)) {
    return wrong('what was given is no checkpoint, { tensors, metadata }; give what loadCheckpoint gives.');
  }
  const all = Object.entries(tensors);
  const weights = Object.fromEntries(all.filter(([name]) => !name.startsWith(PREFIX)));
  const slots = Object.fromEntries(
    all.flatMap(([name, slot]) => (name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), slot]] : [])),
  );
  return pipe(
    parsed<Lexicons>(metadata.lexicons, 'lexicons'),
    E.chain((lexicons) => checked(model, lexicons, weights)),
    E.bindTo('lexicons'),
    E.bind('state', ({ lexicons }) =>
      metadata.learning === undefined
        ? E.right(undefined)
        : pipe(
            parsed<Learning>(metadata.learning, 'learning'),
            E.chain((learning) => learnt(learning, lexicons, weights, slots)),
          ),
    ),
    E.chainW(({ lexicons, state }) =>
      pipe(
        loadWeights(model.params, weights),
        E.map(() => {
          model.words.restore(lexicons.words);
          model.tags.restore(lexicons.tags);
          if (lexicons.intents) model.intents?.restore(lexicons.intents);
          return state;
        }),
      ),
    ),
  );
}

/**
 * Writes a tagger to a file; see {@link taggerCheckpoint}. The file is replaced as a whole or not at all.
 *
 * @example
 * await saveTagger(model, 'tagger.safetensors', event.state())();
 */
export function saveTagger(model: Tagger, path: string, state?: LearnTagsState): TE.TaskEither<FileError, void> {
  return saveCheckpoint(path, taggerCheckpoint(model, state));
}

/**
 * Reads a tagger from a file; see {@link restoreTagger}. Every message names the file.
 *
 * @example
 * const state = await loadTagger(model, 'tagger.safetensors')();
 */
export function loadTagger(
  model: Tagger,
  path: string,
): TE.TaskEither<FileError | FormatError | WeightsError | TaggerError, LearnTagsState | undefined> {
  return loadThrough(path, (checkpoint) => restoreTagger(model, checkpoint));
}

interface Lexicons {
  readonly words: LexiconData;
  readonly tags: LexiconData;
  readonly intents?: LexiconData;
}

interface Learning extends Omit<LearnTagsState, 'trainer'> {
  readonly step: number;
}

const wrong = (message: string): E.Either<TaggerError, never> => E.left({ _tag: 'TaggerMismatch', message });

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function parsed<T>(text: unknown, what: string): E.Either<TaggerError, T> {
  const value = E.tryCatch(
    () => JSON.parse(text as string) as T,
    () => undefined,
  );
  return E.isRight(value) && isRecord(value.right)
    ? value
    : wrong(`the checkpoint has no ${what} of a tagger that can be read.`);
}

/** The state that was written down, as far as can be told without its options; `learnTags` holds the rest against those. */
function learnt(
  { step, replay, outstanding }: Learning,
  { tags, intents }: Lexicons,
  weights: Tensors,
  slots: Tensors,
): E.Either<TaggerError, LearnTagsState> {
  const kept = { ...(replay !== undefined && { replay }), ...(outstanding !== undefined && { outstanding }) };
  const problem =
    (Number.isSafeInteger(step) && step >= 0 ? undefined : `its step is ${String(step)}`) ??
    keptProblem(kept, { tags: tags.names, intents: intents?.names }) ??
    slotsProblem(slots, weights);
  return problem === undefined
    ? E.right({ trainer: { step, slots }, ...kept })
    : wrong(`the checkpoint says nothing sound of its learning: ${problem}; it was changed.`);
}

/** What an optimizer keeps has its parameter's name and shape, and is finite. */
function slotsProblem(slots: Tensors, weights: Tensors): string | undefined {
  for (const [name, slot] of Object.entries(slots)) {
    const owner = name.slice(0, name.lastIndexOf('.'));
    if (!Object.hasOwn(weights, owner)) return `${name} belongs to no parameter`;
    const shape = weights[owner]?.shape;
    // Weights that are none are named by whoever loads them.
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
function checked(model: Tagger, lexicons: Lexicons, weights: Tensors): E.Either<TaggerError, Lexicons> {
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
        `the checkpoint's ${what} do not begin with the model's ${own.size}, which has ${JSON.stringify(own.names[other])} ` +
          `where it has ${JSON.stringify(saved.names[other])}; make the model with fewer ${what}, and let it grow.`,
      );
    }
  }
  return E.right(lexicons);
}
