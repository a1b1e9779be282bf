/** Operators of ONNX that multiply, sum and normalise; convolution and pooling, whose channels come before places. */
import type { Ops } from '../../ops/ops.js';
import { type Shape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import type { Attributes } from './attributes.js';
import { operand, productOf, type Run, sumOf } from './elementwise.js';
import {
  axisOf,
  broadcastShape,
  cut,
  expand,
  fixed,
  fixedOf,
  isFixed,
  reshape,
  signalOf,
  transpose,
  type Value,
} from './values.js';

const matmul: Run = (ops, inputs) => {
  const [a, b] = [signalOf(operand(inputs, 0)), signalOf(operand(inputs, 1))];
  const [left, right] = [a.shape.length === 1, b.shape.length === 1];
  const x = left ? reshape(ops, a, [1, ...a.shape]) : a;
  const y = right ? reshape(ops, b, [...b.shape, 1]) : b;
  const z = product(ops, x, y);
  const shape = z.shape.filter(
    (_, axis) => !(left && axis === z.shape.length - 2) && !(right && axis === z.shape.length - 1),
  );
  return reshape(ops, z, shape);
};

function product(ops: Ops, x: Tensor, y: Tensor): Tensor {
  if (y.shape.length === 2) return ops.matmul(x, y);
  const leading = broadcastShape(x.shape.slice(0, -2), y.shape.slice(0, -2));
  const whole = (z: Tensor) => expand(ops, z, [...leading, ...z.shape.slice(-2)]);
  return ops.batchedMatmul(whole(x), whole(y));
}

const gemm: Run = (ops, inputs, attributes) => {
  const [a, b] = [signalOf(operand(inputs, 0)), signalOf(operand(inputs, 1))];
  const x = attributes.number('transA', 0) === 1 ? transpose(ops, a, [1, 0]) : a;
  const z = ops.matmul(x, b, attributes.number('transB', 0) === 1 ? { b: true } : undefined);
  const [alpha, beta] = [attributes.number('alpha', 1), attributes.number('beta', 1)];
  const scaled = alpha === 1 ? z : ops.affine(z, alpha, 0);
  const c = inputs[2];
  if (c === undefined) return scaled;
  return sumOf(ops, scaled, beta === 1 ? c : productOf(ops, c, fixed('float', [], [beta])));
};

/** Over one axis, or, as before operator set 13, over all axes from one on. */
const softmax =
  (f: (ops: Ops, x: Tensor) => Tensor): Run =>
  (ops, inputs, attributes) => {
    const x = signalOf(operand(inputs, 0));
    const { length } = x.shape;
    const flat = attributes.number('flat', 0) === 1;
    const axis = axisOf(attributes.number('axis', flat ? 1 : -1), length);
    if (flat) {
      const rows = reshape(ops, x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
      return reshape(ops, f(ops, rows), x.shape);
    }
    if (axis === length - 1) return f(ops, x);
    const order = x.shape.map((_, k) => (k === axis ? length - 1 : k === length - 1 ? axis : k));
    return transpose(ops, f(ops, transpose(ops, x, order)), order);
  };

const layerNorm: Run = (ops, inputs, attributes) => {
  const x = signalOf(operand(inputs, 0));
  const axis = axisOf(attributes.number('axis', -1), x.shape.length);
  const width = sizeOf(x.shape.slice(axis));
  const rows = reshape(ops, x, [sizeOf(x.shape.slice(0, axis)), width]);
  const gain = reshape(ops, signalOf(operand(inputs, 1)), [width]);
  const bias = inputs[2] === undefined ? ops.fill([width], 0) : reshape(ops, signalOf(inputs[2]), [width]);
  return reshape(ops, ops.layerNorm(rows, gain, bias, attributes.number('epsilon', 1e-5)), x.shape);
};

/** Sums of axes, by a product with ones. */
const reduced =
  (isMean: boolean): Run =>
  (ops, inputs, attributes) => {
    const x = signalOf(operand(inputs, 0));
    const { length } = x.shape;
    const given = inputs[1] === undefined ? attributes.numbers('axes') : fixedOf(inputs[1], 'axes').data;
    if (given?.length === 0 && attributes.number('noop_with_empty_axes', 0) === 1) return x;
    const axes = (given?.length ? given : x.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, length));
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const count = axes.reduce((all, axis) => all * (x.shape[axis] as number), 1);
    const rows = kept.reduce((all, axis) => all * (x.shape[axis] as number), 1);
    const matrix = reshape(ops, transpose(ops, x, [...kept, ...axes]), [rows, count]);
    const sums = ops.matmul(matrix, ops.fill([count, 1], isMean ? 1 / count : 1));
    const keeps = attributes.number('keepdims', 1) === 1;
    const shape = keeps
      ? x.shape.map((each, axis) => (axes.includes(axis) ? 1 : each))
      : kept.map((axis) => x.shape[axis] as number);
    return reshape(ops, sums, shape);
  };

type Places = readonly [rows: number, columns: number];

/** Sizes of a window over one axis or two; over one, the other is 1. */
function windowOf(attributes: Attributes, name: string, axes: number, otherwise: number): Places {
  const given = attributes.numbers(name) ?? new Array<number>(axes).fill(otherwise);
  if (given.length !== axes) throw new RangeError(`${name} ${showShape(given)} is not of ${axes} axes`);
  return axes === 1 ? [given[0] as number, 1] : [given[0] as number, given[1] as number];
}

/** Zeros around: all of them before the first place, then all after the last one. */
function zerosOf(attributes: Attributes, axes: number): readonly [number, number, number, number] {
  const auto = attributes.text('auto_pad', 'NOTSET');
  if (auto !== 'NOTSET' && auto !== 'VALID') throw new RangeError(`auto_pad ${auto} is none; write the pads down`);
  const pads = attributes.numbers('pads') ?? new Array<number>(2 * axes).fill(0);
  if (pads.length !== 2 * axes) throw new RangeError(`pads ${showShape(pads)} are not of ${axes} axes`);
  const [a = 0, b = 0, c = 0, d = 0] = pads;
  return axes === 1 ? [a, b, 0, 0] : [a, c, b, d];
}

/** `[N, C, …]` of one axis of places or two as images `[N, H, W, C]`, and what comes of them back again. */
function overImages(ops: Ops, x: Tensor, run: (images: Tensor) => Tensor): Tensor {
  const axes = x.shape.length - 2;
  if (axes !== 1 && axes !== 2) throw new RangeError(`${showShape(x.shape)} has no places of one axis or two`);
  const [lanes = 0, channels = 0, rows = 0, columns = 1] = x.shape;
  const images = transpose(ops, reshape(ops, x, [lanes, channels, rows, columns]), [0, 2, 3, 1]);
  const y = transpose(ops, run(images), [0, 3, 1, 2]);
  return axes === 2 ? y : reshape(ops, y, y.shape.slice(0, 3));
}

const conv: Run = (ops, inputs, attributes) => {
  const [x, w] = [signalOf(operand(inputs, 0)), signalOf(operand(inputs, 1))];
  const axes = w.shape.length - 2;
  if ((attributes.numbers('dilations') ?? []).some((step) => step !== 1)) throw new RangeError('dilations are 1 alone');
  const [maps = 0, channels = 0, rows = 0, columns = 1] = w.shape;
  const kernels = transpose(ops, reshape(ops, w, [maps, channels, rows, columns]), [2, 3, 1, 0]);
  const b = inputs[2] === undefined ? undefined : signalOf(inputs[2]);
  const convolution = { stride: windowOf(attributes, 'strides', axes, 1), padding: zerosOf(attributes, axes) };
  const groups = attributes.number('group', 1);
  if (maps % groups !== 0) throw new RangeError(`${maps} maps are not of ${groups} groups`);
  const parts = (z: Tensor, axis: number) =>
    cut(ops, z, axis, new Array<number>(groups).fill((z.shape[axis] as number) / groups));
  return overImages(ops, x, (images) => {
    if (groups === 1) return ops.convolution2d(images, kernels, b, convolution);
    const [seen, by, more] = [parts(images, 3), parts(kernels, 3), b && parts(b, 0)];
    return ops.concat(
      seen.map((each, k) => ops.convolution2d(each, by[k] as Tensor, more?.[k], convolution)),
      3,
    );
  });
};

const pool =
  (f: (ops: Ops, images: Tensor, pooling: { size: Places; stride: Places }) => Tensor): Run =>
  (ops, inputs, attributes) => {
    const x = signalOf(operand(inputs, 0));
    const axes = x.shape.length - 2;
    const odd =
      zerosOf(attributes, axes).some((zeros) => zeros !== 0) ||
      (attributes.numbers('dilations') ?? []).some((step) => step !== 1);
    if (odd || attributes.number('ceil_mode', 0) === 1)
      throw new RangeError('pools have no pads, no dilations and no ceil_mode');
    const pooling = {
      size: windowOf(attributes, 'kernel_shape', axes, 1),
      stride: windowOf(attributes, 'strides', axes, 1),
    };
    return overImages(ops, x, (images) => f(ops, images, pooling));
  };

const globalMean: Run = (ops, inputs) => {
  const x = signalOf(operand(inputs, 0));
  const places = sizeOf(x.shape.slice(2));
  const sums = ops.matmul(reshape(ops, x, [...x.shape.slice(0, 2), places]), ops.fill([places, 1], 1 / places));
  const shape: Shape = x.shape.map((length, axis) => (axis < 2 ? length : 1));
  return reshape(ops, sums, shape);
};

export const products: Readonly<Record<string, Run>> = {
  MatMul: matmul,
  Gemm: gemm,
  Softmax: softmax((ops, x) => ops.softmax(x)),
  LayerNormalization: layerNorm,
  ReduceMean: reduced(true),
  ReduceSum(ops, inputs, attributes): Value {
    const x = operand(inputs, 0);
    if (isFixed(x) && x.shape.length === 1)
      return fixed(x.fixed, attributes.number('keepdims', 1) === 1 ? [1] : [], [x.data.reduce((a, b) => a + b, 0)]);
    return reduced(false)(ops, inputs, attributes) as Value;
  },
  Conv: conv,
  MaxPool: pool((ops, images, pooling) => ops.maxPooling2d(images, pooling)[0]),
  AveragePool: pool((ops, images, pooling) => ops.meanPooling2d(images, pooling)),
  GlobalAveragePool: globalMean,
};
