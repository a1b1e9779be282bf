import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { evaluate, type Layer, type NoCarry, noCarry } from '../../src/layer.js';
import { maxout } from '../../src/layers/maxout.js';
import { prelu } from '../../src/layers/prelu.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { type Tensor, tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';
import { caseOf, entry, type Figures, golden, type Named, numbersOf, transpose } from '../golden/load.js';

const cases = golden('feedforward').activations;

/** Holds a layer's outputs and gradients against PyTorch's; `ours` has PyTorch's figures by our names. */
function expectLayer(name: string, layer: Layer<NoCarry>, ours: (torch: Named<Figures>) => Named<Figures>): void {
  const figures = caseOf(cases, name);
  const [weights, slopes] = [ours(figures.parameters), ours(figures.gradients)];
  const named = parametersOf(layer.params);
  for (const [path, p] of named) p.assign(entry(weights, path).data);
  const [x, mix] = [numbersOf(entry(figures.inputs, 'x')), numbersOf(entry(figures.mix, 'y'))];
  const hold = (base: Ops, tolerance: number) => {
    const ops = tape(base, [...named.map(([, p]) => p), x]);
    const [y] = layer.apply(ops, noCarry, x);
    const gradients = ops.gradients(ops.sumTo(ops.multiply(y, mix), []));
    const expected = [...named.map(([path]) => entry(slopes, path)), entry(figures.gradients, 'x')];
    for (const [got, { shape, data }] of [
      [y, entry(figures.outputs, 'y')] as const,
      ...expected.map((each, k) => [gradients[k] as Tensor, each] as const),
    ]) {
      expect(got.shape).toEqual(shape);
      const largest = Math.max(...data.map(Math.abs));
      data.forEach((value, k) => {
        expect(Math.abs((got.data[k] as number) - value)).toBeLessThanOrEqual(tolerance * largest);
      });
    }
  };
  hold(reference(), 1e-6);
  inWindow((eager) => hold(eager, 1e-5));
}

describe('prelu', () => {
  it("is PyTorch's PReLU", () => {
    expectLayer('PReLU', prelu(4), (torch) => ({ slope: entry(torch, 'weight') }));
  });

  it('has the right gradients, that of its slopes too', () => {
    const layer = prelu(3);
    const x = draw([2, 2, 3], 'x');
    expectGradients([...scatterParameters(layer.params), x], (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('starts at a quarter', () => {
    expect([...evaluate(prelu(2), noCarry, tensor([1, 1, 2], [-4, 4]))[0].data]).toEqual([-1, 4]);
  });
});

describe('maxout', () => {
  it("is the largest of PyTorch's linear layers", () => {
    expectLayer('maxout', maxout(4, 2, { group: 3 }), (torch) => ({
      w: transpose(entry(torch, 'weight')),
      b: entry(torch, 'bias'),
    }));
  });

  it.each([1, 2, 4])('has the right gradients, groups of %i', (group) => {
    const layer = maxout(3, 2, { group });
    const x = draw([2, 2, 3], 'x');
    expectGradients([...scatterParameters(layer.params), x], (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('is ReLU where the other element of each group is 0', () => {
    const layer = maxout(2, 2);
    const named = new Map(parametersOf(layer.params));
    named.get('w')?.assign([1, 2, 0, 0, 3, -4, 0, 0]);
    named.get('b')?.assign([10, 20, 0, 0]);
    const [y] = layer.apply(reference(), noCarry, tensor([2, 1, 2], [1, 1, 1, 10]));
    expect(y.shape).toEqual([2, 1, 2]);
    expect([...y.data]).toEqual([14, 18, 41, 0]);
  });

  it('refuses other features and sizes, naming what it got', () => {
    expect(() => maxout(3, 2).apply(reference(), noCarry, zeros([1, 1, 4]))).toThrow(
      'maxout: takes 3 features, but got [1, 1, 4]',
    );
    expect(() => maxout(3, 2, { group: 0 })).toThrow('maxout: group is a whole number of at least 1, not 0.');
  });
});
