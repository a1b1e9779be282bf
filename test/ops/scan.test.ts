import { afterAll, describe, expect, it } from 'vitest';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { generator } from '../../src/random.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../src/tensor.js';
import { bytesOf } from '../training/training-run.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);

function uniform(shape: Shape, seed: number): Tensor {
  const random = generator(seed);
  return tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1),
  );
}

/** Steps, lanes and units: a rest of eight, chunks that end within a lane, one column. */
const sizes = [
  [6, 1, 1],
  [5, 3, 13],
  [40, 16, 72],
  [9, 2, 1000],
] as const;

const signalsOf = ([steps, lanes, units]: (typeof sizes)[number]) => ({
  a: uniform([steps, lanes, units], 1),
  b: uniform([steps, lanes, units], 2),
  h: uniform([lanes, units], 3),
});

/** Steps from and up to some, of a signal. */
const stepsOf = (x: Tensor, from: number, to: number): Tensor => {
  const [, lanes = 0, units = 0] = x.shape;
  return tensor([to - from, lanes, units], x.data.slice(from * lanes * units, to * lanes * units));
};

/** All bits of signals one after the other in time. */
const bitsOf = (parts: readonly Tensor[]) =>
  bytesOf(Float32Array.from(parts.flatMap(({ data }) => Array.from(data as Float32Array))));

afterAll(() => void configure({ threads: 2 }));

describe('scan', () => {
  it('is the recurrence, by hand', () => {
    const [a, b, h] = [tensor([3, 1, 1], [0.5, 0, 2]), tensor([3, 1, 1], [1, 2, 3]), tensor([1, 1], [4])];
    expect([...reference().scan(a, b, h).data]).toEqual([3, 2, 7]);
    expect([...inWindow((ops) => toSignal(ops.scan(a, b, h))).data]).toEqual([3, 2, 7]);
  });

  it('forgets everything where the factor is 0', () => {
    const [b, h] = [uniform([2, 1, 9], 1), uniform([1, 9], 2)];
    const y = inWindow((ops) => toSignal(ops.scan(ops.fill([2, 1, 9], 0), b, h)));
    expect(y.data).toEqual(b.data);
  });

  it.each([
    [[3, 2, 4], [3, 2, 5], [2, 4], 'scan: factors [3, 2, 4], summands [3, 2, 5] and a state [2, 4] do not meet;'],
    [[3, 2, 4], [3, 2, 4], [4], 'scan: factors [3, 2, 4], summands [3, 2, 4] and a state [4] do not meet;'],
    [[0, 2, 4], [0, 2, 4], [2, 4], 'it wants [T, …] twice, T ≥ 1, and […].'],
  ] as const)('refuses %j, %j and %j', (a, b, h, message) => {
    const run = (ops: Ops) => ops.scan(uniform(a, 1), uniform(b, 1), uniform(h, 1));
    expect(() => run(reference())).toThrow(message);
    expect(() => inWindow(run)).toThrow(RangeError);
  });

  describe.each(tiers)('%s tier', (tier) => {
    it('gives in windows of any lengths the bits of one window', () => {
      configure({ tier, threads: 2 });
      for (const size of sizes) {
        const { a, b, h } = signalsOf(size);
        const [whole] = inWindow((ops) => toSignal([ops.scan(a, b, h)]));
        for (const length of [1, 2, 4]) {
          let state = h;
          const parts: Tensor[] = [];
          for (let t = 0; t < size[0]; t += length) {
            const [from, to] = [t, Math.min(t + length, size[0])];
            const y = inWindow((ops) => toSignal(ops.scan(stepsOf(a, from, to), stepsOf(b, from, to), state)));
            parts.push(y);
            state = tensor(h.shape, y.data.slice(-sizeOf(h.shape)));
          }
          expect(bitsOf(parts)).toBe(bitsOf([whole]));
        }
      }
    });

    it('gives the same bits, forwards and back, on one to three threads', () => {
      const [one, ...more] = [1, 2, 3].map((threads) => {
        configure({ tier, threads });
        return sizes.map((size) => {
          const { a, b, h } = signalsOf(size);
          return inWindow((ops) => {
            const y = ops.scan(a, b, h);
            return bitsOf(toSignal([y, ...ops.scanAdjoint(uniform(a.shape, 4), a, y, h)]));
          });
        });
      });
      for (const several of more) expect(several).toEqual(one);
    });

    it('takes back through two windows the bits of one', () => {
      configure({ tier, threads: 2 });
      for (const size of sizes) {
        const { a, b, h } = signalsOf(size);
        const gradient = uniform(a.shape, 4);
        const at = 2;
        const [whole, parts] = inWindow((ops) => {
          const y = ops.scan(a, b, h);
          const [da, db, dh] = ops.scanAdjoint(gradient, a, y, h);
          const cut = (x: Tensor) => ops.split(x, 0, [at, size[0] - at]) as [Tensor, Tensor];
          const [[g1, g2], [a1, a2], [y1, y2]] = [cut(gradient), cut(a), cut(y)];
          const last = ops.reshape(ops.split(y1, 0, [at - 1, 1])[1] as Tensor, h.shape);
          const [da2, db2, dLast] = ops.scanAdjoint(g2, a2, y2, last);
          const [early, late] = ops.split(g1, 0, [at - 1, 1]) as [Tensor, Tensor];
          const above = ops.concat([early, ops.add(late, ops.reshape(dLast, late.shape))], 0);
          const [da1, db1, dFirst] = ops.scanAdjoint(above, a1, y1, h);
          return toSignal([
            [da, db, dh],
            [ops.concat([da1, da2], 0), ops.concat([db1, db2], 0), dFirst],
          ]);
        });
        expect(bitsOf(parts as Tensor[])).toBe(bitsOf(whole as Tensor[]));
      }
    });

    it('gives a lane the bits that it gets alone, wherever it lies', () => {
      configure({ tier, threads: 2 });
      const { a, b, h } = signalsOf([5, 3, 13]);
      const laneOf = (ops: Ops, x: Tensor, axis: number) => ops.split(x, axis, [1, 1, 1])[1] as Tensor;
      const [together, alone] = inWindow((ops) =>
        toSignal([
          laneOf(ops, ops.scan(a, b, h), 1),
          ops.scan(laneOf(ops, a, 1), laneOf(ops, b, 1), laneOf(ops, h, 0)),
        ]),
      );
      expect(bitsOf([together])).toBe(bitsOf([alone]));
    });
  });
});
