/** Holds ours against a golden case: outputs and gradients, on the reference and on the kernels. */
import { expect } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { type Params, parametersOf } from '../../src/parameters/parameter.js';
import type { Tensor } from '../../src/tensor.js';
import { entry, type Figures, type GoldenCase, type Named, numbersOf } from './load.js';

/** Within a share of the tensor's largest number; the figures themselves have twelve digits. */
export function expectFigures(actual: Tensor | undefined, expected: Figures, what: string, tolerance = 1e-5): void {
  expect(actual?.shape, what).toEqual(expected.shape);
  const scale = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // A gradient that is 0 but for rounding (a key's bias moves all scores alike) has no scale of its own.
  const largest = scale < 1e-12 ? 1 : scale;
  expected.data.forEach((value, k) => {
    const difference = Math.abs((actual?.data[k] as number) - value);
    expect(difference, `${what}, element ${k}`).toBeLessThanOrEqual(tolerance * largest);
  });
}

/** Ours, run on PyTorch's numbers: outputs by PyTorch's names. */
export type Run = (ops: Ops, inputs: Named<Tensor>) => Named<Tensor>;

/**
 * Holds outputs and all gradients of a run against a case, in float64 on the reference and in float32 on the kernels;
 * `parameters` and `slopes` have our names and layouts.
 */
export function expectCase(
  figures: GoldenCase,
  params: Params,
  parameters: Named<Figures>,
  slopes: Named<Figures>,
  inputs: Named<Tensor>,
  run: Run,
): void {
  const named = parametersOf(params);
  expect(named.map(([path]) => path).sort()).toEqual(Object.keys(parameters).sort());
  for (const [path, { shape }] of named) expect(shape, path).toEqual(entry(parameters, path).shape);
  const leaves = Object.entries(inputs).filter(([, x]) => x.type !== 'int32');
  const watched = [...named.map(([, p]) => p), ...leaves.map(([, x]) => x)];

  function hold(base: Ops, on: string, tolerance: number): void {
    const ops = tape(base, watched);
    const outputs = run(ops, inputs);
    const parts = Object.entries(figures.outputs).map(([name, expected]) => {
      const output = entry(outputs, name);
      expectFigures(output, expected, `${name} on ${on}`, tolerance);
      return ops.sumTo(ops.multiply(output, numbersOf(entry(figures.mix, name))), []);
    });
    const gradients = ops.gradients(parts.reduce((sum, part) => ops.add(sum, part)));
    [...named, ...leaves].forEach(([name], k) => {
      const expected = k < named.length ? entry(slopes, name) : entry(figures.gradients, name);
      expectFigures(gradients[k], expected, `gradient of ${name} on ${on}`, tolerance);
    });
  }

  const substitute = new Map(named.map(([path, p]) => [p, Float64Array.from(entry(parameters, path).data)]));
  hold(reference({ substitute }), 'the reference', 1e-5);
  for (const [path, p] of named) p.assign(entry(parameters, path).data);
  inWindow((eager) => hold(eager, 'the kernels', 1e-4));
}

export const signals = (figures: GoldenCase): Named<Tensor> =>
  Object.fromEntries(Object.entries(figures.inputs).map(([name, value]) => [name, numbersOf(value)]));

/** PyTorch's `[layers, B, H]` as a list of `[B, H]`, and back. */
export const layersOf = (ops: Ops, h: Tensor): readonly Tensor[] => {
  const [count = 0, batch = 0, units = 0] = h.shape;
  return ops.split(ops.reshape(h, [count * batch, units]), 0, new Array<number>(count).fill(batch));
};
export const asLayers = (ops: Ops, parts: readonly Tensor[]): Tensor =>
  ops.reshape(ops.concat(parts, 0), [parts.length, ...(parts[0] as Tensor).shape]);
