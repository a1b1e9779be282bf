/** `fit` on other threads, and in slices, is `fit` at once, bit for bit, in all that it tells and leaves. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import {
  accuracy,
  adam,
  bidirectional,
  categoricalCrossEntropy,
  crossEntropy,
  dense,
  dropout,
  embedding,
  type FitOptions,
  type FitProgress,
  f1,
  gru,
  type Loss,
  lastStep,
  lstm,
  type Metric,
  type Model,
  machine,
  nesterov,
  type Optimizer,
  oneHot,
  parametersOf,
  perplexity,
  precision,
  recall,
  sequential,
  squaredError,
  topKAccuracy,
  vsgd,
} from 'oxbow';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { everyOptimizer } from '../training/every-optimizer.js';
import { bytesOf } from '../training/training-run.js';

const [symbols, classes, steps, count] = [9, 4, 6, 22];
const numbers = (seed: number, below: number, length: number) =>
  Int32Array.from({ length }, (_, k) => (7 * k * k + 3 * k + 5 * seed + (k >> 2)) % below);
const x = Array.from({ length: count }, (_, k) => numbers(k + 1, symbols, steps));
const classOf = numbers(3, classes, count);
const tags = Array.from({ length: count }, (_, k) => numbers(k, classes, steps));
const rows = Array.from(classOf, (id) => Array.from({ length: classes }, (_, k) => (k === id ? 1 : 0)));
const points = Array.from({ length: count }, (_, k) => [Math.sin(k), Math.cos(2 * k)]);
const mask = x.map((_, k) => Array.from({ length: steps }, (_step, t) => (t < 2 + (k % 5) ? 1 : 0)));

interface Case {
  readonly make: () => Parameters<typeof sequential>[0];
  readonly loss: () => Loss;
  readonly metrics?: readonly Metric[];
  readonly l2?: number;
  readonly x?: unknown;
  readonly y: unknown;
  readonly options?: FitOptions;
}

const toOne = () => [embedding(symbols, 5), dropout(0.3), lstm(5, 6), lastStep(), dense(6, classes)];
const toMany = () => [embedding(symbols, 5), bidirectional(gru(5, 3), lstm(5, 3)), dense(6, classes)];
/** One of a user's own, that looks at predictions and targets. */
const largest: Metric = {
  name: 'largest',
  better: 'higher',
  start() {
    let most = Number.NEGATIVE_INFINITY;
    return {
      update(prediction) {
        for (const value of prediction.data) most = Math.max(most, value);
      },
      result: () => most,
    };
  },
};

const cases: Readonly<Record<string, Case>> = {
  'many to one, accuracy': { make: toOne, loss: () => crossEntropy(), metrics: [accuracy()], y: classOf },
  'many to one, without a metric': { make: toOne, loss: () => crossEntropy(), y: classOf },
  'one-hot targets, several metrics': {
    make: toOne,
    loss: () => categoricalCrossEntropy(),
    metrics: [topKAccuracy(2), perplexity(), largest],
    y: rows,
  },
  'many to many, by class': {
    make: toMany,
    loss: () => crossEntropy(),
    metrics: [precision(), recall(), f1()],
    y: tags,
  },
  'a summed loss, and a penalty': {
    make: toMany,
    loss: () => crossEntropy({ reduction: 'sum' }),
    metrics: [accuracy()],
    l2: 0.1,
    y: tags,
  },
  'many to one with a mask': {
    make: toOne,
    loss: () => crossEntropy(),
    metrics: [accuracy()],
    y: classOf,
    options: { mask },
  },
  'many to many with a mask': {
    make: toMany,
    loss: () => crossEntropy(),
    metrics: [accuracy(), f1()],
    y: tags,
    options: { mask },
  },
  regression: {
    make: () => [dense(2, 5, { activation: (ops, z) => ops.tanh(z) }), dense(5, 1)],
    loss: () => squaredError(),
    x: points,
    y: Float32Array.from(points, ([a = 0, b = 0]) => a - b),
  },
  'a loss of its own that looks at numbers': {
    make: () => [oneHot(symbols), gru(symbols, 4), lastStep(), dense(4, classes)],
    loss: () => (ops, prediction, target) => {
      const loss = crossEntropy()(ops, prediction, target);
      return ops.affine(loss, (loss.data[0] as number) > 1 ? 2 : 1, 0);
    },
    metrics: [accuracy()],
    y: classOf,
  },
  'validation, and early stopping that gives the best weights back': {
    make: toOne,
    loss: () => crossEntropy(),
    metrics: [accuracy()],
    y: classOf,
    options: { validationSplit: 0.3, epochs: 12, earlyStopping: { patience: 2, restoreBest: true } },
  },
  'validation data with a mask': {
    make: toMany,
    loss: () => crossEntropy(),
    metrics: [accuracy()],
    y: tags,
    options: { mask, validationData: [x, tags, mask] },
  },
};

const ways: Readonly<Record<string, Pick<FitOptions, 'thread' | 'slice'>>> = {
  'on the learner': { thread: 'learner' },
  'in slices': { slice: 0 },
};

const bitsOf = ({ params }: Pick<Model, 'params'>) =>
  parametersOf(params).map(([path, { data }]) => [path, bytesOf(data)]);

const compiled = ({ make, loss, metrics = [], l2 }: Case, optimizer: Optimizer = adam(0.01)) =>
  sequential(make(), { seed: 4 }).compile({
    loss: loss(),
    optimizer,
    metrics,
    clipNorm: 1,
    ...(l2 !== undefined && { l2 }),
  }) as Model;

