/** Gradients against central differences, both on the reference in float64. */
import { expect } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { type Params, parametersOf } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';

/** Normal numbers in float64, the same in every run. */
export function draw(shape: Shape, path: string, deviation = 1): Tensor {
  const random = generator(7, path);
  return tensor(
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => deviation * random.normal()),
  );
}

/** Gives every parameter other numbers than its initialiser would, so that no bias is 0 and no gate like another. */
export function scatterParameters(params: Params, deviation = 0.5): readonly Tensor[] {
  return parametersOf(params).map(([path, parameter]) => {
    parameter.assign(draw(parameter.shape, path, deviation).data);
    return parameter;
  });
}

/** `Σ y ⊙ w` with uneven weights: one number in which every element of y counts differently. */
export function mixture(ops: Ops, y: Tensor): Tensor {
  const weights = tensor(
    y.shape,
    Float64Array.from({ length: y.data.length }, (_, k) => Math.sin(1 + 1.7 * k)),
  );
  return ops.sumTo(ops.multiply(y, weights), []);
}

/** Asserts that the tape's gradients of a body's result are its slopes, to 1e-6 relative, for each watched tensor. */
export function expectGradients(watched: readonly Tensor[], body: (ops: Ops) => Tensor): void {
  const numbers = watched.map((x) => Float64Array.from(x.data));
  const substitute = new Map(watched.map((x, at) => [x, numbers[at] as Float64Array]));
  // Windows of their own, so that each draws the same masks.
  const window = () => reference({ training: true, substitute });
  const recorded = tape(window(), watched);
  const gradients = recorded.gradients(mixture(recorded, body(recorded)));

  const valueAt = (values: Float64Array, k: number, value: number) => {
    const before = values[k] as number;
    values[k] = value;
    const ops = window();
    const result = mixture(ops, body(ops)).data[0] as number;
    values[k] = before;
    return result;
  };
  const step = 1e-3;
  numbers.forEach((values, at) => {
    const gradient = gradients[at] as Tensor;
    expect(gradient.shape).toEqual(watched[at]?.shape);
    values.forEach((x, k) => {
      // Five-point stencil: its error is of order step⁴, far below what is asked.
      const near = valueAt(values, k, x + step) - valueAt(values, k, x - step);
      const far = valueAt(values, k, x + 2 * step) - valueAt(values, k, x - 2 * step);
      const slope = (8 * near - far) / (12 * step);
      const difference = Math.abs((gradient.data[k] as number) - slope);
      expect(
        difference,
        `operand ${at}, element ${k}: gradient ${gradient.data[k]}, slope ${slope}`,
      ).toBeLessThanOrEqual(1e-6 * Math.max(Math.abs(slope), 1e-3));
    });
  });
}
