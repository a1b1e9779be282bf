import { afterEach, describe, expect, it } from 'vitest';
import { gru } from '../src/cells/gru.js';
import { lstm } from '../src/cells/lstm.js';
import { minGru } from '../src/cells/min-gru.js';
import { minLstm } from '../src/cells/min-lstm.js';
import { simpleRnn } from '../src/cells/simple-rnn.js';
import { stacked } from '../src/cells/stacked.js';
import { configure, machine } from '../src/kernels/machine.js';
import { type Core, evaluate, type Layer } from '../src/layer.js';
import { dense } from '../src/layers/dense.js';
import { dropout } from '../src/layers/dropout.js';
import { embedding } from '../src/layers/embedding.js';
import { gatedDeltaNet } from '../src/layers/gated-delta-net.js';
import { griffinBlock } from '../src/layers/griffin-block.js';
import { oneHot } from '../src/layers/one-hot.js';
import { toSignal } from '../src/ops/window.js';
import type { Parameter } from '../src/parameters/parameter.js';
import { generator } from '../src/random.js';
import { stack } from '../src/stack.js';
import { stepper } from '../src/stepper.js';
import { type Ids, ids, type Tensor, zeros } from '../src/tensor.js';
import { crossEntropy } from '../src/training/losses/cross-entropy.js';
import { sgd } from '../src/training/optimizers/sgd.js';
import { trainer } from '../src/training/trainer.js';

const SYMBOLS = 21;

const symbols = (steps: number, lanes: number, seed = 1): Ids => {
  const random = generator(seed);
  return ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, () => random.below(SYMBOLS)),
  );
};

const stepOf = (x: Ids, t: number): Ids => {
  const lanes = x.shape[1] as number;
  return ids([1, lanes], x.data.slice(t * lanes, (t + 1) * lanes));
};

type Model = Layer<unknown, Ids, Tensor>;

const model = (children: object): Model => stack(children as never, { seed: 3 }) as unknown as Model;

const models: Readonly<Record<string, () => Model>> = {
  'embedding, LSTM, dense': () => model({ e: embedding(SYMBOLS, 12), r: lstm(12, 20), h: dense(20, SYMBOLS) }),
  'one-hot, GRU': () => model({ e: oneHot(SYMBOLS), r: gru(SYMBOLS, 19) }),
  'GRU, reset before': () => model({ e: embedding(SYMBOLS, 8), r: gru(8, 16, { reset: 'before' }) }),
  'stacked simple RNNs, dropout': () =>
    model({ e: embedding(SYMBOLS, 8), r: stacked([simpleRnn(8, 9), simpleRnn(9, 9)]), d: dropout(0.5) }),
  'LSTM, normalised': () => model({ e: embedding(SYMBOLS, 8), r: lstm(8, 13, { layerNorm: true }), h: dense(13, 4) }),
  'LSTM, peepholes': () => model({ e: embedding(SYMBOLS, 8), r: lstm(8, 16, { peepholes: true }), h: dense(16, 4) }),
  'stacked LSTMs, coupled, and without a forget gate': () =>
    model({
      e: oneHot(SYMBOLS),
      r: stacked([lstm(SYMBOLS, 19, { forget: 'coupled', peepholes: true }), lstm(19, 9, { forget: 'none' })]),
    }),
  'minGRU and minLSTM': () =>
    model({ e: embedding(SYMBOLS, 8), r: stacked([minGru(8, 9), minLstm(9, 9)]), h: dense(9, 4) }),
  'Griffin blocks': () => model({ e: embedding(SYMBOLS, 8), r: stacked([griffinBlock(8, 9), griffinBlock(8, 9)]) }),
  'gated delta networks': () =>
    model({ e: embedding(SYMBOLS, 8), r: stacked([gatedDeltaNet(8, 9, { heads: 3 }), gatedDeltaNet(8, 32)]) }),
  'a table alone': () => model({ e: embedding(SYMBOLS, 7) }),
};

/** A stepper's outputs and last carry, in one list of numbers. */
function stepped<S>(core: Core<S, Ids>, x: Ids): { readonly outputs: number[]; readonly carry: S } {
  const runner = stepper(core);
  const outputs: number[] = [];
  for (let t = 0; t < (x.shape[0] as number); t += 1) outputs.push(...runner.step(stepOf(x, t)).data);
  const { carry } = runner;
  runner.release();
  return { outputs, carry };
}

afterEach(() => configure({ threads: 2 }));

