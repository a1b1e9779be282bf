/** Taggers that grow: names that they do not know yet, and the weights that belong to them. */
import { growTogether, growthsOf } from '../../parameters/growth.js';
import type { Params } from '../../parameters/parameter.js';
import { bareLabelIn, checkTagged, type Encoding, lexiconName, type TaggedUtterance } from './encoding.js';
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
  const spoken = examples.flatMap((example) => example.words.map((word) => lexiconName(word, form)));
  const marked = examples.flatMap((example) => example.tags);
  const bare = constrained ? bareLabelIn(marked) : undefined;
  if (bare !== undefined) throw new RangeError(`tagger: ${bare}`);
  const meant = examples.flatMap(({ intent }) => (intent === undefined ? [] : [intent]));
  const grown = {
    words: unknown(words, spoken, mostWords),
    tags: unknown(tags, marked),
    intents: intents ? unknown(intents, meant) : [],
  };
  // Names are added only once there are weights for them all.
  growTables(params, {
    words: words.size + grown.words.length,
    tags: tags.size + grown.tags.length,
    intents: (intents?.size ?? 0) + grown.intents.length,
  });
  count(words, spoken, mostWords);
  count(tags, marked);
  if (intents) count(intents, meant);
  return grown;
}

/** Lets weights grow, so that there are as many as names. */
export function growTables(params: Params, sizes: Record<keyof Grown, number>): void {
  const tables = tablesOf(params);
  growTogether((['words', 'tags', 'intents'] as const).flatMap((what) => growthsOf(tables[what], sizes[what])));
}

/** The weights that grow with each kind of names. */
export function tablesOf({ words, tags, chain, intents }: Params): Record<keyof Grown, Params> {
  return {
    words: { words } as Params,
    tags: { tags, ...(chain && { chain }) } as Params,
    intents: (intents ? { intents } : {}) as Params,
  };
}

/** Those that a lexicon does not know and has room for, in the order in which they come. */
function unknown(lexicon: Lexicon, names: readonly string[], most = Number.POSITIVE_INFINITY): readonly string[] {
  const others = new Set(names.filter((name) => lexicon.idOf(name) === undefined));
  return [...others].slice(0, Math.max(0, most - lexicon.size));
}

function count(lexicon: Lexicon, names: readonly string[], most = Number.POSITIVE_INFINITY): void {
  for (const name of names) if (lexicon.size < most || lexicon.idOf(name) !== undefined) lexicon.add(name);
}
