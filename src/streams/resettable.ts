import { defer, map, type OperatorFunction } from 'rxjs';
import { overLiveLanes } from '../cells/masked.js';
import { type Core, evaluator } from '../layer.js';
import { afterResets, type Resets } from './reset.js';

/** A signal, and the lanes that start afresh before it. A `Window` is one. */
export interface Resettable<X> {
  readonly input: X;
  readonly reset?: Resets;
}

/**
 * A model over a stream whose signals may ask for resets of single lanes: a lane that is flagged starts from the
 * model's initial carry, the others go on.
 *
 * Shapes: `{ input: [T, B, …], reset?: B flags }` → the model's output. The carry is the model's, kept from signal to
 * signal; a subscription starts afresh.
 *
 * @param model a layer, a stack, or a model.
 * @returns an operator: the model's output for each signal.
 * @throws RangeError, TypeError (as error notifications) where the number of flags or of lanes does not fit.
 * @example
 * windows$.pipe(map(({ input }, k) => ({ input, reset: [k % 3 === 0] })), resettable(model)) // afresh every third window
 */
export function resettable<S, X, Y>(model: Core<S, X, Y>): OperatorFunction<Resettable<X>, Y> {
  return (source) =>
    defer(() => {
      const step = evaluator(overLiveLanes(model));
      return source.pipe(
        map(
          ({ input, reset }) =>
            step(input, reset && ((carry) => afterResets('resettable', model, carry, reset))).output,
        ),
      );
    });
}
