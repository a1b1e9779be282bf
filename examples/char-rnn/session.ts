/** What a run needs, put together and checked before anything is learnt. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { TbpttSnapshot } from 'oxbow';
import { type LanguageCore, vocabularyOf } from '../../src/cli/shared/kept.js';
import { requireSymbolsOf } from '../../src/cli/shared/symbols.js';
import { type CourseData, courseFrom, newCourse } from '../../src/cli/training/course.js';
import { promptOf } from '../../src/cli/training/habits.js';
import { languageOf } from '../../src/cli/training/language.js';
import {
  completed,
  modelNames,
  optionOf,
  partNames,
  passingNames,
  planOf,
  requireSound,
} from '../../src/cli/training/recipe-options.js';
import type { Recipe } from '../../src/cli/training/recipes.js';
import type { LanguageAbout, LanguageRun } from '../../src/cli/training/run.js';
import { coderFor, type Split, split } from '../../src/cli/training/text.js';
import { commandLine } from '../../src/cli/training/train-options.js';
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
import { screen } from '../shared/screen.js';
import { checkSize, checkWindow } from '../shared/weights.js';
import type { Options } from './options.js';

/** What a run says of itself. */
interface CharAbout extends About, LanguageAbout {
  readonly task: 'language';
  readonly recipe: Recipe;
  /** Undefined where it came from stdin. */
  readonly text?: TextMark;
}

type KeptChar = Kept<LanguageCore, CharAbout, TbpttSnapshot<unknown>>;

/** A model, and what it has behind it. */
interface Speaker {
  readonly vocab: LanguageRun['vocab'];
  readonly model: LanguageCore;
  readonly recipe: Recipe;
  /** Of the run that it goes on with, or that is scored. */
  readonly about: CharAbout | undefined;
}

const EXAMPLE = 'char-rnn';

/** How the names of a recipe are typed. */
const typed: Partial<Record<keyof Recipe, string>> = Object.fromEntries(
  (Object.keys(completed({})) as (keyof Recipe)[]).map((name) => [name, optionOf(name).slice(2)]),
);

/** What the command's sources refuse, in the examples' way. */
export const tried = <T>(work: () => T | Promise<T>): TE.TaskEither<Failure, T> =>
  TE.tryCatch(
    async () => work(),
    (error) => {
      // What is not known to be the user's has its own way out.
      if (error instanceof Error && 'code' in error && (error.code === 1 || error.code === 2))
        return failure(error.message);
      throw error;
    },
  );

export function openSession(options: Options, interrupt: Interrupt): TE.TaskEither<Failure, LanguageRun> {
  return pipe(
    prepare(options),
    TE.bind('kept', () =>
      options.eval ? TE.right(undefined) : openRun<LanguageCore, CharAbout, TbpttSnapshot<unknown>>(EXAMPLE, options),
    ),
    TE.chainFirstEitherK(({ kept }) => (kept ? goesOnWith(options, kept) : E.right(undefined))),
    TE.bind('loaded', () =>
      options.load === undefined ? TE.right(undefined) : loadedRun<LanguageCore, CharAbout>(EXAMPLE, options.load),
    ),
    TE.bind('recipe', ({ kept, loaded }) => recipeOf(options, kept?.about ?? loaded?.about)),
    TE.chainFirst(({ recipe, kept }) =>
      tried(() => options.requireWhole(recipe, kept ? options.save : options.eval ? options.load : undefined)),
    ),
    TE.let('file', ({ kept, loaded }) => fileOf(options, kept?.about ?? (options.eval ? loaded?.about : undefined))),
    TE.bind('text', ({ recipe, kept, file }) => textOf(recipe, options, kept, file)),
    TE.bind('speaker', ({ recipe, kept, loaded, text }) => speakerOf(options, recipe, kept, loaded, text)),
    TE.chainFirstEitherK(({ speaker }) => checkSize(speaker.model.params, 'fewer --units or --layers')),
    TE.chainFirstEitherK(({ text, speaker }) => checkSymbols('the text', text ?? '', speaker.vocab)),
    TE.bind('prompt', ({ speaker, text }) => tried(() => promptOf(options.prompt, speaker.vocab, text))),
    TE.chainFirstEitherK(({ speaker }) => windowFits(speaker)),
    TE.bind('split', ({ text, speaker: { vocab, recipe } }) =>
      tried((): Split | undefined => (text === undefined ? undefined : split(text, vocab, recipe))),
    ),
    TE.chainFirst(() => (options.eval ? TE.right(undefined) : takeFolder(options))),
    TE.map(({ machine, kept, loaded, text, file, speaker, prompt, split }): LanguageRun => {
      const { recipe, vocab, model, about } = speaker;
      const mark = text === undefined ? undefined : markOf(file, text);
      return {
        recipe,
        model,
        vocab,
        split,
        isOther: mark !== undefined && (loaded?.about.text?.sha256 ?? mark.sha256) !== mark.sha256,
        course: courseOf(options, recipe, split, mark, about),
        history: about?.history,
        goingOn: kept && { step: kept.step, saved: kept.from.date, from: kept.snapshot, position: kept.position },
        pipedAgain: options.pipedAgain,
        prompt,
        temperature: options.temperature,
        keep: options.eval ? undefined : options.save,
        saveEvery: options.saveEvery,
        about: { example: EXAMPLE, ...(mark && { text: mark }) },
        report: options.report,
        command: commandLine('npm run example:char-rnn --', options.args),
        machine,
        screen: screen(options.json),
        ending: interrupt,
      };
    }),
  );
}

