/** Corrections of single slots: what an utterance's tags are once they have been made. */

import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { isListOf, requireKind } from '../../../checks.js';
import { type CorrectionError, OxbowError } from '../../../errors.js';
import { orThrow } from '../../../formats/or-throw.js';
import { chunksOf } from '../../metrics/chunks.js';

/** What a stretch of words is, by the words themselves or by their places; the slot `O` says that it is none. */
export type SlotCorrection =
  | { readonly slot: string; readonly words: string }
  | { readonly slot: string; readonly start: number; readonly end: number };

/**
 * Tags after corrections of single slots. A corrected stretch becomes one slot; predicted slots that it overlaps are none
 * any more; the others stay as they are.
 *
 * Words are found as `slots` gives them, with a blank between two, and without regard to case, where they first stand and are
 * not that slot already; where they do not stand so, other blanks are as good as one.
 *
 * @param words of the utterance.
 * @param tags one for each word, as they were predicted.
 * @param corrections slots by their words or their places.
 * @returns the tags once all corrections are made, one after another.
 * @throws OxbowError, a {@link CorrectionError}, where the words cannot be found, or a correction is none.
 * @example
 * correctTags(['from', 'taipei'], ['O', 'B-toloc'], [{ slot: 'fromloc', words: 'Taipei' }]); // ['O', 'B-fromloc']
 */
export function correctTags(
  words: readonly string[],
  tags: readonly string[],
  corrections: readonly SlotCorrection[],
): readonly string[] {
  return orThrow(correctTagsEither(words, tags, corrections));
}

/**
 * {@link correctTags} for fp-ts: what cannot be found is a value.
 *
 * @param words of the utterance.
 * @param tags one for each word, as they were predicted.
 * @param corrections slots by their words or their places.
 * @returns right with the tags once all corrections are made, or left with why they cannot be.
 * @throws TypeError where words, tags or corrections are no lists.
 * @example
 * correctTagsEither(['from'], ['O'], [{ slot: 'x', words: 'to' }]); // left: `"to" is not in the utterance "from" …`
 */
export function correctTagsEither(
  words: readonly string[],
  tags: readonly string[],
  corrections: readonly SlotCorrection[],
): E.Either<CorrectionError, readonly string[]> {
  const fits = [words, tags].every((list) => isListOf('string', list)) && isListOf('object', corrections);
  const got = { words, tags, corrections };
  requireKind('correctTags', fits, 'lists of words, tags and corrections', got, 'give one tag a word');
  return pipe(
    tagsAfter(words, tags, corrections),
    E.mapLeft((why) => new OxbowError<CorrectionError>({ _tag: 'BadCorrection', message: `correctTags: ${why}` })),
  );
}

/** Tags after corrections, or why there are none. */
export function tagsAfter(
  words: readonly string[],
  tags: readonly string[],
  corrections: readonly SlotCorrection[],
): E.Either<string, readonly string[]> {
  let current = tags;
  for (const correction of corrections) {
    const found = spanOf(words, current, correction);
    if (E.isLeft(found)) return found;
    current = corrected(current, found.right, correction.slot);
  }
  return E.right(current);
}

type Span = readonly [start: number, end: number];

function spanOf(words: readonly string[], tags: readonly string[], correction: SlotCorrection): E.Either<string, Span> {
  const { slot } = correction;
  if (typeof slot !== 'string' || slot === '') return E.left('a correction names its slot, or O for none.');
  if ('start' in correction) {
    const { start, end } = correction;
    const fits = Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= words.length;
    return fits
      ? E.right([start, end])
      : E.left(
          `words ${start} to ${end} are not a stretch of the utterance's ${words.length} words; give places from 0, the end after the last.`,
        );
  }
  if (typeof correction.words !== 'string') {
    return E.left('a correction says which words it is about: { slot, words }, or { slot, start, end }.');
  }
  const exact = spansOf(words, correction.words.toLowerCase(), asItIs);
  // What somebody typed may have other blanks than the words, which may have some within them.
  const spans = exact.length > 0 ? exact : spansOf(words, plain(correction.words.toLowerCase()), plain);
  const already = chunksOf(tags).filter(({ type }) => type === slot);
  const isAlready = ([start, end]: Span) =>
    slot === 'O'
      ? tags.slice(start, end).every((tag) => tag === 'O')
      : already.some((chunk) => chunk.start === start && chunk.end === end);
  const found = spans.find((span) => !isAlready(span)) ?? spans[0];
  return found === undefined
    ? E.left(
        `${JSON.stringify(correction.words)} is not in the utterance ${JSON.stringify(words.join(' '))}; name words of it.`,
      )
    : E.right(found);
}

const asItIs = (text: string): string => text;
const plain = (text: string): string => text.trim().replace(/\s+/gu, ' ');

/** Stretches of words that are the wanted text in a form. None begins or ends with a word of which the form leaves nothing. */
function spansOf(words: readonly string[], wanted: string, form: (text: string) => string): readonly Span[] {
  const forms = words.map((word) => form(word.toLowerCase()));
  const isKept = (k: number) => form === asItIs || forms[k] !== '';
  return forms.flatMap((_, start): Span[] => {
    if (!isKept(start)) return [];
    let text = '';
    for (let end = start + 1; end <= forms.length && text.length <= wanted.length; end += 1) {
      const next = forms[end - 1] as string;
      text = end === start + 1 ? next : isKept(end - 1) ? `${text} ${next}` : text;
      if (text === wanted && isKept(end - 1)) return [[start, end]];
      // A stretch that leads away from the wanted text does not come back to it.
      if (!wanted.startsWith(text)) return [];
    }
    return [];
  });
}

/** Tags of which a stretch is one slot, or none. Of other slots those change that it overlaps. */
function corrected(tags: readonly string[], [start, end]: Span, slot: string): readonly string[] {
  const chunks = chunksOf(tags);
  const result = [...tags];
  for (const chunk of chunks) {
    if (chunk.start < end && chunk.end > start) result.fill('O', chunk.start, chunk.end);
  }
  if (slot === 'O') return result.fill('O', start, end);
  result[start] = `B-${slot}`;
  result.fill(`I-${slot}`, start + 1, end);
  // A slot that begins with I- right after it would now be its end.
  if (result[end] === `I-${slot}`) result[end] = `B-${slot}`;
  return result;
}
