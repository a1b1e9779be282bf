import { firstValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { maskSymbols } from '../../src/streams/mask-symbols.js';
import { ids } from '../../src/tensor.js';

const signal = ids(
  [1000, 10],
  Int32Array.from({ length: 10_000 }, (_, k) => k % 7),
);
const masked = (seed: number) => firstValueFrom(of(signal).pipe(maskSymbols({ symbols: 7, seed })));

describe('maskSymbols', () => {
  it('hides about 15 of 100 symbols: 80 % by the mask, 10 % by another, 10 % not; only they are targets', async () => {
    const { input, target, alone } = await masked(1);
    expect(alone).toBe(true);
    const chosen = Array.from(target.data.keys()).filter((k) => target.data[k] !== -1);
    for (const k of chosen) expect(target.data[k]).toBe(signal.data[k]);
    const rest = Array.from(target.data.keys()).filter((k) => target.data[k] === -1);
    for (const k of rest) expect(input.data[k]).toBe(signal.data[k]);
    const hidden = chosen.filter((k) => input.data[k] === 7).length;
    const kept = chosen.filter((k) => input.data[k] === signal.data[k]).length;
    expect(chosen.length / 10_000).toBeCloseTo(0.15, 1);
    expect(hidden / chosen.length).toBeCloseTo(0.8, 1);
    // A random symbol is one time in seven the same.
    expect(kept / chosen.length).toBeCloseTo(0.1 + 0.1 / 7, 1);
    expect(hidden + kept).toBeLessThan(chosen.length);
  });

  it('draws the same places for each subscription, others for another seed', async () => {
    expect(await masked(1)).toEqual(await masked(1));
    expect(await masked(1)).not.toEqual(await masked(2));
  });

  it('leaves no window without a target', async () => {
    const one = await firstValueFrom(of(ids([2, 1], [3, 4])).pipe(maskSymbols({ symbols: 7, rate: 1e-9 })));
    expect([...one.target.data]).toEqual([3, -1]);
    expect([...one.input.data]).toEqual([7, 4]);
  });

  it('refuses an impossible rate', () => {
    expect(() => maskSymbols({ symbols: 7, rate: 0 })).toThrow('maskSymbols: the rate is a share of symbols');
  });
});
