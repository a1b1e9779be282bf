/**
 * Layers: callable values. A layer is a function from a stream to a stream, with its weights and its equation on it as
 * plain immutable data. Layers hold weights; subscriptions hold carry.
 */

import { defer, map, type Observable, type OperatorFunction } from 'rxjs';
import { outcome, requireSameLanes, restored, startedFrom, startFrom } from './carry.js';
import { requireModel, shown } from './checks.js';
import type { Lengths } from './ops/lengths.js';
import type { Ops } from './ops/ops.js';
import { inWindow, toSignal } from './ops/window.js';
import { nameAll, type Params, releaseAll } from './parameters/parameter.js';
import { type Features, isTensor, type Tensor } from './tensor.js';

/**
 * A layer's equation and weights, without its stream.
 *
 * `S` is the carry: a tensor, or a record of carries, whose tensors have the batch as their first axis.
 */
export interface Core<S, X = Features, Y = Tensor, P extends Params = Params> {
  /** What it is: `lstm`, `dense`. (A function's own `name` is read-only.) */
  readonly kind: string;
  /** Features it takes, where it matters; `stack` checks it against the layer before. */
  readonly inputs?: number | undefined;
  /** Features it gives; `'inputs'` where it gives as many as it takes. */
  readonly outputs?: number | 'inputs' | undefined;
  /** Nested record of parameters; the path is the name in a checkpoint. */
  readonly params: P;
  /** The carry before the first step. */
  initial(batch: number): S;
  /**
   * In a padded window, how many steps of what it gives are real in each lane, from how many of its input are. Without it
   * they are as many, and a layer that gives another number of steps than it takes is refused there.
   *
   * @throws RangeError where a lane is too short for the layer.
   */
  lengthsAfter?(lengths: Lengths): Lengths;
  /** One window of any length T ≥ 1: x is time-major, `[T, B, …]`. */
  apply(ops: Ops, carry: S, x: X): readonly [y: Y, carry: S];
}

/** A core that is a stream operator too. */
export interface Layer<S, X = Features, Y = Tensor, P extends Params = Params>
  extends Core<S, X, Y, P>,
    OperatorFunction<X, Y> {
  /**
   * Gives the memory of all of its weights back at once; it is of no use afterwards, nor is any model that shares them. A model
   * that is dropped gives it back by itself, in a later turn of the event loop.
   *
   * @throws Error within a window.
   */
  release(): void;
  /** `release`, for `using`. */
  [Symbol.dispose](): void;
}

/** The carry of a layer that remembers nothing. */
export type NoCarry = Readonly<Record<string, never>>;

/**
 * The carry of a layer that remembers nothing, as a value.
 *
 * @example
 * const [y] = evaluate(dense(8, 4, { seed: 1 }), noCarry, x); // [4, 2, 4]
 */
export const noCarry: NoCarry = Object.freeze({});

/**
 * Lanes of a signal `[T, B, …]`; a record of tensors is asked for its first one.
 *
 * @param x a signal, or a record of signals.
 * @returns the number of lanes, B.
 * @throws TypeError where it is no tensor of two axes at least, nor a record of one.
 * @example
 * batchOf(input); // 2
 */
export function batchOf(x: unknown): number {
  const first = isTensor(x) ? x : Object.values((x ?? {}) as Record<string, unknown>).find(isTensor);
  if (first === undefined || !Array.isArray(first.shape) || first.shape.length < 2) {
    throw new TypeError(
      `a layer takes time-major signals [T, B, …], but got ${first ? `[${String(first.shape)}]` : String(x)}.`,
    );
  }
  return first.shape[1] as number;
}

/**
 * One window through a core, outside any gradient: results are signals with arrays of their own.
 *
 * @param core a layer, a stack, or a model.
 * @param carry what it remembers from before; `core.initial(lanes)` at the start.
 * @param x a window, `[T, B, …]`.
 * @returns the output and the carry after it.
 * @throws TypeError, RangeError where a tensor's shape and numbers disagree, or as the core does.
 * @example
 * const [logits, after] = evaluate(model, carry, input);
 * logits.shape[0]; // 4
 * after.rnn.h.shape[0]; // 2
 */
export function evaluate<S, X, Y>(core: Core<S, X, Y>, carry: S, x: X): readonly [y: Y, carry: S] {
  requireModel('evaluate', core);
  const before = restored(carry, `${core.kind}: the carry`);
  const input = restored(x, `${core.kind}: the input`);
  return startedFrom('evaluate', core, before, () =>
    inWindow((ops) => toSignal(outcome(core.kind, before, core.apply(ops, before, input)))),
  );
}

