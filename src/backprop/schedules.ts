/** Learning rates as functions of the step, which counts updates from 0. */
export type Schedule = (step: number) => number;

/**
 * The same rate at every step.
 *
 * @example
 * constant(0.1)(1000); // 0.1
 */
export const constant =
  (rate: number): Schedule =>
  () =>
    rate;

export interface StepDecay {
  readonly rate: number;
  /** What the rate is multiplied by at each cut. */
  readonly factor: number;
  /** Steps between cuts. */
  readonly every: number;
}

/**
 * A rate cut by a factor every so many steps: `η · factor^⌊t / every⌋`.
 *
 * @throws RangeError where `every` is not a whole number above 0.
 * @example
 * stepDecay({ rate: 0.1, factor: 0.5, every: 100 })(250); // 0.025
 */
export function stepDecay({ rate, factor, every }: StepDecay): Schedule {
  checkSteps(every, 'every', 'stepDecay');
  return (step) => rate * factor ** Math.floor(step / every);
}

/**
 * `η / √(t + 1)`, as the lecture gives it.
 *
 * @example
 * inverseSqrt(0.1)(3); // 0.05
 */
export const inverseSqrt =
  (rate: number): Schedule =>
  (step) =>
    rate / Math.sqrt(step + 1);

export interface Cosine {
  readonly rate: number;
  /** Steps until the floor is reached; it stays there. */
  readonly steps: number;
  /** Default 0. */
  readonly floor?: number;
}

/**
 * Half a cosine from the rate down to the floor: `floor + ½ (η − floor)(1 + cos(π t / steps))`.
 *
 * Source: Loshchilov and Hutter, SGDR (2017), equation 5, without restarts.
 *
 * @throws RangeError where `steps` is not a whole number above 0.
 * @example
 * cosine({ rate: 1, steps: 100 })(50); // 0.5
 */
export function cosine({ rate, steps, floor = 0 }: Cosine): Schedule {
  checkSteps(steps, 'steps', 'cosine');
  return (step) => floor + 0.5 * (rate - floor) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps));
}

/**
 * A linear rise to another schedule's first rate, then that schedule from its beginning:
 * `inner(0) · (t + 1) / (steps + 1)` before `steps`, `inner(t − steps)` from there on.
 *
 * @throws RangeError where `steps` is not a whole number above 0.
 * @example
 * const rate = warmup(3, constant(0.4)); // 0.1, 0.2, 0.3, 0.4, 0.4, …
 */
export function warmup(steps: number, inner: Schedule): Schedule {
  checkSteps(steps, 'steps', 'warmup');
  return (step) => (step < steps ? (inner(0) * (step + 1)) / (steps + 1) : inner(step - steps));
}

function checkSteps(value: number, what: string, operation: string): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${operation}: ${what} is a whole number of steps above 0, not ${value}.`);
  }
}
