/** Losses of single positions come out of the pass that learns, bit for bit those of a pass of their own. */
import {
  adam,
  categoricalCrossEntropy,
  configure,
  crossEntropy,
  dense,
  embedding,
  ids,
  inWindow,
  type Loss,
  lstm,
  masked,
  nesterov,
  type Ops,
  type Optimizer,
  padded,
  reference,
  type SignalWindow,
  sgd,
  squaredError,
  stack,
  surprisal,
  type TbpttOptions,
  type Tensor,
  tbptt,
  tensor,
  toOneHot,
  toSignal,
  trainer,
  vsgd,
  withL2,
} from 'oxbow';
import { from, lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finish } from '../../src/piecewise-task.js';

beforeAll(() => void configure({ threads: 2, learnerThreads: 2 }));
afterAll(() => void configure({ threads: 2, learnerThreads: 2 }));

const [symbols, steps, lanes] = [7, 5, 3];
const modelOf = () => stack({ embed: embedding(symbols, 6), rnn: lstm(6, 8), head: dense(8, symbols) }, { seed: 4 });
const idsFrom = (first: number) =>
  ids(
    [steps, lanes],
    Int32Array.from({ length: steps * lanes }, (_, k) => (first + k * k) % symbols),
  );
const features = tensor(
  [steps, lanes, symbols],
  Float32Array.from({ length: 105 }, (_, k) => Math.sin(k)),
);
const soft = tensor(
  [steps, lanes, symbols],
  Float32Array.from({ length: 105 }, (_, k) => (k % 7 < 2 ? 0.5 : 0)),
);
const some = ids(
  [steps, lanes],
  Int32Array.from({ length: steps * lanes }, (_, k) => (k % 4 === 0 ? -1 : k % symbols)),
);
const own: Loss = Object.assign((ops: Ops, y: Tensor) => ops.sumTo(ops.multiply(y, y), []), {
  each: (ops: Ops, y: Tensor) => ops.reshape(ops.sumTo(ops.multiply(y, y), [steps, lanes, 1]), [steps, lanes]),
});

const cases: readonly (readonly [name: string, loss: Loss, target: Tensor, factor: number])[] = [
  ['crossEntropy', crossEntropy(), idsFrom(2), 1 / 15],
  ['crossEntropy as a sum', crossEntropy({ reduction: 'sum' }), idsFrom(2), 1],
  ['crossEntropy with padding', crossEntropy(), some, 1 / 11],
  ['categoricalCrossEntropy of one-hot rows', categoricalCrossEntropy(), toOneHot(idsFrom(2), symbols), 1 / 15],
  ['categoricalCrossEntropy of distributions', categoricalCrossEntropy(), soft, 1 / 15],
  ['squaredError', squaredError(), features, 1 / 15],
  ['one of a user', own, features, 1],
];

/** The same by a pass that does nothing else. */
const apart = (model: ReturnType<typeof modelOf>, loss: Loss, carry: never, input: never, target: Tensor) =>
  inWindow((ops) => toSignal(loss.each?.(ops, model.apply(ops, carry, input)[0], target)));