/** What is given to an end is that of the whole run: one that goes on is over when all of it is as long as that. */
function courseOf(
  { plan }: Options,
  recipe: Recipe,
  split: Split | undefined,
  mark: TextMark | undefined,
  about: CharAbout | undefined,
): CourseData {
  const was = courseFrom(about?.course);
  if (was !== undefined) return { ...was, plan: plan ?? was.plan };
  const { windows, length } = recipe;
  const way = { text: mark?.sha256 ?? null, windows, length, batch: split?.batch ?? 1 };
  return newCourse(way, plan ?? planOf(recipe));
}

function goesOnWith({ save, asked, file, plan, pipedAgain }: Options, { about }: KeptChar): E.Either<Failure, void> {
  const { stdin } = about.recipe;
  if (stdin && (file !== undefined || plan?.epochs)) {
    const other = file === undefined ? 'epochs' : 'file';
    return E.left(failure(`--resume: the run in ${save} learns from stdin; leave --${other} out.`));
  }
  if (pipedAgain && !stdin) {
    return E.left(failure(`--resume: the run in ${save} learns from a file; leave --piped-again out.`));
  }
  const lasting = Object.fromEntries(
    Object.entries(asked).filter(([name]) => !passingNames.includes(name as keyof Recipe)),
  ) as Partial<Recipe>;
  return sameAs(`--resume: the run in ${save}`, about.recipe, lasting, typed);
}

/** That of the run that goes on or is scored; of another one's weights, the model is theirs. */
function recipeOf(
  { asked, resume, eval: only, load }: Options,
  about: CharAbout | undefined,
): TE.TaskEither<Failure, Recipe> {
  if (about === undefined) return tried(() => requireSound(completed(asked)));
  const was = about.recipe;
  const of = (values: Partial<Recipe>, names: readonly (keyof Recipe)[]): Partial<Recipe> =>
    Object.fromEntries(names.map((name) => [name, values[name]]));
  const lasting = only ? [...modelNames, ...partNames] : modelNames;
  const shape = of(was, modelNames);
  return pipe(
    TE.fromEither(
      resume ? E.right(undefined) : sameAs(`--load: the model of ${load}`, of(was, lasting), of(asked, lasting), typed),
    ),
    TE.chain(() =>
      tried(() => requireSound(resume || only ? completed(asked, was) : { ...completed(asked), ...shape })),
    ),
  );
}

const fileOf = ({ file }: Options, about: CharAbout | undefined): string | undefined =>
  file ?? about?.text?.file ?? undefined;

function windowFits({ recipe, vocab }: Speaker): E.Either<Failure, void> {
  const { units, embed, length, batch } = recipe;
  return checkWindow(length * batch, Math.max(units, embed, vocab.size), 'a smaller --batch or --length');
}

/** Undefined where it comes from stdin. */
function textOf(
  { stdin }: Recipe,
  { save }: Options,
  kept: KeptChar | undefined,
  file: string | undefined,
): TE.TaskEither<Failure, string | undefined> {
  if (stdin) return TE.right(undefined);
  return pipe(
    readCorpus(file),
    TE.chainFirstEitherK((text) => sameText(save, kept?.about.text, text)),
  );
}

function speakerOf(
  { eval: only, symbols, save, load }: Options,
  recipe: Recipe,
  kept: KeptChar | undefined,
  loaded: { readonly model: LanguageCore; readonly about: CharAbout } | undefined,
  text: string | undefined,
): TE.TaskEither<Failure, Speaker> {
  const from = kept ?? loaded;
  return tried(async () => {
    if (from === undefined) {
      const vocab = await coderFor(text, symbols, recipe);
      return { vocab, recipe, model: languageOf(recipe, vocab, recipe.seed), about: undefined };
    }
    const { model, about } = from;
    const vocab = await vocabularyOf(about, load ?? save);
    await requireSymbolsOf(load ?? save, vocab, symbols);
    return { model, vocab, recipe, about: kept || only ? about : undefined };
  });
}
