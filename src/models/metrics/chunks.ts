/** What stretches of words a sequence of tags marks, by the rules of conlleval, whatever the tags. */

import { isListOf, requireKind } from '../../checks.js';

/** Words `start … end − 1` are one slot. */
export interface Chunk {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** `B-toloc.city_name` in its two parts. A tag without a hyphen has no type. */
export interface TagParts {
  readonly prefix: string;
  readonly type: string;
}

export const outside: TagParts = { prefix: 'O', type: '' };

export function partsOf(tag: string): TagParts {
  const at = tag.indexOf('-');
  return at < 0 ? { prefix: tag, type: '' } : { prefix: tag.slice(0, at), type: tag.slice(at + 1) };
}

// Prefixes of one letter alone are known: `BO-` and an empty one are not B and O.
const ending = new Set(['B B', 'B O', 'I B', 'I O', 'E E', 'E I', 'E O']);
const starting = new Set(['B B', 'I B', 'O B', 'O I', 'E E', 'E I', 'O E']);
const isBracket = (prefix: string): boolean => prefix === '[' || prefix === ']';
const isInside = (prefix: string): boolean => prefix !== 'O' && prefix !== '.';

/** Whether a chunk ends between a word and the next one. */
export function endsBetween(before: TagParts, after: TagParts): boolean {
  return (
    ending.has(`${before.prefix} ${after.prefix}`) ||
    (isInside(before.prefix) && before.type !== after.type) ||
    isBracket(before.prefix)
  );
}

/** Whether a chunk starts between a word and the next one. */
export function startsBetween(before: TagParts, after: TagParts): boolean {
  return (
    starting.has(`${before.prefix} ${after.prefix}`) ||
    (isInside(after.prefix) && before.type !== after.type) ||
    isBracket(after.prefix)
  );
}

/**
 * The slots that a sequence of tags marks.
 *
 * B- starts one, and so does I- after O or after another type: no sequence is malformed. IOB1, IOB2, IOE1, IOE2 and brackets
 * are read alike. S- of IOBES is no prefix that conlleval knows: two of one type side by side are one chunk.
 *
 * Source: Tjong Kim Sang, conlleval.pl, version of 2004, `startOfChunk` and `endOfChunk`; Tjong Kim Sang and Veenstra,
 * Representing text chunks (1999).
 *
 * @param tags one for each word.
 * @returns the slots in order; words `start … end − 1` are one.
 * @throws TypeError where the tags are no list of texts.
 * @example
 * chunksOf(['O', 'B-toloc', 'I-toloc', 'I-date']); // toloc 1 … 3, date 3 … 4
 */
export function chunksOf(tags: readonly string[]): readonly Chunk[] {
  requireKind('chunksOf', isListOf('string', tags), 'a list of tags', tags, 'give one tag a word');
  const chunks: Chunk[] = [];
  let open: { readonly type: string; readonly start: number } | undefined;
  let before = outside;
  for (let k = 0; k <= tags.length; k += 1) {
    const after = k < tags.length ? partsOf(tags[k] as string) : outside;
    const starts = startsBetween(before, after);
    // The rules see no end of a chunk of unknown prefixes; O ends it all the same.
    if (open && (starts || endsBetween(before, after) || after.prefix === 'O')) {
      chunks.push({ ...open, end: k });
      open = undefined;
    }
    if (starts) open = { type: after.type, start: k };
    before = after;
  }
  return chunks;
}
