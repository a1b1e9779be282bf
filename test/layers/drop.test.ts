import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { configure } from '../../src/kernels/machine.js';
import { evaluate, type Layer, noCarry } from '../../src/layer.js';
import { crossAttention, selfAttention } from '../../src/layers/attention.js';
import { encoder } from '../../src/layers/transformer.js';
import { causalBlock, decoderBlock, encoderBlock } from '../../src/layers/transformer-blocks.js';
import { bert } from '../../src/models/bert.js';
import { encoderDecoder } from '../../src/models/encoder-decoder.js';
import { gpt } from '../../src/models/gpt.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { randomWindows } from '../../src/streams/random-windows.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { ids, type Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { draw, expectGradients } from '../backprop/differences.js';
import { bytesOf } from '../training/training-run.js';

afterAll(() => void configure({ threads: 2 }));

/** A window of training at a step. */
const learning = (step = 0): Ops => reference({ training: true, step });
const x = draw([3, 2, 4], 'x');
const memory = draw([4, 2, 4], 'memory');

function scattered<S, X>(layer: Layer<S, X>): Layer<S, X> {
  for (const [path, parameter] of parametersOf(layer.params)) parameter.assign(draw(parameter.shape, path, 0.5).data);
  return layer;
}

const numbers = (y: Tensor) => Array.from(y.data);

describe('dropout in attention and blocks', () => {
  it('has the right gradients, weights dropped and sums too', () => {
    const [inner, across] = [selfAttention(4, 2, { dropout: 0.3 }), crossAttention(4, 2, { dropout: 0.3 })];
    const block = encoderBlock(4, 2, { hidden: 5, dropout: 0.4, activation: 'gelu' });
    const causal = causalBlock(4, 2, { hidden: 5, dropout: 0.4, context: 3, activation: 'geluTanh', norm: 'post' });
    const decoding = decoderBlock(4, 2, { hidden: 5, dropout: 0.4, context: 3, activation: 'tanh' });
    const watched = <S, X>(layer: Layer<S, X>) =>
      parametersOf(scattered(layer).params).map(([, parameter]) => parameter);
    expectGradients([x, ...watched(inner)], (ops) => inner.apply(ops, noCarry, x)[0]);
    expectGradients([x, memory, ...watched(across)], (ops) => across.apply(ops, noCarry, { x, memory })[0]);
    expectGradients([x, ...watched(block)], (ops) => block.apply(ops, noCarry, x)[0]);
    expectGradients([x, ...watched(causal)], (ops) => causal.apply(ops, causal.initial(2), x)[0]);
    expectGradients(
      [x, memory, ...watched(decoding)],
      (ops) => decoding.apply(ops, decoding.initial(2), { x, memory })[0],
    );
  });

  it('drops the share it is told of the weights, and makes up for it', () => {
    // Equal weights over 500 keys whose values are 1: what is left is the share that stays, divided by it.
    const ops = learning();
    const [keys, lanes, rate] = [500, 40, 0.3];
    const parts = [0, 0, 1].map((value) => ops.fill([keys, lanes, 2], value));
    const y = ops.attention(parts, { heads: 2, drop: { keep: 1 - rate, key: 17 } });
    const mean = numbers(y).reduce((sum, value) => sum + value, 0) / y.data.length;
    const spread = Math.sqrt(numbers(y).reduce((sum, value) => sum + (value - 1) ** 2, 0) / y.data.length);
    // Σ of 500 draws of variance rate / keep: ± √(rate / (keep · 500)) a query.
    const deviation = Math.sqrt(rate / ((1 - rate) * keys));
    expect(Math.abs(mean - 1)).toBeLessThan(0.002);
    expect(Math.abs(spread / deviation - 1)).toBeLessThan(0.05);
  });

  it('draws each step and each place anew, and the same again at the same step', () => {
    const block = encoder(4, 2, { blocks: 2, dropout: 0.5, hidden: 5, seed: 3 });
    const at = (step: number) => numbers(block.apply(learning(step), block.initial(2), x)[0]);
    const first = at(0);
    expect(at(0)).toEqual(first);
    expect(at(1)).not.toEqual(first);
    // The same weights under another seed: other masks.
    stack({ block }, { seed: 4 });
    expect(at(0)).not.toEqual(first);
  });

  it('changes nothing where it is off, or nothing is learnt', () => {
    const plain = scattered(encoderBlock(4, 2, { hidden: 5 }));
    const dropping = scattered(encoderBlock(4, 2, { hidden: 5, dropout: 0.5 }));
    const [y] = evaluate(plain, noCarry, x);
    expect(evaluate(dropping, noCarry, x)).toEqual([y, noCarry]);
    const [learnt] = plain.apply(learning(), noCarry, x);
    expect(numbers(learnt)).toEqual(numbers(plain.apply(reference(), noCarry, x)[0]));
  });

  it('refuses a rate that is none', () => {
    expect(() => encoderBlock(4, 2, { dropout: 1 })).toThrow(
      'encoderBlock: the rate of dropout is a share to drop, from 0 to below 1, not 1',
    );
    expect(() => selfAttention(4, 2, { dropout: -0.1 })).toThrow('selfAttention: the rate of dropout');
    for (const none of [[], '', '0.1', true]) {
      expect(() => selfAttention(4, 2, { dropout: none as never })).toThrow(`not ${JSON.stringify(none)}.`);
    }
    expect(() => gpt({ symbols: 4, context: 4, features: 4, heads: 1, blocks: 1, dropout: 2 })).toThrow('dropout');
  });
});

const small = { features: 8, heads: 2, blocks: 2, dropout: 0.2, seed: 3 };
const cycle = Int32Array.from({ length: 300 }, (_, k) => [0, 1, 2, 3, 2, 1][k % 6] as number);

describe('dropout in whole models', () => {
  it('gpt learns the same on any number of threads, bit for bit', async () => {
    const run = async (threads: number) => {
      configure({ threads });
      const model = gpt({ ...small, symbols: 4, context: 8, activation: 'gelu' });
      const windows$ = randomWindows(cycle, { length: 8, batch: 5, count: 12, seed: 1 });
      const steps = await lastValueFrom(
        windows$.pipe(tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-2) }), toArray()),
      );
      return {
        losses: steps.map(({ loss }) => loss),
        weights: parametersOf(model.params).map(([, p]) => bytesOf(p.data)),
      };
    };
    const alone = await run(1);
    expect(await run(3)).toEqual(alone);
  });

  it('draws anew at each step wherever something is dropped, and is exact on the kernels', () => {
    const tokens = ids([5, 2], [0, 1, 2, 3, 2, 1, 0, 0, 1, 2]);
    const pair = { source: tokens, target: ids([3, 2], [0, 1, 2, 3, 2, 1]) };
    const [language, masked, both] = [
      gpt({ ...small, symbols: 4, context: 8 }),
      bert({ ...small, symbols: 4, length: 8, padding: 3 }),
      encoderDecoder({ ...small, source: 4, target: 4, length: 8, padding: 3 }),
    ];
    function expectMasks<S, X>(model: Layer<S, X>, input: X): void {
      scattered(model);
      const at = (step: number) => numbers(model.apply(learning(step), model.initial(2), input)[0]);
      const y = at(0);
      inWindow((eager) => {
        const [got] = model.apply({ ...eager, training: true }, model.initial(2), input);
        y.forEach((value, k) => {
          expect(got.data[k]).toBeCloseTo(value, 4);
        });
      });
      expect(at(1)).not.toEqual(y);
    }
    expectMasks(language, tokens);
    expectMasks(masked, tokens);
    expectMasks(both, pair);
  });
});
