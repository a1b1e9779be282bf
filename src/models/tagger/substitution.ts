import { defer, map, type OperatorFunction } from 'rxjs';
import { checkedOptions, type Names } from '../../options.js';
import { generator, type RandomGenerator } from '../../random.js';
import { chunksOf } from '../metrics/chunks.js';
import { checkTagged, type TaggedUtterance, type Words } from './encoding.js';

/** How many slots are given other words, and which words those may be. */
export interface SubstitutionOptions {
  /** Of the slots, how many draw other words; from 0 to 1. They may draw their own again. */
  readonly share: number;
  /** Slots of one type exchange their words; default the last part of a slot's name, `city_name` of `toloc.city_name`. */
  readonly typeOf?: (slot: string) => string;
}

/** Those of whatever substitutes. */
export const substitutionNames: Names<SubstitutionOptions> = { share: true, typeOf: true };

/** The options of {@link substituteSlots}. */
export interface SubstituteSlotsOptions extends SubstitutionOptions {
  /** Of what is drawn; default 0. Each subscription draws the same. */
  readonly seed?: number;
}

const isBio = (tag: string): boolean => tag.startsWith('B-') || tag.startsWith('I-');
const lastPart = (slot: string): string => slot.slice(slot.lastIndexOf('.') + 1);

/** What gives an utterance's slots other words, out of those that slots of their types have in the examples. */
export function substitution(
  operation: string,
  examples: readonly TaggedUtterance[],
  { share, typeOf = lastPart }: SubstitutionOptions,
): <U extends TaggedUtterance>(utterance: U, random: RandomGenerator) => U {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`${operation}: a share of slots is a number from 0 to 1, not ${share}.`);
  }
  examples.forEach(checkTagged);
  const values = new Map<string, Words[]>();
  const tags = new Set(examples.flatMap((example) => example.tags));
  for (const { words, tags: own } of share === 0 ? [] : examples) {
    for (const { type, start, end } of chunksOf(own)) {
      const alike = values.get(typeOf(type)) ?? [];
      alike.push(words.slice(start, end));
      values.set(typeOf(type), alike);
    }
  }

  /** Words for a slot, now and then others than its own; its own where the others would need a tag that is never there. */
  function wordsFor(slot: string, own: Words, random: RandomGenerator): Words {
    const alike = values.get(typeOf(slot));
    if (alike === undefined || random.uniform() >= share) return own;
    const others = alike[random.below(alike.length)] as Words;
    return others.length === 1 || tags.has(`I-${slot}`) ? others : own;
  }

  return (utterance, random) => {
    checkTagged(utterance, 0);
    if (share === 0) return utterance;
    const words: string[] = [];
    const tagged: string[] = [];
    let from = 0;
    const copy = (end: number) => {
      words.push(...utterance.words.slice(from, end));
      tagged.push(...utterance.tags.slice(from, end));
    };
    for (const { type, start, end } of chunksOf(utterance.tags)) {
      // Of other notations, in which a slot's last tag is another one, nothing is made here.
      if (!utterance.tags.slice(start, end).every(isBio)) continue;
      copy(start);
      const others = wordsFor(type, utterance.words.slice(start, end), random);
      words.push(...others);
      tagged.push(...others.map((_, k) => (k === 0 ? (utterance.tags[start] as string) : `I-${type}`)));
      from = end;
    }
    copy(utterance.words.length);
    return { ...utterance, words, tags: tagged };
  };
}

/**
 * Gives slots other words of their type, so that a model learns what a slot is for from what stands around it: of "arrive
 * Taipei" and "leave Osaka" it makes "arrive Osaka". A type's words are as frequent as in the examples.
 *
 * Source: Louvan and Magnini, Simple is better! Lightweight data augmentation for low resource slot filling and intent
 * classification (2020), slot substitution; there within a slot, here among all slots of a type.
 *
 * An utterance keeps its intent, its id, and its words outside of slots; slots in another notation than BIO keep theirs too.
 * Draws follow from the seed, each subscription's from the start.
 *
 * @param examples utterances whose slots lend their words.
 * @param options the share of slots, their types, and the seed.
 * @returns an operator that gives each utterance with the words of some slots drawn again.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the share is not a number from 0 to 1, or an utterance has not one tag a word.
 * @example
 * utterance$.pipe(substituteSlots(utterances, { share: 0.5, seed: 1 })) // { words: ['arrive', 'Osaka'], … }
 */
export function substituteSlots<U extends TaggedUtterance>(
  examples: readonly TaggedUtterance[],
  options: SubstituteSlotsOptions,
): OperatorFunction<U, U> {
  const { seed = 0, ...form } = checkedOptions('substituteSlots', options, { seed: true, ...substitutionNames });
  const substituted = substitution('substituteSlots', examples, form);
  return (source) =>
    defer(() => {
      const random = generator(seed, 'substituteSlots');
      return source.pipe(map((utterance) => substituted(utterance, random)));
    });
}
