import { batchOf, type Core, evaluate } from '../layer.js';
import { type Resets, resetLanes } from './reset.js';
import { requireSameLanes } from './window.js';

/** Takes signals one after the other through a core, and keeps the carry in between. */
export type Evaluator<X, Y> = (x: X, reset?: Resets) => Y;

/**
 * A core with the carry of one subscription, for operators that look at more than the output.
 *
 * @throws TypeError when called with another number of lanes than before.
 */
export function evaluator<S, X, Y>(core: Core<S, X, Y>): Evaluator<X, Y> {
  let kept: { readonly carry: S; readonly lanes: number } | undefined;
  return (x, reset) => {
    const lanes = batchOf(x);
    requireSameLanes(core.kind, kept?.lanes, lanes);
    const before = kept?.carry ?? core.initial(lanes);
    const [y, carry] = evaluate(core, reset ? resetLanes(core, before, reset) : before, x);
    kept = { carry, lanes };
    return y;
  };
}
