/** Trainings by `fit` that are kept in a folder, stopped anywhere, and go on: all that they tell and leave is what one without a break does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Accumulator,
  accuracy,
  adam,
  checkpointed,
  confusionMatrix,
  conlleval,
  crossEntropy,
  dense,
  dropout,
  embedding,
  type FitOptions,
  type FitProgress,
  type FitSnapshot,
  f1,
  ids,
  type Loss,
  lastStep,
  lstm,
  type Metric,
  type Model,
  parametersOf,
  perplexity,
  resume,
  saveRuns,
  sequential,
  tensor,
} from 'oxbow';
import { lastValueFrom, take, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { everyOptimizer } from '../training/every-optimizer.js';
import { bytesOf } from '../training/training-run.js';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'oxbow-fit-'));
  path = join(base, 'run');
});
afterEach(() => rmSync(base, { recursive: true }));

const [symbols, classes, steps, count] = [9, 4, 6, 22];
const numbers = (seed: number, below: number, length: number) =>
  Int32Array.from({ length }, (_, k) => (7 * k * k + 3 * k + 5 * seed + (k >> 2)) % below);
const x = Array.from({ length: count }, (_, k) => numbers(k + 1, symbols, steps));
const y = numbers(3, classes, count);
const mask = x.map((_, k) => Array.from({ length: steps }, (_step, t) => (t < 2 + (k % 5) ? 1 : 0)));

const made = (
  optimizer = adam(0.01),
  metrics: readonly Metric[] = [accuracy(), f1(), perplexity()],
  loss: Loss = crossEntropy(),
) =>
  sequential([embedding(symbols, 5), dropout(0.3), lstm(5, 6), lastStep(), dense(6, classes)], { seed: 4 }).compile({
    loss,
    optimizer,
    metrics,
    clipNorm: 1,
    l2: 0.01,
  }) as Model;

const bitsOf = ({ params }: Pick<Model, 'params'>) =>
  parametersOf(params).map(([name, { data }]) => [name, bytesOf(data)]);

/** All that has to do with the clock left out. */
const told = (events: readonly FitProgress[]) =>
  JSON.parse(
    JSON.stringify(events, (key, value) => (/^(samplesPerSecond|secondsLeft|seconds)$/.test(key) ? undefined : value)),
  );

const plain: FitOptions = { epochs: 2, batch: 8, seed: 3 };
const progressOf = (model: Model, options: FitOptions) => model.fit(x, y, options).pipe(checkpointed(path, { model }));
const kept = async (model?: Model) => {
  await saveRuns();
  const run = await resume<Model, FitSnapshot>(path, { model });
  if (run === undefined) throw new Error('nothing was kept');
  return run;
};

const cases: Readonly<Record<string, readonly [FitOptions, (() => Model)?]>> = {
  'at once': [{}],
  'in slices': [{ slice: 0 }],
  'on a learner': [{ thread: 'learner' }],
  'in the order given, with a mask': [{ shuffle: false, mask }],
  'with validation and early stopping that gives the best weights back': [
    { validationSplit: 0.3, epochs: 4, earlyStopping: { patience: 2, restoreBest: true } },
  ],
  'stopped early': [{ validationSplit: 0.3, epochs: 4, earlyStopping: { minDelta: 1e9 } }],
  ...Object.fromEntries(
    Object.entries(everyOptimizer).map(([name, make]) => [`by ${name}`, [{}, () => made(make())]] as const),
  ),
};

