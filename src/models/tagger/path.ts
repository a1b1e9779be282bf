/** The best path of tags as an utterance grows word by word: what a further word says about those before it. */
import type { Numbers } from '../../tensor.js';
import type { ChainTable } from './chain-sums.js';
import {
  type BestPaths,
  bestPaths,
  nextSums,
  probabilities,
  probabilitiesBefore,
  relativeScores,
  type Sums,
} from './chain-sums.js';

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

/**
 * Viterbi's and the forward algorithm, a word at a time. As no word is known to be the last, the chain's `end` has no say.
 * A step costs N² for N tags, and as much for each word back to the earliest one whose tag changes. Tags that the model
 * has gained since a word came were impossible there.
 */
export function growingPath(): GrowingPath {
  const best: BestPaths[] = [];
  const sums: Sums[] = [];
  const tags: number[] = [];

  /** How probable the tags from a position on are. */
  function since(first: number): readonly Step[] {
    const steps: Step[] = [];
    let p: Float64Array = new Float64Array(0);
    for (let position = tags.length - 1; position >= first; position -= 1) {
      const [step, next] = [sums[position] as Sums, sums[position + 1]];
      p = next === undefined ? probabilities(step) : probabilitiesBefore(step, next, p);
      const tag = tags[position] as number;
      steps.unshift({ position, tag, probability: p[tag] as number });
    }
    return steps;
  }

  return {
    add(scores, table) {
      const relative = relativeScores(scores);
      best.push(bestPaths(relative, table, best.at(-1)));
      sums.push(nextSums(relative, table, sums.at(-1)));
      const changed = new Set<number>();
      let position = best.length - 1;
      const last = (best[position] as BestPaths).scores;
      let tag = last.reduce((top, score, k) => (score > (last[top] as number) ? k : top), 0);
      // Where the path meets the one before it, it is the same from there back.
      while (position >= 0 && tags[position] !== tag) {
        changed.add(position);
        tags[position] = tag;
        tag = best[position]?.from[tag] as number;
        position -= 1;
      }
      return since(position + 1).filter((step) => changed.has(step.position));
    },
  };
}
