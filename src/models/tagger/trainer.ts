import { requireModel } from '../../checks.js';
import { checkedOptions, type Names } from '../../options.js';
import type { PiecewiseTask } from '../../piecewise-task.js';
import { type Learned, type Trainer, type TrainerOptions, trainer } from '../../training/trainer.js';
import type { TrainerState } from '../../training/trainer-state.js';
import type { TaggedUtterance } from './encoding.js';
import type { TaggerCarry } from './net.js';
import type { Tagger } from './tagger.js';

/** The options of {@link taggerTrainer}; the loss is the model's own. */
export interface TaggerTrainerOptions extends Omit<TrainerOptions, 'loss' | 'each' | 'state'> {
  /** What an earlier run kept, from `state()`. */
  readonly state?: TrainerState | undefined;
}

/** What an update came to: loss, norms of the gradient, and learning rate. */
export type TaggerLearned = Omit<Learned<never>, 'carry' | 'finalCarry' | 'observed'>;

/** Trains a tagger, one update for each call; see {@link taggerTrainer}. */
export interface TaggerTrainer {
  /** One update from utterances, one of them or a batch. Nothing changes where it throws. */
  learn(examples: readonly TaggedUtterance[]): TaggerLearned;
  /** The same update in pieces, of which the last one alone changes weights. */
  learnInPieces(examples: readonly TaggedUtterance[]): PiecewiseTask<TaggerLearned>;
  /** Updates so far. */
  readonly steps: number;
  /** A copy of what training keeps. */
  state(): TrainerState;
  /** Goes on from where a state was taken, as {@link Trainer.restore}. */
  restore(state: TrainerState): void;
  /** Gives back the optimizer's memory; the trainer is of no use afterwards. */
  release(): void;
}

/**
 * A trainer of a tagger: utterances and their tags in, one update for each call. Every utterance starts from the zero
 * carry.
 *
 * @param model learns, and keeps what it has learnt.
 * @param options the optimizer, clipping, and where an earlier run was.
 * @returns the trainer.
 * @throws TypeError where an option is not known.
 * @throws TypeError, RangeError where `state` is not one of this model and optimizer.
 * @throws RangeError (by `learn`) where there is no utterance, or one has a tag or an intent that the model does not know.
 * @example
 * const { learn } = taggerTrainer(reader, { optimizer: adam(2e-3), clipNorm: 5 });
 * learn([{ words: ['to', 'taipei'], tags: ['O', 'B-toloc'] }]).loss;
 */
export function taggerTrainer(model: Tagger, options: TaggerTrainerOptions): TaggerTrainer {
  const names: Names<TaggerTrainerOptions> = { optimizer: true, clipNorm: true, state: true, thread: true };
  requireModel('taggerTrainer', model);
  return observedTrainer(model, checkedOptions('taggerTrainer', options, names), () => undefined);
}

/** The same; `sound` is called where loss and gradient are finite, before weights change. */
export function observedTrainer(model: Tagger, options: TaggerTrainerOptions, sound: () => undefined): TaggerTrainer {
  const inner = trainer(model, { ...options, loss: model.loss, observe: () => sound });

  const windowOf = (examples: readonly TaggedUtterance[]) => ({
    carry: model.initial(examples.length),
    input: model.encode(examples.map(({ words }) => words)),
    target: model.target(examples),
    alone: true,
  });

  const ended = ({ carry: _, finalCarry: _too, observed: _three, ...learned }: Learned<TaggerCarry>): TaggerLearned =>
    learned;

  return {
    learn: (examples) => ended(inner.learn(windowOf(examples))),
    *learnInPieces(examples) {
      return ended(yield* inner.learnInPieces(windowOf(examples)));
    },
    get steps() {
      return inner.steps;
    },
    state: inner.state,
    restore: inner.restore,
    release: inner.release,
  };
}
