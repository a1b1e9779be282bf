import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type LanesOptions, lanes } from '../../src/streams/lanes.js';
import { ids } from '../../src/tensor.js';

const corpus = (length: number) => Int32Array.from({ length }, (_, k) => k);
const collect = (length: number, options: LanesOptions) =>
  lastValueFrom(lanes(corpus(length), options).pipe(toArray()));

describe('lanes', () => {
  it('cuts a corpus into contiguous lanes, side by side in windows', async () => {
    // 12 symbols are 11 steps: two lanes of 5, which start at 0 and 5.
    expect(await collect(12, { batch: 2, length: 3 })).toEqual([
      {
        input: ids([3, 2], [0, 5, 1, 6, 2, 7]),
        target: ids([3, 2], [1, 6, 2, 7, 3, 8]),
        epoch: 1,
        index: 0,
        count: 2,
        reset: [true, true],
      },
      { input: ids([2, 2], [3, 8, 4, 9]), target: ids([2, 2], [4, 9, 5, 10]), epoch: 1, index: 1, count: 2 },
    ]);
  });

  it('drops the shorter window at the end of an epoch where asked to', async () => {
    const windows = await collect(12, { batch: 2, length: 3, partial: 'drop' });
    expect(windows.map(({ input, count }) => [input.shape[0], count])).toEqual([[3, 1]]);
  });

  it('predicts every symbol of a lane once, in order', async () => {
    const windows = await collect(101, { batch: 4, length: 7 });
    for (let lane = 0; lane < 4; lane += 1) {
      const targets = windows.flatMap(({ target }) => [...target.data].filter((_, k) => k % 4 === lane));
      expect(targets).toEqual(Array.from({ length: 25 }, (_, k) => lane * 25 + k + 1));
    }
  });

  it('goes through the corpus several times, and asks for a reset at the start of each', async () => {
    const windows = await collect(5, { batch: 1, length: 2, epochs: 3 });
    expect(windows.map(({ epoch, index, reset }) => [epoch, index, reset])).toEqual([
      [1, 0, [true]],
      [1, 1, undefined],
      [2, 0, [true]],
      [2, 1, undefined],
      [3, 0, [true]],
      [3, 1, undefined],
    ]);
    expect(windows[4]?.input).toEqual(windows[0]?.input);
  });

  it('takes ids of one lane too', async () => {
    const [window] = await lastValueFrom(lanes(ids([3, 1], [7, 8, 9]), { batch: 1, length: 2 }).pipe(toArray()));
    expect(window?.target).toEqual(ids([2, 1], [8, 9]));
    expect(() => lanes(ids([2, 2], [1, 2, 3, 4]), { batch: 1, length: 1 })).toThrow(/\[N, 1\].* 2 lanes/);
  });

  it('leaves the event loop a turn between windows', async () => {
    const order: string[] = [];
    const windows$ = lanes(corpus(5), { batch: 1, length: 1 });
    const done = new Promise<void>((resolve) => {
      windows$.subscribe({
        next: ({ index }) => {
          order.push(`window ${index}`);
          setImmediate(() => order.push(`turn ${index}`));
        },
        complete: resolve,
      });
    });
    await done;
    expect(order).toEqual([0, 1, 2, 3].flatMap((index) => [`window ${index}`, `turn ${index}`]));
  });

  it('is endless where asked, stops when unsubscribed, and starts afresh', async () => {
    const epochs$ = lanes(corpus(3), { batch: 1, length: 2, epochs: Number.POSITIVE_INFINITY }).pipe(
      take(5),
      toArray(),
    );
    const seen = await lastValueFrom(epochs$);
    expect(seen.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5]);
    expect(await lastValueFrom(epochs$)).toEqual(seen);
    let windows = 0;
    await new Promise<void>((resolve) => {
      const subscription = lanes(corpus(3), { batch: 1, length: 1, epochs: 9 }).subscribe(() => {
        windows += 1;
        subscription.unsubscribe();
        setTimeout(resolve, 5);
      });
    });
    expect(windows).toBe(1);
  });

  it('names the sizes and the remedy where the corpus is too short', () => {
    expect(() => lanes(corpus(20), { batch: 4, length: 5 })).toThrow(RangeError);
    expect(() => lanes(corpus(20), { batch: 4, length: 5 })).toThrow(
      /20 symbols in 4 lanes are 4 steps each, less than a window of 5; give at least 21 symbols/,
    );
    expect(() => lanes(corpus(21), { batch: 4, length: 5 })).not.toThrow();
    expect(() => lanes(corpus(0), { batch: 1, length: 1 })).toThrow(/0 symbols/);
  });

  it('rejects impossible options', () => {
    expect(() => lanes(corpus(9), { batch: 0, length: 1 })).toThrow(/batch/);
    expect(() => lanes(corpus(9), { batch: 1, length: 0.5 })).toThrow(/length/);
    expect(() => lanes(corpus(9), { batch: 1, length: 1, epochs: 0 })).toThrow(/epochs/);
    expect(() => lanes(corpus(9), { batch: 1, length: 1, partial: 'no' as never })).toThrow(/partial/);
  });
});
