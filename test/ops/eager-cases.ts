import type { AttentionForm } from '../../src/ops/attention.js';
import { type Convolution, convolutionShape, poolingShape } from '../../src/ops/images.js';
import type { Ops } from '../../src/ops/ops.js';
import { parameter } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { ids, type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

function uniform(shape: Shape, seed: number, low = -2, high = 2): Tensor {
  const random = generator(seed);
  return tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.uniform()),
  );
}

const symbols = (shape: Shape, below: number, padding = false) => {
  const random = generator(9);
  return ids(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, k) => (padding && k % 5 === 3 ? -1 : random.below(below))),
  );
};

/** Convolutions: with and without strides and padding, few and many channels, a kernel deeper than a block. */
const convolutions: readonly (readonly [x: Shape, w: Shape, convolution?: Convolution])[] = [
  [
    [2, 3, 12, 11, 3],
    [5, 4, 3, 6],
  ],
  [
    [20, 12, 12, 6],
    [5, 5, 6, 16],
  ],
  [[5, 9, 8, 5], [3, 3, 5, 21], { padding: [1, 1, 1, 1] }],
  [[13, 14, 1], [3, 2, 1, 35], { stride: [2, 3], padding: [2, 0, 1, 3] }],
  [[2, 10, 9, 64], [3, 3, 64, 40], { stride: [2, 2], padding: [1, 1, 1, 1] }],
  [[1, 37, 3, 7], [4, 1, 7, 9], { padding: [3, 0, 0, 0] }],
  [[1, 2, 2, 3], [2, 2, 3, 4], { padding: [4, 3, 2, 5] }],
  [
    [2, 4, 4, 8],
    [1, 1, 8, 300],
  ],
  [
    [0, 4, 4, 2],
    [3, 3, 2, 5],
  ],
];

const poolings = [
  [[3, 9, 10, 6], { size: [2, 2] }],
  [[2, 2, 13, 11, 21], { size: [3, 3], stride: [2, 2] }],
  [[1, 12, 5, 1], { size: [3, 1], stride: [1, 2] }],
] as const;

export type Body = (ops: Ops) => Tensor | readonly Tensor[];

const x = uniform([7, 5, 13], 1);
const same = uniform([7, 5, 13], 2);
const positive = uniform([7, 5, 13], 3, 0.1, 3);
const large = uniform([50, 32, 128], 4);
const weight = parameter([13, 21], (shape) => uniform(shape, 5).data as Float32Array);

/** Chains of awkward sizes, long and short lanes, scores near and (from the third on) so far apart that exponentials vanish. */
const chains = [
  [[7, 5, 13], 3, 3],
  [[1, 3, 6], 2, 2],
  [[6, 9, 17], 3, 400],
  [[4, 2, 24], 9000, 9000],
].map(([shape, near, far]) => {
  const [steps, lanes, count] = shape as [number, number, number];
  const parts = [
    uniform([steps, lanes, count], 1, -(near as number), near as number),
    uniform([count, count], 2, -(far as number), far as number),
    uniform([count], 3),
    uniform([count], 4, -(far as number), far as number),
  ] as const;
  const random = generator(5);
  const tags = ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, (_, k) =>
      Math.floor(k / lanes) < Math.max(0, steps - (k % lanes)) ? random.below(count) : -1,
    ),
  );
  return { parts, tags };
});

/** Operands of attention by heads: some steps, lanes and features, and keys of as many steps or others. */
interface Attended {
  readonly steps: number;
  readonly keys?: number;
  readonly lanes: number;
  readonly features: number;
  readonly form: AttentionForm;
  /** How many steps of the past have been, in each lane. */
  readonly known?: readonly number[];
  readonly before?: number;
  readonly mask?: (step: number, lane: number) => boolean;
}

/** The result, and the gradients of all parts. */
function attended({ steps, keys = steps, lanes, features, form, known, before = 0, mask }: Attended): Body {
  const signal = (count: number, seed: number) => uniform([count, lanes, features], seed);
  const past = known === undefined ? [] : [5, 6].map((seed) => uniform([lanes, before, features], seed));
  const parts = [signal(steps, 2), signal(keys, 3), signal(keys, 4), ...past];
  const seen =
    mask &&
    tensor(
      [keys, lanes],
      Float32Array.from({ length: keys * lanes }, (_, k) => Number(mask(Math.floor(k / lanes), k % lanes))),
    );
  const count = known && tensor([lanes], [...known]);
  return (ops) => {
    const y = ops.attention(parts, form, seen, count);
    return [y, ...ops.attentionAdjoint(signal(steps, 7), y, parts, form, seen, count, known !== undefined)];
  };
}

