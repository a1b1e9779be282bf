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

function uniform(shape: Shape, seed: number, low = -1, high = 1): Tensor {
  const random = generator(seed);
  return tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.uniform()),
  );
}

/** Steps, lanes, heads, keys and values: one number, no whole group of sixteen, whole ones, whole ones and a rest. */
const sizes = [
  [6, 1, 1, 1, 1],
  [5, 3, 2, 4, 13],
  [11, 2, 4, 16, 16],
  [7, 2, 1, 9, 70],
] as const;

type Operands = readonly [state: Tensor, q: Tensor, k: Tensor, v: Tensor, decay: Tensor, rate: Tensor];

const operandsOf = ([steps, lanes, heads, keys, values]: (typeof sizes)[number]): Operands => [
  uniform([lanes, heads, keys, values], 1),
  uniform([steps, lanes, heads, keys], 2),
  uniform([steps, lanes, heads, keys], 3, -0.5, 0.5),
  uniform([steps, lanes, heads, values], 4),
  uniform([steps, lanes, heads], 5, 0.6, 1),
  uniform([steps, lanes, heads], 6, 0, 2),
];

const gradientsOf = ([state, , , v]: Operands) => [uniform(v.shape, 7), uniform(state.shape, 8)] as const;

/** Steps from and up to some, of a signal. */
const stepsOf = (x: Tensor, from: number, to: number): Tensor => {
  const width = sizeOf(x.shape.slice(1));
  return tensor([to - from, ...x.shape.slice(1)], x.data.slice(from * width, to * width));
};

/** All bits of signals one after the other. */
const bitsOf = (parts: readonly Tensor[]) =>
  bytesOf(Float32Array.from(parts.flatMap(({ data }) => Array.from(data as Float32Array))));

afterAll(() => void configure({ threads: 2 }));

