import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { configure, machine } from '../../src/kernels/machine.js';
import { type Core, type NoCarry, noCarry } from '../../src/layer.js';
import { Rows } from '../../src/ops/eager/rows.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { type Parameter, parameter } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { type Ids, ids, type Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adagrad } from '../../src/training/optimizers/adagrad.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { adasecant } from '../../src/training/optimizers/adasecant.js';
import { averaged } from '../../src/training/optimizers/averaged.js';
import { chain } from '../../src/training/optimizers/chain.js';
import { clipByGlobalNorm, clipByValue } from '../../src/training/optimizers/clipping.js';
import { optimizer as optimizerOf } from '../../src/training/optimizers/in-ops.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import { nesterov } from '../../src/training/optimizers/nesterov.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { outerNesterov } from '../../src/training/optimizers/outer-nesterov.js';
import { rmsprop } from '../../src/training/optimizers/rmsprop.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { vsgd } from '../../src/training/optimizers/vsgd.js';
import { weightDecay } from '../../src/training/optimizers/weight-decay.js';
import { trainer } from '../../src/training/trainer.js';
import type { TrainerState } from '../../src/training/trainer-state.js';
import { uniform } from '../kernels/machines.js';
import { lion } from './rules-in-ops.js';
import { bytesOf } from './training-run.js';

// The vector of a symbol is 50 long, so that rows start and end within groups of eight, and lie across blocks of 4096.
const [symbols, features, classes, steps, lanes] = [400, 50, 9, 3, 8];

beforeAll(() => void configure({ threads: 2 }));
afterAll(() => void configure({ threads: 2 }));

/** How a model uses its table. */
type Use = (ops: Ops, table: Tensor, head: Tensor, x: Ids) => Tensor;

const uses: Readonly<Record<string, Use>> = {
  once: (ops, table, head, x) => ops.matmul(ops.gather(table, x), head),
  twice: (ops, table, head, x) => ops.matmul(ops.multiply(ops.gather(table, x), ops.tanh(ops.gather(table, x))), head),
  'as output too': (ops, table, _head, x) => ops.matmul(ops.tanh(ops.gather(table, x)), table, { b: true }),
};

/** A model whose table's gradient is stored as rows, or whole: two reshapes stand between the table and its use. */
function modelOf(use: Use, whole: boolean) {
  const table = parameter([symbols, features], () => uniform(symbols * features, 1));
  const head = parameter([features, classes], () => uniform(features * classes, 2));
  const model = {
    kind: 'table',
    params: { table, head },
    initial: () => noCarry,
    apply(ops: Ops, carry: NoCarry, x: Ids): readonly [Tensor, NoCarry] {
      const seen = whole ? ops.reshape(ops.reshape(table, [symbols * features]), table.shape) : table;
      return [use(ops, seen, head, x), carry];
    },
  };
  return { model, table, head };
}

function windowOf(k: number) {
  const random = generator(k, 'rows');
  const draw = (below: number) =>
    ids(
      [steps, lanes],
      Int32Array.from({ length: steps * lanes }, () => random.below(below)),
    );
  // Symbols from a third of the table, often the same ones.
  return { carry: noCarry, input: draw(k % 2 ? 20 : 130), target: draw(classes) };
}

/** Six windows, resumed from a saved state after three: every bit that came of it. */
function run(use: Use, whole: boolean, optimizer: Optimizer) {
  const { model, table, head } = modelOf(use, whole);
  const options = { loss: crossEntropy(), optimizer, clipNorm: 0.05 };
  let state: TrainerState | undefined;
  const figures = [0, 3].flatMap((first) => {
    const current = trainer(model, { ...options, state });
    const learned = [0, 1, 2].map((k) => {
      const { loss, gradientNorm } = current.learn(windowOf(first + k));
      expect(gradientNorm).toBeGreaterThan(options.clipNorm);
      return [loss, gradientNorm];
    });
    state = current.state();
    current.release();
    return learned;
  });
  const slots = Object.entries(state?.slots ?? {}).map(([path, { data }]) => [path, bytesOf(data)]);
  return { figures, table: bytesOf(table.data), head: bytesOf(head.data), slots };
}

