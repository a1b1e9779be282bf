/** Why a window cannot be learnt from: errors bear it, so that their classes and messages stay as they are. */
import { isRefusal } from '../kernels/memory-limit.js';

/**
 * What is wrong with a window: numbers of its own that are not finite (`'data'`), a shape, type or id that does not fit (`'misfit'`), a
 * loss, gradient or update that is not finite though all that it comes from is (`'loss'`), or weights or a carry that were not
 * finite before it (`'start'`).
 */
export type BadReason = 'data' | 'misfit' | 'loss' | 'start';

const reasons = new WeakMap<object, BadReason>();

/** The error, known to be thrown for a reason. */
export function because<E extends Error>(reason: BadReason, error: E): E {
  reasons.set(error, reason);
  return error;
}

/** A check's message is a sentence. The engine's, of code that fails or a stack that is full, are none, but for this one of Safari's. */
const isSentence = (message: string): boolean => message.endsWith('.') && !message.startsWith('Maximum call stack');

/** Why a window was refused; undefined for errors that are not the window's: faults of machines and of programs. */
export function reasonOf(error: unknown): BadReason | undefined {
  if (!(error instanceof Error)) return undefined;
  const known = reasons.get(error);
  if (known !== undefined || isRefusal(error)) return known;
  const isCheck = error instanceof RangeError || error instanceof TypeError;
  return isCheck && isSentence(error.message) ? 'misfit' : undefined;
}

/** Runs a body whose checks fail for another reason than that something does not fit. */
export function checksBecause<R>(reason: BadReason, body: () => R): R {
  try {
    return body();
  } catch (error) {
    throw reasonOf(error) === 'misfit' ? because(reason, error as Error) : error;
  }
}
