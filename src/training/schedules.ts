/**
 * A learning rate as a function of the step t, which counts updates from 0.
 *
 * Being plain functions they compose: `warmup` and `inTurn` put one after another, each from its own beginning; products are
 * written down, `(t) => decay(t) * cycle(t)`. They depend on t alone, so that a run that is resumed goes on with the rate
 * it would have had. Momenta may be schedules too (`classicalMomentum`, `nesterov`).
 */

import { requireCount, requireKind, requireNumber } from '../checks.js';
import { described } from '../description.js';
import { checkedOptions } from '../options.js';

/** From the step t = 0, 1, … to the learning rate η_t, or to another number that changes as training goes on. */
export type Schedule = (step: number) => number;

/** Rates of a schedule: a wrong one would show when it is reached, which may be after hours of training. */
function requireRates(operation: string, rates: Readonly<Record<string, number>>): void {
  const fits = (rate: number) => rate >= 0 && rate < Number.POSITIVE_INFINITY;
  for (const [name, rate] of Object.entries(rates)) requireNumber(operation, name, rate, 'a number from 0 up', fits);
}

const requireSchedule = (operation: string, schedule: Schedule): void =>
  requireKind(operation, typeof schedule === 'function', 'a schedule', schedule, 'give one, such as constant(1e-3)');

/**
 * The same rate at every step.
 *
 * η_t = η
 *
 * Source: the lecture's constant learning rate.
 *
 * @param rate η.
 * @returns the schedule, η_t by t.
 * @throws RangeError where the rate is no number from 0 up.
 * @example
 * constant(0.1)(1000); // 0.1
 */
export function constant(rate: number): Schedule {
  requireRates('constant', { rate });
  return described(() => rate, 'constant', [rate]);
}

/** Options of {@link stepDecay}. */
export interface StepDecay {
  readonly rate: number;
  /** What the rate is multiplied by at each cut. */
  readonly factor: number;
  /** Steps between cuts. */
  readonly every: number;
}

/**
 * A rate cut by a factor every so many steps; for every few epochs, so many times an epoch's windows.
 *
 * η_t = η · factor^⌊t / every⌋
 *
 * Source: the lecture, "reduce the learning rate by some factor every few epochs".
 *
 * @param options η, the factor, and the steps between cuts.
 * @returns the schedule, η_t by t.
 * @throws RangeError where `every` is not a whole number above 0, or the rate or factor is no number from 0 up.
 * @throws TypeError where an option is not known.
 * @example
 * stepDecay({ rate: 0.1, factor: 0.5, every: 100 })(250); // 0.025
 * stepDecay({ rate: 0.1, factor: 0.1, every: 3 * 40 }) // every three epochs of 40 windows
 */
export function stepDecay(options: StepDecay): Schedule {
  const { rate, factor, every } = checkedOptions('stepDecay', options, { rate: true, factor: true, every: true });
  requireRates('stepDecay', { rate, factor });
  requireCount('stepDecay', 'every', every);
  return described((step) => rate * factor ** Math.floor(step / every), 'stepDecay', [options]);
}

/**
 * A rate that falls with the root of the step.
 *
 * η_t = η / √(t + 1)
 *
 * Source: the lecture, which calls it 1/t decay.
 *
 * @param rate η, that of the first step.
 * @returns the schedule, η_t by t.
 * @throws RangeError where the rate is no number from 0 up.
 * @example
 * inverseSqrt(0.1)(3); // 0.05
 */
export function inverseSqrt(rate: number): Schedule {
  requireRates('inverseSqrt', { rate });
  return described((step: number) => rate / Math.sqrt(step + 1), 'inverseSqrt', [rate]);
}

/** Options of {@link cosine}. */
export interface Cosine {
  readonly rate: number;
  /** Steps until the floor is reached; it stays there. */
  readonly steps: number;
  /** Default 0. */
  readonly floor?: number;
}

/**
 * Half a cosine from the rate down to a floor, where it stays.
 *
 * η_t = floor + ½ (η − floor)(1 + cos(π min(t, steps) / steps))
 *
 * Source: Loshchilov and Hutter, SGDR (2017), equation 5, without restarts.
 *
 * @param options η, the steps and the floor.
 * @returns the schedule, η_t by t.
 * @throws RangeError where `steps` is not a whole number above 0, or the rate or floor is no number from 0 up.
 * @throws TypeError where an option is not known.
 * @example
 * cosine({ rate: 1, steps: 100 })(50); // 0.5
 */
export function cosine(options: Cosine): Schedule {
  const { rate, steps, floor = 0 } = checkedOptions('cosine', options, { rate: true, steps: true, floor: true });
  requireRates('cosine', { rate, floor });
  requireCount('cosine', 'steps', steps);
  return described(
    (step) => floor + 0.5 * (rate - floor) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps)),
    'cosine',
    [options],
  );
}