/** All that has to do with the clock left out. */
const told = (events: readonly FitProgress[]) =>
  JSON.parse(
    JSON.stringify(events, (key, value) => (/^(samplesPerSecond|secondsLeft|seconds)$/.test(key) ? undefined : value)),
  );

/** What two trainings, one after the other, tell and leave. */
async function runOf(each: Case, more: FitOptions, model = compiled(each)) {
  const train = (options: FitOptions) =>
    lastValueFrom(model.fit((each.x ?? x) as never, each.y as never, { batch: 8, ...options }).pipe(toArray()));
  const called: unknown[] = [];
  const events = await train({
    epochs: 2,
    ...each.options,
    ...more,
    callbacks: [({ kind, epoch }) => called.push([kind, epoch]), () => Promise.resolve()],
  });
  const again = await train({ ...(each.options?.mask && { mask: each.options.mask }), ...more });
  return { events: told(events), again: told(again), called, weights: bitsOf(model) };
}

describe.each(Object.entries(ways))('fit %s is fit at once, bit for bit', (_, way) => {
  it.each(Object.entries(cases))('%s', async (_name, each) => {
    const expected = await runOf(each, {});
    expect(expected.events.length).toBeGreaterThan(2);
    expect(await runOf(each, way)).toEqual(expected);
  });

  it.each(Object.entries(everyOptimizer))('by %s', async (_name, make) => {
    const each = cases['many to many, by class'] as Case;
    expect(await runOf(each, way, compiled(each, make()))).toEqual(await runOf(each, {}, compiled(each, make())));
  });
});

it('tells by vsgd of the weights before each update, and counts nothing twice', async () => {
  const made = sequential([embedding(symbols, 5), lstm(5, 6), lastStep(), dense(6, classes)], { seed: 4 });
  let counted = 0;
  const counting: Metric = {
    name: 'counting',
    better: 'higher',
    start: () => ({
      update() {
        counted += 1;
      },
      result: () => counted,
    }),
  };
  const model = made.compile({ loss: crossEntropy(), optimizer: vsgd(), metrics: [counting] });
  const { loss } = await model.evaluate(x, classOf);
  counted = 0;
  const { epochs } = await model.fit(x, classOf, { batch: count });
  expect(epochs[0]?.loss).toBeCloseTo(loss, 6);
  expect(counted).toBe(1);
});

const wide = () =>
  sequential([embedding(symbols, 64), lstm(64, 128), lastStep(), dense(128, classes)], { seed: 1 }).compile({
    loss: crossEntropy(),
    optimizer: nesterov(0.1),
    metrics: ['accuracy'],
  });

describe('fit on the learner', () => {
  it('leaves the calling thread free between two updates and within one', async () => {
    const model = wide();
    const known = new Set([JSON.stringify(bitsOf(model))]);
    const seen: string[] = [];
    const timer = setInterval(() => void seen.push(JSON.stringify(bitsOf(model))));
    await model.fit(x, classOf, {
      thread: 'learner',
      batch: count,
      epochs: 4,
      callbacks: [() => void known.add(JSON.stringify(bitsOf(model)))],
    });
    clearInterval(timer);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((bits) => !known.has(bits))).toEqual([]);
  });

  it('ends with its subscription, also within an update: nothing more is learnt, and threads and memory come back', async () => {
    const model = wide();
    const { heap } = machine();
    await model.fit(x, classOf, { thread: 'learner', batch: count });
    await settled(() => heap.used());
    const before = heap.used();
    for (let k = 0; k < 2; k += 1) {
      const workers: Worker[] = [];
      const started = (worker: Worker) => void workers.push(worker);
      process.on('worker', started);
      const subscription = model.fit(x, classOf, { thread: 'learner', batch: count, epochs: 1000 }).subscribe();
      while (workers.length < 1) await once(process, 'worker');
      process.off('worker', started);
      const bits = bitsOf(model);
      const gone = Promise.all(workers.map((worker) => once(worker, 'exit')));
      subscription.unsubscribe();
      await gone;
      await settled(() => heap.used());
      expect(bitsOf(model)).toEqual(bits);
      expect(heap.used()).toBeLessThanOrEqual(before);
    }
    // It can be trained again, from the last whole update on.
    await model.fit(x, classOf, { batch: count });
  });

  it('gives its threads back where it stops early', async () => {
    const workers: Worker[] = [];
    const started = (worker: Worker) => void workers.push(worker);
    process.on('worker', started);
    const gone: Promise<unknown>[] = [];
    const { stoppedEarly } = await wide().fit(x, classOf, {
      thread: 'learner',
      epochs: 50,
      validationSplit: 0.5,
      earlyStopping: { minDelta: 1e9 },
      callbacks: [() => void gone.splice(0, gone.length, ...workers.map((worker) => once(worker, 'exit')))],
    });
    process.off('worker', started);
    expect(stoppedEarly).toBe(true);
    expect(gone.length).toBeGreaterThan(0);
    await Promise.all(gone);
  });

  it.each([
    [{ thread: 'worker' as never }, "fit: thread is 'caller' or 'learner', not worker."],
    [{ slice: -1 }, 'fit: slice is a number of milliseconds from 0 on, not -1'],
  ])('refuses %o before anything is learnt', async (options, message) => {
    const model = compiled(cases.regression as Case);
    const before = bitsOf(model);
    await expect(model.fit(points, new Float32Array(count), options)).rejects.toThrow(message);
    expect(bitsOf(model)).toEqual(before);
  });
});

/** Waits until a number stays the same for some turns. */
async function settled(read: () => number): Promise<void> {
  for (let same = 0, last = read(); same < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = read() === last ? same + 1 : 0;
    last = read();
  }
}
