import { describe, expect, it } from 'vitest';
import { vjps } from '../../src/backprop/vjps.js';
import type { Ops } from '../../src/ops/ops.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';
import { draw, expectGradients } from './differences.js';

const positive = (x: Tensor): Tensor =>
  tensor(
    x.shape,
    Float64Array.from(x.data, (value) => 0.5 + value * value),
  );

const x = draw([2, 3, 4], 'x');
const table = draw([5, 3], 'table');
const logits = draw([2, 3, 4], 'logits', 2);
const broadcasts = [[2, 3, 4], [3, 4], [4], [2, 3, 1], [1], []].map((shape) => draw(shape, `b${shape}`));

type Case = readonly [title: string, operands: readonly Tensor[], body: (ops: Ops) => Tensor];

const unary: readonly Case[] = [
  ['affine', [x], (ops) => ops.affine(x, -2.5, 1)],
  ['exp', [x], (ops) => ops.exp(x)],
  ['expm1', [x], (ops) => ops.expm1(x)],
  ['softplus', [x], (ops) => ops.softplus(x)],
  ['gelu', [x], (ops) => ops.gelu(x)],
  ['geluTanh', [x], (ops) => ops.geluTanh(x)],
  ['tanh', [x], (ops) => ops.tanh(x)],
  ['logistic', [x], (ops) => ops.logistic(x)],
  ['relu', [x], (ops) => ops.relu(x)],
  ['softmax', [x], (ops) => ops.softmax(x)],
  ['reshape', [x], (ops) => ops.reshape(x, [6, 4])],
];

const above0 = positive(x);
const roots: readonly Case[] = [
  ['log', [above0], (ops) => ops.log(above0)],
  ['sqrt', [above0], (ops) => ops.sqrt(above0)],
];

const binary = (['add', 'subtract', 'multiply', 'divide', 'maximum'] as const).flatMap((name) =>
  broadcasts.map((b): Case => {
    const second = name === 'divide' ? positive(b) : b;
    return [`${name} [2, 3, 4] and [${b.shape}]`, [x, second], (ops) => ops[name](x, second)];
  }),
);

const products = (
  [
    ['matmul', [2, 3, 4], [4, 5], {}],
    ['matmul of a vector', [4], [4, 5], {}],
    ['matmul, b transposed', [2, 3, 4], [5, 4], { b: true }],
    ['matmul, a transposed', [2, 3, 4], [2, 3, 5], { a: true }],
    ['matmul, a transposed, rows shaped otherwise', [2, 3, 4], [6, 5], { a: true }],
    ['matmul, both transposed', [2, 3, 4], [5, 6], { a: true, b: true }],
  ] as const
).map(([title, left, right, transposed]): Case => {
  const a = draw(left, 'left');
  const b = draw(right, 'right');
  return [title, [a, b], (ops) => ops.matmul(a, b, transposed)];
});

const batched = (
  [
    ['batchedMatmul', [2, 3, 4], [2, 4, 5], {}],
    ['batchedMatmul, leading axes', [2, 2, 3, 4], [2, 2, 4, 2], {}],
    ['batchedMatmul, no leading axes', [3, 4], [4, 2], {}],
    ['batchedMatmul, b transposed', [2, 3, 4], [2, 5, 4], { b: true }],
    ['batchedMatmul, a transposed', [2, 4, 3], [2, 4, 5], { a: true }],
    ['batchedMatmul, both transposed', [2, 4, 3], [2, 5, 4], { a: true, b: true }],
  ] as const
).map(([title, left, right, transposed]): Case => {
  const a = draw(left, 'left');
  const b = draw(right, 'right');
  return [title, [a, b], (ops) => ops.batchedMatmul(a, b, transposed)];
});

const linear: Case = (() => {
  const w = draw([4, 5], 'w');
  const b = draw([5], 'b');
  return ['linear', [x, w, b], (ops) => ops.linear(x, w, b)];
})();

const norm: Case = (() => {
  const [gain, bias] = [draw([4], 'gain'), draw([4], 'bias')];
  return ['layerNorm', [x, gain, bias], (ops) => ops.layerNorm(x, gain, bias, 1e-3)];
})();

const attending = (
  [
    ['attention', 4, {}, false, false],
    ['attention, causal', 3, { causal: true }, false, false],
    ['attention, padded', 4, {}, true, false],
    ['attention, causal, with a past', 3, { causal: true }, false, true],
    ['attention, causal, with a past, weights dropped', 3, { causal: true, drop: { keep: 0.6, key: 5 } }, false, true],
  ] as const
).map(([title, keys, form, padded, past]): Case => {
  const before = past ? [draw([2, 2, 4], 'past keys'), draw([2, 2, 4], 'past values')] : [];
  const parts = [draw([3, 2, 4], 'q'), draw([keys, 2, 4], 'k'), draw([keys, 2, 4], 'v'), ...before];
  const mask = padded ? tensor([4, 2], [1, 0, 1, 1, 0, 1, 1, 0]) : undefined;
  const known = past ? tensor([2], [1, 2]) : undefined;
  return [title, parts, (ops) => ops.attention(parts, { heads: 2, ...form }, mask, known)];
});

