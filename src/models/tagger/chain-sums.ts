/**
 * Paths through a chain of tags, a step at a time: the best one to each tag, and the sums over all of them, forwards and back. All of
 * it is relative to the greatest of its step, so that scores may be however large and however far apart.
 */
import { logSum } from '../../ops/chain.js';
import type { Numbers } from '../../tensor.js';

const never = Number.NEGATIVE_INFINITY;
/** A sum of products below it may have lost much to underflow: its tag is reached by what is far from the greatest alone. */
const LEAST = 1e-200;

/** What follows from a model's chain and grammar alone; of `into` and `powers` each row is one tag's, from all tags. */
export interface ChainTable {
  readonly count: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly into: Float64Array;
  /** The greatest of each row; finite even where nothing may come before. */
  readonly tops: Float64Array;
  /** `e^(into − tops)`. */
  readonly powers: Float64Array;
}

/** A step's scores, the greatest 0. @throws RangeError where that is no finite number. */
function relativeScores(scores: Numbers): Float64Array {
  const top = greatest(scores);
  if (!Number.isFinite(top)) {
    throw new RangeError(
      `tagger: the greatest of a word's ${scores.length} scores is ${top}; the model has diverged: go back to weights that ` +
        'were saved, lower the learning rate or clip the gradients.',
    );
  }
  return Float64Array.from(scores, (score) => score - top);
}

function greatest(numbers: Numbers): number {
  let top = never;
  for (const value of numbers) top = Math.max(top, value);
  return top;
}

/** The steps of a lane so far. */
export interface ChainSteps {
  /** Takes a further step's scores. @throws RangeError where the greatest is no finite number. */
  add(scores: Numbers, table: ChainTable): void;
  /**
   * Puts the path of the greatest score into a list of tags, from its end back to where it meets the path that is there: what
   * lies before that is the same.
   *
   * @param end what the last tag adds; by default it has no say.
   * @returns the first position from which tags are others than before.
   */
  trace(tags: number[], end?: Float64Array): number;
  /** `p(tag_t = tags[t] | all scores)` for each position from the given one on. */
  probabilities(tags: readonly number[], first: number, end?: Float64Array): Float64Array;
}

/** Viterbi's and the forward algorithm, a step at a time. Tags that are new at a step were impossible before it. */
export function chainSteps(): ChainSteps {
  const best: BestPaths[] = [];
  const sums: Sums[] = [];
  return {
    add(scores, table) {
      const relative = relativeScores(scores);
      best.push(bestPaths(relative, table, best.at(-1)));
      sums.push(nextSums(relative, table, sums.at(-1)));
    },
    trace(tags, end) {
      const last = added(best.at(-1)?.scores ?? new Float64Array(0), end);
      let tag = last.reduce((top, score, k) => (score > (last[top] as number) ? k : top), 0);
      let position = best.length - 1;
      while (position >= 0 && tags[position] !== tag) {
        tags[position] = tag;
        tag = best[position]?.from[tag] as number;
        position -= 1;
      }
      return position + 1;
    },
    probabilities(tags, first, end) {
      const found = new Float64Array(sums.length - first);
      let p: Float64Array = new Float64Array(0);
      for (let position = sums.length - 1; position >= first; position -= 1) {
        const [step, next] = [sums[position] as Sums, sums[position + 1]];
        p = next === undefined ? lastProbabilities(step, end) : probabilitiesBefore(step, next, p);
        found[position - first] = p[tags[position] as number] as number;
      }
      return found;
    },
  };
}

const added = (scores: Float64Array, end: Float64Array | undefined): Float64Array =>
  end === undefined ? scores : scores.map((score, tag) => score + (end[tag] as number));

/** What the best path to each tag scores, the greatest 0, and from which tag it comes. */
interface BestPaths {
  readonly scores: Float64Array;
  readonly from: Int32Array;
}

/** Viterbi's step, from the one before it, if any. A tag that was not there then was impossible. */
function bestPaths(scores: Float64Array, { count, start, into }: ChainTable, before?: BestPaths): BestPaths {
  const next = new Float64Array(count);
  const from = new Int32Array(count);
  const known = before?.scores ?? new Float64Array(0);
  for (let to = 0; to < count; to += 1) {
    let top = never;
    let at = 0;
    for (let k = 0; k < known.length; k += 1) {
      const score = (known[k] as number) + (into[to * count + k] as number);
      if (score > top) {
        top = score;
        at = k;
      }
    }
    from[to] = at;
    next[to] = (before === undefined ? (start[to] as number) : top) + (scores[to] as number);
  }
  const top = greatest(next);
  return { scores: next.map((score) => score - top), from };
}

/** All paths to each tag of a step. */
interface Sums {
  /** Logarithms of their sums, the greatest 0; and e to them. */
  readonly logs: Float64Array;
  readonly shares: Float64Array;
  /** Sums of shares times powers over the tags before, and the logarithm of what comes before each tag. */
  readonly products: Float64Array;
  readonly reached: Float64Array;
  readonly table: ChainTable;
}

/** The forward algorithm's step, from the one before it, if any. */
function nextSums(scores: Float64Array, table: ChainTable, before?: Sums): Sums {
  const { count, start, into, powers, tops } = table;
  const products = new Float64Array(count);
  const reached = start.slice();
  if (before !== undefined) {
    for (let to = 0; to < count; to += 1) {
      const product = dot(before.shares, powers, to * count);
      products[to] = product;
      reached[to] =
        product >= LEAST
          ? (tops[to] as number) + Math.log(product)
          : logSum(before.logs.map((log, k) => log + (into[to * count + k] as number)));
    }
  }
  const sums = reached.map((log, to) => log + (scores[to] as number));
  const top = greatest(sums);
  const logs = sums.map((log) => log - top);
  return { logs, shares: logs.map(Math.exp), products, reached, table };
}

/** How probable each tag of a last step is; what `end` adds may be left out. */
function lastProbabilities({ logs }: Sums, end?: Float64Array): Float64Array {
  const scores = added(logs, end);
  const top = greatest(scores);
  return normalised(scores.map((score) => Math.exp(score - top)));
}

/** How probable each tag of a step is, from how probable those of the next one are: `Σ_j p(i | j) p(j)`. */
function probabilitiesBefore(before: Sums, step: Sums, next: Float64Array): Float64Array {
  const { count, into, powers } = step.table;
  const near = new Float64Array(before.logs.length);
  const far = new Float64Array(before.logs.length);
  next.forEach((share, to) => {
    if (share === 0) return;
    const product = step.products[to] as number;
    if (product >= LEAST) {
      const weight = share / product;
      for (let k = 0; k < near.length; k += 1) {
        near[k] = (near[k] as number) + weight * (powers[to * count + k] as number);
      }
      return;
    }
    const reached = step.reached[to] as number;
    for (let k = 0; k < far.length; k += 1) {
      const log = (before.logs[k] as number) + (into[to * count + k] as number) - reached;
      far[k] = (far[k] as number) + share * Math.exp(log);
    }
  });
  return normalised(far.map((value, k) => value + (near[k] as number) * (before.shares[k] as number)));
}

function dot(a: Float64Array, b: Float64Array, at: number): number {
  let total = 0;
  for (let k = 0; k < a.length; k += 1) total += (a[k] as number) * (b[at + k] as number);
  return total;
}

/** Numbers that add up to 1. */
function normalised(row: Float64Array): Float64Array {
  let total = 0;
  for (const value of row) total += value;
  return row.map((value) => value / total);
}
