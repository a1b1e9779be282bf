/** Those at which nothing waits, in the order in which that began: the one that has been idle for longest is the first to give way. */
import { LONGEST_TIMER_MS } from '../../checks.js';
import { timeSlice } from '../event-loop.js';

/** One of a line of those that are idle. */
export interface Idle<T> {
  /** When it was last stepped, in whole milliseconds. */
  used: number;
  older: T | undefined;
  newer: T | undefined;
}

export interface IdleLine<T> {
  readonly oldest: T | undefined;
  add(one: T): void;
  remove(one: T): void;
  /** Has those give way that have been idle for long, from now on. */
  watch(): void;
  /** Has all give way, a few at a time. */
  empty(): Promise<void>;
  close(): void;
}

const SLICE_MS = 2;

/** `giveWay` removes the oldest; `failed` is called with what it throws later. */
export function idleLine<T extends Idle<T>>(
  idleMs: number,
  giveWay: () => void,
  failed: (error: unknown) => void,
): IdleLine<T> {
  let oldest: T | undefined;
  let newest: T | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  async function drain(lasts: (first: T) => boolean): Promise<void> {
    const slice = timeSlice(SLICE_MS);
    while (!closed && oldest !== undefined && lasts(oldest)) {
      giveWay();
      await slice();
    }
  }

  async function sweep(): Promise<void> {
    timer = undefined;
    await drain(({ used }) => used + idleMs <= performance.now());
    self.watch();
  }

  const self: IdleLine<T> = {
    get oldest() {
      return oldest;
    },
    add(one) {
      one.older = newest;
      one.newer = undefined;
      if (newest === undefined) oldest = one;
      else newest.newer = one;
      newest = one;
    },
    remove(one) {
      if (one.older === undefined) oldest = one.newer;
      else one.older.newer = one.newer;
      if (one.newer === undefined) newest = one.older;
      else one.newer.older = one.older;
      one.older = undefined;
      one.newer = undefined;
    },
    watch() {
      if (idleMs === Number.POSITIVE_INFINITY || timer !== undefined || oldest === undefined || closed) return;
      const delay = Math.max(1, oldest.used + idleMs - performance.now());
      timer = setTimeout(() => sweep().catch(failed), Math.min(delay, LONGEST_TIMER_MS));
      // An idle key keeps no process alive.
      (timer as { unref?: () => void }).unref?.();
    },
    empty: () => drain(() => true),
    close() {
      closed = true;
      clearTimeout(timer);
      oldest = newest = undefined;
    },
  };
  return self;
}
