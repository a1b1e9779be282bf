/** The best path of tags as an utterance grows word by word: what a further word says about those before it. */
import type { Numbers } from '../../tensor.js';
import type { ChainTable } from './decoding.js';

/** A tag that is new, or that is another one than before. */
export interface Step {
  readonly position: number;
  readonly tag: number;
  /** How probable the tag is, given the words so far. */
  readonly probability: number;
}

export interface GrowingPath {
  /** Takes the scores of a further word; the tags that change with it, in order, the word's own last. */
  add(scores: Numbers, table: ChainTable): readonly Step[];
}

const never = Number.NEGATIVE_INFINITY;

/**
 * Viterbi's and the forward algorithm, a word at a time. As no word is known to be the last, the chain's `end` has no say.
 * A step costs N² for N tags, and as much for each word back to the earliest one whose tag changes. Tags that the model
 * has gained since a word came were impossible there.
 */
export function growingPath(): GrowingPath {
  let best = new Float64Array(0);
  /** By step: the best tag before each tag, the scaled forward sums, and the scores. */
  const from: Int32Array[] = [];
  const forward: Float64Array[] = [];
  const local: Float64Array[] = [];
  const tags: number[] = [];

  /** Scores of the best paths to each tag, of which the last tag before is noted. */
  function reach(scores: Numbers, { count, start, into }: ChainTable): void {
    const next = new Float64Array(count);
    const before = new Int32Array(count);
    for (let to = 0; to < count; to += 1) {
      let [top, at] = [never, 0];
      for (let k = 0; k < best.length; k += 1) {
        const score = (best[k] as number) + (into[to * count + k] as number);
        if (score > top) [top, at] = [score, k];
      }
      before[to] = at;
      next[to] = (from.length === 0 ? (start[to] as number) : top) + (scores[to] as number);
    }
    // Differences alone matter: what all have in common would only grow.
    const top = next.reduce((a, b) => Math.max(a, b), never);
    best = next.map((score) => score - top);
    from.push(before);
  }

  function sum(scores: Numbers, { count, start, powers }: ChainTable): void {
    const last = forward.at(-1);
    let top = never;
    for (let k = 0; k < count; k += 1) top = Math.max(top, scores[k] as number);
    const here = Float64Array.from({ length: count }, (_, k) => Math.exp((scores[k] as number) - top));
    const next = here.map(
      (power, to) => power * (last ? dot(last, powers, to * count) : Math.exp(start[to] as number)),
    );
    local.push(here);
    forward.push(scaled(next));
  }

  /** How probable the tags from a position on are. */
  function since(first: number, { count, powers }: ChainTable): readonly Step[] {
    const steps: Step[] = [];
    let behind = new Float64Array(count).fill(1);
    for (let position = tags.length - 1; position >= first; position -= 1) {
      const here = forward[position] as Float64Array;
      const tag = tags[position] as number;
      steps.unshift({
        position,
        tag,
        probability: ((here[tag] as number) * (behind[tag] as number)) / dot(here, behind, 0),
      });
      const next = new Float64Array(count);
      const scores = local[position] as Float64Array;
      for (let to = 0; to < scores.length; to += 1) {
        const weight = (behind[to] as number) * (scores[to] as number);
        for (let k = 0; k < count; k += 1) next[k] = (next[k] as number) + weight * (powers[to * count + k] as number);
      }
      behind = scaled(next);
    }
    return steps;
  }

  return {
    add(scores, table) {
      reach(scores, table);
      sum(scores, table);
      const changed = new Set<number>();
      let position = from.length - 1;
      let tag = best.reduce((top, score, k) => (score > (best[top] as number) ? k : top), 0);
      // Where the path meets the one before it, it is the same from there back.
      while (position >= 0 && tags[position] !== tag) {
        changed.add(position);
        tags[position] = tag;
        tag = (from[position] as Int32Array)[tag] as number;
        position -= 1;
      }
      return since(position + 1, table).filter((step) => changed.has(step.position));
    },
  };
}

function dot(a: Float64Array, b: Float64Array, at: number): number {
  let total = 0;
  for (let k = 0; k < a.length; k += 1) total += (a[k] as number) * (b[at + k] as number);
  return total;
}

function scaled(row: Float64Array): Float64Array<ArrayBuffer> {
  let total = 0;
  for (const value of row) total += value;
  return Float64Array.from(row, (value) => value / total);
}
