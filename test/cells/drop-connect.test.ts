import { describe, expect, it } from 'vitest';
import { gru } from '../../src/cells/gru.js';
import { lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import type { Layer } from '../../src/layer.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import type { Tensor } from '../../src/tensor.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { trainer } from '../../src/training/trainer.js';
import { draw, expectGradients, mixture, scatterParameters } from '../backprop/differences.js';

const makers: Readonly<Record<string, (dropConnect: number) => Layer<never>>> = Object.fromEntries(
  Object.entries({
    simpleRnn: (dropConnect: number) => simpleRnn(3, 4, { dropConnect, seed: 2 }),
    'simpleRnn, step by step': (dropConnect: number) => simpleRnn(3, 4, { dropConnect, activation: 'relu', seed: 2 }),
    lstm: (dropConnect: number) => lstm(3, 4, { dropConnect, seed: 2 }),
    'lstm, coupled with peepholes': (dropConnect: number) =>
      lstm(3, 4, { dropConnect, forget: 'coupled', peepholes: true, seed: 2 }),
    'lstm, normalised': (dropConnect: number) => lstm(3, 4, { dropConnect, layerNorm: true, seed: 2 }),
    gru: (dropConnect: number) => gru(3, 4, { dropConnect, seed: 2 }),
    'gru, reset before': (dropConnect: number) => gru(3, 4, { dropConnect, reset: 'before', seed: 2 }),
  }).map(([name, make]) => [name, make as never]),
);

const x = draw([5, 2, 3], 'x');
const at = (ops: Ops, layer: Layer<never>): Tensor => layer.apply(ops, layer.initial(2), x)[0];
const training = (step = 0) => reference({ training: true, step });
const numbers = (y: Tensor) => [...y.data];

describe.each(Object.entries(makers))('DropConnect in %s', (_, make) => {
  it('leaves everything as it is when not training, and at a rate of 0', () => {
    expect(numbers(at(reference(), make(0.5)))).toEqual(numbers(at(reference(), make(0))));
    expect(numbers(at(training(), make(0)))).toEqual(numbers(at(reference(), make(0))));
    expect(parametersOf(make(0.5).params).map(([path]) => path)).toEqual(
      parametersOf(make(0).params).map(([path]) => path),
    );
  });

  it('drops other weights in each window, the same ones at the same step', () => {
    const layer = make(0.5);
    expect(numbers(at(training(1), layer))).toEqual(numbers(at(training(1), layer)));
    expect(numbers(at(training(1), layer))).not.toEqual(numbers(at(training(2), layer)));
  });

  it('drops the same weights at every step of a window, also where it is cut by the ends of lanes', () => {
    const layer = make(0.5);
    const [y] = layer.apply({ ...training(3), lengths: [5, 3] }, layer.initial(2), x);
    const whole = numbers(at(training(3), layer));
    // The first lane has all steps.
    for (let step = 0; step < 5; step += 1) {
      const from = step * 8;
      expect(numbers(y).slice(from, from + 4)).toEqual(whole.slice(from, from + 4));
    }
  });

  it('has the right gradients', () => {
    const layer = make(0.5);
    const parameters = scatterParameters(layer.params);
    expectGradients([...parameters, x], (ops) => mixture(ops, at(ops, layer)));
  });

  it('learns with the kernels what it learns without their windows', () => {
    const weights = (windows: boolean) => {
      const layer = make(0.5);
      const apply: typeof layer.apply = (ops, carry, input) => {
        const { recurrences, ...plain } = ops;
        return layer.apply(windows ? ops : plain, carry, input);
      };
      const model = { ...layer, apply };
      const learner = trainer(model, { loss: squaredError(), optimizer: sgd(0.1) });
      for (let k = 0; k < 3; k += 1) {
        learner.learn({ input: x, target: draw([5, 2, 4], `y${k}`), carry: model.initial(2) });
      }
      return parametersOf(layer.params).flatMap(([, each]) => [...each.data]);
    };
    const wanted = weights(false);
    expect(Math.max(...weights(true).map((value, k) => Math.abs(value - (wanted[k] as number))))).toBeLessThan(1e-5);
  });
});

it('refuses a rate that is none', () => {
  expect(() => lstm(3, 4, { dropConnect: 1 })).toThrow('lstm: the rate of dropout is a share to drop');
  expect(inWindow((ops) => toSignal(at(ops, lstm(3, 4, { dropConnect: 0.5, seed: 1 }) as never)).shape)).toEqual([
    5, 2, 4,
  ]);
});
