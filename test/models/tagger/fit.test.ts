import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import {
  type FitTaggerOptions,
  fitTagger,
  generator,
  machine,
  parametersOf,
  scoreTagger,
  type TaggedUtterance,
  type TaggerEpoch,
  tagger,
} from 'oxbow';
import {
  catchError,
  concat,
  defer,
  delay,
  EMPTY,
  filter,
  lastValueFrom,
  type Observable,
  of,
  share,
  skip,
  take,
  takeUntil,
  takeWhile,
  tap,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';

const CITIES = ['taipei', 'osaka', 'kyoto', 'new york', 'berlin'];

/** Journeys in which only the word before a city tells which way one goes. */
function journeys(count: number, path: string): readonly TaggedUtterance[] {
  const random = generator(1, path);
  const tagsOf = (city: string, slot: string) => city.split(' ').map((_, k) => `${k === 0 ? 'B' : 'I'}-${slot}`);
  return Array.from({ length: count }, () => {
    const [a, b] = [CITIES[random.below(5)] as string, CITIES[random.below(5)] as string];
    const asks = random.uniform() < 0.5;
    return {
      words: [...(asks ? ['is', 'there'] : ['i', 'go']), 'from', ...a.split(' '), 'to', ...b.split(' ')],
      tags: ['O', 'O', 'O', ...tagsOf(a, 'fromloc'), 'O', ...tagsOf(b, 'toloc')],
      intent: asks ? 'ask' : 'go',
    };
  });
}

const [train, valid] = [journeys(80, 'train'), journeys(20, 'valid')];

const modelOf = () =>
  tagger({
    words: train.flatMap(({ words }) => words),
    tags: new Set(train.flatMap(({ tags }) => tags)),
    intents: ['ask', 'go'],
    features: 12,
    units: 12,
    dropout: 0.1,
    characters: { features: 4, maps: 6 },
    seed: 1,
  });

const options = { train, valid, epochs: 12, batch: 8, learningRate: 2e-2, average: 0.9, seed: 2 };
const weightsOf = (model: ReturnType<typeof modelOf>) =>
  parametersOf(model.params).map(([, parameter]) => [...parameter.data]);

describe('fitTagger', () => {
  it('learns slots and intents, and leaves the model as the best epoch had it', async () => {
    const model = modelOf();
    const epochs = await lastValueFrom(fitTagger(model, options).pipe(toArray()));
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 12 }, (_, k) => k + 1));
    expect(epochs.at(-1)?.loss).toBeLessThan(0.2 * (epochs[0] as TaggerEpoch).loss);
    const best = epochs.filter((epoch) => epoch.best).at(-1) as TaggerEpoch;
    expect(scoreTagger(model, valid)).toEqual(best.validation);
    expect(best.validation.f1).toBe(1);
    expect(best.validation.intentAccuracy).toBe(1);
  });

  it.each<readonly [string, Pick<FitTaggerOptions, 'thread' | 'slice'>]>([
    ['on the learner', { thread: 'learner' }],
    ['in slices', { slice: 0 }],
  ])('%s tells and leaves what it does at once, bit for bit', async (_, way) => {
    const run = async (more: object) => {
      const model = modelOf();
      const short = { ...options, epochs: 3, substitute: { share: 0.5, typeOf: (slot: string) => slot }, ...more };
      const epochs = await lastValueFrom(fitTagger(model, short).pipe(toArray()));
      return {
        epochs: epochs.map(({ seconds: _clock, snapshot: _too, ...epoch }) => epoch),
        weights: weightsOf(model),
      };
    };
    expect(await run(way)).toEqual(await run({}));
  });

  it.each([
    ['at the end of an epoch', 1],
    ['within the first update', 0],
  ])('gives threads and memory of the learner back where it is unsubscribed from %s', async (_, after) => {
    const model = modelOf();
    await lastValueFrom(fitTagger(model, { ...options, epochs: 1, thread: 'learner' }));
    await settled();
    const before = machine().heap.used();
    const workers: Worker[] = [];
    const started = (worker: Worker) => void workers.push(worker);
    process.on('worker', started);
    await new Promise<void>((resolve) => {
      const end = () => {
        subscription.unsubscribe();
        resolve();
      };
      const training$ = fitTagger(model, { ...options, epochs: 1000, thread: 'learner' });
      const subscription = training$.subscribe(({ epoch }) => {
        if (epoch === after) end();
      });
      if (after === 0) process.once('worker', end);
    });
    expect(workers.length).toBeGreaterThan(0);
    process.off('worker', started);
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    await settled();
    expect(machine().heap.used()).toBeLessThanOrEqual(before);
  });

  it('comes to the same weights from the same seed, and to others from another', async () => {
    const [one, same, other] = [modelOf(), modelOf(), modelOf()];
    const short = { ...options, epochs: 2 };
    await lastValueFrom(fitTagger(one, short));
    await lastValueFrom(fitTagger(same, short));
    await lastValueFrom(fitTagger(other, { ...short, seed: 3 }));
    expect(weightsOf(same)).toEqual(weightsOf(one));
    expect(weightsOf(other)).not.toEqual(weightsOf(one));
  });

  /** Ends a training of many epochs, and gives the epochs that were told before. */
  type Ending = (training$: Observable<TaggerEpoch>) => Observable<TaggerEpoch>;
  it.each<readonly [string, Ending]>([
    ['a count', (training$) => training$.pipe(take(2))],
    ['a condition', (training$) => training$.pipe(takeWhile(({ epoch }) => epoch < 4, true))],
    [
      'an operator that throws',
      (training$) =>
        training$.pipe(
          tap(({ epoch }) => {
            if (epoch === 3) throw new Error('mine');
          }),
          catchError(() => EMPTY),
        ),
    ],
    ['something else that happens later', (training$) => training$.pipe(takeUntil(training$.pipe(skip(2), delay(1))))],
  ])('ended by %s leaves the best weights so far', async (_, ended) => {
    const model = modelOf();
    let best: TaggerEpoch | undefined;
    const training$ = fitTagger(model, options).pipe(
      tap((epoch) => {
        if (epoch.best) best = epoch;
      }),
      share(),
    );
    await lastValueFrom(ended(training$));
    expect(scoreTagger(model, valid)).toEqual(best?.validation);
  });

  it('ended by an error within leaves the best weights so far', async () => {
    const model = modelOf();
    let best: TaggerEpoch | undefined;
    let draws = 0;
    const typeOf = (slot: string) => {
      draws += 1;
      if (best !== undefined && draws > 2000) throw new Error('mine');
      return slot;
    };
    const training$ = fitTagger(model, { ...options, substitute: { share: 0.5, typeOf } }).pipe(
      tap((epoch) => {
        if (epoch.best) best = epoch;
      }),
    );
    await expect(lastValueFrom(training$)).rejects.toThrow('mine');
    expect(scoreTagger(model, valid)).toEqual(best?.validation);
  });

  it('has the best weights in place before anybody hears of its end', async () => {
    const model = modelOf();
    let best: TaggerEpoch | undefined;
    const training$ = fitTagger(model, { ...options, epochs: 4 }).pipe(
      filter((epoch) => {
        if (epoch.best) best = epoch;
        return false;
      }),
    );
    const after = await lastValueFrom(
      concat(
        training$,
        defer(() => of(scoreTagger(model, valid))),
      ),
    );
    expect(after).toEqual(best?.validation);
  });

  it('learns from other words in the slots where it is told to', async () => {
    const [plain, substituted] = [modelOf(), modelOf()];
    const short = { ...options, epochs: 2 };
    await lastValueFrom(fitTagger(plain, short));
    await lastValueFrom(fitTagger(substituted, { ...short, substitute: { share: 0.5, typeOf: () => 'city' } }));
    expect(weightsOf(substituted)).not.toEqual(weightsOf(plain));
    const fails = fitTagger(modelOf(), { ...short, substitute: { share: 2 } });
    await expect(lastValueFrom(fails)).rejects.toThrow('fitTagger: a share of slots');
  });

  it('gives errors as notifications', async () => {
    const fails = (changed: Partial<typeof options>) => lastValueFrom(fitTagger(modelOf(), { ...options, ...changed }));
    await expect(fails({ train: [] })).rejects.toThrow(/no utterance to learn from/);
    await expect(fails({ epochs: 0 })).rejects.toThrow(/epochs/);
    await expect(fails({ train: [{ words: ['to'], tags: ['B-time'] }] })).rejects.toThrow(/"B-time" is none/);
  });
});

/** Waits until the memory that is held stays the same for some turns. */
async function settled(): Promise<void> {
  const { heap } = machine();
  for (let same = 0, last = heap.used(); same < 5; last = heap.used()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = heap.used() === last ? same + 1 : 0;
  }
}
