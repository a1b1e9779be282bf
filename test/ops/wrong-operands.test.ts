/** Arguments of another kind than a primitive takes: refused by the primitive's name, and never by a stumble of JavaScript's own. */
import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { customVjp } from '../../src/ops/custom.js';
import { argumentsOf, argumentsOfRecurrences } from '../../src/ops/operands.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { ids, type Shape, sizeOf, tensor } from '../../src/tensor.js';

const t = (...shape: Shape) => tensor(shape, new Float32Array(sizeOf(shape)).fill(0.5));
const [x, row, step] = [t(3, 2, 4), t(4), t(2, 4)];
const delta = [t(2, 1, 4, 3), t(3, 2, 1, 4), t(3, 2, 1, 4), t(3, 2, 1, 3), t(3, 2, 1), t(3, 2, 1)] as const;
const symbols = ids([3, 2], [0, 1, 0, 1, 0, 1]);
const images = t(1, 4, 4, 2);
const half = { size: [2, 2] };
const rule = { kind: 'own', forward: (_: Ops, y: unknown) => y, backward: () => [] };
const heads = { heads: 2 };
const maxPlaces = ids([1, 2, 2, 2], [0, 1, 4, 5, 16, 17, 20, 21]);
const binary = { args: [x, x] };
const unary = { args: [x], anyShape: [0] };
const pair = { args: [x, x] };

interface Row {
  readonly args: readonly unknown[];
  /** Arguments that may be missing. */
  readonly optional?: readonly number[];
  /** Tensors that may be of any shape. */
  readonly anyShape?: readonly number[];
}

const primitives: Readonly<Record<keyof typeof argumentsOf, Row>> = {
  matmul: { args: [x, t(4, 5), {}], optional: [2] },
  batchedMatmul: { args: [x, t(3, 4, 2), {}], optional: [2] },
  linear: { args: [x, t(4, 5), t(5)] },
  add: binary,
  subtract: binary,
  multiply: binary,
  divide: binary,
  maximum: binary,
  affine: { args: [x, 2, 1], anyShape: [0] },
  exp: unary,
  expm1: unary,
  log: unary,
  sqrt: unary,
  tanh: unary,
  logistic: unary,
  relu: unary,
  softplus: unary,
  gelu: unary,
  geluTanh: unary,
  softmax: unary,
  layerNorm: { args: [x, row, row, 1e-5] },
  attention: { args: [[x, x, x], heads, t(3, 2), undefined], optional: [2, 3], anyShape: [3] },
  scan: { args: [x, x, step] },
  deltaRule: { args: delta },
  reshape: { args: [x, [6, 4]] },
  swapAxes: unary,
  split: { args: [x, 0, [1, 2]] },
  concat: { args: [[x, x], 0] },
  sumTo: { args: [x, [4]] },
  gather: { args: [t(2, 4), symbols] },
  crossEntropy: { args: [x, symbols] },
  linearChain: { args: [x, t(4, 4), row, row, symbols] },
  convolution2d: { args: [images, t(2, 2, 2, 3), t(3), {}], optional: [2, 3] },
  maxPooling2d: { args: [images, half], anyShape: [0] },
  meanPooling2d: { args: [images, half], anyShape: [0] },
  custom: { args: [[x], rule] },

  scatterAdd: { args: [x, symbols, 2] },
  tanhAdjoint: pair,
  logisticAdjoint: pair,
  reluAdjoint: pair,
  geluAdjoint: pair,
  geluTanhAdjoint: pair,
  softmaxAdjoint: pair,
  layerNormAdjoint: { args: [x, x, row, 1e-5] },
  attentionAdjoint: {
    args: [x, x, [x, x, x], heads, t(3, 2), undefined, false],
    optional: [4, 5],
    anyShape: [5],
  },
  scanAdjoint: { args: [x, x, x, step] },
  deltaRuleAdjoint: { args: [delta[3], delta[0], delta] },
  crossEntropyAdjoint: { args: [t(3, 2), x, symbols] },
  linearChainAdjoint: { args: [t(2), x, t(4, 4), row, row, symbols] },
  convolution2dInputAdjoint: { args: [t(1, 3, 3, 3), t(2, 2, 2, 3), images.shape, {}], optional: [3] },
  convolution2dWeightsAdjoint: { args: [t(1, 3, 3, 3), images, [2, 2, 2, 3], {}], optional: [3] },
  maxPooling2dAdjoint: { args: [t(1, 2, 2, 2), maxPlaces, images.shape, half] },
  meanPooling2dAdjoint: { args: [t(1, 2, 2, 2), images.shape, half] },

  oneHot: { args: [symbols, 2], anyShape: [] },
  countFrom: { args: [t(2), 3, 9] },
  fill: { args: [[2], 1] },
  bernoulli: { args: [[2], 0.5, 1] },
};

