import {
  adam,
  averaged,
  averagedWeights,
  crossEntropy,
  dense,
  embedding,
  evaluate,
  ids,
  loadWeights,
  nonMonotonic,
  type Optimizer,
  optimizer as optimizerOf,
  outerNesterov,
  sgd,
  stack,
  type TrainerState,
  tied,
  trainer,
  weightsOf,
  withAveraged,
} from 'oxbow';
import { describe, expect, it } from 'vitest';

const make = () => {
  const embed = embedding(5, 4);
  return stack({ embed, hidden: dense(4, 4), head: tied(embed) }, { seed: 3 });
};
const window = (k: number) => ({ input: ids([2, 2], [k % 5, 1, 2, 3]), target: ids([2, 2], [1, 2, (k + 3) % 5, 4]) });

/** A model's weights after each of so many updates, the first ones before any, and the trainer's state at the end. */
function run(optimizer: Optimizer, updates: number) {
  const model = make();
  const learning = trainer(model, { loss: crossEntropy(), optimizer });
  const flat = () => Object.values(weightsOf(model.params)).flatMap(({ data }) => [...data]);
  const weights = [flat()];
  for (let k = 0; k < updates; k += 1) {
    learning.learn({ carry: model.initial(2), ...window(k) });
    weights.push(flat());
  }
  return { model, weights, learning, state: learning.state() };
}

const flatOf = (model: ReturnType<typeof make>, state: TrainerState) =>
  Object.values(averagedWeights(model.params, state)).flatMap(({ data }) => [...data]);

const expectNear = (got: readonly number[], expected: readonly number[], within = 1e-6) =>
  void got.forEach((value, k) => void expect(Math.abs(value - (expected[k] as number)), `${k}`).toBeLessThan(within));

const signs = () =>
  optimizerOf({
    kind: 'plain',
    learningRate: 0.3,
    update: (ops, { weights, gradient }, { learningRate }) => ({
      weights: ops.subtract(weights, ops.affine(gradient, learningRate, 0)),
    }),
  });

const inner = { sgd: () => sgd(0.3), adam: () => adam(0.05), 'lazy adam': () => adam(0.05, { lazy: true }), signs };

describe.each(Object.entries(inner))('averaged, about %s', (_, optimizer) => {
  it('moves the weights as the optimizer alone', () => {
    expect(run(averaged(optimizer()), 6).weights).toEqual(run(optimizer(), 6).weights);
  });

  it.each([
    [0.5, 0],
    [0.99, 0],
    [0.9, 3],
    [1, 0],
    [1, 4],
  ])('keeps the mean at a decay of %d from step %i on', (decay, from) => {
    const { model, weights, state } = run(averaged(optimizer(), { decay, from }), 7);
    const counted = weights.slice(1 + from);
    const shares = counted.map((_, k) => decay ** (counted.length - 1 - k));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const mean = (weights[0] as number[]).map((_, at) =>
      counted.reduce((sum, each, k) => sum + ((each[at] as number) * (shares[k] as number)) / total, 0),
    );
    expectNear(flatOf(model, state), mean);
  });

  it('is the weights themselves up to the first step that counts, bit for bit', () => {
    for (const from of [5, Number.POSITIVE_INFINITY]) {
      const { model, weights, state } = run(averaged(optimizer(), { from }), 5);
      expect(flatOf(model, state)).toEqual(weights.at(-1));
    }
  });

  it('goes on from a state as if nothing had been, also where counting begins there', () => {
    const whole = run(averaged(optimizer(), { decay: 1, from: 3 }), 6);
    const first = run(averaged(optimizer(), { decay: 1, from: Number.POSITIVE_INFINITY }), 3);
    const second = trainer(first.model, {
      loss: crossEntropy(),
      optimizer: averaged(optimizer(), { decay: 1, from: first.state.step }),
      state: JSON.parse(JSON.stringify(first.state)),
    });
    for (let k = 3; k < 6; k += 1) second.learn({ carry: first.model.initial(2), ...window(k) });
    expect(second.state()).toEqual(whole.state);
    expect(weightsOf(first.model.params)).toEqual(weightsOf(whole.model.params));
  });
});

