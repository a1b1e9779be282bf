/** The model, what it learns, and how both are written down. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import {
  adam,
  type Checkpoint,
  cosine,
  type GptCarry,
  gpt,
  type Ids,
  type Layer,
  type Optimizer,
  type TrainerState,
  type Vocabulary,
  type VocabularyData,
  vocabulary,
  vocabularyFrom,
  warmup,
} from 'oxbow';
import { exampleCheckpoint, type Limits, resume, told } from '../shared/checkpoint.js';
import { type Failure, failure } from '../shared/failure.js';
import type { Options } from './options.js';
import { type Course, course, recipe, type Shape, shape } from './recipe.js';

export interface Speaker {
  readonly shape: Shape;
  readonly course: Course;
  readonly vocab: Vocabulary;
  readonly model: Layer<GptCarry, Ids>;
  /** What an earlier run came to. */
  readonly state?: TrainerState;
}

const EXAMPLE = 'gpt';

/** What of a record was asked for by name. */
function asked<T extends object>(usual: T, options: Partial<T>): T {
  const named = (Object.keys(usual) as (keyof T)[]).filter((key) => options[key] !== undefined);
  return { ...usual, ...Object.fromEntries(named.map((key) => [key, options[key]])) };
}

function speaker(shape: Shape, course: Course, vocab: Vocabulary): Speaker {
  const model = gpt({ ...shape, symbols: vocab.size, tied: true, seed: course.seed });
  return { shape, course, vocab, model };
}

/** A model of a text. */
export function freshSpeaker(options: Options, text: string): E.Either<Failure, Speaker> {
  const sizes = asked(shape, options);
  if (sizes.features % sizes.heads !== 0) {
    return E.left(
      failure(
        `--features ${sizes.features} cannot be cut into ${sizes.heads} heads; ` +
          `choose --features ${sizes.heads * Math.ceil(sizes.features / sizes.heads)}, or other --heads.`,
      ),
    );
  }
  return E.right(speaker(sizes, asked(course, options), vocabulary(text)));
}

const shapeOf = (about: unknown, { layers, size }: Limits): Shape => ({
  context: told(about, 'context', 2, size),
  features: told(about, 'features', 1, size),
  heads: told(about, 'heads', 1, size),
  blocks: told(about, 'blocks', 1, layers),
});

function courseOf(about: unknown): Course {
  const { lr } = (about ?? {}) as { readonly lr?: unknown };
  if (typeof lr !== 'number' || !Number.isFinite(lr) || lr <= 0) {
    throw new RangeError(`lr is a number above 0 there, not ${JSON.stringify(lr)}.`);
  }
  return { steps: told(about, 'steps', 1), batch: told(about, 'batch', 1), lr, seed: told(about, 'seed', 0) };
}

/** The model of a checkpoint, whose sizes stay as they are. */
export function savedSpeaker(options: Options, path: string, checkpoint: Checkpoint): E.Either<Failure, Speaker> {
  return pipe(
    resume(EXAMPLE, path, checkpoint, (about, limits) => {
      const { vocabulary: symbols, ...parts } = about as {
        shape: unknown;
        course: unknown;
        vocabulary: VocabularyData;
      };
      return speaker(shapeOf(parts.shape, limits), asked(courseOf(parts.course), options), vocabularyFrom(symbols));
    }),
    E.chainFirst(({ shape }) => {
      const changed = (Object.keys(shape) as (keyof Shape)[]).find(
        (key) => options[key] !== undefined && options[key] !== shape[key],
      );
      if (changed === undefined) return E.right(undefined);
      const has = `its model has --${changed} ${shape[changed]}, not ${options[changed]}`;
      return E.left(failure(`--load ${path}: ${has}; leave --${changed} out, or --load.`));
    }),
  );
}

export function toCheckpoint({ shape, course, vocab, model }: Speaker, state: TrainerState): Checkpoint {
  return exampleCheckpoint(EXAMPLE, model.params, state, { shape, course, vocabulary: vocab });
}

/** Adam; its rate rises at first, then falls until the last step. */
export function optimizerOf({ steps, lr }: Course): Optimizer {
  const rise = Math.min(recipe.warmup, Math.ceil(steps / 2));
  const fall = cosine({ rate: lr, steps: Math.max(1, steps - rise), floor: lr * recipe.floor });
  return adam(warmup(rise, fall), { beta2: recipe.beta2 });
}
