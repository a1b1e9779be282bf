import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { weightsOf } from '../../src/formats/weights.js';
import { configure, machine } from '../../src/kernels/machine.js';
import { type Core, layer, type NoCarry, noCarry } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { inWindow } from '../../src/ops/window.js';
import { uniform, zeros as zeroInitializer } from '../../src/parameters/initializers.js';
import { type Parameter, parameter, parametersOf } from '../../src/parameters/parameter.js';
import { generator } from '../../src/random.js';
import { stack } from '../../src/stack.js';
import { type Ids, ids, type Tensor, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adadelta } from '../../src/training/optimizers/adadelta.js';
import { adagrad } from '../../src/training/optimizers/adagrad.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { adamw } from '../../src/training/optimizers/adamw.js';
import { adasecant } from '../../src/training/optimizers/adasecant.js';
import { averaged } from '../../src/training/optimizers/averaged.js';
import { chain } from '../../src/training/optimizers/chain.js';
import { classicalMomentum } from '../../src/training/optimizers/classical-momentum.js';
import { clipByValue } from '../../src/training/optimizers/clipping.js';
import { optimizer as optimizerOf } from '../../src/training/optimizers/in-ops.js';
import { momentum } from '../../src/training/optimizers/momentum.js';
import { nadam } from '../../src/training/optimizers/nadam.js';
import { nesterov } from '../../src/training/optimizers/nesterov.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import { outerNesterov } from '../../src/training/optimizers/outer-nesterov.js';
import { rmsprop } from '../../src/training/optimizers/rmsprop.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { vsgd } from '../../src/training/optimizers/vsgd.js';
import { weightDecay } from '../../src/training/optimizers/weight-decay.js';
import { trainer } from '../../src/training/trainer.js';
import type { TrainerState } from '../../src/training/trainer-state.js';
import { type Pair, pairs } from '../training/rules-in-ops.js';
import { bytesOf } from '../training/training-run.js';

beforeAll(() => void configure({ threads: 2 }));
afterAll(() => void configure({ threads: 2 }));

// An embedding's gradient is stored as rows from 16384 numbers on: with 40 features, from 410 symbols.
const [features, units, steps, lanes] = [40, 12, 5, 3];

/** A square matrix that grows both ways, as the transitions of a chain do. */
function mixing(classes: number) {
  const between = parameter(
    [classes, classes],
    (shape, random) => {
      const values = new Float32Array((shape[0] as number) * (shape[1] as number));
      return values.map(() => random.uniform());
    },
    { grows: [0, 1] },
  );
  const core: Core<NoCarry> = {
    kind: 'mixing',
    params: { between },
    initial: () => noCarry,
    apply: (ops, carry, x) => [ops.matmul(x, between), carry],
  };
  return layer(core);
}

function modelOf(symbols: number, classes: number) {
  return stack(
    {
      embed: embedding(symbols, features, { grows: true }),
      rnn: lstm(features, units),
      head: dense(units, classes, { grows: true, initializers: { b: zeroInitializer() } }),
      mix: mixing(classes),
    },
    { seed: 7 },
  );
}

type Model = ReturnType<typeof modelOf>;

function growTo(model: Model, symbols: number, classes: number): void {
  const { embed, head, mix } = model.params as Record<string, Record<string, Parameter>>;
  embed?.table?.grow(0, symbols);
  head?.w?.grow(1, classes);
  head?.b?.grow(0, classes);
  const between = mix?.between as Parameter;
  // One class after the other, so that where a row and a column meet follows from neither's being first.
  for (let more = (between.shape[0] as number) + 1; more <= classes; more += 1) {
    between.grow(0, more);
    between.grow(1, more);
  }
}

function windowOf(model: Model, k: number, symbols: number, classes: number) {
  const random = generator(k, 'growth');
  const draw = (below: number): Ids =>
    ids(
      [steps, lanes],
      Array.from({ length: steps * lanes }, () => random.below(below)),
    );
  return { carry: model.initial(lanes), input: draw(symbols), target: draw(classes) };
}

/** Every bit of a model's weights, and of what its optimizer keeps. */
const bitsOf = (model: Model, { step, slots }: TrainerState) => ({
  step,
  weights: parametersOf(model.params).map(([path, { shape, data }]) => [path, shape, bytesOf(data)]),
  slots: Object.entries(slots).map(([path, { shape, data }]) => [path, shape, bytesOf(data)]),
});