/** Options of {@link oneCycle}. */
export interface OneCycle {
  /** The highest rate. */
  readonly rate: number;
  /** All steps, T. */
  readonly steps: number;
  /** The share of the steps in which it rises. Default 0.3. */
  readonly rising?: number;
  /** What the highest rate is divided by for the first one. Default 25. */
  readonly from?: number;
  /** What the first rate is divided by for the last one, which stays. Default 10,000. */
  readonly to?: number;
}

/**
 * One rise and one fall, both half a cosine.
 *
 * η_t rises from `rate / from` to `rate` in the first `rising · T` steps, then falls to `rate / (from · to)` at step T − 1, where it stays:
 * `a + ½ (b − a)(1 − cos πp)` between two rates a and b, p from 0 to 1.
 *
 * Source: Smith and Topin, Super-convergence (2019), with cosines as in fast.ai and PyTorch's `OneCycleLR`, whose defaults these are.
 *
 * @param options the highest rate, all steps, and the form.
 * @returns the schedule, η_t by t.
 * @throws RangeError where the rate is no number from 0 up, `steps` is not a whole number above 1, `rising` is not between 0 and 1, or a divisor is not
 *   above 0.
 * @throws TypeError where an option is not known.
 * @example
 * const rate = oneCycle({ rate: 1, steps: 100, rising: 0.5 });
 * [rate(0), rate(49), rate(99)]; // 0.04, 1, 0.000004
 */
export function oneCycle(options: OneCycle): Schedule {
  const names = { rate: true, steps: true, rising: true, from: true, to: true } as const;
  const { rate, steps, rising = 0.3, from = 25, to = 1e4 } = checkedOptions('oneCycle', options, names);
  requireRates('oneCycle', { rate });
  requireCount('oneCycle', 'steps', steps);
  if (steps < 2) throw new RangeError('oneCycle: steps are 2 at least, one to rise from and one to fall to.');
  const isPart = (part: number) => part > 0 && part < 1;
  requireNumber('oneCycle', 'rising', rising, 'a share of the steps, between 0 and 1', isPart);
  for (const [name, value] of Object.entries({ from, to })) {
    requireNumber('oneCycle', name, value, 'a number above 0', (divisor) => divisor > 0);
  }
  const first = rate / from;
  const last = steps - 1;
  // Not at either end, where there would be no step to rise or to fall in.
  const top = Math.min(Math.max(rising * steps - 1, 1e-9), last - 1e-9);
  const between = (a: number, b: number, share: number) => a + 0.5 * (b - a) * (1 - Math.cos(Math.PI * share));
  return described(
    (step: number) =>
      step <= top
        ? between(first, rate, step / top)
        : between(rate, first / to, (Math.min(step, last) - top) / (last - top)),
    'oneCycle',
    [options],
  );
}

/**
 * A linear rise to another schedule's first rate, then that schedule from its beginning.
 *
 * η_t = inner(0) · (t + 1) / (steps + 1) for t < steps, inner(t − steps) from there on
 *
 * Source: Goyal et al., Accurate, large minibatch SGD (2017), section 2.2 (gradual warmup).
 *
 * @param steps steps of the rise.
 * @param inner the schedule that it rises to.
 * @returns the schedule, η_t by t.
 * @throws RangeError where `steps` is not a whole number above 0.
 * @throws TypeError where the other one is no schedule.
 * @example
 * const rate = warmup(3, constant(0.4)); // 0.1, 0.2, 0.3, 0.4, 0.4, …
 */
export function warmup(steps: number, inner: Schedule): Schedule {
  requireCount('warmup', 'steps', steps);
  requireSchedule('warmup', inner);
  return described((step) => (step < steps ? (inner(0) * (step + 1)) / (steps + 1) : inner(step - steps)), 'warmup', [
    steps,
    inner,
  ]);
}

/**
 * Schedules one after another, each for so many steps and from its own beginning; the last one goes on.
 *
 * η_t = s_k(t − T_k), T_k being the steps of those before and k the last with T_k ≤ t
 *
 * @param parts schedules, each with its number of steps.
 * @param last the schedule that goes on.
 * @returns the schedule, η_t by t.
 * @throws RangeError where a number of steps is not a whole number above 0.
 * @throws TypeError where the parts are none, or one is no schedule.
 * @example
 * inTurn([[1000, constant(0.1)], [4000, cosine({ rate: 0.1, steps: 4000 })]], constant(1e-4))
 */
export function inTurn(parts: readonly (readonly [steps: number, schedule: Schedule])[], last: Schedule): Schedule {
  const isList = Array.isArray(parts) && parts.every(Array.isArray);
  requireKind('inTurn', isList, 'a list of [steps, schedule]', parts, 'give each schedule with its steps');
  for (const [steps, schedule] of parts) {
    requireCount('inTurn', 'steps', steps);
    requireSchedule('inTurn', schedule);
  }
  requireSchedule('inTurn', last);
  return described(
    (step) => {
      let at = step;
      for (const [steps, schedule] of parts) {
        if (at < steps) return schedule(at);
        at -= steps;
      }
      return last(at);
    },
    'inTurn',
    [parts, last],
  );
}
