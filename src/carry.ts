/** Carries as they come from outside, and as models give them. */
import { agrees, isTensor, restoredTensor, showShape } from './tensor.js';
import * as tree from './tree.js';

/**
 * A carry, an input or a target, each of whose tensors is what its type and shape say. One that went through JSON becomes
 * what it was; where there is nothing to restore, as nearly always, it is the same value.
 *
 * @throws TypeError, RangeError naming the part that is not.
 */
export function restored<T>(value: T, what: string): T {
  if (tree.every(value, agrees)) return value;
  return tree.zip([value], ([part], path) => (isTensor(part) ? restoredTensor(part, path) : part), what) as T;
}

/** What is known of a model whose carry is given. */
interface Carrying<S> {
  readonly kind: string;
  initial(batch: number): S;
}

/**
 * The carry that a stream of so many lanes starts from: the model's own, or one that was given, restored and held against
 * that.
 *
 * @throws TypeError, RangeError where it is not a carry of this model for so many lanes.
 */
export function startFrom<S>(operation: string, model: Carrying<S>, carry: S | undefined, lanes: number): S {
  if (carry === undefined) return model.initial(lanes);
  const given = restored(carry, `${operation}: the carry`);
  hold(`${operation}: the carry`, model.kind, model.initial(lanes), given, lanes);
  return given;
}

/**
 * What a model makes of a window that begins with a carry from outside. It is held against the model's own only once the model
 * has failed over it: what is wrong with it then comes first.
 *
 * @throws TypeError naming the part of the carry that is missing or is another; otherwise what the model throws.
 */
export function startedFrom<S, R>(operation: string, model: Partial<Carrying<S>>, carry: S, run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (error instanceof TypeError && model.initial && model.kind !== undefined) {
      hold(`${operation}: the carry`, model.kind, model.initial(1), carry, undefined);
    }
    throw error;
  }
}

/** @param lanes are asked for where they are given. */
function hold(what: string, kind: string, own: unknown, given: unknown, lanes: number | undefined): void {
  const holdPart = ([part, its]: readonly unknown[], path: string) => {
    if (!isAlike(part, its)) {
      const is = typeof part === 'number' ? 'a number' : tree.shownPart(part);
      throw new TypeError(`${path} of ${kind} is ${is}, but got ${tree.shownPart(its)}; ${OF_A_RUN}.`);
    }
    if (lanes === undefined || !isTensor(part) || !isTensor(its)) return;
    if (part.shape[0] !== lanes || its.shape[0] === lanes) return;
    throw new RangeError(
      `${path} ${showShape(its.shape)} is of ${its.shape[0]} lanes, but the stream has ${lanes}; start from a carry of as ` +
        'many lanes, or from none.',
    );
  };
  tree.zip([own, given], holdPart, what);
}

/** Whether a leaf that a run gave may stand for one of the model's own. */
function isAlike(own: unknown, given: unknown): boolean {
  if (typeof own === 'number') return Number.isFinite(given);
  if (typeof own !== 'object' || own === null) return true;
  if (!isTensor(own) || !isTensor(given)) return false;
  return given.shape.length === own.shape.length && (given.type === 'int32') === (own.type === 'int32');
}

/** @throws TypeError where the number of lanes changes within a stream. */
export function requireSameLanes(operation: string, before: number | undefined, now: number): void {
  if (before === undefined || before === now) return;
  throw new TypeError(
    `${operation}: a stream keeps its number of lanes, but ${before} became ${now}; ` +
      'start a subscription of its own for each number.',
  );
}

const OF_A_RUN = 'give one that this model gave, as scanCarry and tbptt do';

/**
 * What a model or a cell gave, once it is known to be all that it gives.
 *
 * @throws TypeError where there is no carry with the output.
 */
export function outcome<Y, S>(kind: string, before: S, given: readonly [y: Y, carry: S]): readonly [y: Y, carry: S] {
  const isPair = Array.isArray(given) && given.length === 2;
  if (isPair && given[0] !== undefined && (given[1] !== undefined || before === undefined)) return given;
  const got = isPair
    ? `no ${given[0] === undefined ? 'output' : 'carry'}`
    : Array.isArray(given)
      ? `a list of ${(given as readonly unknown[]).length}`
      : String(given);
  throw new TypeError(
    `${kind}: it gives its output and the carry after it, [y, carry], but gave ${got}; give both, and noCarry where ` +
      'nothing is to be remembered.',
  );
}
