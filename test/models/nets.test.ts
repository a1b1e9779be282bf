import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/layer.js';
import { alexNet } from '../../src/models/alex-net.js';
import { leNet5 } from '../../src/models/le-net.js';
import { toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { stepper } from '../../src/stepper.js';
import { ids, sizeOf, type Tensor, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { trainer } from '../../src/training/trainer.js';

type Net = ReturnType<typeof leNet5>;

const weights = ({ params }: Net) => parametersOf(params).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);

/** Bright squares whose corner tells the class: upper left, upper right, lower left, lower right. */
function squares(batch: number, side: number, channels: number, seed: number) {
  const random = generator(seed);
  const labels = Int32Array.from({ length: batch }, (_, k) => k % 4);
  const half = side / 2;
  const data = Float32Array.from({ length: batch * side * side * channels }, (_, k) => {
    const pixel = Math.floor(k / channels);
    const [row, column] = [Math.floor(pixel / side) % side, pixel % side];
    const corner = (row < half ? 0 : 2) + (column < half ? 0 : 1);
    return random.uniform() + (corner === labels[Math.floor(pixel / side / side)] ? 1 : 0);
  });
  return { input: tensor([1, batch, side, side, channels], data), target: ids([1, batch], labels) };
}

function accuracyAfter(model: Net, windows: number, make: (seed: number) => ReturnType<typeof squares>): number {
  const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: adam(1e-3) });
  const first = make(0);
  let carry = model.initial(first.target.data.length);
  for (let k = 0; k < windows; k += 1) carry = learn({ carry, ...make(k) }).carry;
  release();
  const { input, target } = make(1000);
  const [y] = evaluate(model, model.initial(target.data.length), input) as readonly [Tensor, unknown];
  const classes = y.shape[2] as number;
  const right = target.data.filter((label, k) => {
    const row = Array.from(y.data.slice(k * classes, (k + 1) * classes));
    return row.indexOf(Math.max(...row)) === label;
  });
  return right.length / target.data.length;
}

describe('leNet5', () => {
  it("has the lecture's weights, and learns", () => {
    expect(weights(leNet5())).toBe(156 + 2416 + 256 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10);
    const model = leNet5({ side: 16, classes: 4, seed: 1 });
    expect(accuracyAfter(model, 30, (seed) => squares(32, 16, 1, seed))).toBe(1);
  });

  it('is wider, with dropout and ReLU throughout, where that is asked for', () => {
    const model = leNet5({ maps: [32, 64], units: [128, 64], relu: 'all', dropout: 0.5, seed: 1 });
    const shapes = parametersOf(model.params).map(([path, { shape }]) => `${path} ${shape}`);
    expect(shapes).toContain('convolve2.w 5,5,32,64');
    expect(shapes).toContain('dense1.w 1024,128');
    expect(model.initial(1)).toHaveProperty('drop');
  });

  it('gives the same bits by a stepper, whose steps are written down and run again', () => {
    const model = leNet5({ side: 16, seed: 1, relu: 'all' });
    const { step, release } = stepper(model);
    for (const seed of [1, 2, 3, 4]) {
      const { input } = squares(3, 16, 1, seed);
      const [y] = evaluate(model, model.initial(3), input);
      expect(toSignal(step(input))).toEqual(y);
    }
    release();
  });

  it('refuses images that are too small', () => {
    expect(() => leNet5({ side: 15 })).toThrow('leNet5: images of 15×15 are too small');
  });
});

describe('alexNet', () => {
  it('has 60,965,224 weights at its published size; none is drawn before it is needed', () => {
    expect(weights(alexNet())).toBe(60_965_224);
  });

  it('learns where it is narrow', () => {
    const model = alexNet({
      side: 67,
      channels: 1,
      classes: 4,
      narrower: 16,
      initialization: 'he',
      dropout: 0,
      seed: 1,
    });
    expect(accuracyAfter(model, 12, (seed) => squares(16, 67, 1, seed))).toBe(1);
  });

  it('refuses images that are too small and widths that do not come out', () => {
    expect(() => alexNet({ side: 66 })).toThrow('alexNet: images of 66×66 are too small');
    expect(() => alexNet({ narrower: 3 })).toThrow('narrower divides 16');
  });
});