/** Columns that are fewer than eight, that leave a rest, and that are many chunks; windows of one step and of more. */
const scans = (
  [
    [1, 3],
    [5, 2, 13],
    [1, 4, 16],
    [70, 32, 33],
    [400, 5],
  ] as const
).map((shape) => {
  const step = uniform(shape.slice(1), 8);
  return { a: uniform(shape, 6, -1, 1), b: uniform(shape, 7), h: step, gradient: uniform(shape, 9) };
});

/** Steps, lanes, heads, keys and values: groups of sixteen values that are whole and that are not; steps of which some memories are kept. */
const deltas = (
  [
    [1, 3, 2, 5, 3],
    [7, 2, 3, 8, 16],
    [50, 4, 2, 24, 40],
    [3, 1, 1, 1, 1],
    [30, 1, 1, 3, 100],
  ] as const
).map(([steps, lanes, heads, keys, values]) => ({
  operands: [
    uniform([lanes, heads, keys, values], 6),
    uniform([steps, lanes, heads, keys], 7, -0.5, 0.5),
    uniform([steps, lanes, heads, keys], 8, -0.5, 0.5),
    uniform([steps, lanes, heads, values], 9),
    uniform([steps, lanes, heads], 10, 0.5, 1),
    uniform([steps, lanes, heads], 11, 0, 1),
  ] as const,
  gradients: [uniform([steps, lanes, heads, values], 12), uniform([lanes, heads, keys, values], 13)] as const,
}));

