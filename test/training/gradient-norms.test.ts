import { describe, expect, it } from 'vitest';
import { dense } from '../../src/layers/dense.js';
import type { Ops } from '../../src/ops/ops.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { type Tensor, tensor } from '../../src/tensor.js';
import { gradientNorms } from '../../src/training/gradient-norms.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { draw } from '../backprop/differences.js';

type Activation = (ops: Ops, z: Tensor) => Tensor;

const deep = (activation: Activation) =>
  stack(Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`layer${k + 1}`, dense(16, 16, { activation })])), {
    seed: 1,
  });

describe('gradientNorms', () => {
  it('is the norm of each gradient', () => {
    const model = stack({ only: dense(2, 1) });
    for (const [name, p] of parametersOf(model.params)) p.assign(name === 'only.w' ? [1, 2] : [0.5]);
    const input = tensor([1, 1, 2], [3, 4]);
    // y = 11.5; ∂L/∂y = 11.5 − 9.5 = 2.
    const target = tensor([1, 1, 1], [9.5]);
    const [norms] = gradientNorms(model, { loss: squaredError(), input, target, carry: model.initial(1) });
    expect(norms?.layer).toBe('only');
    expect(norms?.parameters.w).toBeCloseTo(10, 5);
    expect(norms?.parameters.b).toBeCloseTo(2, 5);
    expect(norms?.norm).toBeCloseTo(Math.sqrt(104), 5);
    expect(norms?.rms).toBeCloseTo(Math.sqrt(104 / 3), 5);
  });

  it('shows the gradient vanish through logistic units, and not through ReLU', () => {
    const [input, target] = [draw([1, 8, 16], 'x'), draw([1, 8, 16], 'target')];
    const shrinking = (activation: Activation) => {
      const model = deep(activation);
      const norms = gradientNorms(model, { loss: squaredError(), input, target, carry: model.initial(8) });
      expect(norms.map(({ layer }) => layer)).toEqual(Array.from({ length: 10 }, (_, k) => `layer${k + 1}`));
      return (norms[0]?.rms as number) / (norms[9]?.rms as number);
    };
    expect(shrinking((ops, z) => ops.logistic(z))).toBeLessThan(1e-4);
    expect(shrinking((ops, z) => ops.relu(z))).toBeGreaterThan(1e-2);
  });
});
