/** Carries as they come from outside, and as models give them. */
import { below } from './path.js';
import { agrees, isTensor, restoredTensor, showShape, type Tensor } from './tensor.js';

/**
 * A carry, an input or a target, each of whose tensors is what its type and shape say. One that went through JSON becomes
 * what it was; where there is nothing to restore, it is the same value.
 *
 * @throws TypeError, RangeError naming the part that is not.
 */
export function restored<T>(value: T, what: string): T {
  return isSound(value) ? value : (walked(value, what) as T);
}

/** Whether there is nothing to restore, as nearly always. */
function isSound(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  if (isTensor(value)) return agrees(value);
  for (const name in value) if (!isSound((value as Record<string, unknown>)[name])) return false;
  return true;
}

function walked(value: unknown, what: string): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (isTensor(value)) return restoredTensor(value, what);
  if (Array.isArray(value)) return value.map((part, k) => walked(part, `${what}[${k}]`));
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, walked(part, below(what, name))]));
}

/** What is known of a model whose carry is given. */
interface Carrying<S> {
  readonly kind: string;
  initial(batch: number): S;
}

/**
 * A carry to start from: restored, and held against the model's own for so many lanes.
 *
 * @throws TypeError, RangeError where it is not a carry of this model for so many lanes.
 */
export function carryFrom<S>(operation: string, model: Carrying<S>, carry: S, lanes: number): S {
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
  if (typeof own === 'number' && !Number.isFinite(given)) {
    throw new TypeError(`${what} of ${kind} is a number, not ${String(given)}; ${OF_A_RUN}.`);
  }
  if (typeof own !== 'object' || own === null) return;
  if (isTensor(own)) {
    holdTensor(what, kind, own, given, lanes);
    return;
  }
  for (const [name, part] of Object.entries(own)) {
    const its = typeof given === 'object' && given !== null ? (given as Record<string, unknown>)[name] : undefined;
    if (its === undefined && part !== undefined) {
      throw new TypeError(`${what} has no ${name}, which that of ${kind} has; ${OF_A_RUN}.`);
    }
    hold(below(what, name), kind, part, its, lanes);
  }
}

function holdTensor(what: string, kind: string, own: Tensor, given: unknown, lanes: number | undefined): void {
  if (
    !isTensor(given) ||
    given.shape.length !== own.shape.length ||
    (given.type === 'int32') !== (own.type === 'int32')
  ) {
    const got = isTensor(given) ? `${given.type} ${showShape(given.shape)}` : String(given);
    throw new TypeError(`${what} of ${kind} is ${own.type} ${showShape(own.shape)}, but got ${got}; ${OF_A_RUN}.`);
  }
  if (own.shape[0] !== lanes || given.shape[0] === lanes) return;
  throw new RangeError(
    `${what} ${showShape(given.shape)} is of ${given.shape[0]} lanes, but the stream has ${lanes}; start from a carry of as ` +
      'many lanes, or from none.',
  );
}

const OF_A_RUN = 'give one that this model gave, as scanCarry and tbptt do';

/**
 * What a model or a cell gave, once it is known to be all that it gives.
 *
 * @throws TypeError where there is no carry beside the output.
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
