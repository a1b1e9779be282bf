/** The built-in rules once more, written in Ops from their equations, and one that is not built in. */
import {
  adadelta,
  adagrad,
  adam,
  adamw,
  classicalMomentum,
  dense,
  inverseSqrt,
  momentum,
  nadam,
  nesterov,
  type Ops,
  type Optimizer,
  type OptimizerOptions,
  rmsprop,
  sgd,
  squaredError,
  stack,
  type Tensor,
  tensor,
} from 'oxbow';

export const loss = squaredError();
/** What the rules are tried on. */
export const make = () => stack({ one: dense(5, 7, { activation: 'tanh' }), two: dense(7, 3) }, { seed: 4 });
type Model = ReturnType<typeof make>;

const [steps, lanes] = [2, 4];
export const signal = (features: number, seed: number) =>
  tensor(
    [steps, lanes, features],
    Float32Array.from({ length: steps * lanes * features }, (_, k) => Math.sin(1.7 * k + 3.1 * seed)),
  );
export const windowOf = (model: Model, k: number) => ({
  carry: model.initial(lanes),
  input: signal(5, k % 5),
  target: signal(3, (k % 5) + 0.4),
});

/** A rule as it is given to `optimizer`, and the fused one that it has to equal. */
export interface Pair {
  readonly written: OptimizerOptions<string>;
  readonly fused: Optimizer;
}

/** Ties what a rule keeps to the names in it, then forgets them, so that rules of all kinds fit one table. */
const rule = <K extends string = never>(written: OptimizerOptions<K>) => written as unknown as OptimizerOptions<string>;

/** α x + β y. */
const mixed = (ops: Ops, alpha: number, x: Tensor, beta: number, y: Tensor) =>
  ops.add(ops.affine(x, alpha, 0), ops.affine(y, beta, 0));
const less = (ops: Ops, weights: Tensor, rate: number, step: Tensor) =>
  ops.subtract(weights, ops.affine(step, rate, 0));
const squared = (ops: Ops, x: Tensor) => ops.multiply(x, x);

const rising = (step: number) => 0.9 - 0.5 / (step + 1);
const falling = inverseSqrt(0.05);

function adamStep(ops: Ops, mean: Tensor, meanSquare: Tensor, step: number): Tensor {
  const t = step + 1;
  const root = ops.affine(ops.sqrt(meanSquare), 1 / Math.sqrt(1 - 0.999 ** t), 1e-8);
  return ops.divide(ops.affine(mean, 1 / (1 - 0.9 ** t), 0), root);
}

const adaptive = {
  slots: ['mean', 'meanSquare'],
  least: { meanSquare: 0 },
} as const;

/** Moments as Adam keeps them. */
const moments = (ops: Ops, gradient: Tensor, mean: Tensor, meanSquare: Tensor) => ({
  mean: mixed(ops, 0.9, mean, 1 - 0.9, gradient),
  meanSquare: mixed(ops, 0.999, meanSquare, 1 - 0.999, squared(ops, gradient)),
});

