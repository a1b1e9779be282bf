import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/layer.js';
import { decodeGreedy, encoderDecoder } from '../../src/models/encoder-decoder.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { ids } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { trainer } from '../../src/training/trainer.js';
import { draw, expectGradients } from '../backprop/differences.js';

const [symbols, steps, batch] = [6, 5, 32];
const start = symbols;
const random = generator(3, 'sequences');

/** Random sequences, their images under a function, and what the writer has written one step before. */
function pairs(image: (sequence: readonly number[]) => readonly number[]) {
  const lanes = Array.from({ length: batch }, () => Array.from({ length: steps }, () => random.below(symbols)));
  const images = lanes.map(image);
  const timeMajor = (of: readonly (readonly number[])[]) =>
    ids(
      [steps, batch],
      Array.from({ length: steps * batch }, (_, k) => of[k % batch][Math.floor(k / batch)]),
    );
  const shifted = images.map((lane) => [start, ...lane.slice(0, -1)]);
  return { source: timeMajor(lanes), target: timeMajor(images), before: timeMajor(shifted) };
}

const model = () =>
  encoderDecoder({ source: symbols, target: symbols + 1, length: 8, features: 32, heads: 2, blocks: 1, seed: 2 });

describe('encoderDecoder', () => {
  it('has the right gradients, with padding', () => {
    const small = encoderDecoder({
      source: 4,
      target: 3,
      length: 3,
      features: 4,
      heads: 2,
      blocks: 1,
      padding: 3,
      activation: (ops, z) => ops.tanh(z),
    });
    const watched = parametersOf(small.params).map(([path, parameter]) => {
      parameter.assign(draw(parameter.shape, path, 0.5).data);
      return parameter;
    });
    const pair = { source: ids([3, 2], [0, 1, 2, 3, 1, 3]), target: ids([2, 2], [2, 2, 0, 1]) };
    expectGradients(watched, (ops) => small.apply(ops, small.initial(2), pair)[0]);
  });

  it('writes step by step what it predicts at once, bit for bit', () => {
    const whole = model();
    const { source, before } = pairs((lane) => lane);
    const [all] = evaluate(whole, whole.initial(batch), { source, target: before });
    let carry = whole.read(source);
    const width = batch * (symbols + 1);
    for (let t = 0; t < steps; t += 1) {
      const [y, next] = evaluate(whole.writer, carry, ids([1, batch], before.data.slice(t * batch, (t + 1) * batch)));
      expect(y.data).toEqual(all.data.slice(t * width, (t + 1) * width));
      carry = next;
    }
  });

  it('padding changes nothing of what is written', () => {
    const padded = encoderDecoder({ source: 5, target: 4, length: 6, features: 8, heads: 2, blocks: 2, padding: 4 });
    const short = decodeGreedy(padded, ids([2, 1], [1, 3]), { start: 3, steps: 4 });
    const long = decodeGreedy(padded, ids([5, 1], [1, 3, 4, 4, 4]), { start: 3, steps: 4 });
    expect(long).toEqual(short);
  });

  it('learns to reverse sequences', () => {
    const whole = model();
    const { learn, release } = trainer(whole, { loss: crossEntropy(), optimizer: adam(3e-3), clipNorm: 1 });
    const carry = whole.initial(batch);
    const reverse = (lane: readonly number[]) => lane.toReversed();
    for (let step = 0; step < 400; step += 1) {
      const { source, target, before } = pairs(reverse);
      learn({ carry, input: { source, target: before }, target, alone: true });
    }
    release();
    const { source, target } = pairs(reverse);
    const written = decodeGreedy(whole, source, { start, steps });
    const right = Array.from({ length: batch }, (_, b) => b).filter((b) =>
      Array.from({ length: steps }, (_, t) => t * batch + b).every((k) => written.data[k] === target.data[k]),
    );
    expect(right.length).toBeGreaterThanOrEqual(0.99 * batch);
  });
});
