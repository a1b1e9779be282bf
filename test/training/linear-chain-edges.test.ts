import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { generator } from '../../src/random.js';
import { ids, type Shape, sizeOf, tensor } from '../../src/tensor.js';
import { linearChain } from '../../src/training/losses/linear-chain.js';

/** Scores of a window, float32. */
interface Scores {
  readonly steps: number;
  readonly lanes: number;
  readonly count: number;
  readonly x: Float32Array;
  readonly transitions: Float32Array;
  readonly start: Float32Array;
  readonly end: Float32Array;
}

const logSum = (terms: readonly number[]): number => {
  const top = Math.max(...terms);
  return top + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - top), 0));
};

/** Loss of a lane's path and the gradients of the loss, by forward and backward sums of logarithms, all in float64. */
function exactly(of: Scores, lane: number, path: readonly number[]) {
  const { lanes, count } = of;
  const all = Array.from({ length: count }, (_, tag) => tag);
  // What all paths have in common is taken out: beside 1e30 float64 would lose the rest.
  const common = (x: Float32Array, from = 0, size = x.length) => Math.max(...x.subarray(from, from + size));
  const tops = path.map((_, t) => common(of.x, (t * lanes + lane) * count, count));
  const [topStart, topEnd, topBetween] = [common(of.start), common(of.end), common(of.transitions)];
  const start = (tag: number) => (of.start[tag] as number) - topStart;
  const end = (tag: number) => (of.end[tag] as number) - topEnd;
  const local = (t: number, tag: number) => (of.x[(t * lanes + lane) * count + tag] as number) - (tops[t] as number);
  const between = (from: number, to: number) => (of.transitions[from * count + to] as number) - topBetween;
  const last = path.length - 1;
  const forward: number[][] = [all.map((tag) => start(tag) + local(0, tag))];
  for (let t = 1; t <= last; t += 1) {
    const before = forward[t - 1] as number[];
    forward.push(
      all.map((to) => local(t, to) + logSum(all.map((from) => (before[from] as number) + between(from, to)))),
    );
  }
  const backward: number[][] = [];
  backward[last] = all.map(end);
  for (let t = last - 1; t >= 0; t -= 1) {
    const after = backward[t + 1] as number[];
    backward[t] = all.map((from) =>
      logSum(all.map((to) => between(from, to) + local(t + 1, to) + (after[to] as number))),
    );
  }
  const total = logSum(all.map((tag) => (forward[last]?.[tag] as number) + end(tag)));
  let score = start(path[0] as number) + end(path[last] as number);
  path.forEach((tag, t) => {
    score += local(t, tag) + (t === 0 ? 0 : between(path[t - 1] as number, tag));
  });
  const own = (t: number, tag: number) => (path[t] === tag ? 1 : 0);
  const dx = path.map((_, t) =>
    all.map((tag) => Math.exp((forward[t]?.[tag] as number) + (backward[t]?.[tag] as number) - total) - own(t, tag)),
  );
  const dTransitions = all.map((from) =>
    all.map((to) => {
      let sum = 0;
      for (let t = 1; t <= last; t += 1) {
        const pair =
          (forward[t - 1]?.[from] as number) + between(from, to) + local(t, to) + (backward[t]?.[to] as number);
        sum += Math.exp(pair - total) - own(t - 1, from) * own(t, to);
      }
      return sum;
    }),
  );
  return { loss: total - score, dx, dTransitions };
}

type Draw = (of: { uniform(): number; normal(): number }) => number;

const wide =
  (size: number): Draw =>
  (of) =>
    size * (2 * of.uniform() - 1);
const kinds: Readonly<Record<string, Draw>> = {
  'ordinary numbers': (of) => of.normal(),
  '±60': wide(60),
  '±1e3': wide(1e3),
  '±1e4': wide(1e4),
  '0 or −1e4': (of) => (of.uniform() < 0.4 ? -1e4 : 0),
  '0 or 1e4': (of) => (of.uniform() < 0.4 ? 1e4 : 0),
  '1e4 and a little': (of) => 1e4 + of.normal(),
  '−1e4 and a little': (of) => -1e4 + of.normal(),
};
const parts = ['x', 'transitions', 'start', 'end'] as const;
const shapes: readonly Shape[] = [
  [1, 2, 3],
  [6, 4, 3],
  [5, 2, 1],
  [1, 1, 1],
  [4, 5, 11],
];

