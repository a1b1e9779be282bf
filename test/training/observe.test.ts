/** What a trainer tells of the pass that learns besides: read once its kernels have run, before weights change. */
import {
  adam,
  crossEntropy,
  dense,
  embedding,
  evaluate,
  finish,
  generator,
  gru,
  type Ids,
  ids,
  inTurns,
  nesterov,
  type Optimizer,
  parametersOf,
  stack,
  timeSlice,
  toSignal,
  trainer,
  vsgd,
} from 'oxbow';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bytesOf } from './training-run.js';

const [symbols, steps, lanes] = [7, 5, 3];
const modelOf = () => stack({ embed: embedding(symbols, 6), rnn: gru(6, 8), head: dense(8, symbols) }, { seed: 2 });
type Model = ReturnType<typeof modelOf>;
const random = generator(3, 'symbols');
const some = (count = steps) =>
  ids(
    [count, lanes],
    Int32Array.from({ length: count * lanes }, () => random.below(symbols)),
  );
const windows = Array.from({ length: 3 }, () => ({ input: some(), target: some() }));
const bitsOf = ({ params }: Model) => parametersOf(params).map(([path, { data }]) => [path, bytesOf(data)]);
const plain = (optimizer: Optimizer = adam(0.01)) => ({ loss: crossEntropy(), optimizer, clipNorm: 1 });

type Window = { readonly carry: ReturnType<Model['initial']>; readonly input: Ids; readonly target: Ids };

/** Ways to have one update done. */
const ways = {
  'at once': async (each, window) => each.learn(window),
  'in pieces': async (each, window) => finish(each.learnInPieces(window)),
  'in turns': (each, window) => lastValueFrom(inTurns(() => each.learnInPieces(window), timeSlice(0))),
} satisfies Record<string, (each: ReturnType<typeof observing>, window: Window) => Promise<unknown>>;

/** A trainer that tells the logits, the probability of each target and the loss. */
const observing = (model: Model, thread: 'caller' | 'learner' = 'caller', optimizer?: Optimizer) =>
  trainer(model, {
    ...plain(optimizer),
    thread,
    observe(ops, { prediction, target, loss }) {
      const softmax = ops.softmax(prediction);
      return () => ({ logits: toSignal(prediction), softmax: toSignal(softmax), target, loss: toSignal(loss) });
    },
  });

describe('what a trainer observes', () => {
  it.each(
    Object.entries(ways).flatMap(([name, way]) =>
      (['caller', 'learner'] as const)
        .filter((thread) => thread === 'caller' || name === 'in turns')
        .map((thread) => [name, thread, way] as const),
    ),
  )('is of the weights before the update, and changes nothing: %s, by the %s', async (_, thread, way) => {
    const [model, beside] = [modelOf(), modelOf()];
    const [each, alone] = [observing(model, thread), trainer(beside, plain())];
    for (const window of windows) {
      const given = { carry: model.initial(lanes), ...window };
      const [logits] = evaluate(model, given.carry, window.input);
      const { observed, ...learned } = await way(each, given);
      const { observed: nothing, ...expected } = alone.learn(given);
      expect(nothing).toBeUndefined();
      expect(learned).toEqual(expected);
      expect(bitsOf(model)).toEqual(bitsOf(beside));
      expect(observed.logits).toEqual(logits);
      expect(observed.loss.data[0]).toBe(learned.loss);
      expect(observed.target).toEqual(window.target);
      for (let row = 0; row < steps * lanes; row += 1) {
        const shares = Array.from(observed.softmax.data.slice(row * symbols, (row + 1) * symbols));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      }
    }
    each.release();
  });

  it('is what the loss sees where it counts the last steps alone', () => {
    const model = modelOf();
    const given = { carry: model.initial(lanes), input: some(), target: some(2), carryAfter: 3 };
    const [logits] = evaluate(model, given.carry, given.input);
    const { observed } = observing(model).learn(given);
    expect(observed.logits.shape).toEqual([2, lanes, symbols]);
    expect(observed.logits.data).toEqual(logits.data.slice(-2 * lanes * symbols));
  });

  it.each([
    ['vsgd', vsgd()],
    ['nesterov', nesterov(0.1)],
  ])('is read once an update, by %s too, and is of the loss that is told', (_, optimizer) => {
    const model = modelOf();
    let reads = 0;
    const { learn } = trainer(model, {
      ...plain(optimizer),
      observe:
        (_ops, { loss }) =>
        () => {
          reads += 1;
          return loss.data[0];
        },
    });
    for (const window of windows) {
      const { observed, loss } = learn({ carry: model.initial(lanes), ...window });
      expect(observed).toBe(loss);
    }
    expect(reads).toBe(windows.length);
  });

  it('leaves everything as it was where it throws', () => {
    const model = modelOf();
    const before = bitsOf(model);
    const each = trainer(model, {
      ...plain(),
      observe: () => () => {
        throw new Error('mine');
      },
    });
    const given = { carry: model.initial(lanes), ...(windows[0] as (typeof windows)[number]) };
    expect(() => each.learn(given)).toThrow('mine');
    expect(() => finish(each.learnInPieces(given))).toThrow('mine');
    expect(bitsOf(model)).toEqual(before);
    expect(each.steps).toBe(0);
  });
});