const lstm = { z: t(3, 2, 16), wh: t(4, 16), gates: t(3, 2, 16), cells: t(4, 2, 4) };
const recurrences: Readonly<Record<keyof typeof argumentsOfRecurrences, Row>> = {
  simpleRnn: { args: [x, t(4, 4), step, undefined], optional: [3] },
  lstm: {
    args: [lstm.z, lstm.wh, step, step, undefined, 'learned', t(12), t(24)],
    optional: [4, 5, 6, 7],
  },
  gru: { args: [t(3, 2, 12), t(4, 12), row, step, undefined], optional: [4] },
  gruResetBefore: { args: [t(3, 2, 12), t(4, 8), t(4, 4), step, undefined], optional: [4] },
  simpleRnnAdjoint: { args: [x, t(4, 4), x] },
  lstmAdjoint: {
    args: [x, undefined, lstm.wh, lstm.gates, lstm.cells, 'learned', t(12), undefined],
    optional: [1, 5, 6, 7],
  },
  gruAdjoint: { args: [x, t(4, 12), x, t(3, 2, 16)] },
  gruResetBeforeAdjoint: { args: [x, t(4, 8), t(4, 4), x, t(3, 2, 16)] },
};

const wrongs = { undefined, null: null, 'a number': 7, 'a text': 'what', 'a record': {}, 'a list': [null] };
const odd = t(2, 3, 5, 7, 1);

const isOperand = (value: unknown): boolean => typeof value === 'object' && value !== null && 'data' in value;

/** What an argument does not take. */
function wrongsOf({ args, optional = [], anyShape = [] }: Row, k: number): (readonly [what: string, wrong: unknown])[] {
  const [right, own] = [args[k], optional.includes(k)];
  const kinds = Object.entries(wrongs).filter(
    ([kind]) =>
      !(kind === 'undefined' && own) &&
      !(kind === 'a number' && typeof right === 'number') &&
      // All that they say may be left out.
      !(kind === 'a record' && own && typeof right === 'object' && !isOperand(right)),
  );
  return anyShape.includes(k) || (!isOperand(right) && right !== undefined)
    ? kinds
    : [...kinds, ['a tensor of another shape', odd]];
}

const casesOf = (table: Readonly<Record<string, Row>>) =>
  Object.entries(table).flatMap(([name, row]) =>
    row.args.flatMap((_, k) =>
      wrongsOf(row, k).map(([what, wrong]) => ({ name, what, k, args: row.args.with(k, wrong), right: row.args })),
    ),
  );

type Run = (...args: readonly unknown[]) => unknown;
const call = (of: object, name: string, args: readonly unknown[]) => (of as Record<string, Run>)[name]?.(...args);

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return 'it was taken';
}

function expectRefused(name: string, what: string, error: unknown): void {
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect(['TypeError', 'RangeError']).toContain((error as Error).name);
  // A derivative's shape rules may be those of its primitive.
  expect(message).toMatch(new RegExp(`^(${name}|${name.replace(/(Input|Weights)?Adjoint$/, '')}): .*\\.$`));
  if (what !== 'a tensor of another shape') expect(message).toMatch(/: (takes|a shape is) .*(but got|not) .*; .*\.$/);
}

