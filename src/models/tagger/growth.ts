/** Taggers that grow: names that they do not know yet, and the weights that belong to them. */
import { growAll, type Params } from '../../parameters/parameter.js';
import { bareLabelIn, checkTagged, type Encoding, nameOf, type TaggedUtterance } from './encoding.js';
import type { Lexicon } from './lexicon.js';

/** What a model did not know, in the order in which it came; words as they are in the lexicon. */
export interface Grown {
  readonly words: readonly string[];
  readonly tags: readonly string[];
  readonly intents: readonly string[];
}

/** Counts the names of examples, adds those that are new, and gives each its row or column. */
export function growTagger(
  encoding: Encoding,
  params: Params,
  examples: readonly TaggedUtterance[],
  mostWords: number,
): Grown {
  examples.forEach(checkTagged);
  const { words, tags, intents, form, constrained } = encoding;
  const spoken = examples.flatMap((example) => example.words.map((word) => nameOf(word, form)));
  const marked = examples.flatMap((example) => example.tags);
  const bare = constrained ? bareLabelIn(marked) : undefined;
  if (bare !== undefined) throw new RangeError(`tagger: ${bare}`);
  const meant = examples.flatMap(({ intent }) => (intent === undefined ? [] : [intent]));
  const grown = {
    words: add(words, spoken, mostWords),
    tags: add(tags, marked),
    intents: intents ? add(intents, meant) : [],
  };
  fitTagger(encoding, params);
  return grown;
}

/** The weights that grow with each kind of names. */
export function tablesOf({ words, tags, chain, intents }: Params): Record<keyof Grown, Params> {
  return {
    words: { words } as Params,
    tags: { tags, ...(chain && { chain }) } as Params,
    intents: (intents ? { intents } : {}) as Params,
  };
}

/** Lets the weights have as many rows and columns as there are names. */
export function fitTagger({ words, tags, intents }: Encoding, params: Params): void {
  const tables = tablesOf(params);
  growAll(tables.words, words.size);
  growAll(tables.tags, tags.size);
  if (intents) growAll(tables.intents, intents.size);
}

function add(lexicon: Lexicon, names: readonly string[], most = Number.POSITIVE_INFINITY): readonly string[] {
  const before = lexicon.size;
  for (const name of names) if (lexicon.size < most || lexicon.idOf(name) !== undefined) lexicon.add(name);
  return lexicon.names.slice(before);
}
