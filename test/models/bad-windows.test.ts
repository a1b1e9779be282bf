import {
  type BadWindow,
  type BadWindowError,
  dense,
  type FitOptions,
  fitTagger,
  OxbowError,
  parametersOf,
  type Sequential,
  sequential,
  squaredError,
  type TaggedUtterance,
  type TaggerEpoch,
  type Tensor,
  tensor,
} from 'oxbow';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { generator } from '../../src/random.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { bytesOf } from '../training/training-run.js';
import { bitsOf, empty, journeys } from './tagger/online/small.js';

const random = generator(3);
const numbers = (count: number) => Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
const [x, y] = [numbers(24), numbers(12)];
const compiled = () =>
  sequential([dense(2, 3), dense(3, 1)], { seed: 5 }).compile({ loss: squaredError(), optimizer: adam(0.05) });
const weights = ({ params }: { readonly params: Sequential['params'] }) =>
  parametersOf(params).map(([path, { data }]) => [path, bytesOf(data)]);
const signal = (data: Float32Array, width: number) => tensor([data.length / width, width], data) as Tensor;
const batches = { batch: 2, shuffle: false } as const;
const ways: readonly (readonly [string, Pick<FitOptions, 'thread' | 'slice'>])[] = [
  ['at once', {}],
  ['in slices', { slice: 0 }],
  ['by the learner', { thread: 'learner' }],
];

/** The target of a batch whose loss is beyond float32. */
const far = y.map((value, k) => (k === 4 ? 3e38 : value));
/** Without that batch. */
const [fewerX, fewerY] = [
  Float32Array.from([...x.subarray(0, 8), ...x.subarray(12)]),
  Float32Array.from([...y.subarray(0, 4), ...y.subarray(6)]),
];

describe('fit', () => {
  it.each(ways)('leaves batches out that cannot be learnt from: %s', async (_, way) => {
    const [with_, without] = [compiled(), compiled()];
    const heard: BadWindow[] = [];
    const bad = { next: (window: BadWindow) => void heard.push(window) };
    const options = { ...batches, ...way, epochs: 2 };
    const progress = await lastValueFrom(
      with_.fit(signal(x, 2), signal(far, 1), { ...options, badWindow: 'skip', bad }).pipe(toArray()),
    );
    const expected = await lastValueFrom(without.fit(signal(fewerX, 2), signal(fewerY, 1), options).pipe(toArray()));
    expect(weights(with_)).toEqual(weights(without));
    expect(progress.map(({ loss }) => loss)).toEqual(expected.map(({ loss }) => loss));
    expect(heard.map(({ window, reason }) => [window, reason])).toEqual([
      [3, 'loss'],
      [9, 'loss'],
    ]);
    expect(progress.at(-1)?.bad).toEqual({ skipped: 2, rolledBack: 0 });
  });

  it.each(ways)('stops with all that it goes on from: %s', async (_, way) => {
    const [with_, without] = [compiled(), compiled()];
    const error = await with_
      .fit(signal(x, 2), signal(far, 1), { ...batches, ...way })
      .then(undefined, (e: unknown) => e);
    expect(error).toBeInstanceOf(OxbowError);
    expect(error).toMatchObject({ _tag: 'BadWindow', window: 3, snapshot: { step: 2 } });
    expect(String((error as BadWindowError).message)).toMatch(/^fit: window 3 cannot be learnt from: .*Infinity/);
    await without.fit(signal(x.slice(0, 8), 2), signal(y.slice(0, 4), 1), batches);
    expect(weights(with_)).toEqual(weights(without));
    // The model goes on with what its optimizer knows.
    for (const each of [with_, without]) await each.fit(signal(x.slice(12), 2), signal(y.slice(6), 1), batches);
    expect(weights(with_)).toEqual(weights(without));
  });

  it.each(ways)('goes back where the loss is not finite: %s', async (_, way) => {
    const [with_, without] = [compiled(), compiled()];
    const heard: BadWindow[] = [];
    const bad = { next: (window: BadWindow) => void heard.push(window) };
    const back = { badWindow: 'rollback', rollback: { every: 10 }, bad } as const;
    const { epochs } = await with_.fit(signal(x, 2), signal(far, 1), { ...batches, ...way, ...back });
    expect(epochs).toHaveLength(1);
    expect(heard).toMatchObject([{ window: 3, done: 'rolledBack', step: 0 }]);
    await without.fit(signal(x.slice(12), 2), signal(y.slice(6), 1), batches);
    expect(weights(with_)).toEqual(weights(without));
  });
});

describe('fitTagger', () => {
  const utterances: readonly TaggedUtterance[] = journeys(8);
  const odd = { words: ['sell', 'gold'], tags: ['O', 'B-metal'] };
  const fitted = async (train: readonly TaggedUtterance[], more: Partial<Parameters<typeof fitTagger>[1]> = {}) => {
    const model = empty({ wordDropout: 0 });
    model.grow(utterances);
    const epochs = await lastValueFrom(
      fitTagger(model, { train, valid: utterances, epochs: 2, batch: 1, ...more }).pipe(toArray()),
    );
    return { model, epochs };
  };

  it.each(ways)('leaves batches out whose tags are not in the model: %s', async (_, way) => {
    const heard: BadWindow[] = [];
    const bad = { next: (window: BadWindow) => void heard.push(window) };
    const { epochs, model } = await fitted([...utterances, odd], { ...way, seed: 5, badWindow: 'skip', bad });
    expect(heard.map(({ reason, done }) => [reason, done])).toEqual(new Array(2).fill(['misfit', 'skipped']));
    expect(epochs.at(-1)?.bad).toEqual({ skipped: 2, rolledBack: 0 });
    expect(epochs.every(({ loss }: TaggerEpoch) => Number.isFinite(loss))).toBe(true);
    expect(bitsOf(model).weights.length).toBeGreaterThan(0);
  });

  it('stops by default, with the best weights so far', async () => {
    const error = await fitted([...utterances, odd], { seed: 5 }).then(undefined, (e: unknown) => e);
    expect(error).toMatchObject({ _tag: 'BadWindow', reason: 'misfit' });
    expect((error as BadWindowError).message).toMatch(/^fitTagger: window \d cannot be learnt from: .*B-metal/);
  });
});
