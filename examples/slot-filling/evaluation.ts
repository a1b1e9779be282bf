/** What a model makes of utterances that it does not learn from. */
import { conlleval, type Labelled, type SlotScores, type TaggedUtterance, type Tagger, type Tagging } from 'oxbow';
import { chunked } from './data.js';
import { offline } from './recipe.js';

export const labelledOf = ({ words, intent }: Tagging): Labelled => ({
  tags: words.map(({ tag }) => tag),
  ...(intent && { intent: intent.name }),
});

export function evaluation(model: Tagger, utterances: readonly TaggedUtterance[]): SlotScores {
  const { update, result } = conlleval().start();
  // Sorted by length, so that utterances side by side hardly need padding.
  const sorted = [...utterances].sort((a, b) => a.words.length - b.words.length);
  for (const batch of chunked(sorted, offline.evaluationBatch)) {
    model.tag(batch.map(({ words }) => words)).forEach((tagging, k) => {
      const { tags, intent } = batch[k] as TaggedUtterance;
      update(labelledOf(tagging), { tags, ...(intent !== undefined && { intent }) });
    });
  }
  return result();
}
