import { lastValueFrom, of, toArray } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import { evaluate } from '../../src/layer.js';
import { causalAttention, selfAttention } from '../../src/layers/attention.js';
import { dense } from '../../src/layers/dense.js';
import { feedForward } from '../../src/layers/feed-forward.js';
import { layerNorm } from '../../src/layers/layer-norm.js';
import { learnedPositions, sinusoidalPositions } from '../../src/layers/positions.js';
import { residual } from '../../src/layers/residual.js';
import { causalBlocks, encoder } from '../../src/layers/transformer.js';
import { gpt } from '../../src/models/gpt.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { stepper } from '../../src/stepper.js';
import { resetLanes } from '../../src/streams/reset.js';
import { type Ids, ids, type Tensor, tensor, zeros } from '../../src/tensor.js';
import { draw, expectGradients, scatterParameters } from '../backprop/differences.js';
import { bytesOf } from '../training/training-run.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);
const step = (x: Ids, t: number, lanes: number) => ids([1, lanes], x.data.slice(t * lanes, (t + 1) * lanes));
const single = (x: Tensor): Tensor => tensor(x.shape, Float32Array.from(x.data));

afterAll(() => void configure({ threads: 2 }));

describe('a stream of causal attention', () => {
  const [steps, lanes, context] = [70, 3, 20];
  const model = () => gpt({ symbols: 7, context: 80, features: 24, heads: 3, blocks: 2, seed: 5 });
  const bounded = () => causalBlocks(24, 3, { blocks: 2, context, seed: 5 });
  const symbols = ids(
    [steps, lanes],
    Int32Array.from({ length: steps * lanes }, (_, k) => (k * k + 3 * k) % 7),
  );
  const signal = single(draw([steps, lanes, 24], 'signal'));

  for (const tier of tiers) {
    it(`T windows of one give the bits of one window of T, ${tier} tier`, () => {
      configure({ tier, threads: 2 });
      const whole = model();
      const [all, last] = evaluate(whole, whole.initial(lanes), symbols);
      let carry = whole.initial(lanes);
      for (let t = 0; t < steps; t += 1) {
        const [y, next] = evaluate(whole, carry, step(symbols, t, lanes));
        expect(bytesOf(y.data), `step ${t}`).toBe(bytesOf(all.data.slice(t * lanes * 7, (t + 1) * lanes * 7)));
        carry = next;
      }
      expect(carry).toEqual(last);
    });

    it(`a stream longer than the context gives the bits of one window, ${tier} tier`, () => {
      configure({ tier, threads: 2 });
      const layer = bounded();
      const [all, last] = evaluate(layer, layer.initial(lanes), signal);
      const width = lanes * 24;
      let carry = layer.initial(lanes);
      for (const [from, to] of [
        [0, 1],
        [1, 9],
        [9, 40],
        [40, 41],
        [41, 70],
      ] as const) {
        const part = tensor([to - from, lanes, 24], signal.data.slice(from * width, to * width));
        const [y, next] = evaluate(layer, carry, part);
        expect(bytesOf(y.data), `steps ${from} to ${to}`).toBe(bytesOf(all.data.slice(from * width, to * width)));
        carry = next;
      }
      expect(carry).toEqual(last);
    });

    it(`any number of threads gives the same bits, ${tier} tier`, () => {
      const outputs = [1, 2, 3].map((threads) => {
        configure({ tier, threads });
        const layer = bounded();
        return bytesOf(evaluate(layer, layer.initial(lanes), signal)[0].data);
      });
      expect(new Set(outputs).size).toBe(1);
    });
  }

  it('a step sees itself and context − 1 steps before it, and nothing else', () => {
    const layer = causalAttention(8, 2, { context: 4, seed: 1 });
    const x = single(draw([9, 1, 8], 'x'));
    const at = (changed: number) => {
      const data = Float32Array.from(x.data, (value, k) => (Math.floor(k / 8) === changed ? value + 1 : value));
      return evaluate(layer, layer.initial(1), tensor(x.shape, data))[0].data;
    };
    const before = at(-1);
    for (let changed = 0; changed < 9; changed += 1) {
      const after = at(changed);
      const moved = Array.from({ length: 9 }, (_, t) => t).filter((t) =>
        after.slice(8 * t, 8 * t + 8).some((value, k) => value !== before[8 * t + k]),
      );
      expect(moved).toEqual(Array.from({ length: 9 }, (_, t) => t).filter((t) => t >= changed && t < changed + 4));
    }
  });

  it('a lane that is reset goes on as a new one, the others as before', () => {
    const whole = model();
    const [, carry] = evaluate(whole, whole.initial(2), ids([3, 2], [1, 2, 3, 4, 5, 6]));
    const next = ids([2, 2], [0, 1, 2, 3]);
    const [y] = evaluate(whole, resetLanes(whole, carry, [true, false]), next);
    const [fresh] = evaluate(whole, whole.initial(2), next);
    const [old] = evaluate(whole, carry, next);
    const lane = (x: Tensor, b: number) =>
      [0, 1].flatMap((t) => [...x.data.slice((2 * t + b) * 7, (2 * t + b + 1) * 7)]);
    expect(lane(y, 0)).toEqual(lane(fresh, 0));
    expect(lane(y, 1)).toEqual(lane(old, 1));
    expect(lane(old, 0)).not.toEqual(lane(fresh, 0));
  });

  it('a stepper takes it step by step, with the same bits', () => {
    const whole = model();
    const [all] = evaluate(whole, whole.initial(lanes), symbols);
    const { step: next, release } = stepper(whole);
    for (let t = 0; t < steps; t += 1) {
      expect(bytesOf(next(step(symbols, t, lanes)).data.slice()), `step ${t}`).toBe(
        bytesOf(all.data.slice(t * lanes * 7, (t + 1) * lanes * 7)),
      );
    }
    release();
  });

  it('is an operator whose subscriptions start afresh', async () => {
    const whole = model();
    const run = () => lastValueFrom(of(step(symbols, 0, lanes), step(symbols, 1, lanes)).pipe(whole, toArray()));
    expect(await run()).toEqual(await run());
  });
});

