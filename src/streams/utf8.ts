/**
 * Which bytes may follow which in well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Source: The Unicode Standard, version 15, §3.9, table 3-7.
 */

/** Numbers from the first to the last. */
export type IdRange = readonly [first: number, last: number];

const CONTINUATION: IdRange = [0x80, 0xbf];

/** The sequences there are: where each of their bytes lies. */
const WELL_FORMED: readonly (readonly [IdRange, ...IdRange[]])[] = [
  [[0x00, 0x7f]],
  [[0xc2, 0xdf], CONTINUATION],
  [[0xe0, 0xe0], [0xa0, 0xbf], CONTINUATION],
  [[0xe1, 0xec], CONTINUATION, CONTINUATION],
  [[0xed, 0xed], [0x80, 0x9f], CONTINUATION],
  [[0xee, 0xef], CONTINUATION, CONTINUATION],
  [[0xf0, 0xf0], [0x90, 0xbf], CONTINUATION, CONTINUATION],
  [[0xf1, 0xf3], CONTINUATION, CONTINUATION, CONTINUATION],
  [[0xf4, 0xf4], [0x80, 0x8f], CONTINUATION, CONTINUATION],
];

const FIRST_BYTES = WELL_FORMED.map(([first]) => first);

const isIn = (byte: number, [first, last]: IdRange): boolean => byte >= first && byte <= last;

/** A place in a text that comes byte by byte. */
export interface Utf8Place {
  /** Bytes of the character that has begun and is not whole; 0 between two characters. */
  readonly begun: number;
  /** The bytes that may come next, as ranges in their order. */
  readonly next: readonly IdRange[];
  /**
   * A byte comes. One that may not come ends the character that has begun, and begins one itself if it can; if it cannot, or is no
   * byte, it is passed over. So decoders do, which say U+FFFD for what is none.
   */
  push(byte: number): void;
}

/** The beginning of a text. */
export function utf8Place(): Utf8Place {
  let begun = 0;
  let rest: readonly IdRange[] = [];
  return {
    get begun() {
      return begun;
    },
    get next() {
      return rest.length > 0 ? rest.slice(0, 1) : FIRST_BYTES;
    },
    push(byte) {
      const isNext = rest.length > 0 && isIn(byte, rest[0] as IdRange);
      const [, ...others] = isNext ? rest : (WELL_FORMED.find(([first]) => isIn(byte, first)) ?? []);
      begun = others.length === 0 ? 0 : isNext ? begun + 1 : 1;
      rest = others;
    },
  };
}
