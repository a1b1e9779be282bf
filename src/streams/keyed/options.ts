/** What `keyed` takes and gives, and its options, checked. */
import type { NextObserver } from 'rxjs';
import { requireChoice, requireCount } from '../../checks.js';
import type { Ops } from '../../ops/ops.js';
import { checkedOptions, type Names } from '../../options.js';
import type { Tensor } from '../../tensor.js';
import { type BufferOptions, bufferNames, checkBufferOptions } from '../buffer.js';
import type { KeyedOutput } from './answers.js';
import type { KeyedSnapshot } from './layout.js';
import type { KeyedStore } from './store.js';

/** A value of one of many live sequences. */
export interface Keyed<V = unknown, K = unknown> {
  /** Which one: anything that can be the key of a `Map`. */
  readonly key: K;
  readonly value: V;
}

/** What comes out for a value. */
export interface KeyedAnswer<Y, K, T> extends Keyed<Y, K> {
  /** What came in. */
  readonly input: T;
  /** That of the weights that it was worked out with: greater after each change of them. */
  readonly version: number;
}

/** The carries of a subscription, as long as it lasts. */
export interface KeyedCarries<S = unknown, K = unknown> {
  /** How many keys have theirs in the kernels' memory. */
  readonly size: number;
  /**
   * All carries in the kernels' memory, each as it is after the last value that was answered: what waits, or is half done, is not in
   * them. Called where an answer is handed on, it is as of the end of that answer's batch.
   */
  snapshot(): KeyedSnapshot<S, K>;
}

/** Where the carries of a subscription are. */
export interface KeepingOptions<S, K> {
  /** How many keys may have their carries in the kernels' memory. Default 100,000. */
  readonly maxKeys?: number;
  /** After how many milliseconds without a value a key's carry goes into the store. Default never. */
  readonly idleMs?: number;
  /** Where carries go that give way, and come back from. At the stream's completion all go there. */
  readonly store?: KeyedStore<S, K>;
}

/** The options of `keyed`: what comes out, when batches are made, and where carries are. */
export interface KeyedOptions<S, K, T, O extends KeyedOutput = 'step'> extends KeepingOptions<S, K> {
  /** The key of what comes in; `({ key }) => key` by default. */
  readonly key?: (input: T) => K;
  /** What comes out of a value: what the model gives for it, each symbol's surprisal in bits, or the most probable next symbol. */
  readonly output?: O;
  /** For `step`: what is made of the output at the end of each step, in the same call: `(ops, y) => ops.softmax(y)`. */
  readonly finish?: (ops: Ops, y: Tensor) => Tensor;
  /** How many keys are stepped at once; as soon as so many are ready they are. Default 256. */
  readonly maxBatch?: number;
  /** How long a value waits for company at most, in milliseconds; 0 (the default) for the end of this turn of the event loop. */
  readonly maxDelayMs?: number;
  /** Carries to start from, as `snapshot` gave them. */
  readonly from?: KeyedSnapshot<S, K> | undefined;
  /** Given the subscription's carries as it begins. */
  readonly carries?: NextObserver<KeyedCarries<S, K>>;
  /** Where values wait. Default a capacity of 1024, or of two batches where that is more, with the policy `block`. */
  readonly waiting?: BufferOptions;
}

/** Where carries are, with what options are where they were not given. */
export interface Keeping<S, K> {
  readonly maxKeys: number;
  readonly idleMs: number;
  readonly store: KeyedStore<S, K> | undefined;
}

/** Options, with what they are where they were not given. */
export interface Chosen<S, K, T>
  extends Keeping<S, K>,
    Pick<KeyedOptions<S, K, T, KeyedOutput>, 'key' | 'finish' | 'from' | 'carries'> {
  readonly output: KeyedOutput;
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  readonly waiting: BufferOptions;
}

export const keepingNames: Names<KeepingOptions<unknown, unknown>> = { maxKeys: true, idleMs: true, store: true };

const names: Names<KeyedOptions<unknown, unknown, unknown, KeyedOutput>> = {
  key: true,
  output: true,
  finish: true,
  maxBatch: true,
  maxDelayMs: true,
  from: true,
  carries: true,
  waiting: bufferNames,
  ...keepingNames,
};

const OUTPUTS = ['step', 'surprisal', 'argmax'] as const;

/** @throws RangeError, TypeError where an option is impossible. */
export function checkedKeeping<S, K>(operation: string, options: KeepingOptions<S, K>): Keeping<S, K> {
  const { maxKeys = 100_000, idleMs = Number.POSITIVE_INFINITY, store } = options;
  requireCount(operation, 'maxKeys', maxKeys);
  if (!(idleMs > 0)) throw new RangeError(`${operation}: idleMs is a number of milliseconds above 0, not ${idleMs}.`);
  if (idleMs !== Number.POSITIVE_INFINITY && store === undefined) {
    throw new TypeError(
      `${operation}: idleMs needs a store, since no carry is lost without a word; to forget those that are idle give one that ` +
        'keeps nothing, { get: () => undefined, put: () => {} }.',
    );
  }
  if (store !== undefined && (typeof store.get !== 'function' || typeof store.put !== 'function')) {
    throw new TypeError(`${operation}: a store has two functions, get(key) and put(key, state); give both.`);
  }
  return { maxKeys, idleMs, store };
}

/** @throws RangeError where it is no time for a timer. */
export function requireDelay(operation: string, maxDelayMs: number): void {
  if (maxDelayMs >= 0 && maxDelayMs < 2 ** 31) return;
  throw new RangeError(`${operation}: maxDelayMs is a number of milliseconds from 0 up, not ${maxDelayMs}.`);
}

/** @throws RangeError, TypeError where an option is impossible. */
export function chosen<S, K, T>(given: KeyedOptions<S, K, T, KeyedOutput>): Chosen<S, K, T> {
  const options = checkedOptions('keyed', given, names as Names<KeyedOptions<S, K, T, KeyedOutput>>);
  const { maxBatch = 256, maxDelayMs = 0, output = 'step' } = options;
  requireCount('keyed', 'maxBatch', maxBatch);
  const keeping = checkedKeeping('keyed', options);
  requireChoice('keyed', 'output', output, OUTPUTS);
  requireDelay('keyed', maxDelayMs);
  if (options.finish !== undefined && output !== 'step') {
    throw new TypeError(`keyed: finish is for the output 'step', not for '${output}', which needs the model's logits.`);
  }
  const waiting = options.waiting ?? { capacity: Math.max(1024, 2 * maxBatch), policy: 'block' };
  checkBufferOptions('keyed', waiting);
  if (waiting.capacity < maxBatch) {
    throw new RangeError(
      `keyed: where ${waiting.capacity} values may wait there is never a batch of ${maxBatch}; raise capacity, or lower maxBatch.`,
    );
  }
  return { ...options, ...keeping, maxBatch, maxDelayMs, output, waiting };
}
