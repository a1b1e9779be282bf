/** Growth that is undone: names that did not stay, and the weights that belonged to them. */
import { parametersOf } from '../../parameters/parameter.js';
import type { TaggedUtterance } from './encoding.js';
import { type Grown, tablesOf } from './growth.js';
import type { Tagger } from './tagger.js';

/** How many names of each kind a tagger knows, or knew before it grew so. */
export const sizesBefore = (
  { words, tags, intents }: Pick<Tagger, keyof Grown>,
  grown: Grown = { words: [], tags: [], intents: [] },
): Record<keyof Grown, number> => ({
  words: words.size - grown.words.length,
  tags: tags.size - grown.tags.length,
  intents: (intents?.size ?? 0) - grown.intents.length,
});

/** Undoes what growing by an example did to a tagger of these sizes. */
export function ungrow(
  model: Tagger,
  { words, tags, intent }: TaggedUtterance,
  sizes: Record<keyof Grown, number>,
): void {
  for (const word of words) model.words.uncount(model.nameOf(word));
  for (const tag of tags) model.tags.uncount(tag);
  if (intent !== undefined) model.intents?.uncount(intent);
  cutTo(model, sizes);
}

/** Has a tagger know so many names only. */
function cutTo(model: Tagger, sizes: Record<keyof Grown, number>): void {
  const tables = tablesOf(model.params);
  for (const what of ['words', 'tags', 'intents'] as const) {
    for (const [, parameter] of parametersOf(tables[what])) {
      parameter.shorten(parameter.shape.map((size, axis) => (parameter.grows.includes(axis) ? sizes[what] : size)));
    }
    model[what]?.cut(sizes[what]);
  }
}
