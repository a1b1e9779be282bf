import { describe, expect, it } from 'vitest';
import { gruCell } from '../../src/cells/gru.js';
import { lstmCell } from '../../src/cells/lstm.js';
import { mogrifier } from '../../src/cells/mogrifier.js';
import { simpleRnnCell } from '../../src/cells/simple-rnn.js';
import { unroll } from '../../src/cells/unroll.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, mixture, scatterParameters } from '../backprop/differences.js';

const cells = {
  lstm: () => lstmCell(3, 4),
  gru: () => gruCell(3, 4, { reset: 'before' }),
  simple: () => simpleRnnCell(3, 4),
};

describe.each(Object.entries(cells))('a mogrifier of %s', (_, make) => {
  const x = draw([3, 2, 3], 'x');

  it.each([1, 2, 5])('has the right gradients in %i rounds, and the same numbers on the kernels', (rounds) => {
    const layer = unroll(mogrifier<never>(make() as never, { rounds }));
    const parameters = scatterParameters(layer.params);
    const carry = layer.initial(2);
    expectGradients([...parameters, x], (ops) => mixture(ops, layer.apply(ops, carry, x)[0]));
    const [wanted] = layer.apply(reference(), carry, x);
    const got = inWindow((ops) => toSignal(layer.apply(ops, carry, x)[0]));
    expect(Math.max(...got.data.map((value, k) => Math.abs(value - (wanted.data[k] as number))))).toBeLessThan(1e-5);
  });
});

describe('a mogrifier', () => {
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

  it('gates x by h, then h by x', () => {
    const number = (value: number) => () => Float32Array.of(value);
    const inner = simpleRnnCell(1, 1, {
      initializers: { wx: number(1), wh: number(1), b: number(0) },
      activation: (_, z) => z,
    });
    const cell = mogrifier(inner, { rounds: 3, initializer: number(0.5) });
    const [h0, x0] = [0.8, -1.2];
    const x1 = 2 * sigmoid(0.5 * h0) * x0;
    const h2 = 2 * sigmoid(0.5 * x1) * h0;
    const x3 = 2 * sigmoid(0.5 * h2) * x1;
    const [y] = cell.step(reference(), { h: tensor([1, 1], [h0]) }, tensor([1, 1], [x0]));
    expect(y.data[0]).toBeCloseTo(x3 + h2, 6);
  });

  it('names its weights by their rounds', () => {
    const layer = unroll(mogrifier(simpleRnnCell(3, 4), { rounds: 3 }), 1);
    expect(parametersOf(layer.params).map(([path, { shape }]) => [path, shape])).toEqual([
      ['rounds.q1', [4, 3]],
      ['rounds.r2', [3, 4]],
      ['rounds.q3', [4, 3]],
      ['inner.wx', [3, 4]],
      ['inner.wh', [4, 4]],
      ['inner.b', [4]],
    ]);
  });

  it('refuses rounds that are none, and a cell without h', () => {
    expect(() => mogrifier(lstmCell(3, 4), { rounds: 0 })).toThrow('mogrifier: rounds');
    const other = { ...simpleRnnCell(3, 4), initial: (batch: number) => ({ s: zeros([batch, 4]) }) };
    // @ts-expect-error its carry has no h.
    expect(() => mogrifier(other)).toThrow('mogrifier: the carry of simpleRnn has no h [B, 4]');
  });
});