const optimizers: Readonly<Record<string, Optimizer>> = {
  sgd: sgd(0.5),
  momentum: momentum(0.1),
  nesterov: momentum(0.1, { nesterov: true }),
  rmsprop: rmsprop(0.01),
  adam: adam(0.01),
  'lazy adam': adam(0.01, { lazy: true }),
  'definition of nesterov': nesterov(0.1),
  adagrad: adagrad(0.1),
  adasecant: adasecant(),
  averaged: averaged(sgd(0.5), { decay: 0.7 }),
  'an outer step over lazy adam, averaged': averaged(outerNesterov(adam(0.01, { lazy: true }), { every: 2 })),
  vsgd: vsgd({ samples: 2 }),
  'decay, then clipping': chain(weightDecay(0.1), clipByGlobalNorm(0.04), sgd(0.5)),
  'clipping of values, lazy adam': chain(clipByValue(1e-4), weightDecay(0.1), adam(0.01, { lazy: true })),
  'clipping of values, lion in Ops': chain(clipByValue(1e-4), weightDecay(0.1), optimizerOf(lion())),
};

describe('a gradient of few rows', () => {
  const gradientOf = (ops: Ops, table: Parameter) => {
    const recorded = tape(ops, [table]);
    const y = recorded.gather(table, windowOf(0).input);
    return recorded.gradients(recorded.sumTo(recorded.multiply(y, y), []))[0] as Tensor;
  };

  it('stores them alone, and is the whole table to all who ask for its numbers', () => {
    const { table } = modelOf(uses.once as Use, false);
    const expected = gradientOf(reference(), table).data;
    const [itself, doubled, scaled] = inWindow((ops) => {
      const gradient = gradientOf(ops, table);
      expect(gradient).toBeInstanceOf(Rows);
      expect((gradient as Rows).stored.shape).toEqual([new Set(windowOf(0).input.data).size, features]);
      const copy = toSignal(gradient);
      const flat = ops.reshape(gradient, [symbols * features]);
      return [copy, toSignal(ops.add(gradient, gradient)), toSignal(ops.affine(flat, 4, 0))] as const;
    });
    expected.forEach((value, k) => {
      expect(itself.data[k]).toBeCloseTo(value, 5);
      expect(doubled.data[k]).toBe(2 * (itself.data[k] as number));
      expect(scaled.data[k]).toBe(4 * (itself.data[k] as number));
    });
  });

  it('is of no use after its window', () => {
    const { table } = modelOf(uses.once as Use, false);
    const gradient = inWindow((ops) => gradientOf(ops, table));
    expect(() => gradient.data).toThrow('after its window ended');
    expect(() => inWindow((ops) => ops.affine(gradient, 1, 0))).toThrow('after its window ended');
  });

  it('takes no memory for the others', () => {
    const rows = 200_000;
    const table = parameter([rows, 16], () => uniform(rows * 16, 1));
    const model: Core<NoCarry, Ids> = {
      kind: 'large',
      params: { table },
      initial: () => noCarry,
      apply: (ops, carry, x) => [ops.gather(table, x), carry],
    };
    const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: sgd(1) });
    const before = table.data.slice();
    const used = machine().heap.used();
    learn(windowOf(0));
    expect(machine().heap.used() - used).toBeLessThan(before.byteLength / 4);
    release();
    const named = new Set(windowOf(0).input.data);
    const moved = new Set<number>();
    table.data.forEach((value, k) => {
      if (value !== before[k]) moved.add(Math.floor(k / 16));
    });
    expect(moved).toEqual(named);
  });
});

for (const [name, optimizer] of Object.entries(optimizers)) {
  describe(`training a table by ${name}`, () => {
    it.each(Object.keys(uses))('that is used %s: stored rows give the bits of the whole, on any threads', (key) => {
      const use = uses[key] as Use;
      configure({ threads: 1 });
      const expected = run(use, true, optimizer);
      for (const threads of [1, 2, 3]) {
        configure({ threads });
        expect(run(use, false, optimizer)).toEqual(expected);
      }
    });
  });
}

