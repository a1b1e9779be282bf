import { describe, expect, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { dense } from '../../src/layers/dense.js';
import { flatten } from '../../src/layers/flatten.js';
import { highway } from '../../src/layers/highway.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { tensor } from '../../src/tensor.js';
import { draw, expectGradients, mixture, scatterParameters } from '../backprop/differences.js';

describe('a highway', () => {
  it('mixes what the layer gives and what it took by the gate', () => {
    const constant = (value: number) => () => Float32Array.of(value);
    const inner = dense(1, 1, { initializers: { w: constant(3), b: constant(0) } });
    const layer = highway(inner, { initializers: { w: constant(0), b: constant(Math.log(3)) } });
    // The gate is ¾: ¾ · 6 + ¼ · 2.
    expect(layer.apply(reference(), {}, tensor([1, 1, 1], [2]))[0].data[0]).toBeCloseTo(5, 6);
  });

  it('lets most go past the layer at first', () => {
    const layer = highway(dense(4, 4), { seed: 1 });
    expect([...layer.params.b.data]).toEqual([-1, -1, -1, -1]);
    expect(parametersOf(layer.params).map(([path]) => path)).toEqual(['w', 'b', 'inner.w', 'inner.b']);
  });

  it('has the right gradients, and the same numbers on the kernels', () => {
    const layer = highway(gru(4, 4), { seed: 1 });
    const parameters = scatterParameters(layer.params);
    const x = draw([3, 2, 4], 'x');
    expectGradients([...parameters, x], (ops) => mixture(ops, layer.apply(ops, layer.initial(2), x)[0]));
    const [wanted] = layer.apply(reference(), layer.initial(2), x);
    const got = inWindow((ops) => toSignal(layer.apply(ops, layer.initial(2), x)[0]));
    expect(Math.max(...got.data.map((value, k) => Math.abs(value - (wanted.data[k] as number))))).toBeLessThan(1e-5);
  });

  it.each([
    ['another width', () => highway(dense(4, 3)), 'dense takes 4 features and gives 3'],
    ['no width of its own', () => highway(flatten() as never), 'flatten takes any number of features'],
  ])('refuses a layer of %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
