/** From scores to tags: the best path through a chain of tags, and how probable each of its tags is. */
import type { Numbers } from '../../tensor.js';

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

/** What follows from a model's chain and grammar alone; of `into` and `powers` each row is one tag's, from all tags. */
export interface ChainTable {
  readonly count: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly into: Float64Array;
  /** `e^into`. */
  readonly powers: Float64Array;
}

export function chainTable(count: number, chain: ChainScores | undefined, grammar: Grammar | undefined): ChainTable {
  const never = Number.NEGATIVE_INFINITY;
  const may = (allowed: Uint8Array | undefined, k: number) => allowed === undefined || allowed[k] === 1;
  const start = Float64Array.from({ length: count }, (_, k) =>
    may(grammar?.starts, k) ? ((chain?.start[k] as number | undefined) ?? 0) : never,
  );
  const end = Float64Array.from({ length: count }, (_, k) => (chain?.end[k] as number | undefined) ?? 0);
  // From all tags to one in a row, so that both passes run through memory from first to last.
  const into = new Float64Array(count * count);
  // The chain may have grown since the scores were worked out: its rows are longer then.
  const row = chain?.start.length ?? count;
  for (let from = 0; from < count; from += 1) {
    for (let to = 0; to < count; to += 1) {
      const score = (chain?.transitions[from * row + to] as number | undefined) ?? 0;
      into[to * count + from] = may(grammar?.follows, from * count + to) ? score : never;
    }
  }
  return { count, start, end, into, powers: into.map(Math.exp) };
}

/** Decodes lanes of one model. */
export function chainDecoder({
  count,
  start,
  end,
  into,
  powers,
}: ChainTable): (scores: (step: number, tag: number) => number, steps: number) => DecodedChain {
  const never = Number.NEGATIVE_INFINITY;

  /** The path of the greatest score. */
  function viterbi(scores: Float64Array, steps: number): Int32Array {
    const from = new Int32Array(steps * count);
    let best = start.map((value, k) => value + (scores[k] as number));
    for (let t = 1; t < steps; t += 1) {
      const next = new Float64Array(count);
      for (let to = 0; to < count; to += 1) {
        let [top, at] = [never, 0];
        const row = to * count;
        for (let k = 0; k < count; k += 1) {
          const score = (best[k] as number) + (into[row + k] as number);
          if (score > top) [top, at] = [score, k];
        }
        from[t * count + to] = at;
        next[to] = top + (scores[t * count + to] as number);
      }
      best = next;
    }
    const tags = new Int32Array(steps);
    let at = 0;
    for (let k = 1; k < count; k += 1) {
      if ((best[k] as number) + (end[k] as number) > (best[at] as number) + (end[at] as number)) at = k;
    }
    for (let t = steps - 1; t >= 0; t -= 1) {
      tags[t] = at;
      at = from[t * count + at] as number;
    }
    return tags;
  }

  /** `p(tag_t = tags[t] | all scores)`, by forward and backward sums, each step's scaled to add up to 1. */
  function marginals(scores: Float64Array, steps: number, tags: Int32Array): Float64Array {
    const local = localPowers(scores, steps, count);
    const forward = new Float64Array(steps * count);
    for (let t = 0; t < steps; t += 1) {
      const row = forward.subarray(t * count, (t + 1) * count);
      for (let to = 0; to < count; to += 1) {
        const reached =
          t === 0 ? Math.exp(start[to] as number) : dot(forward, (t - 1) * count, powers, to * count, count);
        row[to] = reached * (local[t * count + to] as number);
      }
      scale(row);
    }
    const probabilities = new Float64Array(steps);
    let behind: Float64Array = end.map(Math.exp);
    for (let t = steps - 1; t >= 0; t -= 1) {
      const row = forward.subarray(t * count, (t + 1) * count);
      const tag = tags[t] as number;
      probabilities[t] = ((row[tag] as number) * (behind[tag] as number)) / dot(row, 0, behind, 0, count);
      const next = new Float64Array(count);
      for (let to = 0; to < count; to += 1) {
        const weight = (behind[to] as number) * (local[t * count + to] as number);
        for (let k = 0; k < count; k += 1) next[k] = (next[k] as number) + weight * (powers[to * count + k] as number);
      }
      behind = scale(next);
    }
    return probabilities;
  }

  return (scoreOf, steps) => {
    const scores = Float64Array.from({ length: steps * count }, (_, k) => scoreOf(Math.floor(k / count), k % count));
    const tags = viterbi(scores, steps);
    return { tags, probabilities: marginals(scores, steps, tags) };
  };
}

/** `e^score`, each step's greatest being 1. */
function localPowers(scores: Float64Array, steps: number, count: number): Float64Array {
  const powers = new Float64Array(steps * count);
  for (let t = 0; t < steps; t += 1) {
    const row = scores.subarray(t * count, (t + 1) * count);
    const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    powers.set(
      row.map((score) => Math.exp(score - top)),
      t * count,
    );
  }
  return powers;
}

function dot(a: Float64Array, atA: number, b: Float64Array, atB: number, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k += 1) sum += (a[atA + k] as number) * (b[atB + k] as number);
  return sum;
}

/** Makes numbers add up to 1. */
function scale(row: Float64Array): Float64Array {
  let sum = 0;
  for (const value of row) sum += value;
  for (let k = 0; k < row.length; k += 1) row[k] = (row[k] as number) / sum;
  return row;
}
