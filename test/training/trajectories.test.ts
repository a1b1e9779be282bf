import { describe, expect, it } from 'vitest';
import { configure } from '../../src/kernels/machine.js';
import { noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { tensor } from '../../src/tensor.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adadelta } from '../../src/training/optimizers/adadelta.js';
import { adagrad } from '../../src/training/optimizers/adagrad.js';
import { adamw } from '../../src/training/optimizers/adamw.js';
import { adasecant } from '../../src/training/optimizers/adasecant.js';
import { chain } from '../../src/training/optimizers/chain.js';
import { classicalMomentum } from '../../src/training/optimizers/classical-momentum.js';
import { clipByGlobalNorm, clipByValue } from '../../src/training/optimizers/clipping.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import { nadam } from '../../src/training/optimizers/nadam.js';
import { nesterov } from '../../src/training/optimizers/nesterov.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { vsgd } from '../../src/training/optimizers/vsgd.js';
import { weightDecay } from '../../src/training/optimizers/weight-decay.js';
import { inverseSqrt } from '../../src/training/schedules.js';
import { trainer } from '../../src/training/trainer.js';
import { type BatchTrajectory, entry, type Figures, golden } from '../golden/load.js';

const { problems, trajectories } = golden('feedforward').optimizers;
const falling = inverseSqrt(0.05);
const rising = (step: number) => 0.9 - 0.5 / (step + 1);

type Settings = Readonly<Record<string, number>>;

const optimizers: Readonly<Record<string, (settings: Settings) => Optimizer>> = {
  adagrad: ({ learningRate, ...rest }) => adagrad(learningRate as number, rest),
  adadelta: (settings) => adadelta(settings),
  adamw: ({ learningRate, ...rest }) => adamw(learningRate as number, { ...rest, biases: false }),
  'adamw, biases too': ({ learningRate, ...rest }) => adamw(learningRate as number, { ...rest, biases: true }),
  nadam: ({ learningRate, ...rest }) => nadam(learningRate as number, rest),
  'weightDecay, sgd': ({ learningRate, decay }) => chain(weightDecay(decay as number), sgd(learningRate as number)),
  'weightDecay, clipByValue, momentum': ({ decay, limit }) =>
    chain(weightDecay(decay as number), clipByValue(limit as number), momentum(0.02)),
  'weightDecay, clipByGlobalNorm, sgd': ({ decay, limit }) =>
    chain(weightDecay(decay as number), clipByGlobalNorm(limit as number), sgd(0.05)),
  classicalMomentum: () => classicalMomentum(falling, { decay: rising }),
  nesterov: () => nesterov(falling, { decay: rising }),
  'nesterov, simplified': () => nesterov(falling, { decay: rising, simplified: true }),
  adasecant: () => adasecant(),
  vsgd: () => vsgd(),
};

const close = (got: number, expected: number) => Math.abs(got - expected) <= 2e-5 * Math.max(1, Math.abs(expected));

/** Batch k of `[batches, B, F]` as one step, `[1, B, F]`. */
function batchOf({ shape, data }: Figures, k: number) {
  const [batches = 0, lanes = 0, features = 0] = shape;
  const size = lanes * features;
  const at = (k % batches) * size;
  return tensor([1, lanes, features], Float32Array.from(data.slice(at, at + size)));
}

function start(problem: string, optimizer: Optimizer) {
  const given = entry(problems, problem);
  const model = dense(3, 2);
  const parameters = Object.fromEntries(parametersOf(model.params));
  for (const key of ['w', 'b']) entry(parameters, key).assign(entry(given, key).data);
  const { learn } = trainer(model, { loss: squaredError(), optimizer });
  const step = (k: number) =>
    learn({ carry: noCarry, input: batchOf(entry(given, 'x'), k), target: batchOf(entry(given, 'target'), k) });
  return { parameters, step };
}

function expectTrajectory({ name, problem, settings, losses, after }: BatchTrajectory): void {
  const { parameters, step } = start(problem, entry(optimizers, name)(settings as Settings));
  losses.forEach((expected, k) => {
    const { loss } = step(k);
    expect(close(loss, expected), `loss at step ${k}: ${loss} instead of ${expected}`).toBe(true);
    const weights = after.find(({ steps }) => steps === k + 1);
    for (const key of weights ? (['w', 'b'] as const) : []) {
      entry(parameters, key).data.forEach((value, i) => {
        const exact = weights?.[key].data[i] as number;
        expect(close(value, exact), `${key}[${i}] after ${k + 1} steps: ${value} instead of ${exact}`).toBe(true);
      });
    }
  });
}

describe('trajectories of 100 steps', () => {
  it('there is one for each optimizer', () => {
    expect(trajectories.map(({ name }) => name)).toEqual(Object.keys(optimizers));
  });

  it.each(trajectories.map((each) => [each.name, each] as const))('%s', (_, each) => expectTrajectory(each));
});

describe("Nesterov's two forms", () => {
  it('give the same losses, their weights apart by μ times the velocity', () => {
    const options = { decay: rising };
    const definition = start('noisy', nesterov(falling, options));
    const simplified = start('noisy', nesterov(falling, { ...options, simplified: true }));
    let before = Float64Array.from(entry(definition.parameters, 'w').data);
    for (let k = 0; k < 30; k += 1) {
      expect(close(definition.step(k).loss, simplified.step(k).loss)).toBe(true);
      const [theta, offset] = [definition, simplified].map(({ parameters }) => entry(parameters, 'w').data);
      theta?.forEach((value, i) => {
        const velocity = value - (before[i] as number);
        expect(offset?.[i]).toBeCloseTo(value + rising(k + 1) * velocity, 4);
      });
      before = Float64Array.from(theta as Float32Array);
    }
  });
});

describe('optimizers that take a gradient beside the weights', () => {
  it.each([
    ['nesterov', nesterov(0.1)],
    ['vsgd', vsgd({ samples: 1 })],
  ] as const)('%s leaves them where a window cannot be learnt from', (_, optimizer) => {
    const model = dense(3, 2);
    const w = entry(Object.fromEntries(parametersOf(model.params)), 'w');
    // The second of two gradients fails too: a loss that is finite at some weights alone.
    let fails = false;
    let calls = 0;
    const { learn } = trainer(model, {
      optimizer,
      loss: (ops, y, target) => {
        calls += 1;
        const loss = squaredError()(ops, y, target);
        return fails && calls > (optimizer.lookAhead?.when === 'between' ? 1 : 0)
          ? ops.affine(loss, Number.NaN, 0)
          : loss;
      },
    });
    const given = entry(problems, 'noisy');
    const window = (k: number) => ({
      carry: noCarry,
      input: batchOf(entry(given, 'x'), k),
      target: batchOf(entry(given, 'target'), k),
    });
    for (let k = 0; k < 4; k += 1) learn(window(k));
    const expected = [...w.data];
    [fails, calls] = [true, 0];
    expect(() => learn(window(4))).toThrow('the weights were left as they are');
    expect([...w.data]).toEqual(expected);
    fails = false;
    learn(window(4));
    expect([...w.data]).not.toEqual(expected);
  });
});

describe('bits', () => {
  it.each(Object.keys(optimizers))('of %s do not depend on threads', (name) => {
    const settings = trajectories.find((each) => each.name === name)?.settings as Settings;
    const runs = [1, 3].map((threads) => {
      configure({ threads });
      // Several blocks of 4096, and some of a group left over.
      const model = dense(150, 61, { seed: 3 });
      const { learn } = trainer(model, { loss: squaredError(), optimizer: entry(optimizers, name)(settings) });
      const input = tensor(
        [2, 3, 150],
        Float32Array.from({ length: 900 }, (_, k) => Math.sin(1.3 * k)),
      );
      const target = tensor(
        [2, 3, 61],
        Float32Array.from({ length: 366 }, (_, k) => Math.cos(0.7 * k)),
      );
      for (let k = 0; k < 12; k += 1) learn({ carry: noCarry, input, target });
      return parametersOf(model.params).map(([, { data }]) => Buffer.from(data.slice().buffer).toString('base64'));
    });
    configure({ threads: 2 });
    expect(runs[1]).toEqual(runs[0]);
  });
});
