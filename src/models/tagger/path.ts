/** The best path of tags as an utterance grows word by word: what a further word says about those before it. */
import type { Numbers } from '../../tensor.js';
import { type ChainTable, chainSteps } from './chain-sums.js';

/** A tag that is new, or that is another one than before. */
export interface PathStep {
  readonly position: number;
  readonly tag: number;
  /** How probable the tag is, given the words so far. */
  readonly probability: number;
}

export interface GrowingPath {
  /** Takes the scores of a further word; the tags that change with it, in order, the word's own last. */
  add(scores: Numbers, table: ChainTable): readonly PathStep[];
}

/**
 * Viterbi's and the forward algorithm, a word at a time. As no word is known to be the last, the chain's `end` has no say.
 * A step costs N² for N tags, and as much for each word back to the earliest one whose tag changes. Tags that the model
 * has gained since a word came were impossible there.
 */
export function growingPath(): GrowingPath {
  const steps = chainSteps();
  const tags: number[] = [];
  return {
    add(scores, table) {
      steps.add(scores, table);
      const first = steps.trace(tags);
      const probabilities = steps.probabilities(tags, first);
      return Array.from(probabilities, (probability, k) => {
        const position = first + k;
        return { position, tag: tags[position] as number, probability };
      });
    },
  };
}