describe('a stepper', () => {
  for (const [name, make] of Object.entries(models)) {
    for (const [lanes, threads] of [
      [1, 1],
      [3, 1],
      [5, 2],
      [70, 2],
    ] as const) {
      it(`gives what a window of all steps gives, bit for bit: ${name}, ${lanes} lanes, ${threads} threads`, () => {
        configure({ threads });
        const core = make();
        const x = symbols(9, lanes);
        const [y, carry] = evaluate(core, core.initial(lanes), x);
        expect(stepped(core, x)).toEqual({ outputs: [...y.data], carry });
      });
    }
  }

  it('runs the model itself twice, and no more', () => {
    let runs = 0;
    const inner = models['embedding, LSTM, dense']?.() as Model;
    const counting: Core<unknown, Ids> = {
      ...inner,
      apply(...args) {
        runs += 1;
        return inner.apply(...args);
      },
    };
    stepped(counting, symbols(12, 2));
    expect(runs).toBe(2);
  });

  it('speaks with what the model has learnt by then', () => {
    const core = models['embedding, LSTM, dense']?.() as Model;
    const { learn, release } = trainer(core as never, { loss: crossEntropy(), optimizer: sgd(0.5) });
    const x = symbols(8, 2);
    const runner = stepper(core);
    let carry: unknown = core.initial(2);
    for (let t = 0; t < 8; t += 1) {
      const [y, next] = evaluate(core, carry, stepOf(x, t));
      expect([...runner.step(stepOf(x, t)).data]).toEqual([...y.data]);
      carry = next;
      learn({ carry: core.initial(2), input: x, target: symbols(8, 2, 2) } as never);
    }
    runner.release();
    release();
  });

  it('starts from a carry, and gives it back', () => {
    const core = models['one-hot, GRU']?.() as Model;
    const x = symbols(7, 2);
    const [, carry] = evaluate(core, core.initial(2), ids([4, 2], x.data.slice(0, 8)));
    const runner = stepper(core, { carry });
    for (let t = 4; t < 7; t += 1) runner.step(stepOf(x, t));
    expect(runner.carry).toEqual(evaluate(core, core.initial(2), x)[1]);
    runner.release();
  });

  it('finishes in the same call', () => {
    const core = models['embedding, LSTM, dense']?.() as Model;
    const runner = stepper(core, { finish: (ops, y) => ops.softmax(y) });
    for (let t = 0; t < 5; t += 1) {
      const { data, shape } = runner.step(symbols(1, 2, t));
      expect(shape).toEqual([1, 2, SYMBOLS]);
      for (const lane of [0, 1]) {
        const sum = [...data.subarray(lane * SYMBOLS, (lane + 1) * SYMBOLS)].reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(1, 6);
      }
    }
    runner.release();
  });

  it('moves parts of a carry past each other', () => {
    // A line of delays: each part becomes the one before it.
    const delays: Core<{ a: Tensor; b: Tensor; c: Tensor }, Ids> = {
      kind: 'delays',
      params: {},
      initial: (batch) => ({ a: zeros([batch, 3]), b: zeros([batch, 3]), c: zeros([batch, 3]) }),
      apply(ops, { a, b, c }, x) {
        const now = ops.reshape(ops.oneHot(x, 3), [x.shape[1] as number, 3]);
        return [ops.reshape(c, [1, ...c.shape]), { c: b, b: a, a: now }];
      },
    };
    const said = [0, 1, 2, 2, 1, 0, 1, 2];
    const { outputs } = stepped(delays, ids([8, 1], said));
    const expected = [
      ...Array.from({ length: 9 }, () => 0),
      ...said.slice(0, 5).flatMap((id) => [0, 1, 2].map((k) => (k === id ? 1 : 0))),
    ];
    expect(outputs).toEqual(expected);
  });

  it('runs a model as it is where it looks at numbers or counts', () => {
    const looking: Core<{ steps: number }, Ids> = {
      kind: 'looking',
      params: {},
      initial: () => ({ steps: 0 }),
      apply: (ops, { steps }, x) => [ops.fill([1, 1, 1], steps * 10 + (x.data[0] as number)), { steps: steps + 1 }],
    };
    expect(stepped(looking, ids([5, 1], [1, 2, 3, 4, 5]))).toEqual({
      outputs: [1, 12, 23, 34, 45],
      carry: { steps: 5 },
    });
    const lookingOnly: Core<object, Ids> = {
      ...looking,
      initial: () => ({}),
      apply: (ops, carry, x) => [ops.fill([1, 1, 1], x.data[0] as number), carry],
    };
    expect(stepped(lookingOnly, ids([5, 1], [1, 2, 3, 4, 5])).outputs).toEqual([1, 2, 3, 4, 5]);
  });

  it('runs a model as it is where it brings other numbers each time', () => {
    let calls = 0;
    const drifting: Core<object, Ids> = {
      kind: 'drifting',
      params: {},
      initial: () => ({}),
      apply(ops, carry, x) {
        calls += 1;
        const drift: Tensor = { shape: [1], type: 'float32', data: Float32Array.of(calls) };
        return [ops.add(ops.oneHot(x, 2), drift), carry];
      },
    };
    expect(stepped(drifting, ids([5, 1], [0, 0, 0, 0, 0])).outputs).toEqual([2, 1, 3, 2, 4, 3, 5, 4, 6, 5]);
  });

  it('refuses ids outside the table and other shapes, and goes on as before', () => {
    const core = models['embedding, LSTM, dense']?.() as Model;
    const x = symbols(6, 2);
    const runner = stepper(core);
    const outputs: number[] = [];
    for (let t = 0; t < 6; t += 1) {
      expect(() => runner.step(ids([1, 2], [0, SYMBOLS]))).toThrow(RangeError);
      expect(() => runner.step(ids([1, 2], [-1, 0]))).toThrow(RangeError);
      outputs.push(...runner.step(stepOf(x, t)).data);
      expect(() => runner.step(ids([1, 3], [0, 0, 0]))).toThrow('make a stepper for each');
    }
    expect(outputs).toEqual([...evaluate(core, core.initial(2), x)[0].data]);
    expect(() => stepper(core).step(ids([2, 1], [0, 0]))).toThrow('one step of some lanes');
    runner.release();
    expect(() => runner.step(stepOf(x, 0))).toThrow('it was released');
  });

  it('gives its memory back, and takes none from step to step', () => {
    const core = models['embedding, LSTM, dense']?.() as Model;
    stepped(core, symbols(3, 4));
    const before = machine().heap.used();
    const runner = stepper(core);
    for (let t = 0; t < 3; t += 1) runner.step(symbols(1, 4, t));
    const held = machine().heap.used();
    for (let t = 0; t < 500; t += 1) runner.step(symbols(1, 4, t));
    expect(machine().heap.used()).toBe(held);
    const last = toSignal(runner.step(symbols(1, 4)));
    runner.release();
    expect(machine().heap.used()).toBe(before);
    expect(last.data.length).toBe(4 * SYMBOLS);
  });

  describe('of a model that grows between steps', () => {
    const grown = (classes: number) =>
      stack({
        e: embedding(SYMBOLS, 12, { seed: 1, grows: true }),
        r: lstm(12, 20, { seed: 2 }),
        h: dense(20, classes, { seed: 3, grows: true }),
      });
    const tableOf = (core: ReturnType<typeof grown>) => (core.params.e as Record<string, Parameter>).table as Parameter;

    it('gives what steps without a stepper give, bit for bit, and keeps its carry', () => {
      const core = grown(5);
      const runner = stepper(core);
      let carry: unknown = core.initial(2);
      for (let t = 0; t < 24; t += 1) {
        // At every place between the steps that are written down and those that are run again.
        if ([1, 2, 7, 8, 12, 20].includes(t)) {
          const { h } = core.params as Record<string, Record<string, Parameter>>;
          tableOf(core).grow(0, SYMBOLS + t);
          if (t % 4 === 0) {
            h?.w?.grow(1, 5 + t);
            h?.b?.grow(0, 5 + t);
          }
        }
        const symbol = t < 2 ? 3 : (tableOf(core).shape[0] as number) - 1 - (t % 2);
        const x = ids([1, 2], [symbol, t % SYMBOLS]);
        const [y, next] = evaluate(core as Model, carry, x);
        const stepped = runner.step(x);
        expect(stepped.shape).toEqual(y.shape);
        expect([...stepped.data]).toEqual([...y.data]);
        carry = next;
      }
      expect(runner.carry).toEqual(carry);
      runner.release();
    });

    it('still checks ids, against the table as it is', () => {
      const core = grown(5);
      const runner = stepper(core);
      for (let t = 0; t < 3; t += 1) runner.step(ids([1, 1], [0]));
      expect(() => runner.step(ids([1, 1], [SYMBOLS]))).toThrow(`id ${SYMBOLS} of lane 0 is outside`);
      tableOf(core).grow(0, SYMBOLS + 1);
      runner.step(ids([1, 1], [SYMBOLS]));
      for (let t = 0; t < 3; t += 1) runner.step(ids([1, 1], [SYMBOLS]));
      expect(() => runner.step(ids([1, 1], [SYMBOLS + 1]))).toThrow(`id ${SYMBOLS + 1} of lane 0 is outside`);
      runner.release();
    });

    it('is written down anew only where it is its own model that grew', () => {
      let runs = 0;
      const inner = grown(5);
      const counting: Core<unknown, Ids> = {
        ...(inner as Model),
        apply(...args) {
          runs += 1;
          return (inner as Model).apply(...args);
        },
      };
      const other = grown(5);
      const runner = stepper(counting);
      const step = (times: number) => {
        for (let t = 0; t < times; t += 1) runner.step(ids([1, 1], [t]));
      };
      step(4);
      expect(runs).toBe(2);
      tableOf(other).grow(0, SYMBOLS + 1);
      step(4);
      expect(runs).toBe(2);
      tableOf(inner).grow(0, SYMBOLS + 1);
      step(4);
      expect(runs).toBe(4);
      runner.release();
    });

    it('takes no more memory for having followed', () => {
      const core = grown(5);
      const runner = stepper(core);
      tableOf(core).grow(0, 600);
      const held: number[] = [];
      for (let rows = 601; rows < 1000; rows += 1) {
        tableOf(core).grow(0, rows);
        for (let t = 0; t < 3; t += 1) runner.step(ids([1, 1], [rows - 1]));
        held.push(machine().heap.used());
      }
      expect(new Set(held).size).toBe(1);
      runner.release();
    });
  });
});
