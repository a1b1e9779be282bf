import { describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { tied } from '../../src/layers/tied.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { ids, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { trainer } from '../../src/training/trainer.js';
import { expectGradients, mixture } from '../backprop/differences.js';

const models = (bias = true) => {
  const embed = embedding(5, 4);
  return stack({ embed, rnn: lstm(4, 4), head: tied(embed, { bias }) }, { seed: 3 });
};
const x = ids([3, 2], [0, 4, 1, 1, 3, 2]);

describe('a tied head', () => {
  it('gives the products with the vectors of the embedding, and a bias', () => {
    const embed = embedding(3, 2, { initializers: { table: () => Float32Array.of(1, 2, 3, 4, 5, 6) } });
    const head = tied(embed, { initializers: { b: () => Float32Array.of(0.5, 0, -0.5) } });
    const [y] = head.apply(reference(), {}, tensor([1, 1, 2], [10, 1]));
    expect([...y.data]).toEqual([12.5, 34, 55.5]);
  });

  it('has no weights of its own but the bias', () => {
    const paths = (bias: boolean) => parametersOf(models(bias).params).map(([path]) => path);
    expect(paths(true)).toEqual(['embed.table', 'rnn.wx', 'rnn.wh', 'rnn.b', 'head.b']);
    expect(paths(false)).toEqual(['embed.table', 'rnn.wx', 'rnn.wh', 'rnn.b']);
  });

  it.each([true, false])('has the gradient of both uses, with a bias: %s', (bias) => {
    const model = models(bias);
    expectGradients(
      parametersOf(model.params).map(([, each]) => each),
      (ops) => mixture(ops, model.apply(ops, model.initial(2), x)[0]),
    );
  });

  it('gives on the kernels what it gives on the reference', () => {
    const model = models();
    const [wanted] = model.apply(reference(), model.initial(2), x);
    const got = inWindow((ops) => toSignal(model.apply(ops, model.initial(2), x)[0]));
    expect(Math.max(...got.data.map((value, k) => Math.abs(value - (wanted.data[k] as number))))).toBeLessThan(1e-5);
  });

  it('learns, and grows with its embedding', () => {
    const embed = embedding(5, 4, { grows: true });
    const model = stack({ embed, head: tied(embed) }, { seed: 1 });
    const training = trainer(model, { loss: crossEntropy(), optimizer: adam(0.1) });
    const losses = Array.from(
      { length: 60 },
      () => training.learn({ input: x, target: x, carry: model.initial(2) }).loss,
    );
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 4);
    model.params.embed.table.grow(0, 7);
    model.params.head.b?.grow(0, 7);
    const more = ids([1, 2], [6, 5]);
    expect(training.learn({ input: more, target: more, carry: model.initial(2) }).loss).toBeGreaterThan(0);
    expect(inWindow((ops) => model.apply(ops, model.initial(2), more)[0].shape)).toEqual([1, 2, 7]);
  });

  it('refuses other layers, and signals of another width', () => {
    // @ts-expect-error no embedding.
    expect(() => tied(dense(2, 2))).toThrow('tied: takes the weights of an embedding, but got dense');
    const head = tied(embedding(3, 2));
    expect(() => head.apply(reference(), {}, tensor([1, 1, 3], [1, 2, 3]))).toThrow(
      'tied: takes 2 features, as the embedding gives, but got [1, 1, 3]',
    );
  });
});
