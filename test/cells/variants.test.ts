import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { type LstmCarry, type LstmCellOptions, lstm } from '../../src/cells/lstm.js';
import { residualRnn } from '../../src/cells/residual-rnn.js';
import type { Layer } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { type Parameter, parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { draw, expectGradients, mixture, scatterParameters } from '../backprop/differences.js';

const [steps, batch, inputs, units] = [4, 3, 3, 5];
const tanh = (ops: Ops, z: Tensor) => ops.tanh(z);

const forgets = ['learned', 'none', 'coupled'] as const;
const lstms: readonly LstmCellOptions[] = forgets.flatMap((forget) =>
  [{ peepholes: false }, { peepholes: true }, { layerNorm: true }, { peepholes: true, layerNorm: true }].map(
    (options) => ({ forget, ...options }),
  ),
);

const mlp = (width: number) =>
  stack({ hidden: dense(width, 6, { activation: tanh }), out: dense(6, units, { activation: tanh }) });

const layers: Readonly<Record<string, () => Layer<unknown>>> = {
  ...Object.fromEntries(
    lstms.map((options) => [`lstm ${JSON.stringify(options)}`, () => lstm(inputs, units, options)]),
  ),
  'residual, g(x)': () => residualRnn(inputs, units, mlp(inputs)),
  'residual, g(x, h)': () => residualRnn(inputs, units, mlp(inputs + units)),
  'residual, g an LSTM': () => residualRnn(inputs, units, lstm(inputs, units)),
};

const tensorsOf = (carry: unknown): readonly Tensor[] =>
  Object.values(carry as Record<string, unknown>).flatMap((value) =>
    'shape' in (value as object) ? [value as Tensor] : tensorsOf(value),
  );

const scattered = (carry: unknown, path = 'carry'): unknown =>
  Object.fromEntries(
    Object.entries(carry as Record<string, unknown>).map(([name, value]) => {
      const at = `${path}.${name}`;
      return [name, 'shape' in (value as object) ? draw((value as Tensor).shape, at) : scattered(value, at)];
    }),
  );

describe.each(Object.entries(layers))('%s', (_, make) => {
  const layer = make();
  const parameters = scatterParameters(layer.params);
  const carry = scattered(layer.initial(batch));
  const x = draw([steps, batch, inputs], 'x');

  const everything = (ops: Ops): Tensor => {
    const [y, after] = layer.apply(ops, carry, x);
    return ops.concat(
      [y, ...tensorsOf(after)].map((t) => ops.reshape(t, [t.data.length])),
      0,
    );
  };

  it('has the right gradients of parameters, input and entering carry', () => {
    expectGradients([...parameters, x, ...tensorsOf(carry)], everything);
  });

  it('gives on the kernels what it gives on the reference, gradients too', () => {
    const run = (base: Ops) => {
      const watched = [...parameters, x, ...tensorsOf(carry)];
      const ops = tape(base, watched);
      const y = everything(ops);
      return toSignal([y, ...ops.gradients(mixture(ops, y))]);
    };
    const [exact, single] = [run(reference()), inWindow((ops) => run(ops))];
    single.forEach(({ data }, k) => {
      const expected = (exact[k] as Tensor).data;
      const largest = Math.max(...Array.from(expected, Math.abs));
      data.forEach((value, i) => {
        expect(Math.abs(value - (expected[i] as number)), `result ${k}, ${i}`).toBeLessThanOrEqual(2e-5 * largest);
      });
    });
  });

  it.each(['reference', 'kernels'])('gives in T windows of one what it gives in one window of T, on the %s', (on) => {
    const through = (state: unknown, signal: Tensor): readonly [Tensor, unknown] =>
      on === 'kernels'
        ? inWindow((ops) => toSignal(layer.apply(ops, state, signal)))
        : layer.apply(reference(), state, signal);
    const [whole, last] = through(carry, x);
    const size = batch * units;
    let state: unknown = carry;
    for (let t = 0; t < steps; t += 1) {
      const moment = tensor([1, batch, inputs], x.data.slice(t * batch * inputs, (t + 1) * batch * inputs));
      const [y, next] = through(state, moment);
      expect(y.data).toEqual(whole.data.slice(t * size, (t + 1) * size));
      state = next;
    }
    expect(state).toEqual(last);
  });
});

const logistic = (z: number) => 1 / (1 + Math.exp(-z));

describe('an LSTM by hand', () => {
  const x = tensor([1, 1, 1], [1]);
  const carry = { h: tensor([1, 1], [0.5]), c: tensor([1, 1], [2]) };

  function step(options: LstmCellOptions, values: Readonly<Record<string, readonly number[]>>) {
    const layer: Layer<LstmCarry> = lstm(1, 1, options);
    const named = parametersOf(layer.params);
    expect(named.map(([name]) => name)).toEqual(Object.keys(values));
    for (const [name, parameter] of named) parameter.assign(values[name] as readonly number[]);
    const [y, after] = layer.apply(reference(), carry, x);
    return { h: y.data[0], c: after.c.data[0] as number };
  }

  // z = x·wx + h·wh + b with x = 1, h = ½.
  const three = { wx: [1, 3, 4], wh: [0.5, 1, -1], b: [0, -1, 0.25] };
  const [i, g, o] = [1 + 0.25, 3 + 0.5 - 1, 4 - 0.5 + 0.25] as const;

  it('without a forget gate', () => {
    const { h, c } = step({ forget: 'none' }, three);
    expect(c).toBeCloseTo(2 + logistic(i) * Math.tanh(g), 14);
    expect(h).toBeCloseTo(logistic(o) * Math.tanh(c), 14);
  });

  it('with coupled gates', () => {
    const { h, c } = step({ forget: 'coupled' }, three);
    expect(c).toBeCloseTo((1 - logistic(i)) * 2 + logistic(i) * Math.tanh(g), 14);
    expect(h).toBeCloseTo(logistic(o) * Math.tanh(c), 14);
  });

  it('with peepholes: i and f see the c before, o the c after', () => {
    const four = { wx: [1, 2, 3, 4], wh: [0.5, -0.5, 1, -1], b: [0, 1, -1, 0.25] };
    const { h, c } = step({ peepholes: true }, { ...four, vi: [0.5], vf: [-0.75], vo: [0.25] });
    expect(c).toBeCloseTo(logistic(2.75 - 0.75 * 2) * 2 + logistic(i + 0.5 * 2) * Math.tanh(g), 14);
    expect(h).toBeCloseTo(logistic(o + 0.25 * c) * Math.tanh(c), 14);
  });

  it('with peepholes and coupled gates', () => {
    const { h, c } = step({ forget: 'coupled', peepholes: true }, { ...three, vi: [0.5], vo: [0.25] });
    const input = logistic(i + 0.5 * 2);
    expect(c).toBeCloseTo((1 - input) * 2 + input * Math.tanh(g), 14);
    expect(h).toBeCloseTo(logistic(o + 0.25 * c) * Math.tanh(c), 14);
  });

  it('with peepholes and no forget gate', () => {
    const { h, c } = step({ forget: 'none', peepholes: true }, { ...three, vi: [0.5], vo: [0.25] });
    expect(c).toBeCloseTo(2 + logistic(i + 0.5 * 2) * Math.tanh(g), 14);
    expect(h).toBeCloseTo(logistic(o + 0.25 * c) * Math.tanh(c), 14);
  });
});

describe('an LSTM variant', () => {
  const sizes = (options: LstmCellOptions) =>
    Object.fromEntries(parametersOf(lstm(2, 3, options).params).map(([name, { shape }]) => [name, shape]));

  it('has the parameters of its gates and no others', () => {
    expect(sizes({ forget: 'learned' })).toEqual({ wx: [2, 12], wh: [3, 12], b: [12] });
    expect(sizes({ forget: 'none' })).toEqual({ wx: [2, 9], wh: [3, 9], b: [9] });
    expect(sizes({ forget: 'coupled', peepholes: true })).toEqual({ wx: [2, 9], wh: [3, 9], b: [9], vi: [3], vo: [3] });
    expect(sizes({ peepholes: true })).toEqual({ wx: [2, 12], wh: [3, 12], b: [12], vi: [3], vf: [3], vo: [3] });
  });

  it('starts by keeping as much as the plain one: 1 − σ(−1) is σ(1)', () => {
    const first = (options: LstmCellOptions) => [
      ...(new Map(parametersOf(lstm(1, 1, options).params)).get('b') as Parameter).data,
    ];
    expect(first({ forget: 'coupled' })).toEqual([-1, 0, 0]);
    expect(first({ forget: 'none' })).toEqual([0, 0, 0]);
    expect(first({ peepholes: true })).toEqual([0, 1, 0, 0]);
  });

  it('takes first values of its peepholes from the caller', () => {
    const layer = lstm(1, 2, { peepholes: true, initializers: { vf: () => Float32Array.of(7, 8) } });
    expect([...(new Map(parametersOf(layer.params)).get('vf') as Parameter).data]).toEqual([7, 8]);
  });

  it('must be one that there is', () => {
    expect(() => lstm(1, 1, { forget: 'non' as 'none' })).toThrow(
      "lstm: forget is 'learned', 'none' or 'coupled', not \"non\".",
    );
  });
});

describe('a residual recurrence', () => {
  it('adds up what g makes of the input', () => {
    const layer = residualRnn(1, 1, dense(1, 1));
    const named = new Map(parametersOf(layer.params));
    named.get('g.w')?.assign([2]);
    named.get('g.b')?.assign([1]);
    const [y] = layer.apply(
      reference(),
      { ...layer.initial(1), h: tensor([1, 1], [10]) },
      tensor([3, 1, 1], [1, 0, -1]),
    );
    expect([...y.data]).toEqual([13, 14, 13]);
  });

  it('sees its state beside the input where g is wide enough', () => {
    const layer = residualRnn(1, 1, dense(2, 1));
    new Map(parametersOf(layer.params)).get('g.w')?.assign([1, -0.5]);
    const [y] = layer.apply(reference(), { ...layer.initial(1), h: tensor([1, 1], [8]) }, tensor([2, 1, 1], [1, 1]));
    expect([...y.data]).toEqual([8 + 1 - 4, 5 + 1 - 2.5]);
  });

  it('tells a g with dropout its place', () => {
    const g = stack({ in: dense(2, 2), drop: dropout(0.5) });
    const masks = (name: string) => {
      const model = stack({ [name]: residualRnn(2, 2, g) }, { seed: 3 });
      for (const [, parameter] of parametersOf(model.params)) parameter.assign(parameter.data.map((_, k) => 1 + k));
      return [...model.apply(reference({ training: true }), model.initial(4), draw([3, 4, 2], 'x'))[0].data];
    };
    expect(masks('a')).toEqual(masks('a'));
    expect(masks('a')).not.toEqual(masks('b'));
  });

  it('refuses a g of other widths', () => {
    expect(() => residualRnn(2, 3, dense(4, 3))).toThrow(
      'residualRnn: g (dense) takes 4 features and gives 3; it takes 2 to see the input, or 5 to see input and state, and gives 3.',
    );
    expect(() => residualRnn(2, 3, dense(2, 2))).toThrow(RangeError);
  });
});
