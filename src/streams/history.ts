import { type Core, evaluate } from '../layer.js';
import type { PiecewiseTask } from '../piecewise-task.js';
import type { Tensor } from '../tensor.js';
import { joinSteps, sliceSteps, stepsOf } from './steps.js';

/** The steps to learn from at once: a window's own, and those before it that its gradients flow back through. */
export interface Stretch<S, X> {
  /** The carry that enters the stretch. */
  readonly carry: S;
  readonly input: X;
  /** Steps after which the carry is wanted, since the next stretch starts there; none where it starts with this one. */
  readonly carryAfter: number | undefined;
}

/** The carries that running through a stretch gave. */
export interface StretchRun<S> {
  /** After `carryAfter` steps. */
  readonly carry: S;
  readonly finalCarry: S;
}

/** What is kept of the steps before, so that gradients of a run that goes on flow back through them. */
export interface PastSteps<S, X = Tensor> {
  /** `[T, B, …]`. */
  readonly input: X;
  /** Carries before steps of it, in their order, which are counted from its first. */
  readonly carries: readonly { readonly step: number; readonly carry: S }[];
}

/** What lies behind a stream, as far back as gradients flow. */
export interface StepHistory<S, X> {
  /** The carry at the end. */
  readonly carry: S;
  /** Its steps, none before the first window. */
  readonly past: PastSteps<S, X> | undefined;
  /** Goes on by a window: runs through its stretch, `k2` steps where there are as many. */
  extend<R extends StretchRun<S>>(
    window: X,
    k2: number,
    run: (stretch: Stretch<S, X>) => PiecewiseTask<R>,
  ): PiecewiseTask<R>;
}

/**
 * A past that begins with a carry and no steps.
 *
 * It keeps the last stretch, its carry, and the one at which the next stretch starts if its window has the same length.
 * Should the length be another, the model runs from the nearest of the two to the right step. With the past of another history
 * it goes on as that one would.
 */
export function historyOf<S, X extends Tensor>(core: Core<S, X>, from: S, past?: PastSteps<S, X>): StepHistory<S, X> {
  let inputs = past?.input;
  let start = 0;
  let end = inputs === undefined ? 0 : stepsOf(inputs);
  let carries = past?.carries ?? [{ step: 0, carry: from }];
  let finalCarry = from;

  function carryBefore(step: number): S {
    const nearest = carries.findLast((known) => known.step <= step);
    if (!nearest || !inputs || nearest.step === step) return nearest?.carry ?? from;
    return evaluate(core, nearest.carry, sliceSteps(inputs, nearest.step - start, step - start))[1];
  }

  return {
    get carry() {
      return finalCarry;
    },
    get past() {
      return inputs && { input: inputs, carries: carries.map(({ step, carry }) => ({ step: step - start, carry })) };
    },
    *extend(window, k2, run) {
      const steps = stepsOf(window);
      const first = Math.max(start, end + steps - k2);
      const next = Math.max(first, end + 2 * steps - k2);
      const carry = carryBefore(first);
      const input = inputs && first < end ? joinSteps(sliceSteps(inputs, first - start), window) : window;
      const result = yield* run({ carry, input, carryAfter: next > first ? next - first : undefined });
      inputs = input;
      start = first;
      end += steps;
      carries = [{ step: first, carry }, ...(next > first ? [{ step: next, carry: result.carry }] : [])];
      finalCarry = result.finalCarry;
      return result;
    },
  };
}
