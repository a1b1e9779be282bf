/** What `keyedTbptt` takes and gives, and its options, checked. */
import type { NextObserver } from 'rxjs';
import { requireChoice, requireCount } from '../../checks.js';
import { checkedOptions, type Names } from '../../options.js';
import type { Tensor } from '../../tensor.js';
import { type TrainerOptions, trainerNames } from '../../training/trainer.js';
import type { TrainerState } from '../../training/trainer-state.js';
import { type BadWindowOptions, badWindowNames, checkBadWindowOptions } from '../bad-windows.js';
import type { BufferOptions } from '../buffer.js';
import { requireRoom } from '../options.js';
import { type NamedSymbol, requireVocabulary } from '../symbol-growth.js';
import type { Vocabulary } from '../symbols.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { TrainingStep } from '../training-step.js';
import { checkUpdatesOptions, type UpdatesOptions, updatesNames, withThread } from '../updates.js';
import type { SignalWindow } from '../window.js';
import type { KeyedSnapshot, KeyedSteps } from './layout.js';
import { checkedKeeping, type Keeping, type KeepingOptions, keepingNames, requireDelay } from './options.js';

/** What comes in for a key. */
export interface KeyedLesson<X extends Tensor = Tensor> {
  /** An id, ids `[T, 1]` or features `[T, 1, …]`. */
  readonly value: X | number;
  /** What should be said at each step, of all values or of none: then it is the next step of the same key. */
  readonly target?: Tensor | number | undefined;
}

/** What one window of several keys taught. */
export interface KeyedTrainingStep<S, K, X extends Tensor = Tensor> extends TrainingStep<S, SignalWindow<X>> {
  /** Whose steps it had, lane by lane; the window's and the carry's lanes are theirs. */
  readonly keys: readonly K[];
  /** That of the weights after this update, as answers of `keyed` on the same model name them. */
  readonly version: number;
  /** By an open vocabulary: the symbols that were not known where they were to be predicted, as `tbptt` tells them. */
  readonly named?: readonly NamedSymbol[];
  /**
   * What the subscription needs to go on after this step: option `from`. Call it while the step is being handled.
   *
   * @throws Error where further values have been taken since.
   */
  snapshot(): KeyedTraining<S, K>;
}

/** All that a run needs besides the model's weights to go on as if it had never stopped. It may go through JSON. */
export interface KeyedTraining<S, K> extends KeyedSnapshot<S, K> {
  /** Of each key the steps that are not learnt from yet; null for none. */
  readonly steps: readonly (KeyedSteps | null)[];
  /** Whose whole windows wait for company, by places in `keys`, in their order. */
  readonly line: readonly number[];
  /** How many values are in it: a source that begins anew goes on after so many. */
  readonly values: number;
  readonly state: TrainerState;
  /** Of an open vocabulary: how many of its symbols were known. It is to be kept with the weights, as it is by then. */
  readonly known?: number;
}

/** What a subscription keeps, as long as it lasts. */
export interface KeyedLearning<S = unknown, K = unknown> {
  /** How many keys have their carries in the kernels' memory. */
  readonly size: number;
  /**
   * All carries in the kernels' memory, what is gathered, and what the optimizer keeps, as of the last whole update. Values that wait are
   * not in it. Called where a step is handed on, it has that step.
   */
  snapshot(): KeyedTraining<S, K>;
}

/** Options of {@link keyedTbptt}: its windows, what a trainer takes, and where carries are. */
export interface KeyedTbpttOptions<S, K, T>
  extends TrainerOptions,
    BadWindowOptions,
    Omit<UpdatesOptions, 'waiting'>,
    KeepingOptions<S, K> {
  /** The key of what comes in; `({ key }) => key` by default. */
  readonly key?: (input: T) => K;
  /** Steps of a window, T; gradients flow back through those. */
  readonly length: number;
  /** Keys of a window, B. */
  readonly batch: number;
  /** After how many milliseconds a whole window is learnt from with fewer keys. Default never. */
  readonly maxDelayMs?: number;
  /**
   * What becomes of shorter windows when the stream completes: they are learnt from, or dropped. Default `'emit'`. With a store they
   * go there with the carries.
   */
  readonly partial?: 'emit' | 'drop';
  /** What to start from, as `snapshot` gave it. */
  readonly from?: KeyedTraining<S, K> | undefined;
  /**
   * Where it is an open vocabulary, the model grows by symbols that are new, of whatever key, before the window in which they first
   * appear is learnt. In the place of a target that is not known yet the escape is learnt.
   */
  readonly vocab?: Vocabulary | Tokenizer | undefined;
  /** Given what the subscription keeps as it begins. */
  readonly carries?: NextObserver<KeyedLearning<S, K>>;
  /**
   * Where values wait while an update is under way on another thread or in slices, or a carry comes from the store. Default a capacity
   * of 1024, or of two windows' steps where that is more, with the policy `block`.
   */
  readonly waiting?: BufferOptions;
}

/** Options, with what they are where they were not given. */
export interface ChosenLearning<S, K, T>
  extends Keeping<S, K>,
    Omit<KeyedTbpttOptions<S, K, T>, keyof KeepingOptions<S, K>> {
  readonly maxDelayMs: number;
  readonly waiting: BufferOptions;
}

const names: Names<KeyedTbpttOptions<unknown, unknown, unknown>> = {
  key: true,
  length: true,
  batch: true,
  maxDelayMs: true,
  partial: true,
  from: true,
  vocab: true,
  carries: true,
  ...keepingNames,
  ...updatesNames,
  ...badWindowNames,
  ...trainerNames,
};

export const OPERATION = 'keyedTbptt';

/** @throws RangeError, TypeError where an option is impossible. */
export function chosenLearning<S, K, T>(given: KeyedTbpttOptions<S, K, T>): ChosenLearning<S, K, T> {
  const options = checkedOptions(OPERATION, given, names as Names<KeyedTbpttOptions<S, K, T>>);
  const { length, batch, maxDelayMs = Number.POSITIVE_INFINITY, from, state, vocab } = options;
  requireCount(OPERATION, 'length', length);
  requireCount(OPERATION, 'batch', batch);
  requireRoom(OPERATION, length, batch);
  if (maxDelayMs !== Number.POSITIVE_INFINITY) requireDelay(OPERATION, maxDelayMs);
  const keeping = checkedKeeping(OPERATION, options);
  if (keeping.maxKeys < batch) {
    throw new RangeError(
      `${OPERATION}: a window of ${batch} keys has as many carries, but maxKeys is ${keeping.maxKeys}; raise it, or lower batch.`,
    );
  }
  if (options.partial !== undefined) {
    requireChoice(OPERATION, 'partial', options.partial, ['emit', 'drop']);
    if (keeping.store !== undefined) {
      throw new TypeError(
        `${OPERATION}: partial is for streams without a store, into which shorter windows go with the carries; leave it out.`,
      );
    }
  }
  requireVocabulary(OPERATION, vocab);
  if (from !== undefined && state !== undefined) {
    throw new TypeError(`${OPERATION}: what 'from' holds has a state of its own; leave 'state' out.`);
  }
  const waiting = options.waiting ?? { capacity: Math.max(1024, 2 * batch * length), policy: 'block' };
  checkBadWindowOptions(OPERATION, options);
  checkUpdatesOptions(OPERATION, { ...options, waiting });
  return withThread({ ...options, ...keeping, maxDelayMs, waiting });
}
