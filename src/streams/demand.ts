/**
 * Demand: how a pull source learns that somebody down its pipeline is not done yet. RxJS has no way back up a pipeline, but
 * what is handed on is handed on by calls: whoever takes a value within such a call can hold the source that made it.
 */

interface Delivery {
  holds: number;
  /** Called when the last hold is released. */
  settled: (() => void) | undefined;
}

/** The pull source whose value is being handed on at this moment. */
let current: Delivery | undefined;

/**
 * Hands a value on for a pull source.
 *
 * @returns what to wait for before the next one is asked for; undefined where nobody holds the source.
 */
export function deliver(handOn: () => void): Promise<void> | undefined {
  const delivery: Delivery = { holds: 0, settled: undefined };
  const outer = current;
  current = delivery;
  try {
    handOn();
  } finally {
    current = outer;
  }
  if (delivery.holds === 0) return undefined;
  return new Promise((resolve) => {
    delivery.settled = resolve;
  });
}

/**
 * Makes the pull source (`fromFile`, `fromText`, `fromReadable`, `fromWebStream`, `fromAsync`, `fromConll`, …) whose value is
 * being handed on wait until it is released: for operators of one's own that work asynchronously. To be called while a
 * value is being taken, not later. `bounded`, and whatever else takes `{ policy: 'block' }`, does it by itself.
 *
 * @returns what releases it, to be called once; undefined where no pull source is behind, or something in between
 * (`delay`, `observeOn`) hands values on at another time.
 * @example
 * // One at a time, and no more is read meanwhile.
 * const slowly = mergeMap((window: Window) => {
 *   const release = holdSource();
 *   return from(work(window)).pipe(finalize(() => release?.()));
 * });
 */
export function holdSource(): (() => void) | undefined {
  const held = current;
  if (held === undefined) return undefined;
  held.holds += 1;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    held.holds -= 1;
    if (held.holds === 0) held.settled?.();
  };
}
