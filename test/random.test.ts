import { describe, expect, it } from 'vitest';
import { generator, restoreGenerator } from '../src/random.js';

describe('a generator', () => {
  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [1, 4],
    [2, 7],
    [3, 8],
  ])('fills an array with what it would give one by one: after %i, %i normals', (before, count) => {
    const [whole, single] = [generator(5, 'x'), generator(5, 'x')];
    for (let k = 0; k < before; k += 1) expect(whole.normal()).toBe(single.normal());
    const filled = new Float64Array(count);
    whole.normals(filled);
    expect([...filled]).toEqual(Array.from({ length: count }, () => single.normal()));
    expect(whole.state()).toEqual(single.state());
    expect(restoreGenerator(whole.state()).normal()).toBe(single.normal());
  });
});