describe.each(Object.entries(cases))('fit %s', (name, [more, make = made]) => {
  // Within an epoch, at its last batch, at its end, and in the next.
  it.each(name.startsWith('by ') ? [2] : [1, 3, 4, 5])(
    'goes on after progress %i as if it had not stopped',
    async (cut) => {
      const options = { ...plain, ...more };
      const whole = make();
      const expected = await lastValueFrom(whole.fit(x, y, options).pipe(toArray()));
      expect(expected.length).toBeGreaterThan(cut);
      const before = await lastValueFrom(progressOf(make(), options).pipe(take(cut), toArray()));
      // An optimizer of one's own that is no registered one cannot be described.
      const { model, snapshot, step } = await kept(name.endsWith('one in Ops') ? make() : undefined);
      expect(step).toBe(before.at(-1)?.step);
      const rest = await lastValueFrom(progressOf(model, { ...options, from: snapshot }).pipe(toArray()));
      expect(told([...before, ...rest])).toEqual(told(expected));
      expect(bitsOf(model)).toEqual(bitsOf(whole));
      const end = await kept(name.endsWith('one in Ops') ? make() : undefined);
      expect(bitsOf(end.model)).toEqual(bitsOf(whole));
      const nothing = await lastValueFrom(end.model.fit(x, y, { ...options, from: end.snapshot }).pipe(toArray()));
      expect(nothing).toEqual([]);
      expect(bitsOf(end.model)).toEqual(bitsOf(whole));
    },
  );
});

describe('a training that is kept', () => {
  it('can be awaited, is over once it was, and goes on for more epochs: 1 + 1 are 2', async () => {
    const whole = made();
    const { epochs } = await whole.fit(x, y, plain);
    const model = made();
    const first = await model.fit(x, y, { ...plain, epochs: 1 }).pipe(checkpointed(path, { model }));
    const one = await kept();
    const from = one.snapshot;
    expect(await one.model.fit(x, y, { ...plain, epochs: 1, from })).toEqual(first);
    const two = await one.model.fit(x, y, { ...plain, from }).pipe(checkpointed(path, { model: one.model }));
    const figures = (records: typeof epochs) => records.map(({ seconds: _, ...rest }) => rest);
    expect(figures(two.epochs)).toEqual(figures(epochs));
    expect(bitsOf(one.model)).toEqual(bitsOf(whole));
    await saveRuns();
  });

  it('is a training of the same model afterwards: what fit does next is the same too', async () => {
    const whole = made();
    await whole.fit(x, y, plain);
    const next = await whole.fit(x, y, { batch: 8 });
    await lastValueFrom(progressOf(made(), plain).pipe(take(2)));
    const { model, snapshot } = await kept();
    await model.fit(x, y, { ...plain, from: snapshot });
    expect(told([next as never])).toEqual(told([(await model.fit(x, y, { batch: 8 })) as never]));
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });

  it('has the last sound update where the next one fails, though the best weights come back', async () => {
    const options: FitOptions = {
      ...plain,
      epochs: 3,
      validationSplit: 0.3,
      earlyStopping: { patience: 9, restoreBest: true },
    };
    const whole = made();
    const expected = await lastValueFrom(whole.fit(x, y, options).pipe(toArray()));
    let losses = 0;
    const failing = Object.assign((...given: Parameters<Loss>) => {
      losses += 1;
      // That of the fourth update, after two of the first epoch, its validation, and one.
      if (losses === 5) throw new Error('enough');
      return crossEntropy()(...given);
    }, crossEntropy());
    await expect(lastValueFrom(progressOf(made(undefined, undefined, failing), options))).rejects.toThrow('enough');
    await saveRuns();
    const model = made();
    const run = await resume<Model, FitSnapshot>(path, { model });
    expect(run?.step).toBe(3);
    const rest = await lastValueFrom(model.fit(x, y, { ...options, from: run?.snapshot }).pipe(toArray()));
    expect(told(rest)).toEqual(told(expected.slice(-rest.length)));
    expect(rest[0]?.step).toBe(4);
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });

  it.each<readonly [string, FitOptions, unknown, unknown]>([
    ['examples 22, but this one has 21', {}, x.slice(1), y.slice(1)],
    ['inputs "int32 [6, 1]", but this one has "int32 [5, 1]"', {}, x.map((row) => row.slice(1)), y],
    ['batch 8, but this one has 7', { batch: 7 }, x, y],
    ['seed 3, but this one has 4', { seed: 4 }, x, y],
    ['shuffle true, but this one has false', { shuffle: false }, x, y],
    ['examples 22, but this one has 11', { validationSplit: 0.5 }, x, y],
  ])('goes on with the same data and options alone: %s', async (message, more, otherX, otherY) => {
    await lastValueFrom(progressOf(made(), plain).pipe(take(2)));
    const { model, snapshot } = await kept();
    const before = bitsOf(model);
    const fails = model.fit(otherX as never, otherY as never, { ...plain, ...more, from: snapshot });
    await expect(lastValueFrom(fails)).rejects.toThrow(`fit: from is of a run with ${message}`);
    expect(bitsOf(model)).toEqual(before);
  });

  it.each([
    ['no record', 7],
    ['nothing of a run', {}],
    ['no records', { records: undefined }],
    ['nothing counted', { counted: undefined }],
    ['half a batch', { batch: 1.5 }],
  ])('does not go on from %s', async (_, changed) => {
    await lastValueFrom(progressOf(made(), plain).pipe(take(2)));
    const { model, snapshot } = await kept();
    const isChange = typeof changed === 'object' && Object.keys(changed).length > 0;
    const from = (isChange ? { ...snapshot, ...changed } : changed) as FitSnapshot;
    await expect(lastValueFrom(model.fit(x, y, { ...plain, from }))).rejects.toThrow(/^fit: .*from/);
  });

  it('has no snapshot of an update that is past', async () => {
    const [first] = await lastValueFrom(made().fit(x, y, plain).pipe(toArray()));
    expect(() => first?.snapshot()).toThrow('fit: the snapshot after update 1 is gone');
  });

  it('says of a metric that cannot go on counting, and learns the same', async () => {
    const own: Metric = { name: 'own', better: 'higher', start: () => ({ update() {}, result: () => 1 }) };
    const whole = made(undefined, [own]);
    await whole.fit(x, y, plain);
    await lastValueFrom(progressOf(made(undefined, [own]), plain).pipe(take(2)));
    await saveRuns();
    const model = made(undefined, [own]);
    const run = await resume<Model, FitSnapshot>(path, { model });
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await model.fit(x, y, { ...plain, from: run?.snapshot });
    expect(warned.mock.calls.join()).toContain('fit: the metric own did not say what it had counted');
    warned.mockRestore();
    expect(bitsOf(model)).toEqual(bitsOf(whole));
  });
});