describe('gradients through the layers', () => {
  // Differences across a kink of ReLU are no slopes.
  const smooth = (ops: Ops, z: Tensor) => ops.tanh(z);

  it('causal blocks, past and all', () => {
    const layer = causalBlocks(4, 2, { blocks: 2, hidden: 5, context: 3, activation: smooth });
    const x = draw([4, 2, 4], 'x');
    const [first, second] = [draw([2, 2, 4], 'keys'), draw([2, 2, 4], 'values')];
    const carry = {
      block1: { attention: { keys: first, values: second, known: tensor([2], [1, 2]) } },
      block2: { attention: { keys: second, values: first, known: tensor([2], [0, 2]) } },
    };
    const watched = [...scatterParameters(layer.params), x, first, second];
    expectGradients(watched, (ops) => layer.apply(ops, carry, x)[0]);
  });

  it('reach back through the carry of an earlier window on the same tape', () => {
    const layer = causalAttention(4, 2, { context: 4 });
    const [x, z] = [draw([2, 2, 4], 'x'), draw([3, 2, 4], 'z')];
    expectGradients([...scatterParameters(layer.params), x, z], (ops) => {
      const [, carry] = layer.apply(ops, layer.initial(2), x);
      return layer.apply(ops, carry, z)[0];
    });
  });

  it('an encoder with padding', () => {
    const layer = encoder(4, 2, { blocks: 2, hidden: 5, norm: 'post', activation: smooth });
    const x = draw([3, 2, 4], 'x');
    const mask = tensor([3, 2], [1, 1, 1, 0, 0, 1]);
    expectGradients(
      [...scatterParameters(layer.params), x],
      (ops) => layer.apply(ops, layer.initial(2), { x, mask })[0],
    );
  });

  it('a model whose head is its embedding, with learned positions', () => {
    const tied = gpt({ symbols: 4, context: 5, features: 4, heads: 2, blocks: 1, tied: true, activation: smooth });
    const x = ids([3, 2], [0, 1, 3, 2, 2, 0]);
    expectGradients(scatterParameters(tied.params), (ops) => tied.apply(ops, tied.initial(2), x)[0]);
  });
});

