import { describe, expect, it } from 'vitest';
import { tierNames } from '../../src/host/host.js';
import { configure } from '../../src/kernels/machine.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { ids } from '../../src/tensor.js';
import { bytesOf } from '../training/training-run.js';
import { cases, list } from './eager-cases.js';

const tiers = tierNames.filter((tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24);

for (const tier of tiers) {
  describe(`eager, ${tier} tier`, () => {
    for (const [name, body] of Object.entries(cases)) {
      it(`${name} matches the reference, on one thread and on two with the same bits`, () => {
        const expected = list(body(reference()));
        const runs = [1, 2].map((threads) => {
          configure({ tier, threads });
          return inWindow((ops) => toSignal(list(body(ops))));
        });
        expect(runs[1].map(({ data }) => bytesOf(data))).toEqual(runs[0].map(({ data }) => bytesOf(data)));
        runs[0].forEach((got, k) => {
          expect(got.shape).toEqual(expected[k].shape);
          const scale = Array.from(expected[k].data).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
          got.data.forEach((value, i) => {
            if (!(Math.abs(value - expected[k].data[i]) <= 1e-5 * scale)) {
              expect.fail(`result ${k}, element ${i}: ${value} instead of ${expected[k].data[i]}`);
            }
          });
        });
      });
    }
  });
}

describe('windows', () => {
  it('a tensor used after its window ended is an error that says so', () => {
    const stale = inWindow((ops) => ops.fill([2, 3], 1));
    expect(() => stale.data).toThrow('tensor [2, 3] was used after its window ended');
    expect(() => inWindow((ops) => ops.tanh(stale))).toThrow('after its window ended');
  });

  it('an inner window leaves the outer one whole', () => {
    inWindow((outer) => {
      const before = outer.fill([100], 3);
      const copy = inWindow((inner) => toSignal(inner.affine(before, 2, 0)));
      expect(copy.data[99]).toBe(6);
      expect(outer.add(before, before).data[99]).toBe(6);
    });
  });

  it('ids where numbers are wanted are an error that names the remedy', () => {
    expect(() => inWindow((ops) => ops.tanh(ids([2], [1, 2])))).toThrow('put an embedding before it');
  });

  it('threads and tiers that cannot be are errors', () => {
    expect(() => configure({ threads: 0 })).toThrow('threads is a whole number from 1 to 64, not 0');
    expect(() => configure({ threads: 1.5 })).toThrow(RangeError);
    expect(() => configure({ tier: 'turbo' as 'wide' })).toThrow("a tier is one of wide, fma, simd, not 'turbo'");
  });
});