const scanning = [draw([4, 2, 3], 'factors'), draw([4, 2, 3], 'summands'), draw([2, 3], 'state')] as const;

const delta = [
  draw([1, 2, 3, 2], 'memory'),
  draw([4, 1, 2, 3], 'queries'),
  draw([4, 1, 2, 3], 'keys', 0.5),
  draw([4, 1, 2, 2], 'values'),
  draw([4, 1, 2], 'decays', 0.7),
  draw([4, 1, 2], 'rates'),
] as const;
const ruled: readonly Case[] = [
  ['deltaRule', delta, (ops) => ops.deltaRule(...delta)[0]],
  ['deltaRule, the last state alone', delta, (ops) => ops.deltaRule(...delta)[1]],
  [
    'deltaRule, outputs and last state',
    delta,
    (ops) =>
      ops.concat(
        ops.deltaRule(...delta).map((x) => ops.reshape(x, [x.data.length])),
        0,
      ),
  ],
];

const layout: readonly Case[] = [
  ['scan', scanning, (ops) => ops.scan(...scanning)],
  ['swapAxes', [x], (ops) => ops.swapAxes(x)],
  ...[0, 1, 2].map((axis): Case => {
    const length = x.shape[axis] as number;
    const sizes = [1, length - 1];
    return [
      `split along axis ${axis}, both parts used`,
      [x],
      (ops) => {
        const [first, second] = ops.split(x, axis, sizes) as [Tensor, Tensor];
        return ops.concat([ops.exp(second), ops.tanh(first)], axis);
      },
    ];
  }),
  ['split, one part unused', [x], (ops) => ops.tanh(ops.split(x, 2, [1, 3])[1] as Tensor)],
  ...[0, 1, 2].map((axis): Case => {
    const shape = x.shape.with(axis, 2);
    const other = draw(shape, `other${axis}`);
    return [`concat along axis ${axis}`, [x, other], (ops) => ops.concat([other, x, other], axis)];
  }),
  ...broadcasts.map((b): Case => [`sumTo [${b.shape}]`, [x], (ops) => ops.sumTo(x, b.shape)]),
];

const chain = [draw([4, 3, 3], 'scores'), draw([3, 3], 'transitions'), draw([3], 'start'), draw([3], 'end')] as const;
const chained = ids([4, 3], [2, 1, -1, 0, 2, -1, 1, -1, -1, 1, -1, -1]);

const symbols: readonly Case[] = [
  ['linearChain, lanes of several lengths', chain, (ops) => ops.linearChain(...chain, chained)],
  ['gather, an id twice', [table], (ops) => ops.gather(table, ids([2, 2], [4, 0, 4, 2]))],
  ['crossEntropy, with padding', [logits], (ops) => ops.crossEntropy(logits, ids([2, 3], [0, 3, -1, 2, 2, 1]))],
];

const pictures = draw([2, 5, 6, 3], 'pictures');
const kernels = draw([3, 2, 3, 4], 'kernels');
const bias = draw([4], 'bias');
const strided = { stride: [2, 1], padding: [1, 0, 2, 1] } as const;
const images: readonly Case[] = [
  ['convolution2d', [pictures, kernels, bias], (ops) => ops.convolution2d(pictures, kernels, bias)],
  [
    'convolution2d, strided, padded, relu',
    [pictures, kernels, bias],
    (ops) => ops.convolution2d(pictures, kernels, bias, { ...strided, relu: true }),
  ],
  ['convolution2d, no bias', [pictures, kernels], (ops) => ops.convolution2d(pictures, kernels, undefined, strided)],
  ['maxPooling2d', [pictures], (ops) => ops.maxPooling2d(pictures, { size: [2, 3] })[0]],
  ['maxPooling2d, overlapping', [pictures], (ops) => ops.maxPooling2d(pictures, { size: [3, 3], stride: [1, 2] })[0]],
  ['meanPooling2d', [pictures], (ops) => ops.meanPooling2d(pictures, { size: [2, 2] })],
  ['meanPooling2d, overlapping', [pictures], (ops) => ops.meanPooling2d(pictures, { size: [3, 2], stride: [1, 1] })],
];

const cases: readonly Case[] = [
  ...unary,
  ...roots,
  ...binary,
  ...products,
  ...batched,
  linear,
  norm,
  ...attending,
  ...ruled,
  ...layout,
  ...symbols,
  ...images,
  [
    'custom',
    [x],
    (ops) =>
      ops.custom([x], {
        kind: 'square',
        forward: (inner, z) => inner.multiply(z, z),
        backward: (inner, g, [z]) => [inner.multiply(g, inner.affine(z as Tensor, 2, 0))],
      }),
  ],
];

describe('derivatives of the primitives against central differences', () => {
  it.each(cases)('%s', (_, operands, body) => expectGradients(operands, body));

  it('covers every primitive of the table', () => {
    const covered = new Set(cases.map(([title]) => title.split(/[\s,]/)[0]));
    expect([...covered].sort()).toEqual(Object.keys(vjps).sort());
  });
});