const optimizers: Readonly<Record<string, Optimizer>> = {
  sgd: sgd(0.5),
  momentum: momentum(0.1),
  'classical momentum': classicalMomentum(0.1),
  nesterov: nesterov(0.1),
  rmsprop: rmsprop(0.01),
  adagrad: adagrad(0.1),
  adadelta: adadelta(),
  adam: adam(0.01),
  'lazy adam': adam(0.01, { lazy: true }),
  adamw: adamw(0.01),
  nadam: nadam(0.01),
  vsgd: vsgd({ samples: 2 }),
  adasecant: adasecant(),
  averaged: averaged(adam(0.01), { decay: 0.7 }),
  'an outer step within a mean': averaged(outerNesterov(adam(0.01, { lazy: true }), { every: 2 })),
  'decay, clipping, adam': chain(weightDecay(0.1), clipByValue(1e-2), adam(0.01)),
  'adagrad in Ops that starts at a tenth': optimizerOf({ ...(pairs.adagrad as Pair).written, first: { squares: 0.1 } }),
};

/** The state that a trainer of the larger model would have: zeros where there was nothing before, or what is `first` or `late`. */
function enlarged(state: TrainerState, optimizer: Optimizer, larger: Model): TrainerState {
  const slots = Object.fromEntries(
    parametersOf(larger.params).flatMap(([path, { shape, data: weights }]) =>
      optimizer.slots.map((name) => {
        const old = state.slots[`${path}.${name}`] as Tensor;
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => {
          const columns = shape[1] ?? 1;
          const [row, column] = [Math.floor(k / columns), k % columns];
          const inside = row < (old.shape[0] as number) && column < (old.shape[1] ?? 1);
          const late = optimizer.firstGained?.[name] ?? optimizer.first?.[name] ?? 0;
          if (inside) return old.data[row * (old.shape[1] ?? 1) + column] as number;
          return late === 'weights' ? (weights[k] as number) : late;
        });
        return [`${path}.${name}`, tensor(shape, data)] as const;
      }),
    ),
  );
  return { step: state.step, slots };
}

describe('a parameter that grows', () => {
  const draw = (shape: readonly number[], random: { normal(): number }) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());

  it.each([0, 1])('along axis %i keeps its numbers, whether line by line or at once', (axis) => {
    const make = () => {
      const made = parameter([3, 5], draw, { grows: [axis] });
      made.name('table', 11);
      return made;
    };
    const [first, once, slowly] = [make(), make(), make()];
    once.grow(axis, 40);
    for (let length = first.shape[axis] as number; length <= 40; length += 1) slowly.grow(axis, length);
    expect(once.shape).toEqual(axis === 0 ? [40, 5] : [3, 40]);
    expect(bytesOf(slowly.data)).toEqual(bytesOf(once.data));
    const columns = once.shape[1] as number;
    first.data.forEach((value, k) => {
      expect(once.data[Math.floor(k / 5) * columns + (k % 5)]).toBe(value);
    });
    // Lines are drawn apart from each other, and from those of other parameters.
    expect(new Set(once.data).size).toBe(once.data.length);
    const other = parameter([3, 5], draw, { grows: [axis] });
    other.name('other', 11);
    other.grow(axis, 40);
    const numbers = new Set(once.data);
    expect([...other.data].filter((value) => numbers.has(value))).toEqual([]);
  });

  it('draws its first numbers as if it did not grow', () => {
    const [grown, plain] = [parameter([3, 5], draw, { grows: [0] }), parameter([3, 5], draw)];
    for (const each of [grown, plain]) each.name('table', 11);
    grown.grow(0, 9);
    expect([...grown.data.subarray(0, 15)]).toEqual([...plain.data]);
  });

  it('says what it cannot do', () => {
    const table = parameter([3, 5], draw, { grows: [0] });
    table.name('embed.table', 1);
    expect(() => table.grow(1, 6)).toThrow('grow: embed.table is [3, 5] and grows along axis 0, so its axis 1');
    expect(() => table.grow(0, 2)).toThrow('cannot become 2 long');
    expect(() => table.grow(0, 3.5)).toThrow('cannot become 3.5 long');
    expect(() => parameter([3], draw).grow(0, 4)).toThrow('grows along no axis');
    const before = table.place;
    expect(() => inWindow(() => table.grow(0, 4))).toThrow('embed.table is in use by a window that is open');
    expect(table.shape).toEqual([3, 5]);
    table.grow(0, 4);
    expect(() => before.data).toThrow('after its parameter grew');
  });

  it('takes memory ahead and gives back what it left', () => {
    const table = parameter([1, 50], draw, { grows: [0] });
    void table.data;
    const before = machine().heap.used();
    let moves = 0;
    let { address } = table.place;
    for (let rows = 2; rows <= 3000; rows += 1) {
      table.grow(0, rows);
      if (table.place.address !== address) moves += 1;
      address = table.place.address;
      expect(machine().heap.used() - before).toBeLessThanOrEqual(2 * 4 * 50 * rows);
    }
    expect(moves).toBeLessThanOrEqual(Math.ceil(Math.log2(3000)));
  });
});

