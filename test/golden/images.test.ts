import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Core } from '../../src/layer.js';
import { convolution1d } from '../../src/layers/convolution-1d.js';
import { convolution2d } from '../../src/layers/convolution-2d.js';
import { localResponseNorm } from '../../src/layers/local-response-norm.js';
import { maxPooling1d, maxPooling2d, meanPooling1d, meanPooling2d } from '../../src/layers/pooling.js';
import { alexNet } from '../../src/models/alex-net.js';
import { leNet5 } from '../../src/models/le-net.js';
import { inWindow } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { ids, type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { expectCase, expectFigures, signals } from './hold.js';
import { caseOf, entry, type Figures, golden, type Named, permute } from './load.js';

type AnyLayer = Core<unknown, Tensor, Tensor>;

/** PyTorch's kernels are `[O, C, …]`, ours `[…, C, O]`. */
const weightsOf = (torch: Named<Figures>): Named<Figures> => {
  if (torch.weight === undefined) return {};
  const axes = torch.weight.shape.map((_, axis) => axis);
  return { w: permute(torch.weight, [...axes.slice(2), 1, 0]), b: entry(torch, 'bias') };
};

describe('layers of images and sequences against PyTorch', () => {
  it.each([
    ['Conv2d', convolution2d(3, 5, 3)],
    ['Conv2d, strided', convolution2d(3, 5, [3, 2], { stride: [2, 3] })],
    ['Conv2d, padded', convolution2d(2, 20, [3, 5], { padding: 'same' })],
    ['Conv2d, strided, padded, grouped', convolution2d(4, 6, 5, { stride: 2, padding: 3, groups: 2 })],
    ['MaxPool2d', maxPooling2d(2)],
    ['MaxPool2d, overlapping', maxPooling2d(3, { stride: 2 })],
    ['AvgPool2d', meanPooling2d([2, 3])],
    ['LocalResponseNorm', localResponseNorm(7, { alpha: 0.1 })],
    ['Conv1d', convolution1d(3, 4, 3, { padding: 'valid' })],
    ['Conv1d, strided, padded', convolution1d(3, 4, 4, { padding: 'full', stride: 2 })],
    ['MaxPool1d', maxPooling1d(2)],
    ['AvgPool1d', meanPooling1d(3, { stride: 1 })],
  ] as readonly (readonly [string, unknown])[])('%s', (name, made) => {
    const layer = made as AnyLayer;
    const figures = caseOf(golden('images'), name);
    const [weights, slopes] = [weightsOf(figures.parameters), weightsOf(figures.gradients)];
    expectCase(figures, layer.params, weights, slopes, signals(figures), (ops, { x }) => ({
      y: layer.apply(ops, layer.initial(2), x as Tensor)[0],
    }));
  });
});

/** Numbers by a rule, as make_images.py makes them; each comes again after 1009, so that most of them are copies. */
function made(salt: number, scale: number, shape: Shape): Tensor {
  const data = new Float32Array(sizeOf(shape));
  const period = Math.min(1009, data.length);
  for (let k = 0; k < period; k += 1) data[k] = ((((k * 7919 + salt * 104729) % 1009) - 504) / 504) * scale;
  for (let done = period; done < data.length; done *= 2) data.copyWithin(done, 0, done);
  return tensor(shape, data);
}

function fill({ params }: AnyLayer, scale: (fan: number) => number): void {
  parametersOf(params).forEach(([, parameter], salt) => {
    const { shape } = parameter;
    parameter.assign(made(salt, shape.length === 1 ? 0.1 : scale(sizeOf(shape.slice(0, -1))), shape).data);
  });
}

/** Holds gradients against their products with made numbers, and their norms. */
function expectSlopes(
  gradients: readonly Tensor[],
  slopes: readonly (readonly [product: number, norm: number])[],
): void {
  expect(gradients).toHaveLength(slopes.length);
  gradients.forEach(({ shape, data }, k) => {
    const [product, norm] = slopes[k] as readonly [number, number];
    const mix = made(200, 1, shape).data;
    let [sum, squares] = [0, 0];
    for (let at = 0; at < data.length; at += 1) {
      sum += (data[at] as number) * (mix[at] as number);
      squares += (data[at] as number) ** 2;
    }
    expect(Math.abs(sum - product), `parameter ${k}`).toBeLessThanOrEqual(1e-4 * norm);
    expect(Math.abs(Math.sqrt(squares) - norm), `norm of parameter ${k}`).toBeLessThanOrEqual(1e-5 * norm);
  });
}

describe('nets against PyTorch', () => {
  const { leNet5: lecture, alexNet: published } = golden('nets');

  it('leNet5: logits, loss and every gradient', () => {
    const model = leNet5();
    fill(model as AnyLayer, (fan) => fan ** -0.5);
    const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
    inWindow((eager) => {
      const ops = tape(eager, parameters);
      const [y] = model.apply(ops, model.initial(3), made(100, 1, [1, 3, 28, 28, 1]));
      expectFigures(y, lecture.logits, 'logits', 1e-5);
      const loss = crossEntropy()(ops, y, ids([1, 3], [3, 0, 7]));
      expect(loss.data[0]).toBeCloseTo(lecture.loss.data[0] as number, 5);
      expectSlopes(ops.gradients(loss), lecture.slopes);
    });
  });

  it.each(published.map((figures) => [`${figures.side}×${figures.side}, ÷ ${figures.narrower}`, figures] as const))(
    'alexNet on images of %s: logits, every gradient and the number of weights',
    (_, { side, narrower, classes, weights, logits, slopes }) => {
      const model = alexNet({ side, narrower, classes, dropout: 0 });
      expect(parametersOf(model.params).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0)).toBe(weights);
      fill(model as AnyLayer, (fan) => (3 / fan) ** 0.5);
      inWindow((eager) => {
        const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
        const ops = tape(eager, parameters);
        const [y] = model.apply(ops, model.initial(1), made(100, 1, [1, 1, side, side, 3]));
        expectFigures(y, logits, 'logits', 1e-4);
        const loss = crossEntropy()(ops, y, ids([1, 1], [classes / 2]));
        expectSlopes(ops.gradients(loss), slopes);
      });
    },
    60_000,
  );
});
