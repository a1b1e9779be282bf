/** A tagger that learns while it runs, as a checkpoint: weights, names, and what learning needs in order to go on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import type * as TE from 'fp-ts/lib/TaskEither.js';
import type { Checkpoint } from '../../../formats/checkpoint.js';
import { loadThrough, saveCheckpoint } from '../../../formats/checkpoint-file.js';
import type { FileError, FormatError, WeightsError } from '../../../formats/errors.js';
import { loadWeights, weightsOf } from '../../../formats/weights.js';
import type { Tensor } from '../../../tensor.js';
import type { LexiconData } from '../lexicon.js';
import type { Tagger } from '../tagger.js';
import type { LearnTagsState } from './lessons.js';

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
  { tensors, metadata }: Checkpoint,
): E.Either<WeightsError | TaggerError, LearnTagsState | undefined> {
  const all = Object.entries(tensors);
  const weights = Object.fromEntries(all.filter(([name]) => !name.startsWith(PREFIX)));
  const slots = Object.fromEntries(
    all.flatMap(([name, slot]) => (name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), slot]] : [])),
  );
  return pipe(
    parsed<Lexicons>(metadata.lexicons, 'lexicons'),
    E.chain((lexicons) => checked(model, lexicons, weights)),
    E.bindTo('lexicons'),
    E.bind('learning', () =>
      metadata.learning === undefined
        ? E.right(undefined)
        : pipe(parsed<Learning>(metadata.learning, 'learning'), E.chain(checkedLearning)),
    ),
    E.chainW(({ lexicons, learning }) =>
      pipe(
        loadWeights(model.params, weights),
        E.map(() => {
          model.words.restore(lexicons.words);
          model.tags.restore(lexicons.tags);
          if (lexicons.intents) model.intents?.restore(lexicons.intents);
          if (learning === undefined) return undefined;
          const { step, ...rest } = learning;
          return { trainer: { step, slots }, ...rest };
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

function parsed<T>(text: string | undefined, what: string): E.Either<TaggerError, T> {
  const value = E.tryCatch(
    () => JSON.parse(text ?? '') as T,
    () => undefined,
  );
  const isRecord = E.isRight(value) && typeof value.right === 'object' && value.right !== null;
  return isRecord ? value : wrong(`the checkpoint has no ${what} of a tagger that can be read.`);
}

/** What learning needs, as far as can be told without its options; `learnTags` checks the rest against those. */
function checkedLearning(learning: Learning): E.Either<TaggerError, Learning> {
  const { step, replay, outstanding: open } = learning;
  const isSound =
    Number.isSafeInteger(step) &&
    step >= 0 &&
    (replay === undefined || (Array.isArray(replay.items) && Number.isSafeInteger(replay.seen))) &&
    (open === undefined || (Array.isArray(open.entries) && Array.isArray(open.expired)));
  return isSound ? E.right(learning) : wrong('the checkpoint says nothing sound of its learning; it was changed.');
}

/** Lexicons that begin with the model's names, and that the weights have as many rows and columns as. */
function checked(
  model: Tagger,
  lexicons: Lexicons,
  weights: Readonly<Record<string, Tensor>>,
): E.Either<TaggerError, Lexicons> {
  for (const [what, path] of [
    ['words', 'words.table'],
    ['tags', 'tags.b'],
    ['intents', 'intents.b'],
  ] as const) {
    const [own, saved] = [model[what], lexicons[what] ?? undefined];
    if (own === undefined && saved === undefined) continue;
    const rows = weights[path]?.shape[0];
    if (!own || !saved) return wrong(`the ${own ? 'checkpoint' : 'model'} has no ${what}; make the two alike.`);
    if (!Array.isArray(saved.names) || !Array.isArray(saved.counts) || saved.names.length !== saved.counts.length) {
      return wrong(`the checkpoint has no ${what} with a count each.`);
    }
    if (saved.names.length !== rows) {
      return wrong(`the checkpoint has ${saved.names.length} ${what}, but weights for ${rows ?? 'none'}.`);
    }
    const other = own.names.findIndex((name, id) => name !== saved.names[id]);
    if (other >= 0 || new Set(saved.names).size !== saved.names.length) {
      return wrong(
        `the checkpoint's ${what} do not begin with the model's ${own.size}, which has ${JSON.stringify(own.names[other])} ` +
          `where it has ${JSON.stringify(saved.names[other])}; make the model with fewer ${what}, and let it grow.`,
      );
    }
  }
  return E.right(lexicons);
}
