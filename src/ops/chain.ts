/** Linear chains of tags: what their operands must be, and the forward and the backward algorithm in plain float64. */
import { type Ids, type Shape, sameShape, showShape, type Tensor } from '../tensor.js';
import type { Ops } from './ops.js';
import { checkSame } from './shapes.js';

/** Steps, lanes and tags of a chain's scores. */
export interface ChainSizes {
  readonly steps: number;
  readonly batch: number;
  readonly count: number;
}

/** @throws RangeError where shapes disagree, a tag is not in 0 … N − 1, or padding stands before a tag. */
export function chainSizes(parts: readonly Tensor[], tags: Ids): ChainSizes {
  const [x, transitions, start, end] = parts.map(({ shape }) => shape) as [Tensor['shape'], ...Tensor['shape'][]];
  const [steps = 0, batch = 0, count = 0] = x;
  if (x.length !== 3 || steps < 1 || !sameShape(tags.shape, [steps, batch])) {
    throw new RangeError(
      `linearChain: scores ${showShape(x)} and tags ${showShape(tags.shape)} must be [T, B, N] and [T, B], T ≥ 1.`,
    );
  }
  const wanted = [[count, count], [count], [count]];
  if (count < 1 || ![transitions, start, end].every((shape, k) => sameShape(shape ?? [], wanted[k] as number[]))) {
    throw new RangeError(
      `linearChain: scores ${showShape(x)} want transitions [N, N], start [N] and end [N] of as many tags, but got ` +
        `${parts
          .slice(1)
          .map(({ shape }) => showShape(shape))
          .join(', ')}.`,
    );
  }
  checkTags(tags, count);
  return { steps, batch, count };
}

function checkTags({ shape, data }: Ids, count: number): void {
  const [, lanes = 0] = shape;
  for (let k = 0; k < data.length; k += 1) {
    const tag = data[k] as number;
    // Padding after padding alone.
    const after = k < lanes || (data[k - lanes] as number) >= 0;
    if (tag === -1 || (tag >= 0 && tag < count && after)) continue;
    throw new RangeError(
      `linearChain: tag ${tag} at step ${Math.floor(k / lanes)} of lane ${k % lanes} cannot stand there; tags run from 0 to ` +
        `${count - 1}, and −1 marks the padding at the end of a lane.`,
    );
  }
}

/** Operands in float64. */
interface ChainNumbers extends ChainSizes {
  readonly x: Float64Array;
  readonly transitions: Float64Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly tags: ArrayLike<number>;
}

/** log Σ e^x about the greatest, so that nothing overflows and what is greatest is never lost. */
export function logSum(x: Float64Array): number {
  const top = x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return top === Number.NEGATIVE_INFINITY
    ? top
    : top + Math.log(x.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

/** A lane's forward algorithm, step by step: the tag, what may come before each tag, and the same with its own score, the greatest 0. */
function* forwards(of: ChainNumbers, lane: number) {
  const { steps, batch, count, x, transitions, start, tags } = of;
  let logs: Float64Array | undefined;
  for (let t = 0; t < steps && (tags[t * batch + lane] as number) >= 0; t += 1) {
    const before = logs;
    const reached =
      before === undefined
        ? start
        : start.map((_, next) => logSum(before.map((log, tag) => log + (transitions[tag * count + next] as number))));
    const scored = reached.map((log, tag) => log + (x[(t * batch + lane) * count + tag] as number));
    const top = scored.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    logs = scored.map((log) => log - top);
    yield { tag: tags[t * batch + lane] as number, reached, logs };
  }
}

/**
 * How improbable each lane's tags are: the last one, and each other given the one after it. They are terms of one sign, so
 * that no digits are lost as in the difference of all paths' sum and one path's score.
 */
function chainNats(of: ChainNumbers): Float64Array {
  const { batch, count, transitions, end } = of;
  return Float64Array.from({ length: batch }, (_, lane) => {
    let nats = 0;
    let last: { readonly tag: number; readonly logs: Float64Array } | undefined;
    for (const step of forwards(of, lane)) {
      const [from, to] = [last, step.tag];
      if (from) {
        nats +=
          (step.reached[to] as number) -
          ((from.logs[from.tag] as number) + (transitions[from.tag * count + to] as number));
      }
      last = step;
    }
    if (last === undefined) return 0;
    const paths = last.logs.map((log, tag) => log + (end[tag] as number));
    return nats + logSum(paths) - (paths[last.tag] as number);
  });
}

/** Gradients of scores, transitions, start and end: how probable tags and pairs are, less 1 where they are the lane's own. */
function chainAdjoint(of: ChainNumbers, gradient: Float64Array): readonly Float64Array[] {
  const { batch, count, transitions, end } = of;
  const results = [of.x, transitions, of.start, end].map(({ length }) => new Float64Array(length));
  const [dx, dTransitions, dStart, dEnd] = results as [Float64Array, Float64Array, Float64Array, Float64Array];
  const add = (result: Float64Array, at: number, value: number) => {
    result[at] = (result[at] as number) + value;
  };
  for (let lane = 0; lane < batch; lane += 1) {
    const g = gradient[lane] as number;
    const steps = [...forwards(of, lane)];
    let p = new Float64Array(count);
    for (let t = steps.length - 1; t >= 0; t -= 1) {
      const { tag, reached, logs } = steps[t] as (typeof steps)[number];
      const isLast = t === steps.length - 1;
      if (isLast) {
        const paths = logs.map((log, k) => log + (end[k] as number));
        const all = logSum(paths);
        p = paths.map((path) => Math.exp(path - all));
      }
      p.forEach((share, k) => {
        const slope = g * (share - (k === tag ? 1 : 0));
        add(dx, (t * batch + lane) * count + k, slope);
        if (t === 0) add(dStart, k, slope);
        if (isLast) add(dEnd, k, slope);
      });
      const before = steps[t - 1];
      if (before === undefined) continue;
      const next = p;
      p = before.logs.map((log, from) => {
        let sum = 0;
        next.forEach((share, to) => {
          const at = from * count + to;
          const pair = share === 0 ? 0 : share * Math.exp(log + (transitions[at] as number) - (reached[to] as number));
          sum += pair;
          add(dTransitions, at, g * (pair - (from === before.tag && to === tag ? 1 : 0)));
        });
        return sum;
      });
    }
  }
  return results;
}

/** The primitive and its adjoint for the reference. */
export function referenceChain(
  read: (x: Tensor) => Float64Array,
  real: (shape: Shape, data: Float64Array) => Tensor,
): Pick<Ops, 'linearChain' | 'linearChainAdjoint'> {
  function numbersOf(parts: readonly Tensor[], tags: Ids): ChainNumbers {
    const sizes = chainSizes(parts, tags);
    const [x, transitions, start, end] = parts.map(read) as [Float64Array, Float64Array, Float64Array, Float64Array];
    return { ...sizes, x, transitions, start, end, tags: tags.data };
  }

  return {
    linearChain: (x, transitions, start, end, tags) =>
      real([x.shape[1] as number], chainNats(numbersOf([x, transitions, start, end], tags))),
    linearChainAdjoint(gradient, x, transitions, start, end, tags) {
      const parts = [x, transitions, start, end];
      const of = numbersOf(parts, tags);
      checkSame(gradient.shape, [of.batch], 'linearChainAdjoint');
      return chainAdjoint(of, read(gradient)).map((slopes, k) => real((parts[k] as Tensor).shape, slopes));
    },
  };
}
