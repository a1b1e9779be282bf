import { described } from '../../description.js';
import { SparsePolicy } from '../../kernels/jobs.js';
import type { Ops } from '../../ops/ops.js';
import { checkedOptions, type Names } from '../../options.js';
import type { Tensor } from '../../tensor.js';
import type { Schedule } from '../schedules.js';
import { type Optimizer, type RuleInOps, type RuleNumbers, rateOf } from './optimizer.js';

/** A rule of one's own, and what it keeps. */
export interface OptimizerOptions<K extends string = never> {
  /** What messages and checkpoints call it. */
  readonly kind: string;
  /** Names of the arrays kept for each parameter, each of its shape; none by default. */
  readonly slots?: readonly K[];
  /** What arrays start with, by name, also for weights that a parameter gains while it learns; 0 by default. */
  readonly first?: Readonly<Partial<Record<K, number>>>;
  /** What numbers of an array are at least, by name, so that a state in which they are less is refused. */
  readonly least?: Readonly<Partial<Record<K, number>>>;
  /** η, a number or a function of the step. */
  readonly learningRate: number | Schedule;
  /** New weights, and what is kept then, of one parameter; it may change nothing else. */
  update(
    ops: Ops,
    arrays: Readonly<Record<K | 'weights' | 'gradient', Tensor>>,
    numbers: RuleNumbers,
  ): Readonly<Record<K | 'weights', Tensor>>;
}

const names: Names<OptimizerOptions> = {
  kind: true,
  slots: true,
  first: true,
  least: true,
  learningRate: true,
  update: true,
};

/**
 * An optimizer of one's own, its rule written in Ops.
 *
 * Equation: `(w, k) ← update(w, g, k)`, one parameter at a time, g being the gradient as `chain` and the trainer prepare it
 * and k what is kept.
 * Source: optimizers as pure functions of gradient and state, as JAX and Optax have them.
 *
 * It goes wherever a built-in one goes, with the same laws: the same bits on any number of threads and where a run is
 * resumed, and nothing changes where a number would not be finite. It is slower: each primitive is a pass over a
 * parameter, where a built-in rule is one pass over all of them; rows without a gradient are gone through as all others;
 * and for a moment there is a second copy of the weights and of what is kept.
 *
 * Shapes: arrays, and what becomes of them, have their parameter's shape.
 *
 * @param options the rule, and the names of what it keeps.
 * @returns the optimizer, for `trainer`, `tbptt`, `learnTags`, `compile`, or the end of a `chain`.
 * @throws TypeError where an option is not known.
 * @throws TypeError where a name is empty, there twice, has a dot in it, or is `weights` or `gradient`.
 * @throws RangeError where η is negative or not a number.
 * @throws (as it learns) Error, TypeError, RangeError where the update fails, does not give a tensor of the parameter's shape for
 * each name, or gives numbers that are not finite; they name optimizer and parameter, and nothing has changed.
 * @example
 * ```ts
 * import { chain, clipByGlobalNorm, dense, optimizer, squaredError, trainer } from 'oxbow';
 *
 * // Signs of the gradient: w ← w − η sign(g), g / |g| being its sign.
 * const signs = optimizer({
 *   kind: 'signs',
 *   learningRate: 1e-3,
 *   update(ops, { weights, gradient }, { learningRate }) {
 *     const size = ops.maximum(ops.maximum(gradient, ops.affine(gradient, -1, 0)), ops.fill([], 1e-30));
 *     return { weights: ops.subtract(weights, ops.affine(ops.divide(gradient, size), learningRate, 0)) };
 *   },
 * });
 * const { learn } = trainer(dense(3, 2), { loss: squaredError(), optimizer: chain(clipByGlobalNorm(5), signs) });
 * ```
 */
export function optimizer<const K extends string = never>(options: OptimizerOptions<K>): Optimizer {
  const checked = checkedOptions('optimizer', options, names as Names<OptimizerOptions<K>>);
  const { kind, slots = [], first, least, update } = checked;
  if (typeof kind !== 'string' || kind === '') {
    throw new TypeError(`optimizer: kind is what messages call it, not ${JSON.stringify(kind)}; name it.`);
  }
  if (typeof update !== 'function') {
    throw new TypeError(
      `${kind}: update is a function of Ops and arrays, not ${String(update)}; write the rule there.`,
    );
  }
  slots.forEach((name, k) => {
    if (/^[^.]+$/.test(name) && name !== 'weights' && name !== 'gradient' && slots.indexOf(name) === k) return;
    throw new TypeError(
      `${kind}: a slot cannot be named ${JSON.stringify(name)}; names are all different, have no dot in them, and are neither ` +
        'weights nor gradient.',
    );
  });
  const known: Names<object> = Object.fromEntries(slots.map((name) => [name, true]));
  if (first !== undefined) checkedOptions<object>('optimizer', first, known, 'first.');
  if (least !== undefined) checkedOptions<object>('optimizer', least, known, 'least.');
  return described(
    {
      kind,
      slots,
      ...(first && { first }),
      ...(least && { least }),
      rule: update as unknown as RuleInOps,
      sparsePolicy: SparsePolicy.moves,
      learningRate: rateOf(kind, checked.learningRate),
      numbers: () => [],
    },
    'optimizer',
    [options],
  );
}
