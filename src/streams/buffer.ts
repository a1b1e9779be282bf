/**
 * Bounded buffers. RxJS has no back-pressure, so every place that can queue takes one of these: its capacity is finite,
 * and what happens when it is full has a name.
 */

import type { NextObserver } from 'rxjs';
import { requireChoice, requireCount } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { currentStage, holdSource, type Stage } from './demand.js';

/** A source that can be made to wait: a Node readable, a socket of `ws`. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** What is in a buffer, and what it had to drop so far. */
export interface BufferState {
  readonly depth: number;
  readonly dropped: number;
}

/**
 * What a buffer does with more than it has room for: drops a value, or fails. With `block` sources wait that can: a pull
 * source from the first value on until that has been dealt with, and `source` while the buffer is full. Where nobody can
 * wait, it fails when it is full.
 */
export type BufferPolicy = 'block' | 'drop-oldest' | 'drop-newest' | 'error';

/** How much a buffer holds, and what it does with more. */
export type BufferOptions = {
  /** How many values may wait. */
  readonly capacity: number;
  /** Given each change of depth or drops: a `BehaviorSubject`, or any observer with a `next`. */
  readonly gauge?: NextObserver<BufferState>;
} & (
  | { readonly policy: Exclude<BufferPolicy, 'block'> }
  | {
      readonly policy: 'block';
      /** Paused while the buffer is full. What it had read by then still comes in, beyond the capacity. */
      readonly source?: Pausable;
    }
);

/** What operators of the library do by default. */
export const WAIT_OR_FAIL: BufferOptions = { capacity: 1024, policy: 'block' };

/** A value that was taken out of a buffer. */
export interface Taken<T> {
  readonly value: T;
  /** What work it came from. */
  readonly within: Stage | undefined;
  /** Lets its source know that it has been dealt with. */
  readonly release: (() => void) | undefined;
}

/** A queue of finite capacity. */
export interface BoundedBuffer<T> extends BufferState {
  /** Adds a value, or does what the policy says. @throws RangeError where the buffer is full and nothing else can be done. */
  push(value: T): void;
  /** Takes the oldest value, `undefined` where there is none, and lets its source go on. */
  shift(): T | undefined;
  /** Takes the oldest value; its source goes on when it is released. */
  take(): Taken<T> | undefined;
  /** Forgets what waits and lets its sources go on. */
  clear(): void;
}

/** Those of each operator's buffer. */
export const bufferNames: Names<BufferOptions> = { capacity: true, gauge: true, policy: true, source: true };

const POLICIES: readonly BufferPolicy[] = ['block', 'drop-oldest', 'drop-newest', 'error'];

/** Checks a buffer's options, for operators that make their buffers later. */
export function checkBufferOptions(operation: string, options: BufferOptions): void {
  checkedOptions(operation, options, bufferNames);
  requireCount(operation, 'capacity', options.capacity);
  requireChoice(operation, 'policy', options.policy, POLICIES);
  if (options.policy !== 'block' || options.source === undefined) return;
  if (typeof options.source?.pause !== 'function' || typeof options.source.resume !== 'function') {
    throw new TypeError(
      `${operation}: the source of the policy 'block' is one that can be paused, { policy: 'block', source: socket }; ` +
        "where it cannot be (a WebSocket of the browser), choose 'drop-oldest', 'drop-newest' or 'error'.",
    );
  }
}

/**
 * A queue of finite capacity, first in, first out.
 *
 * @throws RangeError, TypeError where the options are impossible.
 */
export function buffer<T>(operation: string, options: BufferOptions): BoundedBuffer<T> {
  checkBufferOptions(operation, options);
  const { capacity, policy, gauge } = options;
  const source = policy === 'block' ? options.source : undefined;
  // Places before `head` are empty; they are cut off once they are as many as may wait, so taking a value costs O(1).
  let places: (Taken<T> | undefined)[] = [];
  let head = 0;
  let dropped = 0;
  let paused = false;

  const depth = () => places.length - head;
  const report = () => gauge?.next({ depth: depth(), dropped });

  function first(): Taken<T> | undefined {
    if (depth() === 0) return undefined;
    const taken = places[head];
    // What was taken is the taker's to keep.
    places[head] = undefined;
    head += 1;
    if (head >= capacity) {
      places = places.slice(head);
      head = 0;
    }
    return taken;
  }

  function resumeWhenRoom(): void {
    if (!paused || depth() >= capacity) return;
    paused = false;
    source?.resume();
  }

  function take(): Taken<T> | undefined {
    const taken = first();
    if (taken === undefined) return undefined;
    resumeWhenRoom();
    report();
    return taken;
  }

  function push(value: T): void {
    const release = policy === 'block' ? holdSource(self) : undefined;
    if (depth() >= capacity) {
      if (policy === 'error' || (policy === 'block' && !source && !release))
        throw overflow(operation, capacity, policy);
      if (policy !== 'block') dropped += 1;
      if (policy === 'drop-newest') {
        report();
        return;
      }
      if (policy === 'drop-oldest') first();
    }
    places.push({ value, within: currentStage(), release });
    if (source && !paused && depth() >= capacity) {
      paused = true;
      source.pause();
    }
    report();
  }

  const self: BoundedBuffer<T> = {
    get depth() {
      return depth();
    },
    get dropped() {
      return dropped;
    },
    push,
    take,
    shift() {
      const taken = take();
      taken?.release?.();
      return taken?.value;
    },
    clear() {
      const waiting = places.slice(head);
      places = [];
      head = 0;
      for (const taken of waiting) taken?.release?.();
      resumeWhenRoom();
      report();
    },
  };
  return self;
}

/** The error of a buffer that is full where its policy knows no other way. */
export function overflow(operation: string, capacity: number, policy: BufferPolicy): RangeError {
  const full = `${operation}: the buffer of ${capacity} is full`;
  return new RangeError(
    policy === 'block'
      ? `${full}, and its source cannot wait; raise its capacity, read from a pull source (fromText, fromFile, ` +
          "fromReadable, fromAsync, …) without an asynchronous operator of RxJS in between, name what can be paused, { policy: 'block', " +
          "source: socket }, or choose 'drop-oldest' or 'drop-newest'."
      : `${full}; raise its capacity, slow the source down, or choose the policy 'drop-oldest', 'drop-newest' or, ` +
          "where the source can wait, 'block'.",
  );
}
