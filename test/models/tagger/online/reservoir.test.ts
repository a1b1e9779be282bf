import { reservoir } from 'oxbow';
import { describe, expect, it } from 'vitest';

describe('a reservoir', () => {
  it('holds all until it is full, and no more than its size ever after', () => {
    const kept = reservoir<number>({ size: 5, seed: 1 });
    for (let k = 0; k < 5; k += 1) kept.offer(k);
    expect(kept.items).toEqual([0, 1, 2, 3, 4]);
    for (let k = 5; k < 500; k += 1) kept.offer(k);
    expect(kept.items).toHaveLength(5);
    expect(new Set(kept.items).size).toBe(5);
    expect(kept.seen).toBe(500);
  });

  it('holds each that has gone by with the same probability', () => {
    const times = new Array<number>(40).fill(0);
    const runs = 4000;
    for (let seed = 0; seed < runs; seed += 1) {
      const kept = reservoir<number>({ size: 10, seed });
      for (let k = 0; k < 40; k += 1) kept.offer(k);
      for (const k of kept.items) times[k] = (times[k] as number) + 1;
    }
    // A quarter of 4000 runs is 1000, with a deviation of √(4000 · ¼ · ¾) = 27.4: none of 40 is 4.5 of them away.
    for (const count of times) expect(Math.abs(count - 1000)).toBeLessThan(4.5 * 27.4);
  });

  it('draws different ones, each as often, and all where there are fewer', () => {
    const kept = reservoir<number>({ size: 20, seed: 7 });
    for (let k = 0; k < 20; k += 1) kept.offer(k);
    const times = new Array<number>(20).fill(0);
    for (let draw = 0; draw < 4000; draw += 1) {
      const drawn = kept.draw(5);
      expect(new Set(drawn).size).toBe(5);
      for (const k of drawn) times[k] = (times[k] as number) + 1;
    }
    for (const count of times) expect(Math.abs(count - 1000)).toBeLessThan(4.5 * 27.4);
    expect([...kept.draw(100)].sort((a, b) => a - b)).toEqual(kept.items);
    expect(reservoir({ size: 3 }).draw(2)).toEqual([]);
  });

  it('goes on from a state as if it had never stopped', () => {
    const whole = reservoir<number>({ size: 4, seed: 9 });
    for (let k = 0; k < 30; k += 1) whole.offer(k);
    const state = JSON.parse(JSON.stringify(whole.state()));
    const resumed = reservoir<number>({ size: 4, seed: 1, state });
    for (const each of [whole, resumed]) for (let k = 30; k < 60; k += 1) each.offer(k);
    expect(resumed.state()).toEqual(whole.state());
    expect(resumed.draw(2)).toEqual(whole.draw(2));
  });

  it('says what is impossible', () => {
    expect(() => reservoir({ size: 0 })).toThrow('reservoir: size is a whole number of at least 1, not 0');
    const full = reservoir<number>({ size: 3 });
    for (let k = 0; k < 3; k += 1) full.offer(k);
    expect(() => reservoir({ size: 2, state: full.state() })).toThrow('the state holds 3 items, but the size is 2');
  });
});
