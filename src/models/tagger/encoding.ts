/** Utterances as a tagger takes them, and what it should say about them. */

import { isListOf, requireKind } from '../../checks.js';
import { hashesOf } from '../../layers/hashed-features.js';
import { type Spellings, spellingsOf } from '../../layers/spelling.js';
import type { Lengths } from '../../ops/lengths.js';
import { type Ids, ids } from '../../tensor.js';
import type { Lexicon } from './lexicon.js';

/** The words of an utterance, in order. */
export type Words = readonly string[];

/** An utterance, the tag of each of its words, and where it is known what it is for. */
export interface TaggedUtterance {
  readonly words: Words;
  readonly tags: readonly string[];
  readonly intent?: string | undefined;
}

/** Utterances side by side, the shorter ones padded at their ends. */
export interface TaggerInput {
  /** Word ids, `[T, B]`; 0 is the unknown word. */
  readonly words: Ids;
  /** Words of each utterance. */
  readonly lengths: Lengths;
  /** How the words are spelled, where the model looks at that. */
  readonly spellings?: Spellings;
  /** Rows that the words' properties name, `[T, B, 4]`, where the model looks at them. */
  readonly hashes?: Ids;
}

/** What a tagger should say. */
export interface TaggerTarget {
  /** Tag ids, `[T, B]`; −1 at padding. */
  readonly tags: Ids;
  /** Intent ids, `[B]`; −1 where it is not known. Where the model has no intents there are none. */
  readonly intents?: Ids;
}

/** What is made of a word before it is looked up. */
export interface WordForm {
  readonly lowerCase: boolean;
  /** Whether every digit is read as 0: what remains of a number is its length. */
  readonly digits: boolean;
}

const DIGIT = /\p{Nd}/gu;

/** The name that a word has in the lexicon. */
export function lexiconName(word: string, { lowerCase, digits }: WordForm): string {
  const cased = lowerCase ? word.toLowerCase() : word;
  return digits ? cased.replace(DIGIT, '0') : cased;
}

export interface Encoding {
  /** Word ids by name, of which 0 is no word's. */
  readonly words: Lexicon;
  readonly tags: Lexicon;
  readonly intents: Lexicon | undefined;
  readonly form: WordForm;
  /** Characters of a word that are looked at, where any are. */
  readonly spelled: number | undefined;
  /** Rows that the words' properties share, where they are looked at. */
  readonly buckets: number | undefined;
  /** Whether tags mark slots, so that each must be of the notation; otherwise they are classes of words. */
  readonly constrained: boolean;
}

/**
 * Utterances as one window. One without words has length 0; a window has one step at least.
 *
 * Shapes: of B utterances, the longest having T words, ids `[T, B]`.
 */
export function encodeUtterances(
  { words, form, spelled, buckets }: Encoding,
  utterances: readonly Words[],
): TaggerInput {
  const each = Array.isArray(utterances) ? utterances : [utterances];
  const wrong = each.findIndex((words) => !isListOf('string', words));
  requireKind('tagger', wrong < 0, 'utterances, lists of words', each[wrong], 'split texts into words first');
  if (utterances.length === 0) throw new RangeError('tagger: there is no utterance to encode; give one at least.');
  const lengths = utterances.map(({ length }) => length);
  const steps = Math.max(1, ...lengths);
  const data = new Int32Array(steps * utterances.length);
  utterances.forEach((utterance, lane) => {
    utterance.forEach((word, step) => {
      data[step * utterances.length + lane] = words.idOf(lexiconName(word, form)) ?? 0;
    });
  });
  const input = { words: ids([steps, utterances.length], data), lengths };
  if (spelled === undefined && buckets === undefined) return input;
  // Digits stay what they are: a number's spelling says more than its length.
  const seen = utterances.map((utterance) => utterance.map((word) => lexiconName(word, { ...form, digits: false })));
  return {
    ...input,
    ...(spelled !== undefined && { spellings: spellingsOf(seen, steps, spelled) }),
    ...(buckets !== undefined && { hashes: hashesOf(seen, steps, buckets) }),
  };
}

/**
 * Tags and intents of utterances as ids.
 *
 * @throws RangeError where an utterance has not one tag a word, or a tag or an intent is not in the model.
 */
export function encodeTargets({ tags, intents }: Encoding, examples: readonly TaggedUtterance[]): TaggerTarget {
  const steps = Math.max(1, ...examples.map(({ words }) => words.length));
  const data = new Int32Array(steps * examples.length).fill(-1);
  examples.forEach((example, lane) => {
    checkTagged(example, lane);
    example.tags.forEach((tag, step) => {
      data[step * examples.length + lane] = known(tags, tag, 'tag');
    });
  });
  const target = { tags: ids([steps, examples.length], data) };
  if (intents === undefined) return target;
  const wanted = examples.map(({ intent }) => (intent === undefined ? -1 : known(intents, intent, 'intent')));
  return { ...target, intents: ids([examples.length], wanted) };
}

/** @throws RangeError where an utterance has not one tag a word. */
export function checkTagged({ words, tags }: TaggedUtterance, lane: number): void {
  const lists = [words, tags].every((list) => isListOf('string', list));
  requireKind('tagger', lists, 'utterances { words, tags }, lists of texts', { words, tags }, 'give one tag a word');
  if (tags.length === words.length) return;
  throw new RangeError(
    `tagger: utterance ${lane} has ${words.length} words and ${tags.length} tags; give one tag a word.`,
  );
}

/**
 * A tag that marks nothing: neither outside, O or `.`, nor with a prefix before a hyphen, nor one of the prefixes that mark a
 * slot without a name. Slots are never made of it, so that it is never right or wrong in an F1.
 */
const isBareLabel = (tag: string): boolean => !tag.includes('-') && !['O', '.', 'B', 'I', 'E', '[', ']'].includes(tag);

/** What is wrong with the first of tags that marks no slot, if there is one. */
export function bareLabelIn(tags: Iterable<string>): string | undefined {
  for (const tag of tags) {
    if (!isBareLabel(tag)) continue;
    return (
      `the tag ${JSON.stringify(tag)} marks no slot, and F1 would be 0 for it; write B-${tag} for a slot's first word, ` +
      `I-${tag} for its others and O outside, or make the model { constrained: false } where tags are classes of words.`
    );
  }
  return undefined;
}

function known(lexicon: Lexicon, name: string, what: string): number {
  const id = lexicon.idOf(name);
  if (id !== undefined) return id;
  throw new RangeError(
    `tagger: ${JSON.stringify(name)} is none of the model's ${lexicon.size} ${what}s; make the model with it, or let the ` +
      'model grow.',
  );
}
