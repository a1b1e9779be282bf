/**
 * Optimizers are descriptions: a kernel, the numbers it keeps for each parameter, and the numbers it takes at step t.
 * What they keep belongs to the trainer that uses them, so one optimizer may serve many.
 */
import { requireKind, shown } from '../../checks.js';
import type { Rule, SparsePolicy } from '../../kernels/jobs.js';
import type { Ops } from '../../ops/ops.js';
import type { Tensor } from '../../tensor.js';
import type { Schedule } from '../schedules.js';

/** What is done to the gradient before the optimizer sees it. */
export type Preparation =
  | { readonly kind: 'clipByGlobalNorm'; readonly limit: number }
  | { readonly kind: 'clipByValue'; readonly limit: number }
  | { readonly kind: 'weightDecay'; readonly weights: number; readonly biases: number };

/**
 * A place other than the weights at which a gradient is taken: other weights, which a rule of its own puts into an array of the
 * window. The weights themselves stay as they are until the optimizer's rule moves them.
 */
export interface LookAhead {
  readonly rule: Rule;
  /** How many arrays of the window that rule fills, that of the other weights first; the optimizer's rule takes them too. */
  readonly arrays: number;
  /** `before` the gradient, which is taken only there, or `between` a gradient at the weights and one there. */
  readonly when: 'before' | 'between';
  /** What the rule takes at step t. */
  numbers(step: number): readonly number[];
}

/** What is done to all weights, and to what is kept, in addition to the rule of an optimizer. */
export interface Pass {
  /** Before the step's rule moves the weights, or after it. */
  readonly when: 'before' | 'after';
  readonly rule: Rule;
  /** The names of the arrays that the rule takes, in its order. */
  readonly slots: readonly string[];
  /** What the rule takes at step t; nothing where it is left out. */
  numbers(step: number): readonly number[] | undefined;
}

/** What an update in Ops takes of its step and parameter. */
export interface RuleNumbers {
  /** How many updates there were before it: t = 0, 1, … */
  readonly step: number;
  /** η at this step. */
  readonly learningRate: number;
  /** Where the parameter stands in its model: `rnn.wx`. */
  readonly path: string;
  /** Whether it is a bias, a parameter of one axis, which weight decay leaves alone. */
  readonly bias: boolean;
}

/** From a parameter's weights, its gradient and what is kept for it to new weights and what is kept then, by name. */
export type RuleInOps = (
  ops: Ops,
  arrays: Readonly<Record<string, Tensor>>,
  numbers: RuleNumbers,
) => Readonly<Record<string, Tensor>>;

/** What moves the weights along their gradients: a rule, the arrays that it keeps and the numbers that it takes at each step. */
export interface Optimizer {
  readonly kind: string;
  /** Names of the arrays kept for each parameter. */
  readonly slots: readonly string[];
  /** What arrays start with, by name; 0 where none is given. */
  readonly first?: Readonly<Record<string, number | undefined>>;
  /** The same for weights that a parameter gains while it learns, where it is another number, or the weights themselves. */
  readonly firstGained?: Readonly<Record<string, number | 'weights'>>;
  /** What numbers of an array are at least after the first step, by name: squares are not below 0. */
  readonly least?: Readonly<Record<string, number | undefined>>;
  /** What is done to the gradient before, first to last; `chain` puts it there. */
  readonly preparations?: readonly Preparation[];
  /** Whether the rule only adds gradients, times numbers: it can then take any, and squares none. */
  readonly linear?: true;
  /** Divides each parameter's gradient by its own norm plus this. */
  readonly damping?: number;
  /** Where the gradient is taken, if not at the weights alone. */
  readonly lookAhead?: LookAhead;
  /** The kernel that moves the weights, or what does in Ops. It takes the first arrays that are kept. */
  readonly rule: Rule | RuleInOps;
  /** How many arrays that are; all by default. */
  readonly ofRule?: number;
  /** What is done in addition to the rule, first to last. */
  readonly passes?: readonly Pass[];
  /** What becomes of rows whose gradient is 0. */
  readonly sparsePolicy: SparsePolicy;
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

export function positive(kind: string, name: string, value: number): number {
  if (!(typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${kind}: ${name} is a number from 0 up, not ${shown(value)}.`);
  }
  return value;
}

/** @throws RangeError where it is not a number above 0. */
export function limitOf(kind: string, value: number): number {
  if (!(typeof value === 'number' && value > 0)) {
    throw new RangeError(`${kind}: the limit is a number above 0, not ${shown(value)}.`);
  }
  return value;
}

export function fraction(kind: string, name: string, value: number): number {
  if (!(typeof value === 'number' && value >= 0 && value < 1)) {
    throw new RangeError(`${kind}: ${name} is a number in [0, 1), not ${shown(value)}.`);
  }
  return value;
}

/** A decay as a function of the step. @throws RangeError where it is not in [0, 1). */
export function decayOf(kind: string, decay: number | Schedule): Schedule {
  if (typeof decay === 'function') return (step) => fraction(kind, `decay at step ${step}`, decay(step));
  const checked = fraction(kind, 'decay', decay);
  return () => checked;
}

/** ε keeps a step finite where a parameter has had no gradient yet, so it is not 0. */
export function epsilonOf(kind: string, value = 1e-8): number {
  if (!(typeof value === 'number' && value > 0 && value < 1)) {
    throw new RangeError(`${kind}: epsilon is a number between 0 and 1, not ${shown(value)}.`);
  }
  return value;
}

/** The names of the arrays that an optimizer's rule takes. */
export const slotsOfRule = ({ slots, ofRule = slots.length }: Optimizer): readonly string[] => slots.slice(0, ofRule);

/** An optimizer that keeps arrays more, which begin as the weights where a parameter grows, and does something in addition to its rule. */
export function withPasses(
  operation: string,
  optimizer: Optimizer,
  slots: readonly string[],
  gained: Readonly<Record<string, number | 'weights'>>,
  passes: readonly Pass[],
): Optimizer {
  const fits = typeof optimizer === 'object' && optimizer !== null && 'rule' in optimizer;
  requireKind(operation, fits, 'an optimizer', optimizer, 'give one, such as adam(1e-3)');
  const twice = slots.find((slot) => optimizer.slots.includes(slot));
  if (twice !== undefined) {
    throw new TypeError(
      `${operation}: ${optimizer.kind} keeps an array named ${twice} already, as ${operation} would; wrap it once.`,
    );
  }
  return {
    ...optimizer,
    slots: [...optimizer.slots, ...slots],
    ofRule: slotsOfRule(optimizer).length,
    firstGained: { ...optimizer.firstGained, ...gained },
    passes: [...(optimizer.passes ?? []), ...passes],
  };
}
