import { filter, map, type OperatorFunction, pipe, tap } from 'rxjs';
import { isListOf, isRecord, requireKind } from '../../../checks.js';
import { chunksOf } from '../../metrics/chunks.js';
import type { TaggedWord, Tagging } from '../tagging.js';
import type { WordTagged } from './tag.js';

/** One slot of an utterance: words `start … end − 1`. */
export interface Slot {
  readonly slot: string;
  /** The words, with a blank between two. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** That of the least probable of its tags. */
  readonly probability: number;
}

/** Slots by name: their words, or a list of them where a slot is there several times. */
export type Slots = Readonly<Record<string, string | readonly string[]>>;

/**
 * The slots that an utterance's tags mark, in order, as conlleval reads them: an I- after O or after another slot begins
 * one, so that no tags are malformed.
 *
 * @param words of an utterance, each with its tag.
 * @returns the slots, the first one first.
 * @throws TypeError where the words are no list of words with a tag each.
 * @example
 * slotsOf(reader.tag([['to', 'taipei']])[0]?.words ?? []); // [{ slot: 'toloc', value: 'taipei', start: 1, end: 2, probability: … }]
 */
export function slotsOf(words: readonly TaggedWord[]): readonly Slot[] {
  requireKind('slotsOf', isListOf('object', words), 'words with a tag each', words, "give a tagging's words");
  return chunksOf(words.map(({ tag }) => tag)).map(({ type, start, end }) => {
    const part = words.slice(start, end);
    return {
      slot: type,
      value: part.map(({ word }) => word).join(' '),
      start,
      end,
      probability: Math.min(...part.map(({ probability }) => probability)),
    };
  });
}

/**
 * The slots of each utterance as a record, from what `tag` or `predictTags` emits: `{ toloc: 'taipei', date: 'november 2nd' }`. A
 * slot that is there once is its words; one that is there several times is the list of them, in order. Provisional tags
 * are passed over: one record for each utterance, `{}` where it has no slot.
 *
 * @returns an operator that gives a record for each utterance.
 * @throws TypeError (as an error notification) at what neither of the two emits.
 * @example
 * words$.pipe(tag(reader), slots()) // { toloc: 'taipei', date: 'november 2nd' }
 */
export function slots(): OperatorFunction<WordTagged | Pick<Tagging, 'words'>, Slots> {
  return pipe(
    tap((event) =>
      requireKind('slots', isRecord(event), 'what tag() or predictTags() gives', event, 'put it after one'),
    ),
    filter((event): event is Pick<Tagging, 'words'> => 'words' in event),
    map(({ words }) => {
      const found = new Map<string, string | string[]>();
      for (const { slot, value } of slotsOf(words)) {
        const before = found.get(slot);
        found.set(slot, before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value]);
      }
      return Object.fromEntries(found);
    }),
  );
}