describe.each(Object.entries(inner))('an outer step over %s', (_, optimizer) => {
  it.each([
    { every: 1, learningRate: 0.7, momentum: 0.9 },
    { every: 3, learningRate: 0.7, momentum: 0.9 },
    { every: 2, learningRate: 0.5, momentum: 0 },
  ])('is Nesterov momentum on what $every steps come to', (options) => {
    const { every, learningRate, momentum } = options;
    const { weights } = run(outerNesterov(optimizer(), options), 9);
    let outer = weights[0] as number[];
    let velocity = outer.map(() => 0);
    for (let step = 1; step < weights.length; step += 1) {
      if (step % every !== 0) continue;
      // The last inner step, of a trainer that goes on from before it without an outer one.
      const reached = steppedFrom(optimizer, options, step);
      const delta = outer.map((each, k) => each - (reached[k] as number));
      velocity = velocity.map((each, k) => momentum * each + (delta[k] as number));
      outer = outer.map((each, k) => each - learningRate * ((delta[k] as number) + momentum * (velocity[k] as number)));
      expectNear(weights[step] as number[], outer, 5e-6);
      outer = weights[step] as number[];
    }
  });

  it('leaves the inner steps between as they are', () => {
    const alone = run(optimizer(), 4).weights;
    expect(run(outerNesterov(optimizer(), { every: 5 }), 4).weights).toEqual(alone);
  });
});

/** The weights that the inner step of a number ends at. */
function steppedFrom(optimizer: () => Optimizer, options: object, step: number): number[] {
  const { model, state } = run(outerNesterov(optimizer(), options), step - 1);
  const never = outerNesterov(optimizer(), { ...options, every: 1_000_003 });
  trainer(model, { loss: crossEntropy(), optimizer: never, state }).learn({
    carry: model.initial(2),
    ...window(step - 1),
  });
  return Object.values(weightsOf(model.params)).flatMap(({ data }) => [...data]);
}

describe('the mean of weights', () => {
  it('is what a second model learns nothing of, and one that is lent it gives back', () => {
    const { model, state, weights } = run(averaged(adam(0.05), { decay: 0.9 }), 5);
    const said = () => evaluate(model, model.initial(2), window(0).input)[0].data;
    const second = make();
    loadWeights(second.params, averagedWeights(model.params, state));
    const expected = evaluate(second, second.initial(2), window(0).input)[0].data;
    expect(withAveraged(model, state, said)).toEqual(expected);
    expect(said()).not.toEqual(expected);
    expect(() =>
      withAveraged(model, state, () => {
        throw new RangeError('no');
      }),
    ).toThrow('no');
    expect(() => withAveraged(model, state, async () => 1)).toThrow('withAveraged: the body gives a promise');
    expect(Object.values(weightsOf(model.params)).flatMap(({ data }) => [...data])).toEqual(weights.at(-1));
  });

  it('is refused where there is none', () => {
    const { model, state } = run(adam(0.05), 2);
    expect(() => averagedWeights(model.params, state)).toThrow(
      'averagedWeights: the state has no mean of embed.table; train this model with averaged',
    );
    const averaging = run(averaged(adam(0.05)), 0);
    expect(() => averagedWeights(averaging.model.params, averaging.state)).toThrow('before the first update');
    const other = stack({ embed: embedding(6, 4), hidden: dense(4, 4) }, { seed: 1 });
    expect(() => averagedWeights(other.params, run(averaged(sgd(1)), 1).state)).toThrow(/is \[5, 4\], and the model's/);
  });

  it.each([
    [() => averaged(sgd(1), { decay: 0 }), 'decay is a number above 0'],
    [() => averaged(sgd(1), { decay: 1.1 }), 'decay is a number above 0'],
    [() => averaged(sgd(1), { from: -1 }), 'from is the number of a step'],
    [() => averaged(sgd(1), { from: 1.5 }), 'from is the number of a step'],
    [() => averaged(averaged(sgd(1))), 'sgd keeps an array named average already'],
    [() => outerNesterov(averaged(outerNesterov(sgd(1)))), 'sgd keeps an array named outer already'],
    [() => outerNesterov(sgd(1), { every: 0 }), 'outerNesterov: every'],
    [() => outerNesterov(sgd(1), { learningRate: -1 }), 'learningRate is a number from 0 up'],
    [() => outerNesterov(sgd(1), { learningRate: null as never }), 'learningRate is a number from 0 up, not null'],
    [() => outerNesterov(sgd(1), { momentum: 1 }), 'momentum is a number in [0, 1)'],
    [() => outerNesterov(sgd(1), { momentum: [] as never }), 'momentum is a number in [0, 1), not []'],
    [() => nonMonotonic([1], { patience: -1 }), 'patience is a whole number from 0 up'],
  ])('refuses what it cannot take: %#', (call, message) => {
    expect(call).toThrow(message);
  });
});

describe('losses that fall no more', () => {
  it.each([
    [[], 5, false],
    [[3], 0, false],
    [[3, 4], 0, true],
    [[3, 3], 0, false],
    [[3, 2, 4], 1, true],
    [[3, 2, 2.5], 1, false],
    [[5, 4, 3, 2, 1, 4.5], 5, false],
    [[4, 5, 3, 2, 1, 1, 4.5], 5, true],
  ])('%j with a patience of %i: %s', (losses, patience, expected) => {
    expect(nonMonotonic(losses, { patience })).toBe(expected);
  });
});