/** Every primitive and adjoint, with every form of its operands. */
export const cases: Record<string, Body> = {
  matmul: (ops) => ops.matmul(x, uniform([13, 21], 6)),
  'matmul, right transposed': (ops) => ops.matmul(x, uniform([21, 13], 6), { b: true }),
  'matmul, left transposed': (ops) => ops.matmul(x, uniform([7, 5, 21], 6), { a: true }),
  'matmul, both transposed': (ops) => ops.matmul(uniform([8, 13], 6), uniform([21, 8], 7), { a: true, b: true }),
  'matmul with a parameter, several times': (ops) => [
    ops.matmul(x, weight),
    ops.matmul(same, weight),
    ops.matmul(positive, weight),
    ops.matmul(uniform([1, 9, 21], 8), weight, { b: true }),
    ops.matmul(uniform([1, 2, 21], 8), weight, { b: true }),
  ],
  'matmul, large': (ops) => ops.matmul(large, uniform([128, 300], 6, -0.1, 0.1)),
  batchedMatmul: (ops) => [
    ops.batchedMatmul(x, uniform([7, 13, 21], 6)),
    ops.batchedMatmul(uniform([6, 8, 64, 32], 6), uniform([6, 8, 32, 64], 7)),
    ops.batchedMatmul(uniform([9, 13], 6), uniform([13, 4], 7)),
    ops.batchedMatmul(uniform([0, 9, 13], 6), uniform([0, 13, 4], 7)),
    ops.batchedMatmul(uniform([2, 3, 0], 6), uniform([2, 0, 4], 7)),
  ],
  'batchedMatmul, right transposed': (ops) => ops.batchedMatmul(x, uniform([7, 21, 13], 6), { b: true }),
  'batchedMatmul, left transposed': (ops) => ops.batchedMatmul(x, uniform([7, 5, 21], 6), { a: true }),
  'batchedMatmul, both transposed': (ops) => ops.batchedMatmul(x, uniform([7, 21, 5], 6), { a: true, b: true }),
  'batchedMatmul with a parameter': (ops) => ops.batchedMatmul(ops.reshape(x, [35, 13]), weight),
  add: (ops) => [
    ops.add(x, same),
    ops.add(x, uniform([13], 6)),
    ops.add(x, uniform([5, 13], 6)),
    ops.add(x, uniform([7, 5, 1], 6)),
    ops.add(x, uniform([], 6)),
    ops.add(x, uniform([1], 6)),
  ],
  subtract: (ops) => [ops.subtract(x, same), ops.subtract(x, uniform([13], 6)), ops.subtract(x, uniform([7, 5, 1], 6))],
  multiply: (ops) => [
    ops.multiply(x, same),
    ops.multiply(x, uniform([13], 6)),
    ops.multiply(x, uniform([7, 5, 1], 6)),
    ops.multiply(x, uniform([], 6)),
  ],
  divide: (ops) => [
    ops.divide(x, positive),
    ops.divide(x, uniform([13], 6, 1, 2)),
    ops.divide(x, uniform([7, 5, 1], 6, 1, 2)),
    ops.divide(x, uniform([], 6, 1, 2)),
  ],
  maximum: (ops) => [
    ops.maximum(x, same),
    ops.maximum(x, uniform([13], 6)),
    ops.maximum(x, uniform([7, 5, 1], 6)),
    ops.maximum(x, uniform([], 6)),
  ],
  affine: (ops) => ops.affine(x, -1.5, 0.25),
  exp: (ops) => ops.exp(x),
  expm1: (ops) => ops.expm1(x),
  softplus: (ops) => ops.softplus(uniform([7, 5, 13], 6, -30, 30)),
  gelu: (ops) => [ops.gelu(x), ops.gelu(uniform([7, 5, 13], 6, -15, 15))],
  geluTanh: (ops) => [ops.geluTanh(x), ops.geluTanh(uniform([7, 5, 13], 6, -15, 15))],
  geluAdjoint: (ops) => [ops.geluAdjoint(same, x), ops.geluAdjoint(same, uniform([7, 5, 13], 6, -15, 15))],
  geluTanhAdjoint: (ops) => [ops.geluTanhAdjoint(same, x), ops.geluTanhAdjoint(same, uniform([7, 5, 13], 6, -15, 15))],
  log: (ops) => ops.log(positive),
  sqrt: (ops) => ops.sqrt(positive),
  tanh: (ops) => ops.tanh(x),
  logistic: (ops) => ops.logistic(x),
  relu: (ops) => ops.relu(x),
  softmax: (ops) => [ops.softmax(x), ops.softmax(uniform([3, 1], 6)), ops.softmax(uniform([4, 64], 6))],
  layerNorm: (ops) => [
    ops.layerNorm(x, uniform([13], 6), uniform([13], 7), 1e-5),
    ops.layerNorm(large, uniform([128], 6), uniform([128], 7), 1e-5),
    ops.layerNorm(uniform([3, 1], 6), uniform([1], 6), uniform([1], 7), 1e-5),
  ],
  layerNormAdjoint: (ops) => [
    ...ops.layerNormAdjoint(same, x, uniform([13], 6), 1e-5),
    ...ops.layerNormAdjoint(uniform([50, 32, 128], 5), large, uniform([128], 6), 1e-5),
  ],
  attention: attended({ steps: 7, keys: 9, lanes: 2, features: 12, form: { heads: 3 } }),
  'attention, causal': attended({ steps: 70, lanes: 3, features: 64, form: { heads: 2, causal: true } }),
  'attention, one head of odd width': attended({ steps: 40, lanes: 1, features: 19, form: { heads: 1, causal: true } }),
  'attention, padded, a lane to the last key': attended({
    steps: 5,
    keys: 37,
    lanes: 3,
    features: 40,
    form: { heads: 2 },
    mask: (step, lane) => lane !== 2 && (step % 3 !== lane || step > 30),
  }),
  'attention, causal and padded': attended({
    steps: 37,
    lanes: 2,
    features: 32,
    form: { heads: 2, causal: true },
    mask: (step, lane) => step >= 3 * lane,
  }),
  'attention with a past': attended({
    steps: 45,
    lanes: 4,
    features: 32,
    form: { heads: 2, causal: true },
    before: 20,
    known: [0, 7, 20, 13],
  }),
  'attention with a past, one step': attended({
    steps: 1,
    lanes: 2,
    features: 32,
    form: { heads: 4, causal: true },
    before: 20,
    known: [0, 20],
  }),
  'attention, weights dropped': attended({
    steps: 37,
    keys: 45,
    lanes: 3,
    features: 32,
    form: { heads: 2, drop: { keep: 0.7, key: 4_000_000_000 } },
    mask: (step, lane) => step % 4 !== lane,
  }),
  'attention with a past, weights dropped': attended({
    steps: 37,
    lanes: 2,
    features: 38,
    form: { heads: 2, causal: true, drop: { keep: 0.4, key: -9 } },
    before: 20,
    known: [3, 20],
  }),
  scan: (ops) => scans.map(({ a, b, h }) => ops.scan(a, b, h)),
  deltaRule: (ops) => deltas.flatMap(({ operands }) => ops.deltaRule(...operands)),
  deltaRuleAdjoint: (ops) => deltas.flatMap(({ operands, gradients }) => ops.deltaRuleAdjoint(...gradients, operands)),
  scanAdjoint: (ops) => scans.flatMap(({ a, b, h, gradient }) => ops.scanAdjoint(gradient, a, ops.scan(a, b, h), h)),
  swapAxes: (ops) => [
    ops.swapAxes(x),
    ops.swapAxes(large),
    ops.swapAxes(uniform([3, 5], 6)),
    ops.swapAxes(symbols([4, 6, 2], 9)),
  ],
  countFrom: (ops) => [ops.countFrom(tensor([3], [0, 4, 9]), 5, 9), ops.countFrom(tensor([2], [0, 1]), 1, 1)],
  reshape: (ops) => ops.reshape(x, [35, 13]),
  split: (ops) => [...ops.split(x, 0, [3, 4]), ...ops.split(x, 1, [1, 0, 4]), ...ops.split(x, 2, [5, 8])],
  concat: (ops) => [
    ops.concat([x, same], 0),
    ops.concat([x, same], 1),
    ops.concat([x, same, uniform([7, 5, 2], 6)], 2),
  ],
  'a view of a view, used by loops that run past its end': (ops) => {
    const [, second] = ops.split(x, 0, [2, 5]) as [Tensor, Tensor];
    const [first] = ops.split(second, 0, [1, 4]) as [Tensor, Tensor];
    return ops.tanh(ops.add(first, ops.reshape(first, [1, 5, 13])));
  },
  sumTo: (ops) => [
    ops.sumTo(x, [13]),
    ops.sumTo(x, [5, 13]),
    ops.sumTo(x, [7, 5, 1]),
    ops.sumTo(x, []),
    ops.sumTo(large, []),
    ops.sumTo(large, [128]),
    ops.sumTo(x, [7, 5, 13]),
  ],
  gather: (ops) => ops.gather(uniform([17, 6], 6), symbols([7, 5], 17)),
  convolution2d: (ops) =>
    convolutions.flatMap(([images, kernels, convolution]) => {
      const [from, w, b] = [uniform(images, 6), uniform(kernels, 7, -0.5, 0.5), uniform(kernels.slice(3), 8)];
      return [
        ops.convolution2d(from, w, b, convolution),
        ops.convolution2d(from, w, undefined, { ...convolution, relu: true }),
      ];
    }),
  convolution2dInputAdjoint: (ops) =>
    convolutions.map(([images, kernels, convolution]) => {
      const { shape } = convolutionShape(images, kernels, undefined, convolution ?? {});
      return ops.convolution2dInputAdjoint(uniform(shape, 6), uniform(kernels, 7, -0.5, 0.5), images, convolution);
    }),
  convolution2dWeightsAdjoint: (ops) =>
    convolutions.flatMap(([images, kernels, convolution]) => {
      const { shape } = convolutionShape(images, kernels, undefined, convolution ?? {});
      return ops.convolution2dWeightsAdjoint(uniform(shape, 6), uniform(images, 7), kernels, convolution);
    }),
  maxPooling2d: (ops) => poolings.flatMap(([images, pooling]) => ops.maxPooling2d(uniform(images, 6), pooling)),
  'maxPooling2d of equal numbers': (ops) => ops.maxPooling2d(ops.fill([2, 6, 6, 5], -1), { size: [3, 2] }),
  maxPooling2dAdjoint: (ops) =>
    poolings.map(([images, pooling]) => {
      const [y, places] = ops.maxPooling2d(uniform(images, 6), pooling);
      return ops.maxPooling2dAdjoint(uniform(y.shape, 7), places, images, pooling);
    }),
  meanPooling2d: (ops) => poolings.map(([images, pooling]) => ops.meanPooling2d(uniform(images, 6), pooling)),
  meanPooling2dAdjoint: (ops) =>
    poolings.map(([images, pooling]) => {
      const { shape } = poolingShape(images, pooling, '');
      return ops.meanPooling2dAdjoint(uniform(shape, 7), images, pooling);
    }),
  scatterAdd: (ops) => [ops.scatterAdd(x, symbols([7, 5], 17), 17), ops.scatterAdd(large, symbols([50, 32], 9), 9)],
  crossEntropy: (ops) => [
    ops.crossEntropy(x, symbols([7, 5], 13, true)),
    ops.crossEntropy(uniform([7, 5, 64], 6, -50, 50), symbols([7, 5], 64)),
  ],
  crossEntropyAdjoint: (ops) => ops.crossEntropyAdjoint(uniform([7, 5], 6), x, symbols([7, 5], 13, true)),
  linearChain: (ops) => chains.map(({ parts: [s, t, b, e], tags }) => ops.linearChain(s, t, b, e, tags)),
  linearChainAdjoint: (ops) =>
    chains.flatMap(({ parts: [s, t, b, e], tags }) =>
      ops.linearChainAdjoint(uniform([tags.shape[1] as number], 8), s, t, b, e, tags),
    ),
  tanhAdjoint: (ops) => ops.tanhAdjoint(x, uniform([7, 5, 13], 6, -1, 1)),
  logisticAdjoint: (ops) => ops.logisticAdjoint(x, uniform([7, 5, 13], 6, 0, 1)),
  reluAdjoint: (ops) => ops.reluAdjoint(x, same),
  softmaxAdjoint: (ops) => ops.softmaxAdjoint(same, ops.softmax(x)),
  fill: (ops) => ops.fill([3, 5], 2.5),
  bernoulli: (ops) => [
    ops.bernoulli([50, 9], 0.7, 12345),
    ops.bernoulli([9], 1, 1),
    ops.bernoulli([9], 0, 1),
    ops.bernoulli([40_000], 0.5, -7),
  ],
};

/** One result or several, as several. */
export const list = (value: Tensor | readonly Tensor[]): readonly Tensor[] => ('shape' in value ? [value] : value);
