import type { Course } from '../../course.js';
import { areNumbers, numbersOf } from '../../training/carry.js';
import { type Learned, type TrainerOptions, trainer } from '../../training/trainer.js';
import type { TrainerState } from '../../training/trainer-state.js';
import { freshCarry } from '../subject.js';
import type { TaggedUtterance } from './encoding.js';
import type { TaggerCarry } from './net.js';
import type { Tagger } from './tagger.js';

export interface TaggerTrainerOptions extends Omit<TrainerOptions, 'loss' | 'state'> {
  /** What an earlier run kept, from `state()`. */
  readonly state?: TaggerTrainerState | undefined;
}

/** What training needs beyond the weights and the lexicons in order to go on as if it had never stopped. */
export interface TaggerTrainerState {
  readonly optimizer: TrainerState;
  /** What of the carry belongs to no utterance: the masks so far. */
  readonly numbers: unknown;
}

export type TaggerLearned = Omit<Learned<never>, 'carry' | 'finalCarry'>;

export interface TaggerTrainer {
  /** One update from utterances, one of them or a batch. Nothing changes where it throws. */
  learn(examples: readonly TaggedUtterance[]): TaggerLearned;
  /** The same update in pieces, of which the last one alone changes weights. */
  course(examples: readonly TaggedUtterance[]): Course<TaggerLearned>;
  /** Updates so far. */
  readonly steps: number;
  /** A copy of what training keeps. */
  state(): TaggerTrainerState;
  /** Gives back the optimizer's memory; the trainer is of no use afterwards. */
  release(): void;
}

function stateProblem(state: unknown): string | undefined {
  if (typeof state !== 'object' || state === null) return `the state is ${String(state)}`;
  const { optimizer, numbers } = state as Partial<TaggerTrainerState>;
  if (optimizer === undefined) return 'the state has nothing of the optimizer';
  return areNumbers(numbers) ? undefined : "the state's numbers are not counts of masks";
}

/**
 * A trainer of a tagger: utterances and their tags in, one update for each call. Every utterance starts from the zero
 * carry; dropout's masks go on from call to call.
 *
 * @throws TypeError, RangeError where `state` is not one of this model and optimizer.
 * @throws RangeError (by `learn`) where there is no utterance, or one has a tag or an intent that the model does not know.
 * @example
 * const { learn } = taggerTrainer(model, { optimizer: adam(2e-3), clipNorm: 5 });
 * learn([{ words: ['to', 'taipei'], tags: ['O', 'B-toloc'] }]).loss;
 */
export function taggerTrainer(model: Tagger, { state, ...options }: TaggerTrainerOptions): TaggerTrainer {
  const problem = state === undefined ? undefined : stateProblem(state);
  if (problem !== undefined) {
    throw new TypeError(`taggerTrainer: ${problem}; give what state() gave, or leave it out to start afresh.`);
  }
  const inner = trainer(model, { ...options, loss: model.loss, state: state?.optimizer });
  let numbers = state?.numbers;

  const windowOf = (examples: readonly TaggedUtterance[]) => ({
    carry: freshCarry(model, examples.length, numbers),
    input: model.encode(examples.map(({ words }) => words)),
    target: model.target(examples),
    alone: true,
  });

  function ended({ carry, finalCarry: _, ...learned }: Learned<TaggerCarry>): TaggerLearned {
    numbers = numbersOf(carry);
    return learned;
  }

  return {
    learn: (examples) => ended(inner.learn(windowOf(examples))),
    *course(examples) {
      return ended(yield* inner.course(windowOf(examples)));
    },
    get steps() {
      return inner.steps;
    },
    state: () => ({ optimizer: inner.state(), numbers }),
    release: inner.release,
  };
}
