/** The model, what it learns, and how both are written down. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import {
  adam,
  type Checkpoint,
  cosine,
  type EncoderDecoder,
  encoderDecoder,
  type GeneratorState,
  generator,
  type Optimizer,
  type RandomGenerator,
  restoreGenerator,
  type TrainerState,
  warmup,
} from 'oxbow';
import { exampleCheckpoint, resume, wholeNumberIn } from '../shared/checkpoint.js';
import { type Failure, failure } from '../shared/failure.js';
import { padding } from './data.js';
import type { Options } from './options.js';
import { longest, recipe, symbols, type TaskName, tasks } from './recipe.js';

export interface Pupil {
  readonly task: TaskName;
  readonly steps: number;
  readonly seed: number;
  readonly model: EncoderDecoder;
  /** Of the sequences; it goes on. */
  readonly random: RandomGenerator;
  /** What an earlier run came to. */
  readonly state?: TrainerState;
}

const EXAMPLE = 'seq2seq';

const modelOf = (seed: number): EncoderDecoder =>
  encoderDecoder({
    source: symbols + 1,
    target: symbols + 2,
    length: longest + 1,
    ...recipe.model,
    padding,
    seed,
  });

export function freshPupil(task: TaskName, { steps = recipe.steps, seed = recipe.seed }: Options): Pupil {
  return { task, steps, seed, model: modelOf(seed), random: generator(seed, task) };
}

interface About {
  readonly task: TaskName;
  readonly steps: number;
  readonly seed: number;
  readonly random: GeneratorState;
}

export function savedPupil(options: Options, path: string, checkpoint: Checkpoint): E.Either<Failure, Pupil> {
  return pipe(
    resume(EXAMPLE, path, checkpoint, (about) => {
      const { task, random } = about as About;
      if (!Object.hasOwn(tasks, task)) throw new RangeError(`${JSON.stringify(task)} is no task.`);
      const [steps, seed] = [wholeNumberIn(about, 'steps', 1), wholeNumberIn(about, 'seed', 0)];
      if (!random.words.every(Number.isInteger) || !random.words.some((word) => word !== 0)) {
        throw new RangeError(`random is no generator's state: ${JSON.stringify(random)}.`);
      }
      const changes = { steps: options.steps ?? steps, seed: options.seed ?? seed };
      return { task, ...changes, model: modelOf(seed), random: restoreGenerator(random) };
    }),
    E.filterOrElse(
      ({ task }) => options.task === undefined || options.task === task,
      ({ task }) =>
        failure(`--load ${path}: it learnt to ${task}, not to ${options.task}; leave --task out, or --load.`),
    ),
  );
}

export function toCheckpoint({ task, steps, seed, model, random }: Pupil, state: TrainerState): Checkpoint {
  const about: About = { task, steps, seed, random: random.state() };
  return exampleCheckpoint(EXAMPLE, model.params, state, about);
}

/** Adam; its rate rises at first, then falls until the last step. */
export function optimizerOf({ steps }: Pupil): Optimizer {
  const { warmup: rise, learningRate: rate, floor } = recipe;
  return adam(warmup(rise, cosine({ rate, steps: Math.max(1, steps - rise), floor })));
}
