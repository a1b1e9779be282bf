/** The net, how it is taught, and how both are written down. */
import * as E from 'fp-ts/lib/Either.js';
import { type Checkpoint, leNet5, type TrainerState } from 'oxbow';
import { exampleCheckpoint, resume, told } from '../shared/checkpoint.js';
import { type Failure, failure } from '../shared/failure.js';
import type { Options } from './options.js';
import { type Recipe, type RecipeName, recipes, usual } from './recipe.js';

/** What is learnt, in which order, and for how long. */
interface Course {
  readonly recipe: RecipeName;
  readonly epochs: number;
  /** The first so many digits. */
  readonly images: number;
  readonly seed: number;
}

export type LeNet = ReturnType<typeof leNet5>;

export interface Reader {
  readonly course: Course;
  readonly model: LeNet;
  /** What an earlier run came to. */
  readonly state?: TrainerState;
}

const EXAMPLE = 'lenet';

export const recipeOf = ({ course }: Reader): Recipe => recipes[course.recipe];

const reader = (course: Course): Reader => ({
  course,
  model: leNet5({ ...recipes[course.recipe].net, seed: course.seed }),
});

export function freshReader(options: Options, digits: number): Reader {
  const { recipe = usual.recipe, seed = usual.seed, images = digits } = options;
  return reader({ recipe, epochs: options.epochs ?? recipes[recipe].epochs, images: Math.min(images, digits), seed });
}

/** The net of a checkpoint; more or fewer epochs may be asked of it, and nothing else. */
export function savedReader(
  options: Options,
  path: string,
  checkpoint: Checkpoint,
  digits: number,
): E.Either<Failure, Reader> {
  const restored = resume(EXAMPLE, path, checkpoint, (about) => {
    const { recipe } = about as Course;
    if (!Object.hasOwn(recipes, recipe)) throw new RangeError(`${JSON.stringify(recipe)} is no recipe.`);
    const epochs = options.epochs ?? told(about, 'epochs', 1);
    return reader({ recipe, epochs, images: told(about, 'images', 1, digits), seed: told(about, 'seed', 0) });
  });
  if (E.isLeft(restored)) return restored;
  const { course } = restored.right;
  const changed = (['recipe', 'images', 'seed'] as const).find(
    (name) => options[name] !== undefined && options[name] !== course[name],
  );
  if (changed === undefined) return restored;
  const has = `it was made with --${changed} ${course[changed]}, not ${options[changed]}`;
  return E.left(failure(`--load ${path}: ${has}; leave --${changed} out, or --load.`));
}

export const toCheckpoint = ({ course, model }: Reader, state: TrainerState): Checkpoint =>
  exampleCheckpoint(EXAMPLE, model.params, state, course);
