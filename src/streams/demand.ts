/**
 * Who waits for whom. RxJS has no back-pressure: `next` returns nothing, so a source cannot see whether its value has been
 * dealt with or put into a queue. A source that can wait hands each value on by `deliver`. An operator that cannot deal with a
 * value before `next` returns holds its source by `holdSource`, through any number of synchronous operators.
 */

/** A value on its way; its source waits until nobody holds it. */
interface Delivery {
  holds: number;
  free: (() => void) | undefined;
}

/** The work of an operator, and the work that its value came from. */
export interface Stage {
  readonly operator: object;
  readonly within: Stage | undefined;
  /** Where the source goes on after the value, if it says so. */
  readonly position?: unknown;
}

// Both are those of the call to `next`, or to `subscribe`, that is running.
let delivery: Delivery | undefined;
let stage: Stage | undefined;

/** The work that is running or has given the value that is being handled, to be kept by an operator that goes on with it later. */
export function currentStage(): Stage | undefined {
  return stage;
}

function containing(operator: object, from: Stage | undefined): Stage | undefined {
  let at = from;
  while (at && at.operator !== operator) at = at.within;
  return at;
}

/** The stage of an operator's work. Where its outputs come back to it, the chain ends there, and so does not grow. */
export function stageOf(operator: object, within: Stage | undefined): Stage {
  return containing(operator, within) ?? { operator, within };
}

/** Hands a value on after which its source goes on at a position, which is to be plain data: `positionNow` gives it to all who deal with the value. */
export function withPosition(position: unknown, emit: () => void): void {
  during({ operator: {}, within: stage, position }, emit);
}

/**
 * Where the source of the value that is being handled goes on after it, in so far as it says so: for operators of your own. It
 * goes with the value through all synchronous operators, and through those of this library that go on with it later.
 *
 * @returns what the source gave by `positioned`, or undefined.
 * @example
 * from(['a', 'b']).pipe(positioned((_, index) => index + 1), map((letter) => [letter, positionNow()])) // ['a', 1], ['b', 2]
 */
export function positionNow(): unknown {
  let at = stage;
  while (at !== undefined && at.position === undefined) at = at.within;
  return at?.position;
}

/** Runs something as a part of a stage: sources that are subscribed to meanwhile belong to it. */
export function during<R>(at: Stage | undefined, run: () => R): R {
  const before = stage;
  stage = at;
  try {
    return run();
  } finally {
    stage = before;
  }
}

function held(by: Delivery): () => void {
  let holding = true;
  by.holds += 1;
  return () => {
    if (!holding) return;
    holding = false;
    by.holds -= 1;
    if (by.holds === 0) by.free?.();
  };
}

/** Hands a value on. What it gives, if anything, resolves when the value has been dealt with. */
export function deliver(at: Stage | undefined, emit: () => void): Promise<void> | undefined {
  const [outer, before] = [delivery, stage];
  const own: Delivery = { holds: 0, free: undefined };
  delivery = own;
  stage = at;
  try {
    emit();
  } finally {
    delivery = outer;
    stage = before;
  }
  if (own.holds === 0) return undefined;
  // What is handed on while another value is, is a part of dealing with that one.
  const release = outer && held(outer);
  return new Promise<void>((resolve) => {
    own.free = () => {
      release?.();
      resolve();
    };
  });
}

/**
 * Lets the source of the value that is being handled wait until the function it gives is called: for operators of your own
 * that go on with a value after their `next` has returned.
 *
 * Sources that can wait are the pull sources (`fromText`, `fromFile`, `fromReadable`, `fromWebStream`, `fromAsync`, `lanes`, …)
 * and the work of `bounded` and `paced`. Where there is none (a `Subject`, a socket, a timer in between) it gives `undefined`.
 *
 * @param operator the one that asks. Where the value comes from its own work, as in a loop of two models that answer each other,
 * that work cannot wait for itself, and there is nothing to hold.
 * @returns what lets the source go on; calling it again does nothing.
 * @example
 * new Observable((subscriber) =>
 *   text$.subscribe((value) => {
 *     const release = holdSource();
 *     setTimeout(() => {
 *       subscriber.next(value);
 *       release?.();
 *     }, 10);
 *   }),
 * );
 */
export function holdSource(operator?: object): (() => void) | undefined {
  if (delivery === undefined || (operator && containing(operator, stage))) return undefined;
  return held(delivery);
}
