/**
 * Bounded buffers. RxJS has no back-pressure, so every place that can queue takes one of these: its capacity is finite,
 * and what happens when it is full has a name.
 */
import type { NextObserver } from 'rxjs';
import { holdSource } from './demand.js';
import { requireChoice, requireCount } from './options.js';

/** A source that can be told to wait: a Node readable, a socket of `ws`. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** What is in a buffer, and what it had to drop so far. */
export interface BufferState {
  readonly depth: number;
  readonly dropped: number;
}

/** What a full buffer does: lets its source wait, drops a value, or fails. */
export type BufferPolicy = 'block' | 'drop-oldest' | 'drop-newest' | 'error';

export type BufferOptions = {
  /** How many values may wait. */
  readonly capacity: number;
  /** Told of each change of depth or drops: a `BehaviorSubject`, or any observer with a `next`. */
  readonly gauge?: NextObserver<BufferState>;
} & (
  | { readonly policy: Exclude<BufferPolicy, 'block'> }
  | {
      readonly policy: 'block';
      /**
       * Paused while the buffer is full. What it had read by then still comes in, beyond the capacity. Without one, the
       * pull source that the pipeline begins with waits (`fromFile`, `fromAsync`, …); what its last chunk gives still comes in.
       */
      readonly source?: Pausable;
    }
);

/** A queue of finite capacity. */
export interface Buffer<T> extends BufferState {
  /** Adds a value, or does what the policy says. @throws RangeError where the buffer is full and the policy `error`. */
  push(value: T): void;
  /** Takes the oldest value, `undefined` where there is none. */
  shift(): T | undefined;
  /** Forgets what waits and lets a paused source go on. */
  clear(): void;
}

const POLICIES: readonly BufferPolicy[] = ['block', 'drop-oldest', 'drop-newest', 'error'];

/** Checks a buffer's options, for operators that make their buffers later. */
export function checkBufferOptions(operation: string, options: BufferOptions): void {
  requireCount(operation, 'capacity', options.capacity);
  requireChoice(operation, 'policy', options.policy, POLICIES);
  if (options.policy === 'block' && options.source !== undefined && typeof options.source?.pause !== 'function') {
    throw new TypeError(
      `${operation}: the policy 'block' takes a source that can be paused, { policy: 'block', source: readable }, or none ` +
        "where the pipeline begins with a pull source; for any other (a WebSocket of the browser), choose 'drop-oldest', " +
        "'drop-newest' or 'error'.",
    );
  }
}

/**
 * A queue of finite capacity, first in, first out.
 *
 * @throws RangeError, TypeError where the options are impossible.
 * @example
 * const recent = buffer<string>('recent', { capacity: 2, policy: 'drop-oldest' });
 * for (const line of ['a', 'b', 'c']) recent.push(line);
 * recent.shift(); // 'b'
 * recent.dropped; // 1
 */
export function buffer<T>(operation: string, options: BufferOptions): Buffer<T> {
  checkBufferOptions(operation, options);
  const { capacity, policy, gauge } = options;
  const source = policy === 'block' ? options.source : undefined;
  let values: (T | undefined)[] = [];
  // Values before `head` are taken; they are cut off once they are as many as may wait, so taking one costs O(1).
  let head = 0;
  let dropped = 0;
  let paused = false;
  /** What lets the pull sources go on that are held. */
  const holds: (() => void)[] = [];

  const depth = () => values.length - head;
  const report = () => gauge?.next({ depth: depth(), dropped });

  function take(): T | undefined {
    if (depth() === 0) return undefined;
    const value = values[head] as T;
    // It may be large, and the list stays for a while.
    values[head] = undefined;
    head += 1;
    if (head >= capacity) {
      values = values.slice(head);
      head = 0;
    }
    return value;
  }

  function resumeWhenRoom(): void {
    if (depth() >= capacity) return;
    for (const release of holds.splice(0)) release();
    if (!paused) return;
    paused = false;
    source?.resume();
  }

  /** Holds the pull source whose value has just filled the buffer. */
  function hold(): void {
    const release = holdSource();
    if (release !== undefined) holds.push(release);
    else if (depth() > capacity && holds.length === 0) {
      take();
      throw new RangeError(
        `${operation}: the buffer of ${capacity} is full, and the policy 'block' found nothing to block: the values come ` +
          "from no pull source; give it a source that can be paused, or choose 'drop-oldest', 'drop-newest' or 'error'.",
      );
    }
  }

  function push(value: T): void {
    if (depth() >= capacity) {
      if (policy === 'error') {
        throw new RangeError(
          `${operation}: the buffer of ${capacity} is full; raise its capacity, slow the source down, or choose the ` +
            "policy 'drop-oldest', 'drop-newest' or, where the source can be paused, 'block'.",
        );
      }
      if (policy !== 'block') dropped += 1;
      if (policy === 'drop-newest') {
        report();
        return;
      }
      if (policy === 'drop-oldest') take();
    }
    values.push(value);
    if (policy === 'block' && depth() >= capacity) {
      if (source === undefined) hold();
      else if (!paused) {
        paused = true;
        source.pause();
      }
    }
    report();
  }

  return {
    get depth() {
      return depth();
    },
    get dropped() {
      return dropped;
    },
    push,
    shift() {
      if (depth() === 0) return undefined;
      const value = take();
      resumeWhenRoom();
      report();
      return value;
    },
    clear() {
      values = [];
      head = 0;
      resumeWhenRoom();
      report();
    },
  };
}