const everywhere: Readonly<Record<string, (body: (ops: Ops) => unknown) => unknown>> = {
  'a window': (body) => inWindow((ops) => body(ops)),
  reference: (body) => body(reference()),
  'a tape': (body) => inWindow((ops) => body(tape(ops, [x]))),
  'a rule of customVjp': (body) =>
    inWindow((ops) =>
      customVjp({ kind: 'own', forward: (inner) => body(inner) as typeof x, backward: () => [] })(ops, x),
    ),
};

describe.each(Object.entries(everywhere))('the primitives of %s', (_, within) => {
  it.each(Object.entries(primitives))('%s takes what is right', (name, { args }) => {
    within((ops) => {
      call(ops, name, args);
      return x;
    });
  });

  it.each(casesOf(primitives))('$name does not take $what as argument $k', ({ name, what, args }) => {
    expectRefused(
      name,
      what,
      refusal(() => within((ops) => call(ops, name, args))),
    );
  });

  it.each(Object.entries(primitives))('%s without arguments', (name) => {
    expectRefused(
      name,
      'nothing',
      refusal(() => within((ops) => call(ops, name, []))),
    );
  });
});

describe('looked-up rows', () => {
  const products: Readonly<Record<string, Row>> = {
    linear: { args: [x, t(4, 5), t(5)] },
    matmul: { args: [x, t(4, 5), {}], optional: [2] },
  };
  it.each(casesOf(products).filter(({ k }) => k > 0))(
    '$name does not take $what as argument $k',
    ({ name, what, args }) => {
      const run = (rows: Ops['gather']) => (ops: Ops) => call(ops, name, [rows(t(2, 4), symbols), ...args.slice(1)]);
      expectRefused(
        name,
        what,
        refusal(() => inWindow((ops) => run(ops.gather)(ops))),
      );
    },
  );
});

describe('the recurrences of a window', () => {
  const within = (name: string, args: readonly unknown[]) =>
    inWindow((ops) => call(ops.recurrences as object, name, args));

  it.each(Object.entries(recurrences))('%s takes what is right', (name, { args }) => void within(name, args));

  it.each(casesOf(recurrences))('$name does not take $what as argument $k', ({ name, what, args }) => {
    expectRefused(
      name,
      what,
      refusal(() => within(name, args)),
    );
  });
});

it('the tables name every argument', () => {
  for (const [table, rows] of [
    [argumentsOf, primitives],
    [argumentsOfRecurrences, recurrences],
  ] as const) {
    for (const [name, row] of Object.entries(rows) as [keyof typeof table, Row][]) {
      expect([name, Object.keys(table[name]).length]).toEqual([name, row.args.length]);
    }
  }
});

describe('a rule of customVjp', () => {
  it.each([undefined, null, 7, {}, { ...rule, backward: undefined }, { ...rule, kind: 3 }])('is not %j', (wrong) => {
    expect(refusal(() => customVjp(wrong as never))).toMatchObject({
      name: 'TypeError',
      message: expect.stringMatching(/^customVjp: takes a rule: .*, but got .*; .*\.$/),
    });
  });

  it.each([undefined, 7, {}, [7], [null]])('gives gradients, and not %j', (gradients) => {
    const own = customVjp({ kind: 'own', forward: (ops, y) => ops.tanh(y), backward: () => gradients as never });
    const error = refusal(() =>
      inWindow((ops) => {
        const recorded = tape(ops, [x]);
        recorded.gradients(recorded.sumTo(own(recorded, x), []));
      }),
    );
    expect(error).toMatchObject({
      name: 'TypeError',
      message: expect.stringMatching(/^own: takes .* from backward, but got/),
    });
  });
});
