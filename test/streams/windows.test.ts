import { lastValueFrom, of, Subject, take, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { SymbolWindow } from '../../src/streams/window.js';
import { type WindowsOptions, windows } from '../../src/streams/windows.js';
import { type Ids, ids } from '../../src/tensor.js';

const scheduler = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
const lane = (...symbols: number[]) => ids([symbols.length, 1], symbols);
const window = (input: number[], target: number[]) => ({ input: lane(...input), target: lane(...target) });
const collect = (options: WindowsOptions, ...signals: Ids[]): Promise<SymbolWindow[]> =>
  lastValueFrom(of(...signals).pipe(windows(options), toArray()));

describe('windows', () => {
  it('emits a window when its last target arrives, several from one signal, and the rest at completion', () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot('  -a-b-c-----|', { a: lane(0, 1), b: lane(2), c: lane(3, 4, 5, 6, 7) });
      expectObservable(source.pipe(windows({ length: 2 }))).toBe('---b-(cd)--(e|)', {
        b: window([0, 1], [1, 2]),
        c: window([2, 3], [3, 4]),
        d: window([4, 5], [5, 6]),
        e: window([6], [7]),
      });
    });
  });

  it('drops the rest where asked to, and has none where a window ended with the stream', () => {
    scheduler().run(({ hot, expectObservable }) => {
      const source = hot('   -a-b|', { a: lane(0, 1, 2), b: lane(3) });
      const first = { a: window([0, 1], [1, 2]) };
      expectObservable(source.pipe(windows({ length: 2, partial: 'drop' }))).toBe('-a--|', first);
      expectObservable(hot('-a--|', { a: lane(0, 1, 2) }).pipe(windows({ length: 2 }))).toBe('-a--|', first);
      expectObservable(hot('-a--|', { a: lane(5) }).pipe(windows({ length: 2 }))).toBe('----|');
    });
  });

  it('passes on errors without the rest, and unsubscribes early', () => {
    scheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      expectObservable(hot('-a-#', { a: lane(0, 1) }).pipe(windows({ length: 4 }))).toBe('---#');
      const source = hot('-a-a-a', { a: lane(0, 1) });
      expectObservable(source.pipe(windows({ length: 1 })), '--!').toBe('-a', { a: window([0], [1]) });
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
  });

  it('predicts every symbol but the first once, however the stream is cut into signals', async () => {
    const symbols = Array.from({ length: 23 }, (_, k) => (k * 7) % 10);
    const whole = await collect({ length: 4 }, lane(...symbols));
    expect(whole.flatMap(({ target }) => [...target.data])).toEqual(symbols.slice(1));
    expect(whole.flatMap(({ input }) => [...input.data])).toEqual(symbols.slice(0, -1));
    for (let size = 1; size <= symbols.length; size += 1) {
      const signals: Ids[] = [];
      for (let at = 0; at < symbols.length; at += size) signals.push(lane(...symbols.slice(at, at + size)));
      expect(await collect({ length: 4 }, ...signals)).toEqual(whole);
    }
  });

  it('keeps lanes apart', async () => {
    const signal = ids([4, 2], [0, 10, 1, 11, 2, 12, 3, 13]);
    expect(await collect({ length: 2 }, signal)).toEqual([
      { input: ids([2, 2], [0, 10, 1, 11]), target: ids([2, 2], [1, 11, 2, 12]) },
      { input: ids([1, 2], [2, 12]), target: ids([1, 2], [3, 13]) },
    ]);
  });

  it('gives windows with arrays of their own', async () => {
    const [first, second] = await collect({ length: 1 }, lane(1, 2, 3));
    expect(first?.input.data.buffer).not.toBe(second?.input.data.buffer);
    expect(first).toEqual(window([1], [2]));
  });

  it('stops within a signal when unsubscribed there, and starts afresh for each subscription', async () => {
    const first$ = of(lane(0, 1, 2, 3)).pipe(windows({ length: 1 }), take(2), toArray());
    const expected = [window([0], [1]), window([1], [2])];
    expect(await lastValueFrom(first$)).toEqual(expected);
    expect(await lastValueFrom(first$)).toEqual(expected);
  });

  it('keeps the order where a consumer feeds its source', () => {
    const source$ = new Subject<Ids>();
    const seen: number[] = [];
    source$.pipe(windows({ length: 1 })).subscribe(({ target }) => {
      const symbol = target.data[0] as number;
      seen.push(symbol);
      if (symbol === 1) source$.next(lane(4));
    });
    source$.next(lane(0, 1, 2, 3));
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('rejects impossible options and signals', async () => {
    for (const length of [0, -1, 1.5, Number.NaN]) expect(() => windows({ length })).toThrow(RangeError);
    expect(() => windows({ length: 2, partial: 'keep' as never })).toThrow(/'emit' or 'drop'/);
    await expect(collect({ length: 2 }, lane(0), ids([1, 2], [0, 1]))).rejects.toThrow(/1 became 2/);
    await expect(collect({ length: 2 }, ids([2], [0, 1]))).rejects.toThrow(/ids \[T, B\].*\[2\]/);
  });

  it.each([
    [1e9, 1, 'a window of 1000000000 steps of 1 lane is 8 GB of ids alone'],
    [1e13, 1, 'is 80 TB of ids alone'],
    [3e8, 4, 'a window of 300000000 steps of 4 lanes is 9.6 GB of ids alone'],
  ])('refuses at once a window of %i steps of %i lanes, for which there is no room', async (length, count, said) => {
    await expect(async () => collect({ length }, ids([1, count], new Int32Array(count)))).rejects.toThrow(said);
  });

  it('of a length beyond the text take memory for the text alone', async () => {
    const symbols = Int32Array.from({ length: 5000 }, (_, k) => k);
    const before = process.memoryUsage().arrayBuffers;
    const [only] = await collect({ length: 5e8 }, ids([5000, 1], symbols));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
    expect([...(only as SymbolWindow).target.data]).toEqual([...symbols.subarray(1)]);
  });
});