function scoresOf([steps, lanes, count]: Shape, kindOf: (part: (typeof parts)[number]) => Draw, seed: number): Scores {
  const sized = (part: (typeof parts)[number], shape: Shape) => {
    const random = generator(seed, part);
    return Float32Array.from({ length: sizeOf(shape) }, () => kindOf(part)(random));
  };
  const [T, B, N] = [steps, lanes, count] as [number, number, number];
  return {
    steps: T,
    lanes: B,
    count: N,
    x: sized('x', [T, B, N]),
    transitions: sized('transitions', [N, N]),
    start: sized('start', [N]),
    end: sized('end', [N]),
  };
}

/** Paths of several lengths, the longest first. */
function pathsOf({ steps, lanes, count }: Scores, seed: number): readonly (readonly number[])[] {
  const random = generator(seed, 'paths');
  return Array.from({ length: lanes }, (_, lane) =>
    Array.from({ length: Math.max(1, steps - lane) }, () => random.below(count)),
  );
}

/** Losses and gradients of an Ops, one lane weighing twice as much as the one before it. */
function found(base: Ops, of: Scores, paths: readonly (readonly number[])[]) {
  const { steps, lanes, count } = of;
  const x = tensor([steps, lanes, count], of.x);
  const transitions = tensor([count, count], of.transitions);
  const [start, end] = [tensor([count], of.start), tensor([count], of.end)];
  const tags = ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, (_, k) => paths[k % lanes]?.[Math.floor(k / lanes)] ?? -1),
  );
  const recorded = tape(base, [x, transitions, start, end]);
  const losses = linearChain(recorded, x, { transitions, start, end }, tags);
  const weights = tensor(
    [lanes],
    paths.map((_, lane) => 2 ** lane),
  );
  return toSignal([losses, ...recorded.gradients(losses, weights)]).map(({ data }) => [...data]);
}

function expectRight(base: Ops, of: Scores, paths: readonly (readonly number[])[]): void {
  const { steps, lanes, count } = of;
  const exact = paths.map((path, lane) => exactly(of, lane, path));
  const [losses, dx, dTransitions, dStart, dEnd] = found(base, of, paths) as number[][];
  const near = (what: string, value: number | undefined, wanted: number, most: number) => {
    if (!(Math.abs((value as number) - wanted) <= most)) expect.fail(`${what} is ${value}, not ${wanted}`);
  };
  exact.forEach(({ loss }, lane) => {
    near(`loss of lane ${lane}`, losses?.[lane], loss, 2e-6 * Math.max(1, loss));
  });
  for (let k = 0; k < steps * lanes * count; k += 1) {
    const [t, lane, tag] = [Math.floor(k / lanes / count), Math.floor(k / count) % lanes, k % count];
    near(`dx of ${[t, lane, tag]}`, dx?.[k], 2 ** lane * (exact[lane]?.dx[t]?.[tag] ?? 0), 4e-6 * 2 ** lane);
  }
  const most = 4e-6 * steps * 2 ** lanes;
  const over = (of: (each: (typeof exact)[number]) => number | undefined) =>
    exact.reduce((sum, each, lane) => sum + 2 ** lane * (of(each) as number), 0);
  for (let from = 0; from < count; from += 1) {
    near(
      `dStart of ${from}`,
      dStart?.[from],
      over(({ dx: each }) => each[0]?.[from]),
      most,
    );
    near(
      `dEnd of ${from}`,
      dEnd?.[from],
      over(({ dx: each }) => each.at(-1)?.[from]),
      most,
    );
    for (let to = 0; to < count; to += 1) {
      const wanted = over((each) => each.dTransitions[from]?.[to]);
      near(`dTransitions of ${[from, to]}`, dTransitions?.[from * count + to], wanted, most);
    }
  }
}

const cases = Object.keys(kinds).flatMap((kind) => [...parts, 'all' as const].map((part) => [part, kind] as const));