/** Runs something; what it throws is said of a place. */
export function within<R>(place: string, run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error) error.message = `${place}: ${error.message}`;
    throw error;
  }
}

/**
 * Makes a layer of a core: an operator that maps each signal, its carry kept from signal to signal. Each subscription
 * starts from the zero carry. Its parameters are named by the path, which is its kind until a model gives it another.
 *
 * @param core its equation and its weights.
 * @param seed draws the first weights; without one, a model's seed that it becomes a part of.
 * @param path names its parameters until it becomes a part of a model.
 * @returns the layer, for `pipe` or a `stack`.
 * @throws TypeError (as an error notification) where the number of lanes changes within a stream.
 * @example
 * const doubled = layer({
 *   kind: 'doubled',
 *   params: {},
 *   initial: () => noCarry,
 *   apply: (ops, carry: NoCarry, x: Tensor) => [ops.affine(x, 2, 0), carry],
 * });
 * signal$.pipe(doubled)
 *
 * @example
 * const leaky = layer({
 *   kind: 'leaky',
 *   params: {},
 *   initial: (batch) => zeros([batch, 8]),
 *   apply: (ops, carry: Tensor, x: Tensor) => {
 *     // Windows of any length: a step takes what the last one left.
 *     const steps = ops.split(x, 0, Array(x.shape[0]).fill(1)).map((step) => ops.reshape(step, carry.shape));
 *     const kept = steps.map((step) => (carry = ops.add(ops.affine(carry, 0.9, 0), ops.affine(step, 0.1, 0))));
 *     return [ops.reshape(ops.concat(kept, 0), x.shape), carry];
 *   },
 * });
 * signal$.pipe(leaky)
 */
export function layer<S, X, Y, P extends Params = Params>(
  core: Core<S, X, Y, P>,
  seed?: number,
  path?: string,
): Layer<S, X, Y, P> {
  requireModel('layer', core);
  // Weights are drawn when they are first asked for: too late to say what is wrong.
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new RangeError(`${core.kind}: a seed is a whole number, not ${shown(seed)}.`);
  }
  nameAll(core.params, path ?? core.kind, seed);
  const operator = (source: Observable<X>): Observable<Y> => scanCarry(core)(source).pipe(map(({ output }) => output));
  const release = () => releaseAll(core.params);
  return Object.assign(operator, core, { release, [Symbol.dispose]: release });
}

/** What `scanCarry` emits. */
export interface Carried<S, Y> {
  readonly output: Y;
  /** The carry after this signal, an immutable value: keep it, store it, or start a subscription from it. */
  readonly carry: S;
}

/**
 * A core over a stream, with its carry in the open: `from` restores a carry that an earlier run emitted.
 *
 * Law: a run that was cut anywhere and restored from the carry there gives bit for bit what the uninterrupted run gives.
 * The carry may have gone through JSON, as long as it holds no NaN and no infinity, which JSON does not know.
 *
 * @param core a layer, a stack, or a model.
 * @param from a carry to start from; the zero carry by default.
 * @returns an operator that gives each output with the carry after it.
 * @throws TypeError, RangeError (as error notifications) where `from` is not a carry of this core for the stream's lanes.
 * @example
 * const { carry } = await lastValueFrom(ids$.pipe(scanCarry(model)));
 * ids$.pipe(scanCarry(model, carry)) // goes on from there
 */
export function scanCarry<S, X, Y>(core: Core<S, X, Y>, from?: S): OperatorFunction<X, Carried<S, Y>> {
  requireModel('scanCarry', core);
  return (source) =>
    defer(() => {
      const next = evaluator(core, from);
      return source.pipe(map((x) => next(x)));
    });
}

/**
 * A core over one stream: takes its signals one after the other and keeps the carry in between, which may be changed before
 * a signal.
 *
 * @throws TypeError where the number of lanes changes.
 */
export function evaluator<S, X, Y>(core: Core<S, X, Y>, from?: S): (x: X, change?: (carry: S) => S) => Carried<S, Y> {
  let lanes: number | undefined;
  let carry = from;
  return (x, change) => {
    const now = batchOf(x);
    requireSameLanes(core.kind, lanes, now);
    const before = lanes === undefined ? startFrom('scanCarry', core, carry, now) : (carry as S);
    lanes = now;
    const [output, after] = evaluate(core, change === undefined ? before : change(before), x);
    carry = after;
    return { output, carry: after };
  };
}
