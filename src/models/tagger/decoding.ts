/** From scores to tags: the best path through a chain of tags, and how probable each of its tags is. */
import type { Numbers } from '../../tensor.js';
import {
  type BestPaths,
  bestPaths,
  type ChainTable,
  nextSums,
  probabilities,
  probabilitiesBefore,
  relativeScores,
  type Sums,
} from './chain-sums.js';

/** What the scores of neighbouring tags add: from each tag to each, to the first and from the last. */
export interface ChainScores {
  /** `[N, N]`, from row to column. */
  readonly transitions: Numbers;
  readonly start: Numbers;
  readonly end: Numbers;
}

/** Which tags may follow which: `[N, N]` from row to column, and which may come first; 1 where they may. */
export interface Grammar {
  readonly follows: Uint8Array;
  readonly starts: Uint8Array;
}

/** A decoded lane: the ids of its tags, and the probability of each. */
export interface DecodedChain {
  readonly tags: Int32Array;
  readonly probabilities: Float64Array;
}

/**
 * What BIO notation allows: I-x follows B-x or I-x alone. Where a list has I-x without B-x, as in IOB1, I-x may also begin.
 *
 * Source: Ramshaw and Marcus, Text chunking using transformation-based learning (1995), with the B of each chunk's begin.
 */
export function bioGrammar(names: readonly string[]): Grammar {
  const count = names.length;
  const known = new Set(names);
  const starts = Uint8Array.from(names, (name) => (name.startsWith('I-') && known.has(`B-${name.slice(2)}`) ? 0 : 1));
  const follows = new Uint8Array(count * count);
  for (let to = 0; to < count; to += 1) {
    const slot = (names[to] as string).slice(2);
    for (let from = 0; from < count; from += 1) {
      const before = names[from] as string;
      follows[from * count + to] = starts[to] || before === `B-${slot}` || before === `I-${slot}` ? 1 : 0;
    }
  }
  return { follows, starts };
}

/** @throws RangeError where a score is not a number. */
export function chainTable(count: number, chain: ChainScores | undefined, grammar: Grammar | undefined): ChainTable {
  const never = Number.NEGATIVE_INFINITY;
  const may = (allowed: Uint8Array | undefined, k: number) => allowed === undefined || allowed[k] === 1;
  if (chain !== undefined) requireNumbers(chain);
  const scoreOf = (scores: Numbers | undefined, k: number) => (scores?.[k] as number | undefined) ?? 0;
  const each = (of: (k: number) => number) => belowTop(Float64Array.from({ length: count }, (_, k) => of(k)));
  const start = each((k) => (may(grammar?.starts, k) ? scoreOf(chain?.start, k) : never));
  const end = each((k) => scoreOf(chain?.end, k));
  // From all tags to one in a row, so that both passes run through memory from first to last.
  const into = new Float64Array(count * count);
  const tops = new Float64Array(count).fill(-Number.MAX_VALUE);
  // The chain may have grown since the scores were worked out: its rows are longer then.
  const row = chain?.start.length ?? count;
  for (let from = 0; from < count; from += 1) {
    for (let to = 0; to < count; to += 1) {
      const score = may(grammar?.follows, from * count + to) ? scoreOf(chain?.transitions, from * row + to) : never;
      into[to * count + from] = score;
      if (score > (tops[to] as number)) tops[to] = score;
    }
  }
  const powers = new Float64Array(count * count);
  for (let to = 0; to < count; to += 1) {
    const top = tops[to] as number;
    for (let k = to * count; k < (to + 1) * count; k += 1) powers[k] = Math.exp((into[k] as number) - top);
  }
  return { count, start, end, into, tops, powers };
}

function requireNumbers(chain: ChainScores): void {
  for (const part of ['transitions', 'start', 'end'] as const) {
    const at = chain[part].findIndex(Number.isNaN);
    if (at < 0) continue;
    throw new RangeError(
      `tagger: number ${at} of chain.${part} is NaN; the model has diverged: go back to weights that were saved.`,
    );
  }
}

/** Differences alone matter: what all have in common would only take their digits. */
function belowTop(scores: Float64Array): Float64Array {
  const top = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return Number.isFinite(top) ? scores.map((score) => score - top) : scores;
}

/** Decodes lanes of one model. */
export function chainDecoder(
  table: ChainTable,
): (scores: (step: number, tag: number) => number, steps: number) => DecodedChain {
  const { count, end } = table;

  /** The path of the greatest score. */
  function viterbi(scores: readonly Float64Array[]): Int32Array {
    const tags = new Int32Array(scores.length);
    const best = accumulated(scores, (row, before: BestPaths | undefined) => bestPaths(row, table, before));
    const last = Float64Array.from(best.at(-1)?.scores ?? [], (score, k) => score + (end[k] as number));
    let at = last.reduce((top, score, k) => (score > (last[top] as number) ? k : top), 0);
    for (let t = tags.length - 1; t >= 0; t -= 1) {
      tags[t] = at;
      at = best[t]?.from[at] as number;
    }
    return tags;
  }

  /** `p(tag_t = tags[t] | all scores)`. */
  function marginals(scores: readonly Float64Array[], tags: Int32Array): Float64Array {
    const found = new Float64Array(tags.length);
    const sums = accumulated(scores, (row, before: Sums | undefined) => nextSums(row, table, before));
    let p: Float64Array = new Float64Array(0);
    for (let t = sums.length - 1; t >= 0; t -= 1) {
      const [step, next] = [sums[t] as Sums, sums[t + 1]];
      p = next === undefined ? probabilities(step, end) : probabilitiesBefore(step, next, p);
      found[t] = p[tags[t] as number] as number;
    }
    return found;
  }

  return (scoreOf, steps) => {
    const scores = Array.from({ length: steps }, (_, step) =>
      relativeScores(Float64Array.from({ length: count }, (_, tag) => scoreOf(step, tag))),
    );
    const tags = viterbi(scores);
    return { tags, probabilities: marginals(scores, tags) };
  };
}

/** Each step by the one before it. */
function accumulated<R>(
  scores: readonly Float64Array[],
  next: (row: Float64Array, before: R | undefined) => R,
): readonly R[] {
  const steps: R[] = [];
  for (const row of scores) steps.push(next(row, steps.at(-1)));
  return steps;
}
