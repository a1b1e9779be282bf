/** What a symbol is, and what a vocabulary is to the code that uses one. */
import { shown } from '../checks.js';

/** What becomes of a symbol that the vocabulary does not know: an error, nothing, or another symbol in its place. */
export type UnknownSymbols = 'error' | 'skip' | { readonly replace: string };

/** A vocabulary as plain data, for checkpoints. */
export interface VocabularyData {
  /** All symbols in the order of their ids. */
  readonly symbols: string;
  readonly unknown: UnknownSymbols;
  /** Of an open vocabulary: how many symbols it may come to have. */
  readonly most?: number;
  /** Of an open vocabulary: symbols that have the ids after those, and are not known yet since nothing with them has been learnt. */
  readonly ahead?: string;
}

/** Symbols and their ids, 0 … size − 1. A symbol is a code point: `é`, `水` and `🐂` are one each. */
export interface Vocabulary {
  /** How many symbols there are, V. */
  readonly size: number;
  /** The symbols in the order of their ids. */
  readonly symbols: readonly string[];
  /** What becomes of other symbols. */
  readonly unknown: UnknownSymbols;
  /** The ids of a text. @throws RangeError at an unknown symbol, unless it is to be skipped or replaced. */
  encode(text: string): Int32Array;
  /** The text of ids. @throws RangeError where an id is not in 0 … size − 1. */
  decode(ids: ArrayLike<number>): string;
  /** The vocabulary as plain data; `vocabularyFrom` takes it back. */
  toJSON(): VocabularyData;
}

/** Stands for what has no character of its own. */
export const REPLACEMENT = 0xfffd;

/** Code points that a text may have: all of Unicode's but for the halves of surrogate pairs. */
export const CODE_POINTS = 0x110000 - 0x800;

/** Half of a surrogate pair by itself is no symbol; it counts as U+FFFD, as in every decoder. */
export function symbolCode(codePoint: number): number {
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? REPLACEMENT : codePoint;
}

/** The code point that a symbol is. @throws TypeError where it is none, or more than one. */
export function codeOf(operation: string, symbol: string): number {
  const code = symbol.codePointAt(0);
  if (code === undefined || String.fromCodePoint(code) !== symbol) {
    throw new TypeError(
      `${operation}: a symbol is one code point, but ${shown(symbol)} is ${[...symbol].length}; ` +
        'give a text as one string, or split it: [...text].',
    );
  }
  return symbolCode(code);
}

/** The code points of a text, as symbols count them. */
export function* codesIn(text: string): Generator<number> {
  for (const symbol of text) yield symbolCode(symbol.codePointAt(0) as number);
}
