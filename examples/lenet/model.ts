/** The net, how it is taught, and how a run of it begins or goes on. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { leNet5, type TbpttSnapshot } from 'oxbow';
import { type Failure, failure } from '../shared/failure.js';
import { type About, type Kept, loadedRun, openRun, sameAs } from '../shared/run.js';
import type { Assessment } from './evaluation.js';
import type { Options } from './options.js';
import { type Recipe, type RecipeName, recipes, usual } from './recipe.js';

/** What is learnt, and in which order. */
export interface Course {
  readonly recipe: RecipeName;
  /** The first so many digits. */
  readonly images: number;
  readonly seed: number;
}

export type LeNet = ReturnType<typeof leNet5>;

/** How far a run is. */
export interface Reached {
  /** Of the epoch that is being learnt: the sum of its losses, and how many steps of it there were. */
  readonly loss: number;
  readonly steps: number;
  /** Of training. */
  readonly seconds: number;
  /** After the last whole epoch. */
  readonly latest: Assessment | null;
}

/** What a run says of itself. */
export interface LeNetAbout extends About {
  readonly task: 'images';
  readonly recipe: Course;
  readonly epochs: number;
  /** Where the digits are; null for the package. */
  readonly data: string | null;
  readonly reached: Reached;
}

export type KeptLeNet = Kept<LeNet, LeNetAbout, TbpttSnapshot<unknown>>;

export interface Reader {
  readonly course: Course;
  readonly epochs: number;
  readonly model: LeNet;
}

export const EXAMPLE = 'lenet';

export const recipeOf = ({ course }: Pick<Reader, 'course'>): Recipe => recipes[course.recipe];

const askedOf = ({ recipe, images, seed }: Options): Partial<Course> => ({ recipe, images, seed }) as Partial<Course>;

/** The run that is to go on; more or fewer epochs may be asked of it, and nothing else. */
export const openLeNet = (options: Options): TE.TaskEither<Failure, KeptLeNet | undefined> =>
  pipe(
    openRun<LeNet, LeNetAbout, TbpttSnapshot<unknown>>(EXAMPLE, options),
    TE.chainFirstEitherK((kept) =>
      kept === undefined
        ? E.right(undefined)
        : sameAs(`--resume: the run in ${options.save}`, kept.about.recipe, askedOf(options)),
    ),
  );

/** The net of a run that goes on, of another run, or a new one. */
export function readerOf(
  options: Options,
  kept: KeptLeNet | undefined,
  digits: number,
): TE.TaskEither<Failure, Reader> {
  if (kept) {
    const { recipe: course, epochs } = kept.about;
    if (course.images > digits) {
      return TE.left(
        failure(`--resume: the run in ${options.save} learns from ${course.images} digits; give them all by --data.`),
      );
    }
    return TE.right({ course, epochs: options.epochs ?? epochs, model: kept.model });
  }
  const { seed = usual.seed, images = digits, load } = options;
  const fresh = (recipe: RecipeName, model?: LeNet): Reader => ({
    course: { recipe, images: Math.min(images, digits), seed },
    epochs: options.epochs ?? recipes[recipe].epochs,
    model: model ?? leNet5({ ...recipes[recipe].net, seed }),
  });
  if (load === undefined) return TE.right(fresh(options.recipe ?? usual.recipe));
  return pipe(
    loadedRun<LeNet, LeNetAbout>(EXAMPLE, load),
    TE.chainEitherK(({ model, about }) => {
      const { recipe } = about.recipe;
      return pipe(
        sameAs(`--load: the net of ${load}`, { recipe }, options.recipe ? { recipe: options.recipe } : {}),
        E.map(() => fresh(recipe, model)),
      );
    }),
  );
}