describe('lazy Adam', () => {
  it('is Adam on the rows that a window names, and leaves the others and their moments alone', () => {
    const [rate, beta1, beta2, epsilon] = [0.02, 0.8, 0.95, 1e-6];
    const { model, table, head } = modelOf(uses.once as Use, false);
    const current = trainer(model, {
      loss: crossEntropy(),
      optimizer: adam(rate, { beta1, beta2, epsilon, lazy: true }),
    });
    // In float64, with gradients from the reference at these weights.
    const w = [table, head].map(({ data }) => Float64Array.from(data));
    const m = w.map(({ length }) => new Float64Array(length));
    const v = w.map(({ length }) => new Float64Array(length));
    for (let t = 1; t <= 8; t += 1) {
      const window = windowOf(t);
      current.learn(window);
      const at = w.map((data, p): Tensor => ({ shape: [table, head][p]?.shape ?? [], type: 'float64', data }));
      const ops = tape(reference(), at);
      const y = (uses.once as Use)(ops, at[0] as Tensor, at[1] as Tensor, window.input);
      const gradients = ops.gradients(crossEntropy()(ops, y, window.target)).map(({ data }) => data.slice());
      const named = new Set(window.input.data);
      w.forEach((weights, p) => {
        const [mean, square, gradient] = [m, v, gradients].map((arrays) => arrays[p] as Float64Array);
        weights.forEach((_, i) => {
          if (p === 0 && !named.has(Math.floor(i / features))) return;
          const g = gradient[i] as number;
          mean[i] = beta1 * (mean[i] as number) + (1 - beta1) * g;
          square[i] = beta2 * (square[i] as number) + (1 - beta2) * g * g;
          const step = (mean[i] as number) / (1 - beta1 ** t);
          weights[i] -= (rate * step) / (Math.sqrt((square[i] as number) / (1 - beta2 ** t)) + epsilon);
        });
      });
    }
    const { slots } = current.state();
    current.release();
    const got = [table.data, head.data, slots['table.mean']?.data, slots['head.meanSquare']?.data];
    [w[0], w[1], m[0], v[1]].forEach((expected, n) => {
      expected?.forEach((value, i) => {
        const error = Math.abs((got[n]?.[i] as number) - value);
        if (!(error < 2e-5)) expect.fail(`array ${n}, number ${i}: off by ${error}`);
      });
    });
    // Rows that no window named are as they were, to the bit.
    const everNamed = new Set(Array.from({ length: 8 }, (_, t) => [...windowOf(t + 1).input.data]).flat());
    const initial = uniform(symbols * features, 1);
    const idle = [...initial.keys()].filter((i) => !everNamed.has(Math.floor(i / features)));
    expect(idle.length).toBeGreaterThan(symbols);
    for (const i of idle) expect([table.data[i], slots['table.mean']?.data[i]]).toEqual([initial[i], 0]);
  });

  it('leaves what dense Adam moves on: a row of an earlier window', () => {
    const leaves = (lazy: boolean) => {
      const { model, table } = modelOf(uses.once as Use, false);
      const current = trainer(model, { loss: crossEntropy(), optimizer: adam(0.01, { lazy }) });
      const only = (id: number) => ({ ...windowOf(0), input: ids([1, 1], [id]), target: ids([1, 1], [0]) });
      current.learn(only(5));
      const before = table.data.slice(5 * features, 6 * features);
      current.learn(only(6));
      current.release();
      return bytesOf(before) === bytesOf(table.data.slice(5 * features, 6 * features));
    };
    expect([leaves(true), leaves(false)]).toEqual([true, false]);
  });
});

describe('what a trainer keeps', () => {
  it('is one for each of two trainers of the same weights, and all given back', () => {
    const { model, table } = modelOf(uses.once as Use, false);
    const options = { loss: crossEntropy(), optimizer: adam(0.01) };
    trainer(model, options).release();
    const warm = trainer(model, options);
    warm.learn(windowOf(0));
    warm.release();
    const used = machine().heap.used();
    const [one, other] = [trainer(model, options), trainer(model, options)];
    one.learn(windowOf(1));
    const kept = one.state();
    const moved = bytesOf(table.data);
    other.learn(windowOf(2));
    expect(bytesOf(table.data)).not.toBe(moved);
    expect([one.steps, other.steps]).toEqual([1, 1]);
    expect(one.state()).toEqual(kept);
    one.release();
    other.release();
    one.release();
    expect(machine().heap.used()).toBe(used);
  });
});