describe('positions', () => {
  it('learned ones count on from window to window, and stay at the last', () => {
    const layer = learnedPositions(3, 2);
    const [table] = scatterParameters(layer.params) as [Tensor];
    const ops = reference();
    let carry = layer.initial(1);
    const rows = [2, 1, 2].flatMap((steps) => {
      const [y, next] = layer.apply(ops, carry, zeros([steps, 1, 2]));
      carry = next;
      return [...y.data];
    });
    const row = (t: number) => [...table.data.slice(2 * t, 2 * t + 2)];
    expect(rows).toEqual([0, 1, 2, 2, 2].flatMap(row));
    expect([...carry.at.data]).toEqual([3]);
  });

  it('sinusoidal ones are sines and cosines, and restart where windows stand alone', () => {
    const layer = sinusoidalPositions(9, 4, { restart: true });
    const x = zeros([3, 1, 4]);
    const [y, carry] = layer.apply(reference(), layer.initial(1), x);
    const expected = [0, 1, 2].flatMap((t) => [Math.sin(t), Math.cos(t), Math.sin(t / 100), Math.cos(t / 100)]);
    y.data.forEach((value, k) => void expect(value).toBeCloseTo(expected[k] as number, 12));
    expect(layer.apply(reference(), carry, x)[0]).toEqual(y);
  });
});

describe('what does not fit', () => {
  const ops = reference();

  it.each([
    [() => selfAttention(10, 3), 'selfAttention: 10 features cannot be cut into 3 heads'],
    [() => causalAttention(8, 2, { context: 1 }), 'causalAttention: context is a whole number of at least 2, not 1'],
    [() => layerNorm(0), 'layerNorm: features is a whole number of at least 1'],
    [() => layerNorm(2, { epsilon: 0 }), 'layerNorm: epsilon is a number above 0'],
    [() => feedForward(2, 0), 'dense: units is a whole number of at least 1'],
    [
      () => learnedPositions(2, 3).apply(ops, { at: zeros([1]) }, zeros([3, 1, 3])),
      'has 2 positions, but the window has 3',
    ],
    [
      () => selfAttention(4, 2).apply(ops, {}, zeros([2, 1, 3])),
      'selfAttention: takes signals [T, B, 4], but got [2, 1, 3]',
    ],
    [() => ops.attention([x, x], { heads: 1 }), 'attention: queries, keys and values are [T, B, D]'],
    [() => ops.attention([x, zeros([3, 1, 4]), zeros([3, 1, 4])], { heads: 1, causal: true }), '2 queries and 3 keys'],
    [() => ops.attention([x, x, x], { heads: 1 }, zeros([1, 2])), 'the mask of [2, 1] keys is not [1, 2]'],
    [() => ops.attention([x, x, x, zeros([1, 5, 4]), zeros([1, 5, 4])], { heads: 1, causal: true }), 'but got none'],
    [() => ops.layerNorm(x, zeros([3]), zeros([4]), 1), 'layerNorm: x [2, 1, 4] wants gain and bias [4]'],
    [() => ops.swapAxes(zeros([3])), 'swapAxes: needs two axes at least, but got [3]'],
    [() => ops.countFrom(x, 2, 3), 'start is one number a lane, [B]'],
  ])('is refused with the reason (%#)', (make, message) => {
    expect(make).toThrow(message);
  });

  const x = zeros([2, 1, 4]);

  it('residual adds what it takes to what its layer gives, and wants as many features of both', () => {
    expect(() => residual(dense(3, 4))).toThrow('residual: dense takes 3 features and gives 4');
    const [inner, z] = [dense(2, 2), tensor([1, 1, 2], [1, 2])];
    const [f] = inner.apply(ops, {}, z);
    expect([...residual(inner).apply(ops, {}, z)[0].data]).toEqual([...f.data].map((value, k) => value + [1, 2][k]));
  });
});
