/** Predictions whose corrections may still come. */
import { requireChoice, requireCount } from '../../streams/options.js';

/** What becomes of a prediction when there are as many as may wait: the oldest goes, this one does, or it is an error. */
export type OutstandingPolicy = 'drop-oldest' | 'drop-newest' | 'error';

export interface OutstandingOptions {
  /** How many predictions may wait for a correction. */
  readonly capacity: number;
  /** Default `drop-oldest`. */
  readonly policy?: OutstandingPolicy;
}

/** Why there is nothing under an id: nobody gave it, or what it stood for was dropped since. */
export type Missing = 'unknown' | 'expired';

/** What waits, by id. Ids are given in order, so that it is known of each whether it was ever given. */
export interface Outstanding<T> {
  readonly depth: number;
  readonly dropped: number;
  /** Keeps a value; its id. @throws RangeError where it is full and its policy is `error`. */
  add(value: T): number;
  get(id: number): T | Missing;
  /** Puts another value in the place of one that waits. */
  replace(id: number, value: T): void;
  state(): OutstandingState<T>;
}

/** What waits as plain data. */
export interface OutstandingState<T> {
  readonly next: number;
  readonly dropped: number;
  readonly entries: readonly (readonly [id: number, value: T])[];
}

const POLICIES: readonly OutstandingPolicy[] = ['drop-oldest', 'drop-newest', 'error'];
