/** What a run needs, put together and checked before anything is learnt. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import {
  type Ids,
  ids,
  type TbpttSnapshot,
  type Vocabulary,
  type VocabularyData,
  vocabulary,
  vocabularyFrom,
} from 'oxbow';
import { checkSymbols, readCorpus } from '../shared/corpus.js';
import { type Failure, failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { prepare } from '../shared/program.js';
import {
  type About,
  type Kept,
  loadedRun,
  markOf,
  openRun,
  sameAs,
  sameText,
  type TextMark,
  takeFolder,
} from '../shared/run.js';
import { type Screen, screen } from '../shared/screen.js';
import { checkSize, checkWindow } from '../shared/weights.js';
import { type CharModel, charModel } from './model.js';
import type { Options } from './options.js';
import type { Reached } from './progress.js';
import { type CharRecipe, type Plan, speech, recipe as usual } from './recipe.js';
import { type Split, splitCorpus } from './split.js';

/** What a run says of itself. */
export interface CharAbout extends About {
  readonly task: 'language';
  readonly vocab: VocabularyData;
  readonly recipe: CharRecipe;
  readonly plan: Plan;
  /** Undefined where it came from stdin. */
  readonly text?: TextMark;
  readonly reached: Reached;
  /** Samples that it has spoken: each draws by a seed of its own. */
  readonly samples: number;
}

export type KeptChar = Kept<CharModel, CharAbout, TbpttSnapshot<unknown>>;

/** A model, and all that is needed to use it. */
export interface Speaker {
  readonly vocab: Vocabulary;
  readonly model: CharModel;
  readonly recipe: CharRecipe;
}

export interface Session {
  readonly options: Options;
  readonly speaker: Speaker;
  readonly plan: Plan;
  /** The run to go on with. */
  readonly kept: KeptChar | undefined;
  /** Undefined where the text comes from stdin. */
  readonly split: Split | undefined;
  readonly mark: TextMark | undefined;
  /** What the model continues. */
  readonly prompt: Ids;
  readonly screen: Screen;
  readonly interrupt: Interrupt;
  /** The machine in a few words. */
  readonly machine: string;
}

const EXAMPLE = 'char-rnn';

/** How the names of a recipe are typed. */
const typed = { learningRate: 'lr' } as const;

/** Printable ASCII, tab and newline: a stream's symbols cannot be known beforehand. */
const streamSymbols = `\t\n${Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k)).join('')}`;

export function openSession(options: Options, interrupt: Interrupt): TE.TaskEither<Failure, Session> {
  return pipe(
    prepare(options),
    TE.bind('kept', () => openRun<CharModel, CharAbout, TbpttSnapshot<unknown>>(EXAMPLE, options)),
    TE.chainFirstEitherK(({ kept }) => (kept ? goesOnWith(options, kept) : E.right(undefined))),
    TE.let('file', ({ kept }) => options.file ?? kept?.about.text?.file ?? undefined),
    TE.bind('text', ({ kept, file }) => textOf(options, kept, file)),
    TE.bind('speaker', ({ kept, text }) => speakerOf(options, kept, text)),
    TE.chainFirstEitherK(({ speaker }) => checkSize(speaker.model.params, 'fewer --units or --layers')),
    TE.chainFirstEitherK(({ text, speaker }) => checkSymbols('the text', text, speaker.vocab)),
    TE.bind('prompt', ({ speaker }) => TE.fromEither(promptOf(options, speaker.vocab))),
    TE.chainFirstEitherK(({ speaker }) => windowFits(speaker)),
    TE.bind('split', ({ text, speaker }) => TE.fromEither(splitOf(text, speaker))),
    TE.chainFirst(() => takeFolder(options)),
    TE.map((parts) => ({
      ...parts,
      options,
      plan: options.plan ?? parts.kept?.about.plan ?? planOf(parts.speaker.recipe),
      mark: parts.speaker.recipe.stdin ? undefined : markOf(parts.file, parts.text),
      interrupt,
      screen: screen(options.json),
    })),
  );
}

