import { afterAll, describe, expect, it } from 'vitest';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { tensor } from '../../src/tensor.js';
import { draw } from '../backprop/differences.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);
const [rows, most] = [3, 45];
const scores = Float32Array.from(draw([rows, most], 'scores', 3).data);
const gradients = Float32Array.from(draw([rows, most], 'gradients').data);

/** The first columns of each row, and after them so many more of one number. */
const columnsOf = (numbers: Float32Array, count: number, more = 0, filler = 0) =>
  tensor(
    [rows, count + more],
    Float32Array.from({ length: rows * (count + more) }, (_, k) => {
      const [row, column] = [Math.floor(k / (count + more)), k % (count + more)];
      return column < count ? (numbers[row * most + column] as number) : filler;
    }),
  );

afterAll(() => void configure({ threads: 2 }));

describe.each(tiers)('what is hidden at the end of a row, on the %s tier', (tier) => {
  it.each([1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 21, 30, 45])('changes no bit of %i columns', (count) => {
    configure({ tier, threads: 1 });
    inWindow((ops) => {
      const y = ops.softmax(columnsOf(scores, count));
      const slope = toSignal(ops.softmaxAdjoint(columnsOf(gradients, count), y));
      for (let more = 1; more <= 12; more += 1) {
        const longer = ops.softmax(columnsOf(scores, count, more, -1e9));
        const [seen, hidden] = toSignal(ops.split(longer, 1, [count, more]));
        expect(seen, `${more} more`).toEqual(toSignal(y));
        expect(hidden?.data.every((value) => value === 0)).toBe(true);
        const slopes = ops.softmaxAdjoint(columnsOf(gradients, count, more, 7), longer);
        expect(toSignal(ops.split(slopes, 1, [count, more])[0]), `slopes, ${more} more`).toEqual(slope);
      }
    });
  });
});
