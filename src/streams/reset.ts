import { restored } from '../carry.js';
import { requireKind } from '../checks.js';
import type { Core } from '../layer.js';
import { isTensor, sameShape, showShape, type Tensor } from '../tensor.js';
import * as tree from '../tree.js';

/** Whether a lane starts afresh, lane by lane. */
export type Resets = readonly boolean[];

function replaceLanes(operation: string, kept: Tensor, fresh: Tensor, flags: Resets): Tensor {
  const [lanes] = kept.shape;
  if (lanes !== flags.length) {
    throw new RangeError(
      `${operation}: a carry of shape ${showShape(kept.shape)} has ${lanes} lanes, but ${flags.length} flags were given; ` +
        'give one flag for each lane.',
    );
  }
  if (!sameShape(kept.shape, fresh.shape)) {
    throw new RangeError(
      `${operation}: a carry of shape ${showShape(kept.shape)} has nothing to start afresh with, since the model's own is ` +
        `${showShape(fresh.shape)}; give a carry of this model.`,
    );
  }
  const width = kept.data.length / lanes;
  const data = kept.data.slice();
  flags.forEach((flag, lane) => {
    if (flag) data.set(fresh.data.subarray(lane * width, (lane + 1) * width), lane * width);
  });
  return { shape: kept.shape, type: kept.type, data };
}

/**
 * A carry whose flagged lanes are as before the first step; the other lanes are untouched.
 *
 * Carry: in its tensors the first axis is the batch. The given carry is not changed.
 *
 * @param core whose initial carry flagged lanes get.
 * @param carry that of B lanes.
 * @param flags B of them.
 * @returns the carry; the given one where no lane is flagged.
 * @throws RangeError where there is not one flag for each lane.
 * @throws TypeError, RangeError where the carry is not one of this model.
 * @example
 * resetLanes(model, carry, [false, true]); // lane 1 starts afresh
 */
export function resetLanes<S>(core: Pick<Core<S>, 'initial'>, carry: S, flags: Resets): S {
  return afterResets('resetLanes', core, carry, flags);
}

/** {@link resetLanes} on behalf of an operation. */
export function afterResets<S>(operation: string, core: Pick<Core<S>, 'initial'>, carry: S, flags: Resets): S {
  requireKind(operation, Array.isArray(flags), 'a list of flags', flags, 'give one flag for each lane');
  if (!flags.includes(true)) return carry;
  const kept = restored(carry, `${operation}: the carry`);
  const reset = ([part, fresh]: readonly unknown[], path: string) => {
    if (isTensor(part) && isTensor(fresh)) return replaceLanes(operation, part, fresh, flags);
    if (Object(part) !== part && Object(fresh) !== fresh) return part;
    throw new TypeError(
      `${path} is ${tree.shownPart(part)}, but that of the model ${tree.shownPart(fresh)}; give a carry of this model.`,
    );
  };
  return tree.zip([kept, core.initial(flags.length)], reset, `${operation}: the carry`) as S;
}
