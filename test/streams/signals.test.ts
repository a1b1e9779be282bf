/** Windows of ids and of features are cut alike, with the next step as target or with one of their own. */
import {
  adam,
  dense,
  type Features,
  ids,
  lanes,
  lstm,
  randomWindows,
  type SignalWindow,
  squaredError,
  stack,
  type Tensor,
  tbptt,
  tensor,
  windows,
} from 'oxbow';
import { concat, from, lastValueFrom, map, type Observable, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';

const all = <T>(source$: Observable<T>): Promise<T[]> => lastValueFrom(source$.pipe(toArray()));

/** Steps that tell their number: ids `k`, features `[k, −k]`. */
const steps = {
  ids: (from: number, to: number, lanes = 1): Tensor =>
    ids(
      [to - from, lanes],
      Int32Array.from({ length: (to - from) * lanes }, (_, k) => from + Math.floor(k / lanes) + 100 * (k % lanes)),
    ),
  features: (from: number, to: number, lanes = 1): Tensor => {
    const { shape, data } = steps.ids(from, to, lanes);
    return tensor(
      [...shape, 2],
      Float32Array.from({ length: 2 * data.length }, (_, k) => (data[k >> 1] as number) * (k % 2 ? -1 : 1)),
    );
  },
};

/** The numbers of the steps of lane b. */
function numbersOf({ shape, data }: Tensor, lane = 0): number[] {
  const [length = 0, lanes = 1, width = 1] = shape;
  const numbers = Array.from({ length }, (_, t) => data[(t * lanes + lane) * width] as number);
  if (width === 2)
    expect(numbers.map((k) => 0 - k)).toEqual(numbers.map((_, t) => (data[(t * lanes + lane) * 2 + 1] as number) + 0));
  return numbers;
}

/** Ids of a target of its own, for each step of each lane. */
const odd = (x: Tensor): Tensor => {
  const [length = 0, lanes = 1, width = 1] = x.shape;
  return ids(
    [length, lanes],
    Int32Array.from({ length: length * lanes }, (_, k) => Math.abs(x.data[k * width] as number) % 2),
  );
};

const kinds = [
  ['ids, the next step', steps.ids, undefined],
  ['features, the next step', steps.features, undefined],
  ['ids, a target of their own', steps.ids, odd],
  ['features, a target of their own', steps.features, odd],
] as const;

describe.each(kinds)('windows of %s', (_, signal, target) => {
  const expected = (numbers: readonly number[]) => numbers.map((k) => (target ? k % 2 : k + 1));

  it.each([1, 3, 4, 11])('come from signals of %d steps, whatever their boundaries', async (size) => {
    const signals = Array.from({ length: Math.ceil(11 / size) }, (_, k) =>
      signal(size * k, Math.min(11, size * (k + 1)), 2),
    );
    const given = await all(
      from(signals).pipe(windows<Tensor, Tensor, Tensor>({ length: 4, ...(target && { target }) })),
    );
    expect(given.map(({ input }) => input.shape[0])).toEqual(target ? [4, 4, 3] : [4, 4, 2]);
    for (const lane of [0, 1]) {
      const inputs = given.flatMap(({ input }) => numbersOf(input, lane));
      expect(inputs).toEqual(Array.from({ length: target ? 11 : 10 }, (_, k) => k + 100 * lane));
      expect(given.flatMap((window) => numbersOf(window.target, lane))).toEqual(expected(inputs));
    }
  });

  it('are cut of a corpus in lanes', async () => {
    const corpus = signal(0, 13);
    const given = await all(
      lanes(corpus, { batch: 2, length: 4, ...(target && { target }) }) as Observable<SignalWindow<Tensor>>,
    );
    for (const lane of [0, 1]) {
      const inputs = given.flatMap(({ input }) => numbersOf(input, lane));
      expect(inputs).toEqual(Array.from({ length: 6 }, (_, k) => k + 6 * lane));
      expect(given.flatMap((window) => numbersOf(window.target, lane))).toEqual(expected(inputs));
    }
  });

  it('are cut of a corpus at random, up to its end', async () => {
    const drawn$ = randomWindows(signal(0, 9), { length: 3, batch: 2, count: 60, ...(target && { target }) });
    const starts = new Set<number>();
    for (const { input, target: asked } of (await all(drawn$)) as SignalWindow<Tensor>[]) {
      const inputs = numbersOf(input, 1);
      starts.add(inputs[0] as number);
      expect(inputs).toEqual([0, 1, 2].map((k) => (inputs[0] as number) + k));
      expect(numbersOf(asked, 1)).toEqual(expected(inputs));
    }
    expect(Math.max(...starts)).toBe(target ? 6 : 5);
  });
});

describe('steps', () => {
  it('may be single ones of one lane, and parts of what a value brings', async () => {
    const vectors$ = of(Float32Array.of(1, 2), Float32Array.of(3, 4), tensor([2], [5, 6]));
    const [window] = await all(vectors$.pipe(windows({ length: 2 })));
    expect(window).toEqual({ input: tensor([2, 1, 2], [1, 2, 3, 4]), target: tensor([2, 1, 2], [3, 4, 5, 6]) });
    expect(await all(of(4, 5, 6).pipe(windows({ length: 2 })))).toEqual([
      { input: ids([2, 1], [4, 5]), target: ids([2, 1], [5, 6]) },
    ]);
    const events$ = of({ x: Float32Array.of(1, 2), y: 3 }, { x: Float32Array.of(4, 5), y: 6 });
    expect(await all(events$.pipe(windows({ length: 2, input: ({ x }) => x, target: ({ y }) => y })))).toEqual([
      { input: tensor([2, 1, 2], [1, 2, 4, 5]), target: ids([2, 1], [3, 6]) },
    ]);
  });

  it('of features are learnt from as they are', async () => {
    const model = stack({ rnn: lstm(2, 4), head: dense(4, 2) }, { seed: 1 });
    const wave$ = from(Array.from({ length: 25 }, (_, k) => Float32Array.of(Math.sin(k), Math.cos(k))));
    const learning$ = wave$.pipe(
      windows({ length: 6 }),
      tbptt(model, { loss: squaredError(), optimizer: adam(0.01) }),
      map(({ loss }) => loss),
    );
    const losses = await all(learning$);
    expect(losses).toHaveLength(4);
    expect(losses.every((loss) => loss > 0)).toBe(true);
  });

  const mixed = (...signals: Tensor[]) =>
    all(concat(from(signals)).pipe(windows<Tensor, Tensor, Tensor>({ length: 2 })));
  it.each([
    [
      [tensor([2, 3], [1, 2, 3, 4, 5, 6])],
      'windows: features are [T, B, F], or [F] for one step of one lane, but got [2, 3]; reshape them.',
    ],
    [[steps.features(0, 2), steps.features(0, 2, 2)], 'windows: a stream keeps its number of lanes, but 1 became 2;'],
    [
      [steps.features(0, 2), steps.ids(0, 2)],
      'signals of one stream differ only in their number of steps, but int32 [T, 1] follows float32 [T, 1, 2].',
    ],
    [
      [{ x: 1 } as unknown as Tensor],
      'windows: takes ids [T, B] or features [T, B, F], an id or the features of one step as a Float32Array, but got object;',
    ],
    [[0.5 as unknown as Tensor], 'windows: a number is an id, and 0.5 is none; give features as a Float32Array.'],
  ])('that do not fit are refused by name: %#', async (signals, message) => {
    await expect(mixed(...signals)).rejects.toThrow(message);
  });

  it('want a target each, and one lane where they are a corpus', async () => {
    const short = (x: Features) => tensor([1, ...x.shape.slice(1)], x.data.slice(0, 2));
    const corpus = steps.features(0, 4) as Features;
    await expect(all(of(corpus).pipe(windows({ length: 2, target: short })))).rejects.toThrow(
      'windows: `target` gave [1, 1, 2] for the input [4, 1, 2]; give a target for each step of each lane.',
    );
    expect(() => lanes(corpus, { batch: 1, length: 2, target: short })).toThrow(RangeError);
    expect(() => lanes(steps.features(0, 4, 2), { batch: 1, length: 2 })).toThrow(
      'lanes: a corpus is one lane of features, [N, 1, F], but got 2 lanes; cut each by itself.',
    );
  });
});
