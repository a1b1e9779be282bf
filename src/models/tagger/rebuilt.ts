/** A tagger from what its description says. */
import { bareLabelIn } from './encoding.js';
import { growTables } from './growth.js';
import type { LexiconData } from './lexicon.js';
import { type Tagger, type TaggerOptions, tagger } from './tagger.js';

/**
 * The tagger that was made by these options and has grown to these names. New rows and columns have their first weights.
 *
 * @throws TypeError, RangeError where the names are none, or do not begin with those of the options.
 */
export function rebuiltTagger(
  options: TaggerOptions,
  names: { readonly words: LexiconData; readonly tags: LexiconData; readonly intents?: LexiconData },
): Tagger {
  const model = tagger(options);
  const { words, tags, intents, constrained } = model;
  if ((names.intents === undefined) !== (intents === undefined)) {
    throw new TypeError('tagger: intents are names of the model in both of its parts, or in none.');
  }
  words.restore(names.words);
  tags.restore(names.tags);
  if (names.intents) intents?.restore(names.intents);
  const bare = constrained ? bareLabelIn(tags.names) : undefined;
  if (bare !== undefined) throw new RangeError(`tagger: ${bare}`);
  growTables(model.params, { words: words.size, tags: tags.size, intents: intents?.size ?? 0 });
  return model;
}