describe('a metric', () => {
  const batches = [
    [tensor([2, 3], [1, 0, 0, 0, 1, 0]), ids([2], [0, 2])],
    [tensor([3, 3], [0, 0, 1, 3, 1, 0, 0, 2, 1]), ids([3], [2, 1, 1])],
  ] as const;
  const spoken = [
    [
      { tags: ['O', 'B-a', 'x'], intent: 'p' },
      { tags: ['O', 'B-b', 'x'], intent: 'p' },
    ],
    [{ tags: ['B-a', 'I-a'] }, { tags: ['B-a', 'O'] }],
  ] as const;
  // biome-ignore lint/suspicious/noExplicitAny: metrics of several results.
  type Any = any;
  const metrics: readonly (readonly [string, { start(state?: unknown): Accumulator<Any> }, Any])[] = [
    ['accuracy', accuracy(), batches],
    ['f1', f1(), batches],
    ['perplexity', perplexity(), batches],
    ['confusionMatrix', confusionMatrix(), batches],
    ['conlleval', conlleval() as Any, spoken],
  ];

  it.each(metrics)('goes on counting, also through JSON: %s', (_, metric, [first, second]) => {
    const [whole, half] = [metric.start(), metric.start()];
    whole.update(first[0], first[1]);
    whole.update(second[0], second[1]);
    half.update(first[0], first[1]);
    const state = JSON.parse(JSON.stringify(half.state?.()));
    half.update(second[0], second[1]);
    const rest = metric.start(state);
    rest.update(second[0], second[1]);
    expect(rest.result()).toEqual(whole.result());
    expect(half.result()).toEqual(whole.result());
  });

  it.each(metrics)('does not go on from what it did not say: %s', (name, metric) => {
    expect(() => metric.start({})).toThrow(`${name}: takes what its state() gave`);
    expect(() => metric.start(3)).toThrow(`${name}: takes what its state() gave`);
  });
});
