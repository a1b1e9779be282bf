import { describe, expect, it } from 'vitest';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { evaluate, type Layer, noCarry } from '../../src/layer.js';
import { activation } from '../../src/layers/activation.js';
import { convolution1d } from '../../src/layers/convolution-1d.js';
import { convolution2d } from '../../src/layers/convolution-2d.js';
import { dense } from '../../src/layers/dense.js';
import { feedForward } from '../../src/layers/feed-forward.js';
import { encoderBlock } from '../../src/layers/transformer-blocks.js';
import { type ActivationChoice, type ActivationName, activationOf } from '../../src/ops/activation-names.js';
import * as activations from '../../src/ops/activations.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow } from '../../src/ops/window.js';
import type { Numbers, Tensor } from '../../src/tensor.js';
import { draw } from '../backprop/differences.js';

const signal = draw([3, 2, 4], 'x');
const images = draw([1, 2, 5, 5, 4], 'images');

const run = <S>(layer: Layer<S>, x: Tensor) => evaluate(layer, layer.initial(2), x)[0].data;

/** What layers that have an f give, by what is given for it. */
const layers: Readonly<Record<string, (f: ActivationChoice) => Numbers>> = {
  dense: (f) => run(dense(4, 3, { seed: 1, activation: f }), signal),
  activation: (f) => run(activation(f), signal),
  feedForward: (f) => run(feedForward(4, 6, { seed: 1, activation: f }), signal),
  encoderBlock: (f) => run(encoderBlock(4, 2, { seed: 1, activation: f }), signal),
  simpleRnn: (f) => run(simpleRnn(4, 3, { seed: 1, activation: f }), signal),
  convolution1d: (f) => run(convolution1d(4, 3, 2, { seed: 1, activation: f }), signal),
  convolution2d: (f) => run(convolution2d(4, 3, 2, { seed: 1, activation: f }), images),
};
const { logistic, tanh, relu, softplus, gelu, geluTanh, softmax } = activations;
const functions = Object.entries({ logistic, sigmoid: logistic, tanh, relu, softplus, gelu, geluTanh, softmax });

describe('activations by name', () => {
  it.each(Object.entries(layers))('are those by value in %s', (_, outputOf) => {
    const outputs = functions.map(([name]) => outputOf(name as ActivationName));
    functions.forEach(([name, f], k) => {
      expect(outputs[k], name).toEqual(outputOf(f));
    });
    // And each is another function.
    expect(new Set(outputs.map((data) => data.join())).size).toBe(
      new Set(Object.values(functions).map(([, f]) => f)).size,
    );
  });

  it('take the usual numbers where they have one', () => {
    const given = layers.activation as (f: ActivationChoice) => Numbers;
    expect(given('elu')).toEqual(given(activations.elu(1)));
    expect(given('leakyRelu')).toEqual(given(activations.leakyRelu(0.01)));
  });

  it('are refused where nobody knows them', () => {
    for (const name of ['rely', 'toString']) {
      expect(() => activationOf('dense', name as 'relu')).toThrow(
        `dense: there is no activation '${name}'; take logistic, sigmoid, tanh, relu, leakyRelu, elu, softplus, gelu, geluTanh, softmax`,
      );
    }
  });
});

describe('what layers work out in one pass', () => {
  /** The reference, and how often it was asked for a function by itself. */
  function counting(name: 'relu' | 'tanh') {
    const base = reference();
    let asked = 0;
    const ops: Ops = {
      ...base,
      [name]: (x: Tensor) => {
        asked += 1;
        return base[name](x);
      },
    };
    return { ops, asked: () => asked };
  }

  it.each([
    ["'relu'", 'relu' as const],
    ['activations.relu', activations.relu],
  ])('is a convolution with %s', (_, f) => {
    const { ops, asked } = counting('relu');
    const [y] = convolution2d(4, 3, 2, { seed: 1, activation: f }).apply(ops, noCarry, images);
    const causal = convolution1d(4, 3, 2, { seed: 1, activation: f });
    const [z] = causal.apply(ops, causal.initial(2), signal);
    expect(asked()).toBe(0);
    for (const { data } of [y, z]) expect(Math.min(...data)).toBe(0);
  });

  it.each([
    ["'tanh'", 'tanh' as const],
    ['activations.tanh', activations.tanh],
    ['nothing', undefined],
  ])('is a window of a simple recurrent network with %s', (_, f) => {
    inWindow((eager) => {
      const layer = simpleRnn(4, 3, { seed: 1, ...(f && { activation: f }) });
      let steps = 0;
      const ops: Ops = {
        ...eager,
        tanh: (x) => {
          steps += 1;
          return eager.tanh(x);
        },
      };
      layer.apply(ops, layer.initial(2), signal);
      expect(steps).toBe(0);
    });
  });
});
