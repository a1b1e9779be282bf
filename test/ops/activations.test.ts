import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { evaluate, noCarry } from '../../src/layer.js';
import { activation } from '../../src/layers/activation.js';
import { dense } from '../../src/layers/dense.js';
import * as activations from '../../src/ops/activations.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { tensor } from '../../src/tensor.js';
import { draw, expectGradients } from '../backprop/differences.js';
import { caseOf, entry, golden, numbersOf } from '../golden/load.js';

const cases = golden('feedforward').activations;
const functions: Readonly<Record<string, activations.Activation>> = {
  logistic: activations.logistic,
  tanh: activations.tanh,
  relu: activations.relu,
  leakyRelu: activations.leakyRelu(0.1),
  elu: activations.elu(0.7),
  softplus: activations.softplus,
  gelu: activations.gelu,
  geluTanh: activations.geluTanh,
  softmax: activations.softmax,
};

describe('activations', () => {
  it.each(Object.entries(functions))("%s and its derivative are PyTorch's, number by number", (name, f) => {
    const figures = caseOf(cases, name);
    const [x, mix] = [numbersOf(entry(figures.inputs, 'x')), numbersOf(entry(figures.mix, 'y'))];
    for (const [on, tolerance] of [
      ['the reference', 1e-11],
      ['the kernels', 2e-6],
    ] as const) {
      inWindow((eager) => {
        const ops = tape(on === 'the kernels' ? eager : reference(), [x]);
        const y = f(ops, x);
        const [dx] = ops.gradients(ops.sumTo(ops.multiply(y, mix), []));
        for (const [got, expected, what] of [
          [y, entry(figures.outputs, 'y'), 'y'],
          [dx, entry(figures.gradients, 'x'), 'dx'],
        ] as const) {
          expected.data.forEach((value, k) => {
            const error = Math.abs((got?.data[k] as number) - value);
            // Slopes where a function saturates are differences from 1; they count beside those of 1.
            const scale = what === 'dx' ? Math.max(1, Math.abs(value)) : Math.abs(value);
            if (!(error <= tolerance * scale + 1e-37)) {
              expect.fail(`${what}[${k}] on ${on}: ${got?.data[k]} instead of ${value}`);
            }
          });
        }
      });
    }
  });

  it.each(Object.entries(functions))('%s has the right derivative', (_, f) => {
    const x = draw([2, 3, 4], 'x', 2);
    expectGradients([x], (ops) => f(ops, x));
  });

  it('leave large numbers whole', () => {
    const z = tensor([1, 1, 4], [-1e4, -90, 90, 1e4]);
    const at = (f: activations.Activation) => [...evaluate(activation(f), noCarry, z)[0].data];
    expect(at(activations.softplus)).toEqual([0, expect.any(Number), 90, 1e4]);
    expect(at(activations.elu(2))).toEqual([-2, -2, 90, 1e4]);
    expect(at(activations.leakyRelu(0.5))).toEqual([-5e3, -45, 90, 1e4]);
  });

  it('are the same within a layer and after it', () => {
    const x = draw([2, 3, 4], 'x');
    for (const f of Object.values(functions)) {
      const within = dense(4, 5, { seed: 1, activation: f });
      const [sums] = evaluate(dense(4, 5, { seed: 1 }), noCarry, x);
      expect(evaluate(activation(f), noCarry, sums)[0]).toEqual(evaluate(within, noCarry, x)[0]);
    }
  });

  it('refuse slopes they have no meaning for', () => {
    expect(() => activations.leakyRelu(1)).toThrow('leakyRelu: the slope is a number in [0, 1), not 1');
    expect(() => activations.elu(-1)).toThrow('elu: the scale is a number from 0 up, not -1');
  });
});
