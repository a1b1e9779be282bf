import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { ids, type Tensor, tensor, zeros } from '../../src/tensor.js';
import { linearChain } from '../../src/training/losses/linear-chain.js';
import { draw, expectGradients } from '../backprop/differences.js';

const ops = reference();
const COUNT = 3;

const chainOf = (count: number, deviation = 1) => ({
  transitions: draw([count, count], 'transitions', deviation),
  start: draw([count], 'start', deviation),
  end: draw([count], 'end', deviation),
});

type Chain = ReturnType<typeof chainOf>;

const at = (x: Tensor, ...place: readonly number[]) =>
  x.data[place.reduce((index, k, axis) => index * (x.shape[axis] as number) + k, 0)] as number;

/** The score of a path, as the definition has it. */
function scoreOf(x: Tensor, { transitions, start, end }: Chain, lane: number, path: readonly number[]): number {
  const between = path.slice(1).reduce((sum, tag, k) => sum + at(transitions, path[k] as number, tag), 0);
  const local = path.reduce((sum, tag, step) => sum + at(x, step, lane, tag), 0);
  return at(start, path[0] as number) + local + between + at(end, path.at(-1) as number);
}

/** All paths of a length. */
const paths = (length: number): readonly (readonly number[])[] =>
  length === 0 ? [[]] : paths(length - 1).flatMap((path) => [0, 1, 2].map((tag) => [...path, tag]));

describe('linearChain', () => {
  const x = draw([4, 3, COUNT], 'scores');
  const chain = chainOf(COUNT);
  const lanes = [[2, 0, 1, 1], [1, 2], []];
  const tags = ids([4, 3], [2, 1, -1, 0, 2, -1, 1, -1, -1, 1, -1, -1]);

  it('is −log of the tags’ share of all paths, written out', () => {
    const losses = linearChain(ops, x, chain, tags);
    expect(losses.shape).toEqual([3]);
    lanes.slice(0, 2).forEach((path, lane) => {
      const all = paths(path.length).reduce((sum, other) => sum + Math.exp(scoreOf(x, chain, lane, other)), 0);
      expect(losses.data[lane]).toBeCloseTo(Math.log(all) - scoreOf(x, chain, lane, path), 12);
    });
    expect(losses.data[2]).toBe(0);
  });

  it('makes all paths together certain', () => {
    const total = paths(3).reduce((sum, path) => {
      const loss = linearChain(ops, draw([3, 1, COUNT], 'scores'), chain, ids([3, 1], path));
      return sum + Math.exp(-(loss.data[0] as number));
    }, 0);
    expect(total).toBeCloseTo(1, 12);
  });

  it('has the right gradient, and none at padding', () => {
    const { transitions, start, end } = chain;
    expectGradients([x, transitions, start, end], (o) => linearChain(o, x, chain, tags));
    const recorded = tape(ops, [x]);
    const [dx] = recorded.gradients(recorded.sumTo(linearChain(recorded, x, chain, tags), [])) as [Tensor];
    const padding = [
      [2, 1],
      [3, 1],
      [0, 2],
      [3, 2],
    ].flatMap(([step, lane]) => [0, 1, 2].map((tag) => at(dx, step as number, lane as number, tag)));
    expect(padding.every((value) => value === 0)).toBe(true);
  });

  it('has the right gradient where a window has one step', () => {
    const one = draw([1, 2, COUNT], 'one');
    const { start, end } = chain;
    expectGradients([one, start, end], (o) => linearChain(o, one, chain, ids([1, 2], [2, -1])));
  });

  it('is on the kernels what it is in float64, gradients included, at the size of a slot filler', () => {
    const count = 130;
    const big = draw([9, 5, count], 'big', 3);
    const bigChain = chainOf(count);
    const lengths = [9, 4, 1, 7, 0];
    const bigTags = ids(
      [9, 5],
      Array.from({ length: 45 }, (_, k) => (Math.floor(k / 5) < (lengths[k % 5] as number) ? (k * 37) % count : -1)),
    );
    const watched = [big, bigChain.transitions, bigChain.start, bigChain.end];
    const run = (base: typeof ops) => {
      const recorded = tape(base, watched);
      const loss = linearChain(recorded, big, bigChain, bigTags);
      return toSignal([loss, ...recorded.gradients(recorded.sumTo(loss, []))]);
    };
    const exact = run(reference());
    inWindow((eager) => {
      run(eager).forEach(({ data }, k) => {
        const wanted = exact[k]?.data as Float32Array;
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const worst = wanted.reduce((most, value, j) => Math.max(most, Math.abs(value - (data[j] as number))), 0);
        // Nine steps of sums over 130 numbers each, in float32.
        expect(worst).toBeLessThan(4e-6 * largest);
      });
    });
  });

  it('neither overflows nor vanishes on a lane of 5,000 steps with scores of a hundred', () => {
    const steps = 5000;
    const long = draw([steps, 1, COUNT], 'long', 100);
    const path = ids(
      [steps, 1],
      Array.from({ length: steps }, (_, k) => k % COUNT),
    );
    const exact = linearChain(ops, long, chain, path).data[0] as number;
    inWindow((eager) => {
      expect((linearChain(eager, long, chain, path).data[0] as number) / exact).toBeCloseTo(1, 5);
    });
  });

  it('refuses tags that cannot stand where they do, and shapes that do not meet', () => {
    const scores = zeros([2, 1, 3]);
    expect(() => linearChain(ops, scores, chain, ids([2, 1], [-1, 1]))).toThrow(/tag 1 at step 1 of lane 0/);
    expect(() => linearChain(ops, scores, chain, ids([2, 1], [0, 3]))).toThrow(/tags run from 0 to 2/);
    expect(() => linearChain(ops, scores, chain, ids([1, 1], [0]))).toThrow(/\[2, 1, 3\] and tags \[1, 1\]/);
    expect(linearChain(ops, scores, { ...chain, start: tensor([3], [0, 0, 0]) }, ids([2, 1], [-1, -1])).data[0]).toBe(
      0,
    );
  });
});
