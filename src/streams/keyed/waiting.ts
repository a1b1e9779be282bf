/** Values that wait, each in the line of its key, within one capacity for all. No object is made for a value. */
import { type BufferOptions, type BufferState, overflow } from '../buffer.js';
import { holdSource } from '../demand.js';

/** A key's own line: its first and last place, or NONE. */
export interface KeyLine {
  first: number;
  last: number;
}

export const NONE = -1;

export interface Waiting<T, L extends KeyLine> extends BufferState {
  /** The line of the value that has waited for longest, which is its first. */
  readonly oldest: L | undefined;
  /**
   * Puts a value at the end of a line, or does what the policy says; whether it waits now.
   *
   * @throws RangeError where there is no room and nothing else can be done.
   */
  push(line: L, value: T): boolean;
  /** Takes the first value of a line that is not empty. */
  take(line: L): T;
  /** Lets sources go on where there is room again. */
  resume(): void;
  /** Forgets all values and lets the sources go on. */
  clear(): void;
}

/** `relieve` takes values out, as many as it can at once, before anybody waits or anything is dropped. */
export function waitingLines<T, L extends KeyLine>(
  operation: string,
  options: BufferOptions,
  relieve: () => void,
): Waiting<T, L> {
  const { capacity, policy, gauge } = options;
  const source = options.policy === 'block' ? options.source : undefined;
  const values: (T | undefined)[] = [];
  const lines: (L | undefined)[] = [];
  /** The next place of the line; of a spare place the next spare one. */
  const behind: number[] = [];
  const older: number[] = [];
  const newer: number[] = [];
  let spare = NONE;
  let oldest = NONE;
  let newest = NONE;
  let depth = 0;
  let dropped = 0;
  let paused = false;
  const holds: (() => void)[] = [];

  const report = gauge === undefined ? () => {} : () => gauge.next({ depth, dropped });

  function add(line: L, value: T): void {
    let place = spare;
    if (place === NONE) place = values.length;
    else spare = behind[place] as number;
    values[place] = value;
    lines[place] = line;
    behind[place] = NONE;
    older[place] = newest;
    newer[place] = NONE;
    if (newest === NONE) oldest = place;
    else newer[newest] = place;
    newest = place;
    if (line.first === NONE) line.first = place;
    else behind[line.last] = place;
    line.last = place;
    depth += 1;
  }

  function remove(line: L): T {
    const place = line.first;
    const value = values[place] as T;
    const [before, after] = [older[place] as number, newer[place] as number];
    if (before === NONE) oldest = after;
    else newer[before] = after;
    if (after === NONE) newest = before;
    else older[after] = before;
    line.first = behind[place] as number;
    if (line.first === NONE) line.last = NONE;
    values[place] = undefined;
    lines[place] = undefined;
    behind[place] = spare;
    spare = place;
    depth -= 1;
    return value;
  }

  /** Whether the source waits, or can wait. */
  function hold(): boolean {
    const release = holdSource(self);
    if (release !== undefined) holds.push(release);
    if (source !== undefined && !paused) {
      paused = true;
      source.pause();
    }
    return release !== undefined || source !== undefined;
  }

  function push(line: L, value: T): boolean {
    if (policy === 'block' && depth >= capacity) relieve();
    if (depth >= capacity) {
      if (policy === 'error' || (policy === 'block' && !hold())) throw overflow(operation, capacity, policy);
      if (policy !== 'block') dropped += 1;
      if (policy === 'drop-newest') {
        report();
        return false;
      }
      // The oldest of all is the first of its line.
      if (policy === 'drop-oldest') remove(lines[oldest] as L);
    }
    add(line, value);
    if (policy === 'block' && depth >= capacity) hold();
    report();
    return true;
  }

  const self: Waiting<T, L> = {
    get depth() {
      return depth;
    },
    get dropped() {
      return dropped;
    },
    get oldest() {
      return lines[oldest];
    },
    push,
    take(line) {
      const value = remove(line);
      report();
      return value;
    },
    resume() {
      if (depth >= capacity) return;
      for (const release of holds.splice(0)) release();
      if (!paused) return;
      paused = false;
      source?.resume();
    },
    clear() {
      values.length = lines.length = 0;
      spare = oldest = newest = NONE;
      depth = 0;
      self.resume();
      report();
    },
  };
  return self;
}