for (const [name, optimizer] of Object.entries(optimizers)) {
  describe(`a trainer by ${name} whose model grows`, () => {
    it.each([
      ['a little, by rows that are stored alone', 500, 523, 5, 6],
      ['out of the room it has, all at once', 9, 700, 2, 19],
    ])('%s, is one that was made for the larger model', (_, symbols, moreSymbols, classes, moreClasses) => {
      const options = { loss: crossEntropy(), optimizer, clipNorm: 0.5 };
      const small = modelOf(symbols, classes);
      const growing = trainer(small, options);
      for (let k = 0; k < 3; k += 1) growing.learn(windowOf(small, k, symbols, classes));
      const before = growing.state();
      growTo(small, moreSymbols, moreClasses);

      const large = modelOf(moreSymbols, moreClasses);
      const weights = weightsOf(small.params);
      for (const [path, each] of parametersOf(large.params)) each.assign((weights[path] as Tensor).data);
      configure({ threads: 1 });
      const fresh = trainer(large, { ...options, state: enlarged(before, optimizer, large) });
      const expected = [3, 4, 5].map((k) => {
        const { loss, gradientNorms } = fresh.learn(windowOf(large, k, moreSymbols, moreClasses));
        return { loss, gradientNorms };
      });
      configure({ threads: 2 });
      const got = [3, 4, 5].map((k) => {
        const { loss, gradientNorms } = growing.learn(windowOf(small, k, moreSymbols, moreClasses));
        return { loss, gradientNorms };
      });
      expect(got).toEqual(expected);
      expect(bitsOf(small, growing.state())).toEqual(bitsOf(large, fresh.state()));
      expect(Number.isFinite(expected[2]?.loss)).toBe(true);
      growing.release();
      fresh.release();
    });
  });
}

describe('what a trainer keeps', () => {
  it('is the same whether it grew step by step or at once', () => {
    const options = { loss: crossEntropy(), optimizer: adam(0.01) };
    const models = [modelOf(9, 3), modelOf(9, 3)] as const;
    const states = models.map((model, which) => {
      const current = trainer(model, options);
      current.learn(windowOf(model, 0, 9, 3));
      for (let more = 1; more <= 300; more += 1) {
        if (which === 0 || more === 300) growTo(model, 9 + more, 3 + Math.floor(more / 30));
        if (which === 0) current.state();
      }
      current.learn(windowOf(model, 1, 309, 13));
      return bitsOf(model, current.state());
    });
    expect(states[0]).toEqual(states[1]);
  });

  it('takes memory for what it has become, not for how often it grew', () => {
    const model = modelOf(9, 3);
    const current = trainer(model, { loss: crossEntropy(), optimizer: adam(0.01) });
    current.learn(windowOf(model, 0, 9, 3));
    const start = machine().heap.used();
    let most = 0;
    for (let symbols = 10; symbols <= 1500; symbols += 1) {
      growTo(model, symbols, 3 + Math.floor(symbols / 100));
      current.state();
      most = Math.max(most, (machine().heap.used() - start) / symbols);
    }
    // A row's weights and two slots, each with room for as many again.
    expect(most).toBeLessThan(2 * 3 * 4 * features + 64 * 12);
    current.release();
    expect(machine().heap.used()).toBeLessThan(start + 2 * 4 * features * 1500 + 64 * 1024);
  });
});

describe('a parameter that becomes shorter again', () => {
  it.each([
    [
      [2, 2],
      [4, 3],
    ],
    [
      [1, 3],
      [1, 5],
    ],
    [
      [3, 1],
      [9, 1],
    ],
  ])('%j, grown to %j: has what it had, and grows to the same again', (small, large) => {
    const [rows, columns] = large as [number, number];
    const make = () => parameter(small, uniform(1), { grows: [0, 1] });
    const [table, other] = [make(), make()];
    const grow = (each: ReturnType<typeof make>) => {
      each.grow(0, rows);
      each.grow(1, columns);
    };
    const before = [...table.data];
    grow(table);
    grow(other);
    table.shorten(small);
    expect([table.shape, [...table.data]]).toEqual([small, before]);
    grow(table);
    expect([table.shape, [...table.data]]).toEqual([large, [...other.data]]);
  });

  it('is one that can have grown', () => {
    const table = parameter([2, 3], uniform(1), { grows: [0] });
    expect(() => table.shorten([2, 2])).toThrow(RangeError);
    expect(() => table.shorten([3, 3])).toThrow(RangeError);
    expect(() => table.shorten([2])).toThrow(RangeError);
    expect(() => table.shorten([-1, 3])).toThrow(RangeError);
    expect(() => inWindow(() => table.shorten([1, 3]))).toThrow('shorten: ');
    expect(table.shape).toEqual([2, 3]);
  });
});
