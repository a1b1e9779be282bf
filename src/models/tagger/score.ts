import { conlleval, type SlotScores } from '../metrics/conlleval.js';
import type { TaggedUtterance } from './encoding.js';
import type { Tagger } from './tagger.js';

/** Utterances that are tagged side by side. */
const TOGETHER = 64;

/**
 * How well a tagger does on utterances whose tags are known.
 *
 * @param model tags the utterances.
 * @param utterances with the tags, and where they are known the intents, that are right.
 * @returns the scores, as {@link conlleval} counts them.
 * @throws RangeError where an utterance has not one tag a word, or the model has diverged.
 * @example
 * scoreTagger(reader, utterances).f1;
 */
export function scoreTagger(model: Tagger, utterances: readonly TaggedUtterance[]): SlotScores {
  const { update, result } = conlleval().start();
  const sorted = [...utterances].sort((a, b) => a.words.length - b.words.length);
  for (let from = 0; from < sorted.length; from += TOGETHER) {
    const some = sorted.slice(from, from + TOGETHER);
    model.tag(some.map(({ words }) => words)).forEach(({ words, intent }, k) => {
      const { tags, intent: wanted } = some[k] as TaggedUtterance;
      update(
        { tags: words.map(({ tag }) => tag), ...(intent && { intent: intent.name }) },
        { tags, ...(wanted !== undefined && { intent: wanted }) },
      );
    });
  }
  return result();
}
