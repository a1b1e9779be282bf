import { lastValueFrom, of, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { argmax } from '../../src/streams/argmax.js';
import { surprisal } from '../../src/streams/surprisal.js';
import { ids, type Tensor, tensor } from '../../src/tensor.js';
import { bigram, tiny } from './model.js';

const collect = (model: Parameters<typeof surprisal>[0], ...signals: ReturnType<typeof ids>[]): Promise<Tensor[]> =>
  lastValueFrom(of(...signals).pipe(surprisal(model), toArray()));
const values = (signals: Tensor[]) => signals.flatMap(({ data }) => [...data]);

describe('surprisal', () => {
  // After symbol 0: probabilities 1/2, 1/4, 1/4. After 1: 1/4, 1/4, 1/2. After 2: equal.
  const table = tensor(
    [3, 3],
    [2, 1, 1, 5, 5, 6, 0, 0, 0].map((power) => power * Math.LN2),
  );

  it('gives the bits of each symbol after the one before, and log2 V for the first', async () => {
    const [first, second] = await collect(bigram(table), ids([3, 1], [0, 0, 1]), ids([2, 1], [2, 0]));
    expect(first?.shape).toEqual([3, 1]);
    expect(first?.type).toBe('float32');
    for (const [k, bits] of [Math.log2(3), 1, 2, 1, Math.log2(3)].entries()) {
      expect([...(first as Tensor).data, ...(second as Tensor).data][k]).toBeCloseTo(bits, 6);
    }
  });

  it('keeps lanes apart', async () => {
    const result = await collect(bigram(table), ids([2, 2], [0, 1, 0, 2]), ids([1, 2], [2, 2]));
    const expected = [Math.log2(3), Math.log2(3), 1, 1, 2, Math.log2(3)];
    expect(result.map(({ shape }) => shape)).toEqual([
      [2, 2],
      [1, 2],
    ]);
    for (const [k, bits] of values(result).entries()) expect(bits).toBeCloseTo(expected[k] as number, 6);
  });

  it('does not depend on how the stream is cut into signals', async () => {
    const symbols = Array.from({ length: 12 }, (_, k) => (k * k) % 5);
    const whole = values(await collect(tiny(5), ids([12, 1], symbols)));
    const single = values(await collect(tiny(5), ...symbols.map((symbol) => ids([1, 1], [symbol]))));
    expect(single.length).toBe(whole.length);
    for (const [k, bits] of single.entries()) expect(bits).toBeCloseTo(whole[k] as number, 4);
  });

  it('is finite where logits are large, and infinite only for the impossible', async () => {
    const certain = tensor([2, 2], [1000, 0, 0, Number.NEGATIVE_INFINITY]);
    const bits = values(await collect(bigram(certain), ids([4, 1], [0, 0, 1, 1])));
    expect(bits[1]).toBe(0);
    expect(bits[2]).toBeCloseTo(1000 / Math.LN2, 2);
    expect(bits[3]).toBe(Number.POSITIVE_INFINITY);
  });

  it('rejects another number of lanes, and a model without logits', async () => {
    await expect(collect(tiny(5), ids([1, 1], [0]), ids([1, 2], [0, 1]))).rejects.toThrow(/1 became 2/);
    const flat = bigram(tensor([3], [1, 2, 3]));
    await expect(
      collect({ ...flat, apply: (ops, carry) => [ops.fill([1, 1], 0), carry] }, ids([1, 1], [0])),
    ).rejects.toThrow(/logits \[T, B, V\].*\[1, 1\]/);
  });
});

describe('argmax', () => {
  it('gives the place of the largest over the last axis, the first of several', () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ hot, expectObservable }) => {
      const source = hot('-a-b-#', {
        a: tensor([2, 1, 3], [0, 5, 1, 7, 7, 2]),
        b: tensor([1, 2, 2], [-1, -2, -4, -3]),
      });
      expectObservable(source.pipe(argmax())).toBe('-a-b-#', { a: ids([2, 1], [1, 0]), b: ids([1, 2], [0, 1]) });
    });
  });

  it('rejects a signal without a last axis', async () => {
    await expect(lastValueFrom(of(tensor([], [1])).pipe(argmax()))).rejects.toThrow(TypeError);
  });
});
