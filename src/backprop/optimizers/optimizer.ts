/**
 * Optimizers are descriptions: a kernel, the numbers it keeps for each parameter, and the numbers it takes at step t.
 * What they keep belongs to the trainer that uses them, so one optimizer may serve many.
 */
import type { Idle, Rule } from '../../kernels/jobs.js';
import type { Schedule } from '../schedules.js';

export interface Optimizer {
  readonly kind: string;
  /** Names of the arrays kept beside each parameter, zero at first. */
  readonly slots: readonly string[];
  /** The kernel that moves the weights. */
  readonly rule: Rule;
  /** What becomes of rows whose gradient is 0. */
  readonly idle: Idle;
  /** The rate at step t = 0, 1, … */
  learningRate(step: number): number;
  /** What the kernel takes at step t, in its order. */
  numbers(step: number): readonly number[];
}

/** A rate as a function of the step. @throws RangeError where it is not a number ≥ 0. */
export function rateOf(kind: string, rate: number | Schedule): Schedule {
  if (typeof rate === 'function') {
    return (step) => positive(kind, `learningRate at step ${step}`, rate(step));
  }
  const checked = positive(kind, 'learningRate', rate);
  return () => checked;
}

function positive(kind: string, name: string, value: number): number {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${kind}: ${name} is a number from 0 up, not ${value}.`);
  }
  return value;
}

export function fraction(kind: string, name: string, value: number): number {
  if (!(value >= 0 && value < 1)) throw new RangeError(`${kind}: ${name} is a number in [0, 1), not ${value}.`);
  return value;
}

/** ε keeps a step finite where a parameter has had no gradient yet, so it is not 0. */
export function epsilonOf(kind: string, value = 1e-8): number {
  if (!(value > 0 && value < 1)) throw new RangeError(`${kind}: epsilon is a number between 0 and 1, not ${value}.`);
  return value;
}
