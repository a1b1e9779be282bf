import {
  type BadWindow,
  type BadWindowError,
  dense,
  fromAsync,
  type KeyedTbpttOptions,
  keyedTbptt,
  type Layer,
  lstm,
  OxbowError,
  parametersOf,
  squaredError,
  stack,
  type Tensor,
  tbptt,
  tensor,
} from 'oxbow';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { generator } from '../../../src/random.js';
import { adam } from '../../../src/training/optimizers/adam.js';

interface Event {
  readonly key: string;
  readonly value: Tensor;
  readonly target: Tensor;
}
type Model = Layer<unknown, Tensor, Tensor>;
type Options = Partial<KeyedTbpttOptions<unknown, string, Event>>;

const LENGTH = 2;
const random = generator(9);
const step = () =>
  tensor(
    [1, 1, 2],
    Float32Array.from({ length: 2 }, () => 2 * random.uniform() - 1),
  );
const event = (key: string): Event => ({ key, value: step(), target: step() });
/** Windows of two keys side by side, in their order. */
const pair = (): Event[] => Array.from({ length: LENGTH }, () => [event('ada'), event('bob')]).flat();
const pairs = Array.from({ length: 8 }, pair);
const with_ = (window: Event[], change: Partial<Event>): Event[] => [
  ...window.slice(0, -1),
  { ...(window.at(-1) as Event), ...change },
];
const nan = with_(pair(), { value: tensor([1, 1, 2], [0, Number.NaN]) });
const far = with_(pair(), { target: tensor([1, 1, 2], [0, 3e38]) });

const make = (): Model => stack({ rnn: lstm(2, 3), head: dense(3, 2) }, { seed: 4 }) as Model;
const learning = () => ({ loss: squaredError(), optimizer: adam(0.05), clipNorm: 1 });
const weights = (model: Model) => parametersOf(model.params).map(([, { data }]) => Array.from(data));
/** Each value is taken when the one before is dealt with. */
const run = (model: Model, events: readonly Event[], options: Options = {}) => {
  const events$ = fromAsync(async function* () {
    yield* events;
  });
  return lastValueFrom(
    events$.pipe(keyedTbptt(model, { ...learning(), length: LENGTH, batch: 2, ...options }), toArray()),
  );
};
const factsOf = (steps: Awaited<ReturnType<typeof run>>) =>
  steps.map(({ step, loss, keys, tokens }) => ({ step, loss, keys, tokens }));
function ear() {
  const heard: BadWindow[] = [];
  return { heard, bad: { next: (window: BadWindow) => void heard.push(window) } };
}
const ways: readonly (readonly [string, Options])[] = [
  ['at once', {}],
  ['in slices', { slice: 0 }],
  ['by the learner', { thread: 'learner' }],
];

describe('windows of keys that cannot be learnt from', () => {
  it.each(ways)('are left out, and their keys go on as before: %s', async (_, way) => {
    for (const [bad, reason] of [
      [nan, 'data'],
      [far, 'loss'],
    ] as const) {
      const [model, without] = [make(), make()];
      const { heard, bad: observer } = ear();
      const stream = [...pairs.slice(0, 3), bad, ...pairs.slice(3, 5), bad, pairs[5] as Event[]].flat();
      const steps = await run(model, stream, { ...way, badWindow: 'skip', bad: observer });
      expect(factsOf(steps)).toEqual(factsOf(await run(without, pairs.slice(0, 6).flat(), way)));
      expect(weights(model)).toEqual(weights(without));
      expect(heard).toMatchObject([
        { window: 4, reason },
        { window: 7, reason },
      ]);
      expect(steps.at(-1)?.bad).toEqual({ skipped: 2, rolledBack: 0 });
    }
  });

  it.each(ways)('have the run go back by default, the carries of keys too: %s', async (_, way) => {
    for (const at of [2, 5, 7]) {
      const { heard, bad } = ear();
      const [model, reference] = [make(), make()];
      const stream = [...pairs.slice(0, at), far, ...pairs.slice(at)].flat();
      const steps = await run(model, stream, { ...way, bad, rollback: { every: 3 } });
      expect(heard).toMatchObject([{ window: at + 1, reason: 'loss', done: 'rolledBack' }]);
      const step = heard[0]?.step as number;
      let snapshot: unknown;
      from(pairs.slice(0, step).flat())
        .pipe(keyedTbptt(reference, { ...learning(), length: LENGTH, batch: 2 }))
        .subscribe((each) => {
          snapshot = each.snapshot();
        });
      const expected = await run(reference, pairs.slice(at).flat(), {
        ...way,
        ...(snapshot ? { from: snapshot as never } : {}),
      });
      expect(factsOf(steps.slice(at))).toEqual(factsOf(expected));
      expect(weights(model)).toEqual(weights(reference));
    }
  });

  it('of one key are those of tbptt', async () => {
    const [model, reference] = [make(), make()];
    const alone = [...pairs.slice(0, 4), far, nan, ...pairs.slice(4)].map((window) =>
      window.slice(0, LENGTH).map((e) => ({ ...e, key: 'ada' })),
    );
    const poisoned = alone.map((window, k) =>
      k === 4
        ? with_(window, { target: far.at(-1)?.target as Tensor })
        : k === 5
          ? with_(window, { value: nan.at(-1)?.value as Tensor })
          : window,
    );
    const options = { badWindow: 'rollback', rollback: { every: 3 }, bad: ear().bad } as const;
    await run(model, poisoned.flat(), { ...options, batch: 1 });
    const joined = (window: readonly Event[], part: 'value' | 'target') =>
      tensor(
        [LENGTH, 1, 2],
        window.flatMap((each) => Array.from(each[part].data)),
      );
    const windows = poisoned.map((window) => ({ input: joined(window, 'value'), target: joined(window, 'target') }));
    await lastValueFrom(from(windows).pipe(tbptt(reference, { ...learning(), ...options })));
    expect(weights(model)).toEqual(weights(reference));
  });

  it('end the stream by an error that has what it goes on from', async () => {
    const [model, whole] = [make(), make()];
    const stopped = run(model, [...pairs.slice(0, 3), nan, ...pairs].flat(), { badWindow: 'stop' });
    const error = await stopped.then(undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(OxbowError);
    const { window, reason, snapshot } = error as BadWindowError;
    expect([window, reason]).toEqual([4, 'data']);
    await run(model, pairs.slice(3).flat(), { from: snapshot as never });
    await run(whole, pairs.flat());
    expect(weights(model)).toEqual(weights(whole));
  });

  it('may be no windows yet: a value that does not fit is left out once others have', async () => {
    const [model, without] = [make(), make()];
    const odd: Event = { ...event('ada'), value: tensor([1, 1, 3], [1, 2, 3]) };
    const { heard, bad } = ear();
    await run(model, [...pairs.slice(0, 2).flat(), odd, ...pairs.slice(2).flat()], { badWindow: 'skip', bad });
    await run(without, pairs.flat());
    expect(weights(model)).toEqual(weights(without));
    expect(heard).toMatchObject([{ window: 3, reason: 'misfit', done: 'skipped' }]);
    expect(heard[0]?.error.message).toContain('keyedTbptt: key "ada": ');
    const first = run(make(), [pairs[0]?.[0] as Event, odd], { badWindow: 'skip' });
    await expect(first).rejects.toThrow(TypeError);
  });
});
