import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { randomWindows } from '../../src/streams/random-windows.js';

const symbols = Int32Array.from({ length: 20 }, (_, k) => k);
const all = (seed: number) =>
  lastValueFrom(randomWindows(symbols, { length: 4, batch: 3, count: 200, seed }).pipe(toArray()));

describe('randomWindows', () => {
  it('gives windows whose targets are their inputs one step later, from every place', async () => {
    const windows = await all(1);
    expect(windows).toHaveLength(200);
    const starts = new Set<number>();
    windows.forEach(({ input, target, alone, index }, at) => {
      expect([input.shape, target.shape, alone, index]).toEqual([[4, 3], [4, 3], true, at]);
      for (let k = 0; k < 12; k += 1) {
        expect(input.data[k]).toBe((input.data[k % 3] as number) + Math.floor(k / 3));
        expect(target.data[k]).toBe((input.data[k] as number) + 1);
      }
      for (const start of input.data.slice(0, 3)) starts.add(start);
    });
    expect([...starts].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, k) => k));
  });

  it('draws the same places for each subscription, others for another seed', async () => {
    expect(await all(1)).toEqual(await all(1));
    expect(await all(1)).not.toEqual(await all(2));
  });

  it('refuses a text that is too short', () => {
    expect(() => randomWindows(symbols, { length: 20, batch: 1, count: 1 })).toThrow('20 symbols are too few');
    expect(() => randomWindows(symbols, { length: 4, batch: 0, count: 1 })).toThrow(/randomWindows: .*batch/);
  });

  it('a text of one window and its target gives that window', async () => {
    const { input } = await firstValueFrom(randomWindows(symbols, { length: 19, batch: 1, count: 1 }));
    expect([...input.data]).toEqual([...symbols.slice(0, 19)]);
  });
});
