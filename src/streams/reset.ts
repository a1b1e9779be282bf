import { restored } from '../carry.js';
import type { Core } from '../layer.js';
import { isTensor, sameShape, showShape, type Tensor } from '../tensor.js';

/** Whether a lane starts afresh, lane by lane. */
export type Resets = readonly boolean[];

function replaceLanes(kept: Tensor, fresh: Tensor, flags: Resets): Tensor {
  const [lanes] = kept.shape;
  if (lanes !== flags.length) {
    throw new RangeError(
      `reset: a carry of shape ${showShape(kept.shape)} has ${lanes} lanes, but ${flags.length} flags were given; ` +
        'give one flag for each lane.',
    );
  }
  if (!sameShape(kept.shape, fresh.shape)) {
    throw new RangeError(
      `reset: a carry of shape ${showShape(kept.shape)} has nothing to start afresh with, since the model's own is ` +
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

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null;

function replaceIn(kept: unknown, fresh: unknown, flags: Resets): unknown {
  if (isTensor(kept) !== isTensor(fresh) || (isRecord(fresh) && !isRecord(kept))) {
    const [got, own] = [kept, fresh].map((part) =>
      isTensor(part) ? `a tensor ${showShape(part.shape)}` : part === null ? 'null' : typeof part,
    );
    throw new TypeError(`reset: a part of the carry is ${got}, but of the model's ${own}; give a carry of this model.`);
  }
  if (isTensor(kept)) return replaceLanes(kept, fresh as Tensor, flags);
  if (typeof kept !== 'object' || kept === null) return kept;
  if (Array.isArray(kept)) return kept.map((item, k) => replaceIn(item, (fresh as unknown[])[k], flags));
  const [own, from] = [kept, fresh] as Record<string, unknown>[];
  return Object.fromEntries(
    Object.keys({ ...from, ...own }).map((name) => [name, replaceIn(own?.[name], from?.[name], flags)]),
  );
}

/**
 * A carry whose flagged lanes are as before the first step; the other lanes are untouched.
 *
 * Carry: in its tensors the first axis is the batch. The given carry is not changed.
 *
 * @throws RangeError where there is not one flag for each lane.
 * @throws TypeError, RangeError where the carry is not one of this model.
 * @example
 * resetLanes(model, carry, [false, true]); // lane 1 starts afresh
 */
export function resetLanes<S>(core: Pick<Core<S>, 'initial'>, carry: S, flags: Resets): S {
  if (!flags.includes(true)) return carry;
  return replaceIn(restored(carry, 'reset: the carry'), core.initial(flags.length), flags) as S;
}