export const pairs: Readonly<Record<string, Pair>> = {
  sgd: {
    fused: sgd(falling),
    written: rule({
      kind: 'sgd',
      learningRate: falling,
      update: (ops, { weights, gradient }, { learningRate }) => ({
        weights: less(ops, weights, learningRate, gradient),
      }),
    }),
  },
  momentum: {
    fused: momentum(0.02),
    written: rule({
      kind: 'momentum',
      slots: ['velocity'],
      learningRate: 0.02,
      update(ops, { weights, gradient, velocity }, { learningRate }) {
        const next = mixed(ops, 0.9, velocity, 1, gradient);
        return { weights: less(ops, weights, learningRate, next), velocity: next };
      },
    }),
  },
  'momentum, nesterov': {
    fused: momentum(0.02, { nesterov: true }),
    written: rule({
      kind: 'momentum',
      slots: ['velocity'],
      learningRate: 0.02,
      update(ops, { weights, gradient, velocity }, { learningRate }) {
        const next = mixed(ops, 0.9, velocity, 1, gradient);
        return { weights: less(ops, weights, learningRate, mixed(ops, 1, gradient, 0.9, next)), velocity: next };
      },
    }),
  },
  classicalMomentum: {
    fused: classicalMomentum(falling, { decay: rising }),
    written: rule({
      kind: 'classicalMomentum',
      slots: ['velocity'],
      learningRate: falling,
      update(ops, { weights, gradient, velocity }, { step, learningRate }) {
        const next = mixed(ops, rising(step), velocity, -learningRate, gradient);
        return { weights: ops.add(weights, next), velocity: next };
      },
    }),
  },
  'nesterov, simplified': {
    fused: nesterov(falling, { decay: rising, simplified: true }),
    written: rule({
      kind: 'nesterov',
      slots: ['velocity'],
      learningRate: falling,
      update(ops, { weights, gradient, velocity }, { step, learningRate }) {
        const [now, next] = [rising(step), rising(step + 1)];
        return {
          weights: ops.add(weights, mixed(ops, next * now, velocity, -(1 + next) * learningRate, gradient)),
          velocity: mixed(ops, now, velocity, -learningRate, gradient),
        };
      },
    }),
  },
  adagrad: {
    fused: adagrad(0.05),
    written: rule({
      kind: 'adagrad',
      slots: ['squares'],
      least: { squares: 0 },
      learningRate: 0.05,
      update(ops, { weights, gradient, squares }, { learningRate }) {
        const sum = ops.add(squares, squared(ops, gradient));
        const step = ops.divide(gradient, ops.affine(ops.sqrt(sum), 1, 1e-10));
        return { weights: less(ops, weights, learningRate, step), squares: sum };
      },
    }),
  },
  rmsprop: {
    fused: rmsprop(0.01),
    written: rule({
      kind: 'rmsprop',
      slots: ['meanSquare'],
      least: { meanSquare: 0 },
      learningRate: 0.01,
      update(ops, { weights, gradient, meanSquare }, { learningRate }) {
        const next = mixed(ops, 0.99, meanSquare, 1 - 0.99, squared(ops, gradient));
        const step = ops.divide(gradient, ops.affine(ops.sqrt(next), 1, 1e-8));
        return { weights: less(ops, weights, learningRate, step), meanSquare: next };
      },
    }),
  },
  adadelta: {
    fused: adadelta(),
    written: rule({
      kind: 'adadelta',
      slots: ['meanSquare', 'meanSquareStep'],
      least: { meanSquare: 0, meanSquareStep: 0 },
      learningRate: 1,
      update(ops, { weights, gradient, meanSquare, meanSquareStep }, { learningRate }) {
        const next = mixed(ops, 0.9, meanSquare, 1 - 0.9, squared(ops, gradient));
        const root = (x: Tensor) => ops.sqrt(ops.affine(x, 1, 1e-6));
        const step = ops.multiply(gradient, ops.divide(root(meanSquareStep), root(next)));
        return {
          weights: less(ops, weights, learningRate, step),
          meanSquare: next,
          meanSquareStep: mixed(ops, 0.9, meanSquareStep, 1 - 0.9, squared(ops, step)),
        };
      },
    }),
  },
  adam: {
    fused: adam(0.01),
    written: rule({
      kind: 'adam',
      ...adaptive,
      learningRate: 0.01,
      update(ops, { weights, gradient, mean, meanSquare }, { step, learningRate }) {
        const kept = moments(ops, gradient, mean, meanSquare);
        const along = adamStep(ops, kept.mean, kept.meanSquare, step);
        return { weights: less(ops, weights, learningRate, along), ...kept };
      },
    }),
  },
  adamw: {
    fused: adamw(0.01, { decay: 0.3 }),
    written: rule({
      kind: 'adamw',
      ...adaptive,
      learningRate: 0.01,
      update(ops, { weights, gradient, mean, meanSquare }, { step, learningRate, bias }) {
        const kept = moments(ops, gradient, mean, meanSquare);
        const along = adamStep(ops, kept.mean, kept.meanSquare, step);
        const shrunk = bias ? weights : ops.affine(weights, 1 - learningRate * 0.3, 0);
        return { weights: less(ops, shrunk, learningRate, along), ...kept };
      },
    }),
  },
  nadam: {
    fused: nadam(0.01),
    written: rule({
      kind: 'nadam',
      ...adaptive,
      learningRate: 0.01,
      update(ops, { weights, gradient, mean, meanSquare }, { step, learningRate }) {
        const t = step + 1;
        const share = (k: number) => 0.9 * (1 - 0.5 * 0.96 ** (k * 4e-3));
        const until = (k: number) => Array.from({ length: k }, (_, j) => share(j + 1)).reduce((a, b) => a * b, 1);
        const kept = moments(ops, gradient, mean, meanSquare);
        const root = ops.affine(ops.sqrt(kept.meanSquare), 1 / Math.sqrt(1 - 0.999 ** t), 1e-8);
        const along = mixed(
          ops,
          share(t + 1) / (1 - until(t + 1)),
          kept.mean,
          (1 - share(t)) / (1 - until(t)),
          gradient,
        );
        return { weights: less(ops, weights, learningRate, ops.divide(along, root)), ...kept };
      },
    }),
  },
};

/**
 * Lion: c ← β₁ m + (1 − β₁) g; w ← w − η (sign(c) + λ w); m ← β₂ m + (1 − β₂) g.
 *
 * Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, algorithm 2.
 */
export const lion = (learningRate = 1e-2, decay = 0.1): OptimizerOptions<string> =>
  rule({
    kind: 'lion',
    slots: ['momentum'],
    learningRate,
    update(ops, { weights, gradient, momentum: m }, { learningRate: eta, bias }) {
      const c = mixed(ops, 0.9, m, 1 - 0.9, gradient);
      // |c|, and what keeps 0 / 0 out of sign(c) = c / |c|.
      const size = ops.maximum(ops.maximum(c, ops.affine(c, -1, 0)), ops.fill([], 2 ** -126));
      const shrunk = bias ? weights : ops.affine(weights, 1 - eta * decay, 0);
      return {
        weights: less(ops, shrunk, eta, ops.divide(c, size)),
        momentum: mixed(ops, 0.99, m, 1 - 0.99, gradient),
      };
    },
  });
