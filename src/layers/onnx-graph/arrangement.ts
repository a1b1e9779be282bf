/** Operators of ONNX that put numbers elsewhere: axes, parts, rows. */
import type { Ops } from '../../ops/ops.js';
import { type Ids, ids, type Shape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import type { Attributes } from './attributes.js';
import { operand, type Run } from './elementwise.js';
import {
  axisOf,
  broadcastShape,
  cut,
  expand,
  type Fixed,
  fixed,
  fixedOf,
  isCounted,
  isFixed,
  isIds,
  MOST_FIXED,
  requireSize,
  reshape,
  shapeOf,
  signalOf,
  slice,
  transpose,
  type Value,
} from './values.js';

/** Whole numbers that are an operand in later operator sets, and an attribute in earlier ones. */
function listOf(
  inputs: readonly (Value | undefined)[],
  at: number,
  attributes: Attributes,
  name: string,
): readonly number[] | undefined {
  return inputs[at] === undefined ? attributes.numbers(name) : fixedOf(inputs[at], name).data;
}

/** The same numbers, of whatever kind, in another shape. */
function shaped(ops: Ops, x: Value, shape: Shape): Value {
  if (sizeOf(shape) !== sizeOf(shapeOf(x))) {
    throw new RangeError(`${showShape(shapeOf(x))} and ${showShape(shape)} hold different numbers of numbers`);
  }
  if (isFixed(x)) return fixed(x.fixed, shape, x.data);
  if (isCounted(x)) {
    // [B] as [1, B], to which steps are added.
    if (x.steps === undefined && shape.length === 2 && shape[0] === 1) return x;
    throw new TypeError('places are counted before they are put elsewhere');
  }
  return reshape(ops, x, shape);
}

const reshapeTo: Run = (ops, inputs, attributes) => {
  const x = operand(inputs, 0);
  const own = shapeOf(x);
  const wanted = listOf(inputs, 1, attributes, 'shape') ?? [];
  const zeros = attributes.number('allowzero', 0) === 1;
  const known = wanted.map((length, axis) => (length === 0 && !zeros ? (own[axis] ?? 0) : length));
  const rest = known.filter((length) => length !== -1).reduce((a, b) => a * b, 1);
  return shaped(
    ops,
    x,
    known.map((length) => (length === -1 ? sizeOf(own) / rest : length)),
  );
};

const flatten: Run = (ops, inputs, attributes) => {
  const x = operand(inputs, 0);
  const shape = shapeOf(x);
  const at = attributes.number('axis', 1);
  const axis = at < 0 ? at + shape.length : at;
  return shaped(ops, x, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
};

const squeeze: Run = (ops, inputs, attributes) => {
  const x = operand(inputs, 0);
  const shape = shapeOf(x);
  const axes = listOf(inputs, 1, attributes, 'axes')?.map((axis) => axisOf(axis, shape.length));
  const gone = (axis: number) => (axes === undefined ? shape[axis] === 1 : axes.includes(axis));
  return shaped(
    ops,
    x,
    shape.filter((_, axis) => !gone(axis)),
  );
};

const unsqueeze: Run = (ops, inputs, attributes) => {
  const x = operand(inputs, 0);
  const given = listOf(inputs, 1, attributes, 'axes') ?? [];
  const old = [...shapeOf(x)];
  const axes = given.map((axis) => axisOf(axis, old.length + given.length));
  const shape = Array.from({ length: old.length + axes.length }, (_, axis) =>
    axes.includes(axis) ? 1 : (old.shift() as number),
  );
  return shaped(ops, x, shape);
};

/** Numbers that are known, at the places that a function tells from their own. */
function picked(x: Fixed, shape: Shape, from: (place: readonly number[]) => number): Fixed {
  const size = requireSize(shape, MOST_FIXED);
  const place = new Array<number>(shape.length).fill(0);
  const data = Array.from({ length: size }, () => {
    const value = x.data[from(place)] as number;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      place[axis] = 0;
    }
    return value;
  });
  return fixed(x.fixed, shape, data);
}

/** How many numbers lie between neighbours of each axis. */
const strides = (shape: Shape): readonly number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

const transposed: Run = (ops, inputs, attributes) => {
  const x = operand(inputs, 0);
  const { length } = shapeOf(x);
  const order = attributes.numbers('perm') ?? Array.from({ length }, (_, axis) => length - 1 - axis);
  const sorted = [...order].sort((a, b) => a - b);
  if (order.length !== length || sorted.some((axis, k) => axis !== k))
    throw new RangeError(`perm ${showShape(order)} is none of ${length} axes`);
  if (isFixed(x)) {
    const steps = strides(x.shape);
    const shape = order.map((axis) => x.shape[axis] as number);
    return picked(x, shape, (place) =>
      place.reduce((sum, at, k) => sum + at * (steps[order[k] as number] as number), 0),
    );
  }
  return isIds(x) ? transposedIds(ops, x, order) : transpose(ops, signalOf(x), order);
};

/** Ids in another order: of one step or one lane they are the same numbers. */
export function transposedIds(ops: Ops, x: Ids, order: readonly number[]): Ids {
  const shape = order.map((axis) => x.shape[axis] as number);
  const long = order.filter((axis) => x.shape[axis] !== 1);
  if (long.every((axis, k) => k === 0 || axis > (long[k - 1] as number))) return reshape(ops, x, shape) as Ids;
  const steps = strides(x.shape);
  const numbers = fixed('int', x.shape, Array.from(x.data));
  const turned = picked(numbers, shape, (place) =>
    place.reduce((sum, at, k) => sum + at * (steps[order[k] as number] as number), 0),
  );
  return ids(shape, [...turned.data]);
}

const concat: Run = (ops, inputs, attributes) => {
  const parts = inputs.filter((part): part is Value => part !== undefined && sizeOf(shapeOf(part)) > 0);
  const first = parts[0] ?? operand(inputs, 0);
  const axis = axisOf(attributes.number('axis', 0), shapeOf(first).length);
  if (parts.every(isFixed)) {
    const known = parts as readonly Fixed[];
    const before = sizeOf(shapeOf(first).slice(0, axis));
    const total = known.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
    const data = Array.from({ length: before }, (_, k) =>
      known.flatMap((part) => {
        const width = part.data.length / before;
        return part.data.slice(k * width, (k + 1) * width);
      }),
    ).flat();
    requireSize([data.length], MOST_FIXED);
    return fixed(
      (first as Fixed).fixed,
      shapeOf(first).map((length, k) => (k === axis ? total : length)),
      data,
    );
  }
  return parts.length === 1 ? first : ops.concat(parts.map(signalOf), axis);
};

const split: Run = (ops, inputs, attributes) => {
  const x = signalOf(operand(inputs, 0));
  const axis = axisOf(attributes.number('axis', 0), x.shape.length);
  const length = x.shape[axis] as number;
  const outputs = attributes.number('outputs', 1);
  const size = Math.ceil(length / outputs);
  const equal = Array.from({ length: outputs }, (_, k) => Math.min(size, length - k * size));
  return cut(ops, x, axis, listOf(inputs, 1, attributes, 'split') ?? equal);
};

const sliced: Run = (ops, inputs, attributes) => {
  const x = operand(inputs, 0);
  const starts = listOf(inputs, 1, attributes, 'starts') ?? [];
  const ends = listOf(inputs, 2, attributes, 'ends') ?? [];
  const axes = listOf(inputs, 3, attributes, 'axes') ?? starts.map((_, axis) => axis);
  const steps = listOf(inputs, 4, attributes, 'steps') ?? starts.map(() => 1);
  if (steps.some((step) => step !== 1)) throw new RangeError('a slice has steps of 1 alone');
  return axes.reduce<Value>((whole, each, k) => {
    const shape = shapeOf(whole);
    const axis = axisOf(each, shape.length);
    const length = shape[axis] as number;
    const within = (place: number) => Math.min(length, Math.max(0, place < 0 ? place + length : place));
    const [from, to] = [within(starts[k] as number), within(ends[k] as number)];
    if (!isFixed(whole)) return slice(ops, signalOf(whole), axis, from, Math.max(from, to));
    const by = strides(shape);
    const kept = shape.map((each_, at) => (at === axis ? Math.max(0, to - from) : each_));
    return picked(whole, kept, (place) =>
      place.reduce((sum, at, k_) => sum + (at + (k_ === axis ? from : 0)) * (by[k_] as number), 0),
    );
  }, x);
};

const gather: Run = (ops, inputs, attributes) => {
  const [x, at] = [operand(inputs, 0), operand(inputs, 1)];
  const shape = shapeOf(x);
  const axis = axisOf(attributes.number('axis', 0), shape.length);
  const length = shape[axis] as number;
  if (!isFixed(at)) {
    if (!isIds(at)) throw new TypeError('what is gathered is told by ids');
    const table = signalOf(x);
    if (axis !== 0 || table.shape.length !== 2) throw new TypeError('ids look up the rows of a table, axis 0 of two');
    return ops.gather(table, at);
  }
  const places = at.data.map((place) => (place < 0 ? place + length : place));
  if (places.some((place) => !(place >= 0 && place < length)))
    throw new RangeError(`${showShape(at.data)} is not below ${length}`);
  const around = [shape.slice(0, axis), shape.slice(axis + 1)] as const;
  const whole = [...around[0], ...at.shape, ...around[1]];
  if (isFixed(x)) {
    const [before, after] = around.map(sizeOf) as [number, number];
    const data = Array.from({ length: before }, (_, k) =>
      places.flatMap((place) => x.data.slice((k * length + place) * after, (k * length + place + 1) * after)),
    ).flat();
    requireSize([data.length], MOST_FIXED);
    return fixed(x.fixed, whole, data);
  }
  const parts = places.map((place) => slice(ops, signalOf(x), axis, place, place + 1));
  return shaped(ops, parts.length === 1 ? (parts[0] as Tensor) : ops.concat(parts, axis), whole);
};

const constantOfShape: Run = (_, inputs, attributes) => {
  const { data } = fixedOf(inputs[0], 'the shape');
  const value = attributes.number('number', 0);
  const kind = attributes.text('kind', 'float') as Fixed['fixed'];
  return fixed(kind, data, new Array<number>(requireSize(data, MOST_FIXED)).fill(value));
};

const expanded: Run = (ops, inputs) => {
  const x = operand(inputs, 0);
  const shape = broadcastShape(shapeOf(x), fixedOf(inputs[1], 'the shape').data);
  if (!isFixed(x)) return expand(ops, signalOf(x), shape);
  const own = strides(x.shape);
  const lead = shape.length - x.shape.length;
  return picked(x, shape, (place) =>
    x.shape.reduce((sum, length, k) => sum + (length === 1 ? 0 : (place[lead + k] as number) * (own[k] as number)), 0),
  );
};

const range: Run = (_, inputs) => {
  const [start = 0, limit = 0, step = 1] = [0, 1, 2].map((at) => fixedOf(inputs[at], 'a range').data[0]);
  const length = Math.max(0, Math.ceil((limit - start) / step));
  requireSize([length], MOST_FIXED);
  return fixed(
    fixedOf(inputs[0], 'a range').fixed,
    [length],
    Array.from({ length }, (_, k) => start + k * step),
  );
};

const oneHot: Run = (ops, inputs, attributes) => {
  const at = operand(inputs, 0);
  const classes = fixedOf(inputs[1], 'the number of classes').data[0] as number;
  const [off = 0, on = 1] = fixedOf(inputs[2], 'the values').data;
  if (!isIds(at) || off !== 0 || on !== 1) throw new TypeError('it makes unit vectors of 0 and 1, of ids alone');
  if (axisOf(attributes.number('axis', -1), at.shape.length + 1) !== at.shape.length)
    throw new RangeError('the classes are the last axis');
  return ops.oneHot(at, classes);
};

export const arrangement: Readonly<Record<string, Run>> = {
  Reshape: reshapeTo,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transposed,
  Concat: concat,
  Split: split,
  Slice: sliced,
  Gather: gather,
  Shape(_, inputs, attributes) {
    const shape = shapeOf(operand(inputs, 0));
    const part = shape.slice(attributes.number('start', 0), attributes.number('end', shape.length));
    return fixed('int', [part.length], part);
  },
  Size: (_, inputs) => fixed('int', [], [sizeOf(shapeOf(operand(inputs, 0)))]),
  ConstantOfShape: constantOfShape,
  Expand: expanded,
  Range: range,
  OneHot: oneHot,
};
