/** The model, what it learns, and how a run of it begins or goes on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import {
  adam,
  cosine,
  type GptCarry,
  gpt,
  type Ids,
  type Layer,
  type Optimizer,
  type TbpttSnapshot,
  type Vocabulary,
  type VocabularyData,
  vocabulary,
  vocabularyFrom,
  warmup,
} from 'oxbow';
import type { FadingState } from '../shared/course.js';
import { type Failure, failure } from '../shared/failure.js';
import { type About, type Kept, loadedRun, openRun, sameAs, type TextMark } from '../shared/run.js';
import type { Options } from './options.js';
import { type Course, course, recipe, type Shape, shape } from './recipe.js';

export type Gpt = Layer<GptCarry, Ids>;

export interface Speaker {
  readonly shape: Shape;
  readonly course: Course;
  readonly vocab: Vocabulary;
  readonly model: Gpt;
}

/** What a run says of itself. */
export interface GptAbout extends About {
  readonly task: 'language';
  readonly vocab: VocabularyData;
  readonly recipe: Shape & Course & { readonly length: number; readonly optimizer: 'adam' };
  readonly text: TextMark;
  /** What it shows on going on: the loss of late, and the seconds in which it learnt. */
  readonly reached: { readonly recent: FadingState; readonly learning: number };
}

export type KeptGpt = Kept<Gpt, GptAbout, TbpttSnapshot<GptCarry>>;

export const EXAMPLE = 'gpt';

/** What of a record was asked for by name. */
const askedOf = <T extends object>(usual: T, options: Partial<T>): Partial<T> =>
  Object.fromEntries(
    (Object.keys(usual) as (keyof T)[]).filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  ) as Partial<T>;

/** A model of a text. */
export function freshSpeaker(options: Options, text: string): E.Either<Failure, Speaker> {
  const sizes = { ...shape, ...askedOf(shape, options) };
  if (sizes.features % sizes.heads !== 0) {
    return E.left(
      failure(
        `--features ${sizes.features} cannot be cut into ${sizes.heads} heads; ` +
          `choose --features ${sizes.heads * Math.ceil(sizes.features / sizes.heads)}, or other --heads.`,
      ),
    );
  }
  const chosen = { ...course, ...askedOf(course, options) };
  const vocab = vocabulary(text);
  const model = gpt({ ...sizes, symbols: vocab.size, tied: true, seed: chosen.seed });
  return E.right({ shape: sizes, course: chosen, vocab, model });
}

const shapeOf = ({ context, features, heads, blocks }: Shape): Shape => ({ context, features, heads, blocks });

/** The run that is to go on; more or fewer steps may be asked of it, and nothing else. */
export const openGpt = (options: Options): TE.TaskEither<Failure, KeptGpt | undefined> =>
  pipe(
    openRun<Gpt, GptAbout, TbpttSnapshot<GptCarry>>(EXAMPLE, options),
    TE.chainFirstEitherK((kept) => {
      if (kept === undefined) return E.right(undefined);
      const { steps: _, ...asked } = askedOf({ ...shape, ...course }, options);
      return sameAs(`--resume: the run in ${options.save}`, kept.about.recipe, asked, { learningRate: 'lr' });
    }),
  );

export function keptSpeaker({ steps }: Options, { model, about }: KeptGpt): Speaker {
  const { batch, learningRate, seed, steps: planned } = about.recipe;
  return {
    model,
    shape: shapeOf(about.recipe),
    course: { steps: steps ?? planned, batch, learningRate, seed },
    vocab: vocabularyFrom(about.vocab),
  };
}

/** A new run with the weights of another, whose sizes stay as they are. */
export const loadedSpeaker = (options: Options, path: string): TE.TaskEither<Failure, Speaker> =>
  pipe(
    loadedRun<Gpt, GptAbout>(EXAMPLE, path),
    TE.chainEitherK(({ model, about }) => {
      const sizes = shapeOf(about.recipe);
      return pipe(
        sameAs(`--load: the model of ${path}`, sizes, askedOf(shape, options)),
        E.map(() => ({
          model,
          shape: sizes,
          course: { ...course, ...askedOf(course, options) },
          vocab: vocabularyFrom(about.vocab),
        })),
      );
    }),
  );

/** Adam; its rate rises at first, then falls until the last step. */
export function optimizerOf({ steps, learningRate }: Course): Optimizer {
  const rise = Math.min(recipe.warmup, Math.ceil(steps / 2));
  const fall = cosine({ rate: learningRate, steps: Math.max(1, steps - rise), floor: learningRate * recipe.floor });
  return adam(warmup(rise, fall), { beta2: recipe.beta2 });
}