const planOf = ({ stdin }: CharRecipe): Plan => ({ seconds: stdin ? null : usual.seconds, epochs: null });

function goesOnWith({ save, asked, file, plan, pipedAgain }: Options, { about }: KeptChar): E.Either<Failure, void> {
  const { stdin } = about.recipe;
  if (stdin && (file !== undefined || plan?.epochs)) {
    const other = file === undefined ? 'epochs' : 'file';
    return E.left(failure(`--resume: the run in ${save} learns from stdin; leave --${other} out.`));
  }
  if (pipedAgain && !stdin) {
    return E.left(failure(`--resume: the run in ${save} learns from a file; leave --piped-again out.`));
  }
  return sameAs(`--resume: the run in ${save}`, about.recipe, asked, typed);
}

function splitOf(text: string, { recipe, vocab }: Speaker): E.Either<Failure, Split | undefined> {
  return recipe.stdin ? E.right(undefined) : splitCorpus(vocab.encode(text), recipe.length, recipe.batch);
}

function windowFits({ recipe, vocab }: Speaker): E.Either<Failure, void> {
  const { units, embed, length, batch } = recipe;
  return checkWindow(length * batch, Math.max(units, embed, vocab.size), 'a smaller --batch or --length');
}

function textOf(
  { recipe, save }: Options,
  kept: KeptChar | undefined,
  file: string | undefined,
): TE.TaskEither<Failure, string> {
  const mark = kept?.about.text;
  if ((kept?.about.recipe ?? recipe).stdin) return TE.right('');
  return pipe(
    readCorpus(file),
    TE.chainFirstEitherK((text) => sameText(save, mark, text)),
  );
}

function speakerOf(options: Options, kept: KeptChar | undefined, text: string): TE.TaskEither<Failure, Speaker> {
  const { load, recipe, asked } = options;
  if (kept !== undefined) {
    return TE.right({ model: kept.model, vocab: vocabularyFrom(kept.about.vocab), recipe: kept.about.recipe });
  }
  if (load === undefined) {
    const vocab = recipe.stdin ? vocabulary(streamSymbols, { unknown: { replace: '\uFFFD' } }) : vocabulary(text);
    return TE.right({ vocab, recipe, model: charModel(recipe, vocab.size, recipe.seed) });
  }
  return pipe(
    loadedRun<CharModel, CharAbout>(EXAMPLE, load),
    TE.chainEitherK(({ model, about }) => {
      const { cell, units, layers, embed } = about.recipe;
      const shape = { cell, units, layers, embed };
      const named = Object.keys(shape) as (keyof typeof shape)[];
      const sizes = Object.fromEntries(named.map((name) => [name, asked[name]]));
      return pipe(
        sameAs(`--load: the model of ${load}`, shape, sizes),
        E.map(() => ({ model, vocab: vocabularyFrom(about.vocab), recipe: { ...recipe, ...shape } })),
      );
    }),
  );
}

function promptOf({ prompt }: Options, vocab: Vocabulary): E.Either<Failure, Ids> {
  const known = new Set(vocab.symbols);
  const usual = speech.prompts.find((text) => [...text].every((symbol) => known.has(symbol)));
  const text = prompt ?? usual ?? (vocab.symbols[0] as string);
  if (text === '') return E.left(failure('--prompt is empty; give the model something to continue.'));
  return pipe(
    checkSymbols('--prompt', text, vocab),
    E.map(() => {
      const encoded = vocab.encode(text);
      return ids([encoded.length, 1], encoded);
    }),
  );
}

/** What the run says of itself by now. */
export const aboutOf = ({ speaker, plan, mark }: Session, reached: Reached, samples: number): CharAbout => ({
  example: EXAMPLE,
  task: 'language',
  vocab: speaker.vocab.toJSON(),
  recipe: speaker.recipe,
  plan,
  ...(mark && { text: mark }),
  reached,
  samples,
});
