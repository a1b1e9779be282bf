import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/cells/cell.js';
import { type GruCarry, gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { minGru } from '../../src/cells/min-gru.js';
import { minLstm } from '../../src/cells/min-lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import { unroll } from '../../src/cells/unroll.js';
import type { Layer } from '../../src/layer.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { uniform } from '../../src/parameters/initializers.js';
import { parameter, parametersOf } from '../../src/parameters/parameter.js';
import { type Tensor, tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';

const [steps, batch, inputs, units] = [3, 2, 3, 4];

/** A user's own cell: the minimal gated unit (Zhou et al., 2016), written from primitives. */
function minimalGatedUnit(): Cell<{ readonly h: Tensor }> {
  const wf = parameter([inputs + units, units], uniform(0.5));
  const wn = parameter([inputs + units, units], uniform(0.5));
  return {
    kind: 'minimalGatedUnit',
    inputs,
    units,
    params: { wf, wn },
    initial: (lanes) => ({ h: zeros([lanes, units]) }),
    step(ops, { h }, x) {
      const f = ops.logistic(ops.matmul(ops.concat([x, h], 1), wf));
      const n = ops.tanh(ops.matmul(ops.concat([x, ops.multiply(f, h)], 1), wn));
      const next = ops.add(h, ops.multiply(f, ops.subtract(n, h)));
      return [next, { h: next }];
    },
  };
}

const cells = {
  simpleRnn: simpleRnn(inputs, units),
  'simpleRnn with ReLU': simpleRnn(inputs, units, { activation: (ops, z) => ops.relu(z) }),
  lstm: lstm(inputs, units),
  'gru, reset after': gru(inputs, units),
  'gru, reset before': gru(inputs, units, { reset: 'before' }),
  minGru: minGru(inputs, units),
  minLstm: minLstm(inputs, units),
  "a user's own cell": unroll(minimalGatedUnit()),
  stacked: stacked([lstm(inputs, units), gru(units, units)]),
} as const;

/** Tensors of a nested carry, in order. */
const tensorsOf = (carry: unknown): readonly Tensor[] =>
  Object.values(carry as Record<string, unknown>).flatMap((value) =>
    'shape' in (value as object) ? [value as Tensor] : tensorsOf(value),
  );

/** The same carry with other numbers. */
const scattered = (carry: unknown, path = 'carry'): unknown =>
  Object.fromEntries(
    Object.entries(carry as Record<string, unknown>).map(([name, value]) => [
      name,
      'shape' in (value as object)
        ? draw((value as Tensor).shape, `${path}.${name}`)
        : scattered(value, `${path}.${name}`),
    ]),
  );

describe.each(Object.entries(cells) as unknown as readonly (readonly [string, Layer<unknown>])[])('%s', (_, cell) => {
  const parameters = scatterParameters(cell.params);
  const x = draw([steps, batch, inputs], 'x');
  const carry = scattered(cell.initial(batch));
  const entered = tensorsOf(carry);

  /** Output and final carry as one, so that gradients of both are held. */
  const everything = (ops: Ops): Tensor => {
    const [y, after] = cell.apply(ops, carry, x);
    const flat = [y, ...tensorsOf(after)].map((t) => ops.reshape(t, [t.data.length]));
    return ops.concat(flat, 0);
  };

  it('has the right gradients of parameters, input and entering carry', () => {
    expectGradients([...parameters, x, ...entered], everything);
  });

  it('gives in T windows of one what it gives in one window of T', () => {
    const ops = reference();
    const [whole, last] = cell.apply(ops, carry, x);
    let state = carry;
    const parts = ops.split(x, 0, [1, 1, 1]).map((part) => {
      const [y, next] = cell.apply(ops, state, part);
      state = next;
      return y;
    });
    expect(ops.concat(parts, 0)).toEqual(whole);
    expect(state).toEqual(last);
  });

  it('treats each lane as if it were alone', () => {
    const ops = reference();
    const lane = (t: Tensor, axis: number) => ops.split(t, axis, [1, 1])[1] as Tensor;
    const pick = (value: unknown): unknown =>
      Object.fromEntries(
        Object.entries(value as Record<string, unknown>).map(([name, t]) => [
          name,
          'shape' in (t as object) ? lane(t as Tensor, 0) : pick(t),
        ]),
      );
    const [both] = cell.apply(ops, carry, x);
    const [alone] = cell.apply(ops, pick(carry), lane(x, 1));
    expect(alone).toEqual(lane(both, 1));
  });

  it('gives [T, B, H] and a carry of [B, H]', () => {
    const [y, after] = cell.apply(reference(), cell.initial(5), draw([7, 5, inputs], 'long'));
    expect(y.shape).toEqual([7, 5, units]);
    expect(tensorsOf(after).map(({ shape }) => shape)).toEqual(entered.map(() => [5, units]));
  });

  it('refuses other widths, naming what it got', () => {
    const { kind } = cell;
    const refused = () => cell.apply(reference(), cell.initial(1), zeros([1, 1, inputs + 1]));
    expect(refused).toThrow(RangeError);
    if (kind !== 'stacked') expect(refused).toThrow(`${kind}: takes a window [T, B, 3] with T ≥ 1, but got [1, 1, 4];`);
  });
});

describe('a step by hand', () => {
  const x = tensor([1, 1, 1], [1]);
  const logistic = (z: number) => 1 / (1 + Math.exp(-z));
  const only = (t: Tensor) => t.data[0] as number;

  it('simpleRnn', () => {
    const cell = simpleRnn(1, 1);
    const values = { wx: 2, wh: -1, b: 0.5 } as Record<string, number>;
    for (const [name, p] of parametersOf(cell.params)) p.assign([values[name] as number]);
    const [y] = cell.apply(reference(), { h: tensor([1, 1], [0.25]) }, x);
    expect(only(y)).toBeCloseTo(Math.tanh(2 - 0.25 + 0.5), 14);
  });

  it('lstm, gates in the order i, f, g, o', () => {
    const cell = lstm(1, 1);
    const named = new Map(parametersOf(cell.params));
    named.get('wx')?.assign([1, 2, 3, 4]);
    named.get('wh')?.assign([0.5, -0.5, 1, -1]);
    named.get('b')?.assign([0, 1, -1, 0.25]);
    const carry = { h: tensor([1, 1], [0.5]), c: tensor([1, 1], [2]) };
    const [y, after] = cell.apply(reference(), carry, x);
    const c = logistic(2 - 0.25 + 1) * 2 + logistic(1 + 0.25) * Math.tanh(3 + 0.5 - 1);
    expect(only(after.c)).toBeCloseTo(c, 14);
    expect(only(y)).toBeCloseTo(logistic(4 - 0.5 + 0.25) * Math.tanh(c), 14);
    expect(after.h).toEqual({ ...y, shape: [1, 1] });
  });

  // z = σ(1 + 0.5 · 0.5), r = σ(2 − 0.5 · 0.5): common to both forms.
  const [z, r] = [logistic(1.25), logistic(1.75)];

  it('gru, reset before the product', () => {
    const cell = gru(1, 1, { reset: 'before' });
    const named = new Map(parametersOf(cell.params));
    named.get('wx')?.assign([1, 2, 3]);
    named.get('wh')?.assign([0.5, -0.5]);
    named.get('wn')?.assign([-2]);
    const [y] = cell.apply(reference(), { h: tensor([1, 1], [0.5]) }, x);
    expect(only(y)).toBeCloseTo(z * 0.5 + (1 - z) * Math.tanh(3 - 2 * (r * 0.5)), 14);
  });

  it('gru, reset after the product and its bias', () => {
    const cell = gru(1, 1);
    const named = new Map(parametersOf(cell.params));
    named.get('wx')?.assign([1, 2, 3]);
    named.get('wh')?.assign([0.5, -0.5, -2]);
    named.get('bn')?.assign([0.75]);
    const [y] = cell.apply(reference(), { h: tensor([1, 1], [0.5]) }, x);
    expect(only(y)).toBeCloseTo(z * 0.5 + (1 - z) * Math.tanh(3 + r * (-2 * 0.5 + 0.75)), 14);
  });
});

describe('first weights', () => {
  it('an LSTM starts with its forget gate open and its recurrent blocks orthogonal', () => {
    const size = 5;
    const named = new Map(parametersOf(lstm(2, size, { seed: 3 }).params));
    expect([...(named.get('b')?.data ?? [])]).toEqual([0, 1, 0, 0].flatMap((b) => new Array(size).fill(b)));
    const ops = reference();
    const wh = named.get('wh') as Tensor;
    for (const block of ops.split(wh, 1, [size, size, size, size])) {
      ops.matmul(block, block, { b: true }).data.forEach((value, k) => {
        expect(value).toBeCloseTo(k % (size + 1) === 0 ? 1 : 0, 6);
      });
    }
  });

  it('are what an initialiser of the caller gives', () => {
    const layer: Layer<GruCarry> = gru(1, 1, { initializers: { bn: () => Float32Array.of(9) } });
    expect(new Map(parametersOf(layer.params)).get('bn')?.data[0]).toBe(9);
  });

  it('sizes must be whole numbers above 0', () => {
    expect(() => lstm(0, 3)).toThrow('lstm: inputs is a whole number of at least 1, not 0.');
    expect(() => gru(2, 1.5)).toThrow('gru: units is a whole number of at least 1, not 1.5.');
    expect(() => simpleRnn(-1, 3)).toThrow(RangeError);
  });
});
