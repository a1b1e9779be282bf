import { afterAll, describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import { evaluate, noCarry } from '../../src/layer.js';
import { convolution1d } from '../../src/layers/convolution-1d.js';
import { convolution2d } from '../../src/layers/convolution-2d.js';
import { flatten } from '../../src/layers/flatten.js';
import { localResponseNorm } from '../../src/layers/local-response-norm.js';
import { maxPooling1d, maxPooling2d, meanPooling2d } from '../../src/layers/pooling.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { type Parameter, parametersOf } from '../../src/parameters/parameter.js';
import { stepper } from '../../src/stepper.js';
import { type Tensor, tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';
import { bytesOf } from '../training/training-run.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);

afterAll(() => void configure({ threads: 2 }));

const numbers = (x: Tensor) => [...x.data];

describe('convolution2d', () => {
  it('slides its kernel without turning it, and sees zeros beyond the edges', () => {
    const layer = convolution2d(1, 1, [1, 2], { padding: [0, 1] });
    const named = new Map(parametersOf(layer.params));
    named.get('w')?.assign([10, 1]);
    named.get('b')?.assign([0.5]);
    const [y] = layer.apply(reference(), noCarry, tensor([1, 1, 1, 3, 1], [1, 2, 3]));
    expect(y.shape).toEqual([1, 1, 1, 4, 1]);
    expect(numbers(y)).toEqual([1.5, 12.5, 23.5, 30.5]);
  });

  it.each([
    ['valid', [4, 5]],
    ['same', [6, 8]],
    ['full', [8, 11]],
    [2, [8, 9]],
    [
      [1, 0],
      [6, 5],
    ],
  ] as const)('padding %s of a kernel 3×4 over an image 6×8 gives %s', (padding, [rows, columns]) => {
    const layer = convolution2d(2, 3, [3, 4], { padding });
    expect(layer.apply(reference(), noCarry, zeros([1, 2, 6, 8, 2]))[0].shape).toEqual([1, 2, rows, columns, 3]);
  });

  it.each([
    { groups: 2, stride: 2 },
    { padding: 'same', bias: false, activation: 'relu' },
  ] as const)('has the right gradients, %o', (options) => {
    const layer = convolution2d(2, 4, 3, options);
    const x = draw([2, 1, 5, 4, 2], 'x');
    expectGradients([...scatterParameters(layer.params), x], (ops) => layer.apply(ops, noCarry, x)[0]);
  });

  it('relu in the same pass is relu after it', () => {
    const [fused, plain] = [convolution2d(3, 21, 3, { activation: 'relu' }), convolution2d(3, 21, 3)];
    for (const { params } of [fused, plain]) scatterParameters(params);
    const x = draw([1, 3, 7, 7, 3], 'x');
    inWindow((ops) => {
      const expected = ops.relu(plain.apply(ops, noCarry, x)[0]);
      expect(fused.apply(ops, noCarry, x)[0].data).toEqual(expected.data);
      expect(expected.data).toContain(0);
    });
  });

  it('refuses what does not fit, naming what it got', () => {
    const layer = convolution2d(3, 4, 5);
    const apply = (shape: readonly number[]) => () => layer.apply(reference(), noCarry, zeros(shape));
    expect(apply([1, 2, 8, 8, 1])).toThrow(
      'convolution2d: takes images [T, B, H, W, 3], channels last, but got [1, 2, 8, 8, 1]',
    );
    expect(apply([2, 8, 8, 3])).toThrow('a batch of images is a window of one step');
    expect(apply([1, 2, 8, 4, 3])).toThrow('convolution2d: 5×5 does not fit into images of 8×4');
    expect(() => convolution2d(3, 4, 0)).toThrow('convolution2d: a size is a whole number of at least 1, not 0.');
    expect(() => convolution2d(3, 4, 2, { groups: 2 })).toThrow('do not divide into 2 groups');
    expect(() => convolution2d(3, 4, 2, { stride: 1.5 }).apply(reference(), noCarry, zeros([1, 1, 4, 4, 3]))).toThrow(
      'whole numbers above 0',
    );
    expect(() => reference().convolution2d(zeros([1, 4, 4, 3]), zeros([2, 2, 3, 5]), zeros([4]))).toThrow(
      'x [1, 4, 4, 3], w [2, 2, 3, 5] and b [4] do not fit',
    );
  });
});

/** Everything that comes of images: outputs and gradients, weights and input watched. */
function trained(padding: 'valid' | 'same') {
  const convolve = convolution2d(5, 19, 3, { padding, activation: 'relu', seed: 3 });
  const x = draw([1, 9, 12, 11, 5], 'x');
  const parameters = parametersOf(convolve.params).map(([, parameter]) => parameter);
  return inWindow((eager) => {
    const ops = tape(eager, [...parameters, x]);
    const [z] = convolve.apply(ops, noCarry, x);
    const [y] = maxPooling2d(3, { stride: 2 }).apply(ops, noCarry, z);
    const [m] = meanPooling2d(2).apply(ops, noCarry, y);
    return toSignal([z, y, m, ...ops.gradients(m, draw(m.shape, 'seed'))]).map(({ data }) => bytesOf(data));
  });
}

for (const tier of tiers) {
  describe(`convolution, ${tier} tier`, () => {
    it.each(['valid', 'same'] as const)('two and three threads give the bits of one, padding %s', (padding) => {
      configure({ tier, threads: 1 });
      const one = trained(padding);
      for (const threads of [2, 3]) {
        configure({ tier, threads });
        expect(trained(padding)).toEqual(one);
      }
    });

    it('a causal convolution over T windows of one gives the bits of one window of T, and of a stepper', () => {
      configure({ tier, threads: 2 });
      for (const [T, B, I, O, k] of [
        [6, 1, 3, 5, 3],
        [7, 4, 5, 33, 4],
        [3, 2, 4, 16, 5],
        [4, 3, 2, 6, 1],
      ] as const) {
        const layer = convolution1d(I, O, k, { activation: 'relu', seed: 1 });
        const x = draw([T, B, I], 'x');
        const [whole, last] = inWindow((ops) => toSignal(layer.apply(ops, layer.initial(B), x)));
        const steps = stepper(layer);
        let carry = layer.initial(B);
        for (let t = 0; t < T; t += 1) {
          const step = tensor([1, B, I], Float32Array.from(x.data.slice(t * B * I, (t + 1) * B * I)));
          const [y, next] = inWindow((ops) => toSignal(layer.apply(ops, carry, step)));
          const expected = bytesOf(whole.data.slice(t * B * O, (t + 1) * B * O));
          expect(bytesOf(y.data)).toEqual(expected);
          expect(bytesOf(toSignal(steps.step(step)).data)).toEqual(expected);
          carry = next;
        }
        expect(carry).toEqual(last);
        expect(steps.carry).toEqual(last);
        steps.release();
      }
    });
  });
}

describe('convolution1d', () => {
  const sequence = tensor([4, 1, 1], [1, 2, 3, 4]);
  it.each([
    ['causal', [1, 12, 23, 34]],
    ['valid', [12, 23, 34]],
    ['same', [12, 23, 34, 40]],
    ['full', [1, 12, 23, 34, 40]],
  ] as const)('%s: where its kernel lies', (padding, expected) => {
    const layer = convolution1d(1, 1, 2, { padding, bias: false });
    new Map(parametersOf(layer.params)).get('w')?.assign([10, 1]);
    expect(numbers(layer.apply(reference(), layer.initial(1), sequence)[0])).toEqual(expected);
  });

  it('carries its last inputs, lane by lane', () => {
    const layer = convolution1d(1, 1, 3);
    const [, { past }] = layer.apply(reference(), layer.initial(2), tensor([3, 2, 1], [1, -1, 2, -2, 3, -3]));
    expect(past.shape).toEqual([2, 2, 1]);
    expect(numbers(past)).toEqual([2, 3, -2, -3]);
  });

  it('has the right gradients, the carry among them', () => {
    const layer = convolution1d(2, 3, 3, { activation: (ops, z) => ops.tanh(z) });
    const [x, past] = [draw([4, 2, 2], 'x'), draw([2, 2, 2], 'past')];
    const watched = [...scatterParameters(layer.params), x, past];
    expectGradients(watched, (ops) => {
      const [y, carry] = layer.apply(ops, { past }, x);
      return ops.concat([ops.reshape(y, [24]), ops.reshape(carry.past, [8])], 0);
    });
  });

  it('refuses a stride where it is causal, and sequences that are too short', () => {
    expect(() => convolution1d(1, 1, 3, { stride: 2 })).toThrow('a causal convolution gives an output at each moment');
    const layer = convolution1d(1, 1, 5, { padding: 'valid' });
    expect(() => layer.apply(reference(), layer.initial(1), sequence)).toThrow('does not fit');
    expect(() => layer.apply(reference(), layer.initial(1), zeros([6, 1, 2]))).toThrow(
      'convolution1d: takes sequences [T, B, 1] with T ≥ 1, but got [6, 1, 2].',
    );
  });
});

describe('pooling', () => {
  const image = tensor([1, 1, 3, 5, 1], [1, 5, 5, 2, 9, 4, 5, 0, 3, 9, 8, 8, 8, 8, 8]);

  it('takes the largest and the mean, and leaves out what is left at the edges', () => {
    expect(numbers(maxPooling2d(2).apply(reference(), noCarry, image)[0])).toEqual([5, 5]);
    expect(numbers(meanPooling2d(2).apply(reference(), noCarry, image)[0])).toEqual([3.75, 2.5]);
    expect(numbers(maxPooling1d(2).apply(reference(), noCarry, tensor([3, 1, 2], [1, 6, 5, 2, 9, 9]))[0])).toEqual([
      5, 6,
    ]);
  });

  it('the gradient goes to the first of several that are largest', () => {
    for (const run of [(body: typeof slope) => body(reference()), (body: typeof slope) => inWindow(body)]) {
      expect(run(slope)).toEqual([0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    function slope(base: ReturnType<typeof reference>) {
      const ops = tape(base, [image]);
      const [y] = maxPooling2d(2).apply(ops, noCarry, image);
      return numbers(ops.gradients(y, tensor(y.shape, [1, 2]))[0] as Tensor);
    }
  });

  it('a pool with NaN is NaN', () => {
    const broken = tensor([1, 1, 2, 2, 1], [1, Number.NaN, 3, 2]);
    inWindow((ops) => expect(numbers(maxPooling2d(2).apply(ops, noCarry, broken)[0])).toEqual([Number.NaN]));
    expect(numbers(maxPooling2d(2).apply(reference(), noCarry, broken)[0])).toEqual([Number.NaN]);
  });

  it('refuses other axes and pools that do not fit', () => {
    expect(() => maxPooling2d(4).apply(reference(), noCarry, image)).toThrow('maxPooling2d: 4×4 does not fit');
    expect(() => maxPooling1d(2).apply(reference(), noCarry, image)).toThrow('maxPooling1d: takes sequences');
    expect(() => meanPooling2d(2, { stride: 0 })).toThrow(
      'meanPooling2d: a stride is a whole number of at least 1, not 0.',
    );
  });
});

describe('flatten and localResponseNorm', () => {
  it('flatten keeps the order, and refuses a signal with nothing to flatten', () => {
    const [y] = flatten().apply(reference(), noCarry, tensor([1, 2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
    expect(y.shape).toEqual([1, 2, 4]);
    expect(numbers(y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(() => flatten().apply(reference(), noCarry, zeros([1, 2]))).toThrow('flatten: takes [T, B, …]');
  });

  it('localResponseNorm divides by its neighbours, and has the right gradients', () => {
    const layer = localResponseNorm(4, { size: 3, k: 1, alpha: 1, beta: 0.5 });
    const [y] = layer.apply(reference(), noCarry, tensor([1, 1, 4], [1, 2, 3, 4]));
    const expected = [1 / Math.sqrt(6), 2 / Math.sqrt(15), 3 / Math.sqrt(30), 4 / Math.sqrt(26)];
    y.data.forEach((value, k) => {
      expect(value).toBeCloseTo(expected[k] as number, 12);
    });
    const x = draw([2, 1, 4], 'x');
    expectGradients([x], (ops) => layer.apply(ops, noCarry, x)[0]);
    expect(() => layer.apply(reference(), noCarry, zeros([1, 1, 3]))).toThrow('takes 4 channels, but got [1, 1, 3]');
  });
});

describe('flipped kernels', () => {
  it("are the lecture's: y_t = Σ_k w_k x_{t−k+1}", () => {
    const x = tensor([5, 1, 1], [1, 2, 3, 4, 5]);
    const w = [1, 10, 100];
    const causal = convolution1d(1, 1, 3, { flipped: true, bias: false });
    parametersOf(causal.params)[0]?.[1].assign(Float32Array.from(w));
    const expected = [0, 1, 2, 3, 4].map((t) => w.reduce((sum, each, k) => sum + each * (t < k ? 0 : t - k + 1), 0));
    expect(Array.from(evaluate(causal, causal.initial(1), x)[0].data)).toEqual(expected);
  });

  it('are kernels with their places in the other order, and have the right gradients', () => {
    const x = draw([1, 2, 4, 5, 2], 'images');
    const [turned, plain] = [true, false].map((flipped) => convolution2d(2, 4, [2, 3], { flipped, groups: 2 }));
    const w = parametersOf(turned?.params ?? {})[0]?.[1] as Parameter;
    const other = parametersOf(plain?.params ?? {})[0]?.[1] as Parameter;
    const numbers = draw(w.shape, 'w').data;
    w.assign(numbers);
    // [2, 3, 1, 4]: six places of four numbers.
    other.assign(Float64Array.from(numbers, (_, k) => numbers[(5 - Math.floor(k / 4)) * 4 + (k % 4)] as number));
    const run = (layer: typeof turned) => layer?.apply(reference(), noCarry, x)[0].data;
    expect(run(turned)).toEqual(run(plain));
    expectGradients([x, w], (ops) => turned?.apply(ops, noCarry, x)[0] as Tensor);
  });
});