describe('deltaRule', () => {
  it('is the recurrence, by hand', () => {
    // A memory of two keys and one value; the first step halves it and writes all of 5 under the first key, the second reads.
    const operands = [
      tensor([1, 1, 2, 1], [2, 4]),
      tensor([2, 1, 1, 2], [1, 0, 1, 1]),
      tensor([2, 1, 1, 2], [1, 0, 0, 1]),
      tensor([2, 1, 1, 1], [5, 3]),
      tensor([2, 1, 1], [0.5, 1]),
      tensor([2, 1, 1], [1, 2]),
    ] as const;
    for (const run of [(body: (ops: Ops) => readonly Tensor[]) => body(reference()), inWindow]) {
      const [y, state] = run((ops) => toSignal(ops.deltaRule(...operands))) as readonly Tensor[];
      // 2 + 2 (3 − 2) is what the rate 2 makes of 2 and 3.
      expect([...(y as Tensor).data]).toEqual([5, 9]);
      expect([...(state as Tensor).data]).toEqual([5, 4]);
    }
  });

  it('writes over what was under a key where the rate is 1, and keeps what is under one at a right angle', () => {
    const write = (value: number) => [0, 0, value, -value];
    const operands = [
      uniform([1, 1, 2, 4], 1),
      tensor([2, 1, 1, 2], [0.6, 0.8, -0.8, 0.6]),
      tensor([2, 1, 1, 2], [-0.8, 0.6, 0.6, 0.8]),
      tensor([2, 1, 1, 4], [...write(1), ...write(2)]),
      tensor([2, 1, 1], [1, 1]),
      tensor([2, 1, 1], [1, 1]),
    ] as const;
    const [y] = reference().deltaRule(...operands);
    write(1).forEach((value, k) => {
      expect(y.data[4 + k]).toBeCloseTo(value, 6);
    });
  });

  const good = operandsOf(sizes[1]).map(({ shape }) => shape);
  it.each([
    [0, [3, 2, 4]],
    [0, [3, 2, 5, 13]],
    [1, [5, 3, 2, 5]],
    [2, [4, 3, 2, 4]],
    [3, [5, 3, 2, 12, 1]],
    [4, [5, 3]],
    [5, [5, 3, 3]],
  ] as const)('refuses operand %i of shape %j', (at, shape) => {
    const operands = good.map((each, k) => uniform(k === at ? shape : each, k)) as unknown as Operands;
    const run = (ops: Ops) => ops.deltaRule(...operands);
    expect(() => run(reference())).toThrow(/^deltaRule: a state \[.*do not meet; it wants \[B, H, K, V\]/);
    expect(() => inWindow(run)).toThrow(RangeError);
  });

  it('refuses no step, and gradients of other shapes', () => {
    const none = good.map((each, k) => uniform(k === 0 ? each : [0, ...each.slice(1)], k)) as unknown as Operands;
    expect(() => reference().deltaRule(...none)).toThrow(/T ≥ 1/);
    const operands = operandsOf(sizes[1]);
    const [g, ofState] = gradientsOf(operands);
    for (const ops of [reference()]) {
      expect(() => ops.deltaRuleAdjoint(ofState, ofState, operands)).toThrow(/^deltaRuleAdjoint: .* same shape/);
      expect(() => ops.deltaRuleAdjoint(g, g, operands)).toThrow(/^deltaRuleAdjoint: .* same shape/);
    }
  });

  describe.each(tiers)('%s tier', (tier) => {
    it('gives in windows of any lengths the bits of one window', () => {
      configure({ tier, threads: 2 });
      for (const size of sizes) {
        const [first, ...signals] = operandsOf(size);
        const [y, last] = inWindow((ops) => toSignal(ops.deltaRule(first, ...signals)));
        for (const length of [1, 2, 4]) {
          let state = first;
          const parts: Tensor[] = [];
          for (let t = 0; t < size[0]; t += length) {
            const cut = (x: Tensor) => stepsOf(x, t, Math.min(t + length, size[0]));
            const [q, k, v, decay, rate] = signals;
            const [part, next] = inWindow((ops) =>
              toSignal(ops.deltaRule(state, cut(q), cut(k), cut(v), cut(decay), cut(rate))),
            );
            parts.push(part);
            state = next;
          }
          expect(bitsOf(parts)).toBe(bitsOf([y]));
          expect(bitsOf([state])).toBe(bitsOf([last]));
        }
      }
    });

    it('gives the same bits, forwards and back, on one to three threads', () => {
      const [one, ...more] = [1, 2, 3].map((threads) => {
        configure({ tier, threads });
        return sizes.map((size) => {
          const operands = operandsOf(size);
          return inWindow((ops) =>
            bitsOf(
              toSignal([...ops.deltaRule(...operands), ...ops.deltaRuleAdjoint(...gradientsOf(operands), operands)]),
            ),
          );
        });
      });
      for (const several of more) expect(several).toEqual(one);
    });

    it('takes back through two windows the bits of one', () => {
      configure({ tier, threads: 2 });
      for (const size of sizes) {
        const operands = operandsOf(size);
        const [gradient, ofState] = gradientsOf(operands);
        const at = 2;
        const [whole, parts] = inWindow((ops) => {
          const cut = (x: Tensor) => ops.split(x, 0, [at, size[0] - at]) as [Tensor, Tensor];
          const [state, ...signals] = operands;
          const halves = signals.map(cut);
          const early = [state, ...halves.map(([x]) => x)] as unknown as Operands;
          const between = ops.deltaRule(...early)[1];
          const late = [between, ...halves.map(([, x]) => x)];
          const [g1, g2] = cut(gradient);
          const [dBetween, ...second] = ops.deltaRuleAdjoint(g2, ofState, late) as [Tensor, ...Tensor[]];
          const [dState, ...first] = ops.deltaRuleAdjoint(g1, dBetween, early) as [Tensor, ...Tensor[]];
          return toSignal([
            ops.deltaRuleAdjoint(gradient, ofState, operands),
            [dState, ...first.map((x, k) => ops.concat([x, second[k] as Tensor], 0))],
          ]);
        });
        expect(bitsOf(parts as Tensor[])).toBe(bitsOf(whole as Tensor[]));
      }
    });

    it('gives a lane the bits that it gets alone', () => {
      configure({ tier, threads: 2 });
      const operands = operandsOf(sizes[1]);
      const laneOf = (ops: Ops, x: Tensor, axis: number) => ops.split(x, axis, [1, 1, 1])[1] as Tensor;
      const [together, alone] = inWindow((ops) => {
        const [y, state] = ops.deltaRule(...operands);
        const lane = operands.map((x, k) => laneOf(ops, x, k === 0 ? 0 : 1)) as unknown as Operands;
        return toSignal([[laneOf(ops, y, 1), laneOf(ops, state, 0)], [...ops.deltaRule(...lane)]]);
      });
      expect(bitsOf(together as Tensor[])).toBe(bitsOf(alone as Tensor[]));
    });
  });
});