describe('the loss of each position', () => {
  it.each(cases)('of %s adds up to the loss, in float64', (_, loss, target, factor) => {
    const ops = reference();
    const [prediction] = modelOf().apply(ops, modelOf().initial(lanes), idsFrom(0));
    const each = loss.each?.(ops, prediction, target) as Tensor;
    expect(each.shape).toEqual([steps, lanes]);
    const sum = each.data.reduce((a, b) => a + b, 0);
    expect(sum * factor).toBeCloseTo(loss(ops, prediction, target).data[0] as number, 12);
  });

  it.each(cases)('of %s is that of a pass apart, and changes nothing of the update', (_, loss, target) => {
    const window = { input: idsFrom(0), target };
    const [model, plain] = [modelOf(), modelOf()];
    const [asking, other] = [
      trainer(model, { loss, optimizer: sgd(0.1), each: true }),
      trainer(plain, { loss, optimizer: sgd(0.1) }),
    ];
    let carry = model.initial(lanes);
    for (const way of [asking.learn, (given: never) => finish(asking.learnInPieces(given)), asking.learn]) {
      const expected = apart(model, loss, carry as never, window.input as never, target);
      const { each, ...learned } = way({ carry, ...window } as never);
      expect(each).toEqual(expected);
      expect(learned).toEqual(other.learn({ carry, ...window }));
      carry = learned.carry;
    }
    asking.release();
    other.release();
  });

  type Ways = Omit<TbpttOptions<never>, 'loss' | 'optimizer'> & { readonly optimizer?: Optimizer };
  const ways: readonly (readonly [string, Ways])[] = [
    ['at once', {}],
    ['in slices', { slice: 0 }],
    ['by the learner', { thread: 'learner' }],
    ['by the learner, k2 > k1', { thread: 'learner', k2: 12 }],
    ['k2 > k1', { k2: 12 }],
    ['with an optimizer that looks ahead in between', { optimizer: vsgd() }],
  ];
  it.each(ways)('comes with each window of tbptt, %s', async (_, way) => {
    const loss = crossEntropy();
    const windows = [0, 1, 2].map((k) => ({ input: idsFrom(k), target: idsFrom(k + 1) }));
    const eachOf = async (more: object) => {
      const learning$ = from(windows).pipe(
        tbptt(modelOf(), { loss, optimizer: adam(0.01), ...way, ...more, each: true } as TbpttOptions<never>),
        toArray(),
      );
      return (await lastValueFrom(learning$)).map(({ each }) => each);
    };
    const each = await eachOf({});
    const [{ input, target }] = windows as [SignalWindow];
    expect(each[0]).toEqual(apart(modelOf(), loss, modelOf().initial(lanes) as never, input as never, target));
    expect(each).toEqual(await eachOf({ thread: 'caller', slice: undefined }));
  });

  it('is of the weights that the loss is of, where an optimizer moves them aside before', () => {
    const model = modelOf();
    const { learn, release } = trainer(model, {
      loss: crossEntropy(),
      optimizer: nesterov(0.5, { decay: 0.9 }),
      each: true,
    });
    const window = { carry: model.initial(lanes), input: idsFrom(0), target: idsFrom(1) };
    learn(window);
    const { each, loss } = learn(window);
    expect((each?.data.reduce((a, b) => a + b, 0) as number) / 15).toBeCloseTo(loss, 5);
    release();
  });

  it.each([
    ['ids', crossEntropy(), [3, 1, 4]],
    ['features', squaredError(), tensor([3, symbols], features.data.slice(0, 21))],
  ] as const)('is 0 at padding, and elsewhere that of the sequence alone: %s', (_, loss, target) => {
    const short = {
      input: [2, 5],
      target: Array.isArray(target) ? [1, 0] : tensor([2, symbols], features.data.slice(40, 54)),
    };
    const eachOf = (sequences: readonly Parameters<typeof padded>[0][number][]) => {
      const model = masked(modelOf());
      const { learn, release } = trainer(model, { loss, optimizer: sgd(0.1), each: true });
      const { input, target } = padded(sequences);
      const { each } = learn({ carry: model.initial(sequences.length), input: input as never, target });
      release();
      return [...(each?.data ?? [])];
    };
    const long = { input: [1, 2, 3], target: target as never };
    const together = eachOf([long, short]);
    const [one, other] = [eachOf([long]), eachOf([short])];
    expect(together).toEqual([one[0], other[0], one[1], other[1], one[2], 0]);
  });

  it('leaves out a penalty, which belongs to no position', () => {
    const model = modelOf();
    const window = { carry: model.initial(lanes), input: idsFrom(0), target: idsFrom(1) };
    const eachOf = (loss: Loss) => {
      const { learn, release } = trainer(modelOf(), { loss, optimizer: sgd(0.1), each: true });
      const { each } = learn(window);
      release();
      return each;
    };
    expect(eachOf(withL2(crossEntropy(), model.params, 0.1))).toEqual(eachOf(crossEntropy()));
  });

  it('is the surprisal of what comes next, but for float32 where that has float64', async () => {
    const model = modelOf();
    const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: sgd(0.1), each: true });
    const text = [3, 1, 4, 1, 5, 2];
    const bits = await lastValueFrom(from([ids([6, 1], text)]).pipe(surprisal(model)));
    const { each } = learn({
      carry: model.initial(1),
      input: ids([5, 1], text.slice(0, -1)),
      target: ids([5, 1], text.slice(1)),
    });
    each?.data.forEach((nats, t) => {
      expect(nats / Math.LN2).toBeCloseTo(bits.data[t + 1] as number, 5);
    });
    release();
  });

  it('is not there where nobody asked, and refused of a loss that has none', async () => {
    const model = modelOf();
    const window = { input: idsFrom(0), target: idsFrom(1) };
    const [step] = await lastValueFrom(
      from([window]).pipe(tbptt(model, { loss: crossEntropy(), optimizer: sgd(0.1) }), toArray()),
    );
    expect(step).not.toHaveProperty('each');
    const loss: Loss = (ops, y) => ops.sumTo(y, []);
    expect(() => trainer(model, { loss, optimizer: sgd(0.1), each: true })).toThrow(
      /^trainer: the loss does not say what each position comes to; take crossEntropy/,
    );
  });
});
