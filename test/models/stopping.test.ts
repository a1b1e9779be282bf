import { firstValueFrom, lastValueFrom, type MonoTypeOperatorFunction, take, takeWhile, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { weightsOf } from '../../src/formats/weights.js';
import { dense } from '../../src/layers/dense.js';
import type { Callback } from '../../src/models/fit.js';
import type { FitProgress } from '../../src/models/progress.js';
import { sequential } from '../../src/models/sequential.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';

const x = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const y = [0, 1, 1, 1];
/** What is learnt is the opposite of what is looked at: validation gets worse from epoch to epoch, so the first is best. */
const opposed = [x, [1, 0, 0, 0]] as const;

const modelOf = () =>
  sequential([dense(2, 2)], { seed: 1 }).compile({
    loss: crossEntropy(),
    optimizer: adam(0.05),
    metrics: ['accuracy'],
  });
type Model = ReturnType<typeof modelOf>;

const trained = (model: Model, restoreBest: boolean, epochs = 6, callback?: Callback) =>
  model.fit(x, y, {
    epochs,
    batch: 2,
    validationData: opposed,
    earlyStopping: { patience: 20, restoreBest },
    ...(callback && { callbacks: [callback] }),
  });

const isEpoch = (k: number) => (progress: FitProgress) => progress.kind === 'epoch' && progress.epoch === k;
const isBatch = (k: number) => (progress: FitProgress) => progress.kind === 'batch' && progress.epoch === k;
const throwsAt = (is: (progress: FitProgress) => boolean) => (progress: FitProgress) => {
  if (is(progress)) throw new Error('mine');
};

/** Runs a training until an operator ends it. */
const until =
  (stop: MonoTypeOperatorFunction<FitProgress>) =>
  async (model: Model, restoreBest: boolean): Promise<void> => {
    await lastValueFrom(trained(model, restoreBest).pipe(stop, toArray()));
  };

/** Runs a training into an error of a callback. */
const failing = (callback: Callback) => (model: Model, restoreBest: boolean) =>
  expect(lastValueFrom(trained(model, restoreBest, 6, callback))).rejects.toThrow('mine');

const ways: readonly (readonly [string, (model: Model, restoreBest: boolean) => Promise<unknown>])[] = [
  ['the last epoch', async (model, restoreBest) => trained(model, restoreBest)],
  ['takeWhile at an epoch', until(takeWhile((progress) => !isEpoch(3)(progress)))],
  ['takeWhile that lets the epoch pass', until(takeWhile((progress) => !isEpoch(3)(progress), true))],
  ['takeWhile within an epoch', until(takeWhile((progress) => !isBatch(4)(progress)))],
  ['a count of what is told', until(take(10))],
  ['an operator that throws', (model, best) => expect(until(tap(throwsAt(isEpoch(3))))(model, best)).rejects.toThrow()],
  ['a callback that throws at an epoch', failing(throwsAt(isEpoch(4)))],
  ['a callback that throws within an epoch', failing(throwsAt(isBatch(5)))],
  ['a callback that rejects', failing(async (progress) => throwsAt(isEpoch(2))(progress))],
  [
    'a subscription that is given up later',
    (model, restoreBest) =>
      new Promise<void>((resolve) => {
        const subscription = trained(model, restoreBest, 1000).subscribe((progress) => {
          if (!isEpoch(3)(progress)) return;
          setImmediate(() => {
            subscription.unsubscribe();
            resolve();
          });
        });
      }),
  ],
];

describe('the best weights', () => {
  it.each(ways)('come back, ended by %s', async (_, run) => {
    const [best, ended, plain] = [modelOf(), modelOf(), modelOf()];
    await trained(best, false, 1);
    await run(ended, true);
    expect(weightsOf(ended.params)).toEqual(weightsOf(best.params));
    await run(plain, false);
    expect(weightsOf(plain.params)).not.toEqual(weightsOf(best.params));
  });

  it('are in place before anybody hears of an end', async () => {
    const [best, model] = [modelOf(), modelOf()];
    await trained(best, false, 1);
    const failing = trained(model, true, 6, throwsAt(isEpoch(4)));
    const heard = await new Promise((resolve) => {
      failing.subscribe({ error: () => resolve(weightsOf(model.params)) });
    });
    expect(heard).toEqual(weightsOf(best.params));
  });

  it('are none before an epoch has ended: those of the last update stay', async () => {
    const [model, plain] = [modelOf(), modelOf()];
    await firstValueFrom(trained(model, true));
    await firstValueFrom(trained(plain, false));
    expect(weightsOf(model.params)).toEqual(weightsOf(plain.params));
  });

  it('are those of one training: what is learnt after it stays', async () => {
    const model = modelOf();
    await trained(model, true, 2);
    const before = weightsOf(model.params);
    await model.fit(x, y, { epochs: 1 });
    expect(weightsOf(model.params)).not.toEqual(before);
  });
});