describe('linearChain, its loss and all its gradients, against float64 sums of logarithms', () => {
  it.each(cases)('%s of %s', (extreme, kind) => {
    shapes.forEach((shape, seed) => {
      const of = scoresOf(
        shape,
        (part) => kinds[extreme === 'all' || extreme === part ? kind : 'ordinary numbers'] as Draw,
        seed,
      );
      const paths = pathsOf(of, seed);
      expectRight(reference(), of, paths);
      inWindow((eager) => expectRight(eager, of, paths));
    });
  });

  it.each([0, 1, 2])('where transitions into tag %i are −1e4', (rare) => {
    const of = scoresOf([4, 2, 3], () => kinds['ordinary numbers'] as Draw, rare);
    of.transitions.forEach((_, k) => {
      if (k % 3 === rare) of.transitions[k] = -1e4;
    });
    for (const path of [
      [0, 1, 2, 0],
      [1, 1, 1, 1],
      [2, 0, 0, 2],
    ]) {
      inWindow((eager) => expectRight(eager, of, [path, path.slice(0, 3)]));
    }
  });

  it('where each tag can only be reached by what is least probable before it', () => {
    // Tag 0 is sure at each step and may be followed by nothing; the rest are 2,000 nats below it.
    const of = scoresOf([5, 1, 4], () => () => 0, 0);
    for (let t = 0; t < 5; t += 1) of.x[4 * t] = 2000;
    for (let to = 0; to < 4; to += 1) of.transitions[to] = -9000;
    inWindow((eager) => expectRight(eager, of, [[1, 2, 3, 1, 0]]));
    expectRight(reference(), of, [[1, 2, 3, 1, 0]]);
  });

  it.each(parts)('%s of up to 1e30', (extreme) => {
    const of = scoresOf([3, 1, 3], (part) => (part === extreme ? wide(1e30) : (random) => random.normal()), 5);
    for (let k = 0; k < 27; k += 1) {
      const path = [Math.floor(k / 9), Math.floor(k / 3) % 3, k % 3];
      inWindow((eager) => expectRight(eager, of, [path]));
    }
  });

  it('gives gradients of 1e20 times the loss as of the loss', () => {
    const of = scoresOf([4, 1, 3], (part) => (part === 'transitions' ? wide(40) : wide(20)), 3);
    const [x, transitions] = [tensor([4, 1, 3], of.x), tensor([3, 3], of.transitions)];
    const [start, end] = [tensor([3], of.start), tensor([3], of.end)];
    inWindow((eager) => {
      const [one, many] = [1, 1e20].map((g) =>
        eager
          .linearChainAdjoint(tensor([1], [g]), x, transitions, start, end, ids([4, 1], [0, 1, 2, 0]))
          .flatMap(({ data }) => [...data]),
      );
      one?.forEach((value, k) => {
        expect(Math.abs((many?.[k] as number) / 1e20 - value)).toBeLessThanOrEqual(1e-6);
      });
    });
  });
});

describe('linearChain of scores that are no numbers, or forbid', () => {
  const zeros = () => scoresOf([3, 2, 3], () => () => 0, 0);
  const paths = [
    [0, 1, 2],
    [2, 2, 0],
  ];

  it.each(parts)('is NaN where one of %s is', (part) => {
    const of = zeros();
    of[part].fill(Number.NaN, 0, 1);
    inWindow((eager) => {
      const [losses] = found(eager, of, paths) as number[][];
      expect(losses?.some(Number.isNaN)).toBe(true);
    });
  });

  it('takes −∞ for what cannot be', () => {
    const of = zeros();
    for (const tag of [0, 1]) of.transitions[3 * tag + 1] = Number.NEGATIVE_INFINITY;
    of.end[2] = Number.NEGATIVE_INFINITY;
    inWindow((eager) => {
      const [losses, ...gradients] = found(eager, of, [
        [0, 2, 1],
        [1, 0, 0],
      ]) as number[][];
      const all = [0, 1, 2].flatMap((a) => [0, 1, 2].flatMap((b) => [0, 1].map((c) => [a, b, c] as const)));
      const possible = all.filter(([a, b, c]) => (b !== 1 || a === 2) && (c !== 1 || b === 2)).length;
      for (const loss of losses as number[]) expect(loss).toBeCloseTo(Math.log(possible), 6);
      expect(gradients.flat().every(Number.isFinite)).toBe(true);
    });
  });
});
