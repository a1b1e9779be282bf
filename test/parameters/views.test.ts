import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { dense, evaluate, machine, type Parameter, parameter, parametersOf, stepper, type Tensor, tensor } from 'oxbow';
import { describe, expect, it } from 'vitest';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects what nobody holds, and lets it be given back. */
async function collected(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}

const SIZE = 5000;
const counting = () => parameter([SIZE], ([n = 0]) => Float32Array.from({ length: n }, (_, k) => k), { grows: [0] });
const counted = Array.from({ length: SIZE }, (_, k) => k);

/** Takes all memory that is free, and fills it. */
const fill = () => {
  const others = Array.from({ length: 8 }, () => parameter([SIZE], () => new Float32Array(SIZE).fill(-7)));
  for (const other of others) void other.place;
  return others;
};

describe('numbers that were read of a parameter stay as they were', () => {
  it.each<[string, (numbers: Float32Array) => Float32Array]>([
    ['', (numbers) => numbers],
    [', a part of them too,', (numbers) => numbers.subarray(0)],
    [', another view of them too,', ({ buffer, byteOffset }) => new Float32Array(buffer, byteOffset, SIZE)],
  ])('when nobody holds it any more%s and others have its memory', async (_, view) => {
    const read = (() => view(counting().data))();
    const used = machine().heap.used();
    await collected();
    expect(machine().heap.used()).toBeLessThan(used);
    const others = fill();
    expect([...read]).toEqual(counted);
    expect(others.length).toBe(8);
  });

  it('when it grows out of its memory', () => {
    const p = counting();
    const read = p.data;
    p.grow(0, 4 * SIZE);
    fill();
    expect([...read]).toEqual(counted);
    expect(p.data.length).toBe(4 * SIZE);
  });

  it('when it is given others', () => {
    const p = counting();
    const read = p.data;
    p.assign(new Float32Array(SIZE).fill(1));
    expect([...read]).toEqual(counted);
    expect([...p.data]).toEqual(new Array(SIZE).fill(1));
  });
});

it('are copied once, however often they are read one by one', () => {
  const p = counting();
  expect(p.data).toBe(p.data);
  p.assign(p.data);
  expect(p.data).not.toBe(counting().data);
});

it('a place that is held keeps the memory that it is in', async () => {
  const place = (() => counting().place)();
  const [step, expected] = (() => {
    const layer = dense(2, SIZE, { seed: 1 });
    const x = tensor([1, 1, 2], [1, 2]);
    return [stepper(layer).step(x), evaluate(layer, layer.initial(1), x)[0]] as [Tensor, Tensor];
  })();
  await collected();
  const others = fill();
  expect([...place.data]).toEqual(counted);
  expect(step.data).toEqual(expected.data);
  expect(others.length).toBe(8);
});

it('memory of parameters that nobody holds goes back all the same, read or not', async () => {
  await collected();
  const before = machine().heap.used();
  const kept: Float32Array[] = [];
  const make = () => {
    for (const [, each] of parametersOf(dense(100, 100).params) as [string, Parameter][]) kept.push(each.data);
  };
  make();
  expect(machine().heap.used()).toBeGreaterThan(before);
  await collected();
  expect(machine().heap.used()).toBeLessThanOrEqual(before);
  expect(kept.length).toBe(2);
});

it('a parameter that is given its numbers draws none first', () => {
  let draws = 0;
  const p = parameter([SIZE], ([n = 0]) => {
    draws += 1;
    return new Float32Array(n);
  });
  expect(() => p.assign([1])).toThrow(RangeError);
  p.assign(counted);
  expect([draws, Array.from(p.data)]).toEqual([0, counted]);
});
