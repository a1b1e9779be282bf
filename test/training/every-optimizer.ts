/** Every optimizer, by name, each a new one when called. */
import {
  adadelta,
  adagrad,
  adam,
  adamw,
  adasecant,
  averaged,
  chain,
  classicalMomentum,
  clipByGlobalNorm,
  clipByValue,
  momentum,
  nadam,
  nesterov,
  type Optimizer,
  optimizer,
  outerNesterov,
  rmsprop,
  sgd,
  vsgd,
  weightDecay,
} from 'oxbow';

/** Those that take a gradient beside the weights. */
export const lookingAhead: Readonly<Record<string, () => Optimizer>> = {
  nesterov: () => nesterov(0.1),
  vsgd: () => vsgd({ samples: 2 }),
  'a chain before nesterov': () => chain(weightDecay(0.1), clipByValue(0.02), nesterov(0.1)),
  'a chain before vsgd': () => chain(weightDecay(0.1), clipByGlobalNorm(0.3), vsgd({ samples: 2 })),
};

export const everyOptimizer: Readonly<Record<string, () => Optimizer>> = {
  sgd: () => sgd(0.1),
  momentum: () => momentum(0.1),
  'momentum, nesterov': () => momentum(0.1, { nesterov: true }),
  classicalMomentum: () => classicalMomentum(0.1),
  'nesterov, simplified': () => nesterov(0.1, { simplified: true }),
  adagrad: () => adagrad(0.1),
  adadelta: () => adadelta(),
  rmsprop: () => rmsprop(0.01),
  adam: () => adam(0.01),
  'adam, lazy': () => adam(0.01, { lazy: true }),
  adamw: () => adamw(0.01),
  nadam: () => nadam(0.01),
  adasecant: () => adasecant(),
  'a chain': () => chain(clipByValue(0.02), weightDecay(0.1), adam(0.01)),
  'one in Ops': () =>
    optimizer({
      kind: 'signs',
      slots: ['velocity'],
      learningRate: 0.01,
      update(ops, { weights, gradient, velocity }, { learningRate }) {
        const next = ops.add(ops.affine(velocity, 0.9, 0), gradient);
        return { weights: ops.add(weights, ops.affine(ops.tanh(next), -learningRate, 0)), velocity: next };
      },
    }),
  averaged: () => averaged(adam(0.01), { decay: 0.8 }),
  'averaged, all from a step on': () => averaged(sgd(0.1), { decay: 1, from: 2 }),
  outerNesterov: () => outerNesterov(adamw(0.01), { every: 2 }),
  'an outer step and a mean about a lazy one': () =>
    averaged(outerNesterov(chain(clipByValue(0.02), adam(0.01, { lazy: true })), { every: 3 })),
  'a mean and an outer step about one in Ops': () =>
    outerNesterov(
      averaged(
        optimizer({
          kind: 'plain',
          slots: ['last'],
          learningRate: 0.1,
          update: (ops, { weights, gradient }, { learningRate }) => ({
            weights: ops.subtract(weights, ops.affine(gradient, learningRate, 0)),
            last: gradient,
          }),
        }),
      ),
      { every: 2 },
    ),
  'a mean about nesterov': () => averaged(nesterov(0.1)),
  'an outer step about vsgd': () => outerNesterov(vsgd({ samples: 2 }), { every: 2 }),
  ...lookingAhead,
};
