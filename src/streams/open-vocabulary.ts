/** Vocabularies for streams of which nobody knows the symbols beforehand. */
import { requireCount, requireKind } from '../checks.js';
import { checkedOptions } from '../options.js';
import { type Ids, isTensor } from '../tensor.js';
import { CODE_POINTS, codeOf, codesIn, REPLACEMENT, type Vocabulary, type VocabularyData } from './symbols.js';
import type { TokenEncoder } from './tokenizer/tokenizer.js';

/** The id of the escape in every open vocabulary. */
export const ESCAPE = 0;

/** More than any one script in use has. */
export const MOST_SYMBOLS = 20_000;

/** A vocabulary that gains symbols while a stream is learnt; see {@link openVocabulary}. */
export interface OpenVocabulary extends Vocabulary {
  readonly unknown: { readonly replace: string };
  /** How many symbols it may come to have, the escape included; what comes beyond stays unknown. */
  readonly most: number;
  /**
   * What it takes to say which symbol an escape stands for: `log₂(1,112,064 − known)` bits, each code point that is not known being
   * as likely as the others.
   *
   * @param known symbols that are known by then, without the escape; default those that are known now.
   */
  naming(known?: number): number;
  /** An encoder of a stream that is learnt: symbols that are new have ids at once, and are known once the model has grown by them. */
  encoder(): TokenEncoder;
  /** Has so many symbols known, of those that have ids: for the code that has let the model grow so far. */
  know(size: number): void;
}

/** Whether a vocabulary is open. */
export const isOpen = (vocab: unknown): vocab is OpenVocabulary =>
  typeof (vocab as Partial<OpenVocabulary> | undefined)?.know === 'function';

/** What is only read: ids of symbols that an open vocabulary does not know at this moment become the escape. */
export function escaping(vocab: unknown): (x: Ids) => Ids {
  if (!isOpen(vocab)) return (x) => x;
  const { size } = vocab;
  // What is no ids at all is for the operator to refuse.
  return (x) =>
    isTensor(x) && x.type === 'int32' && x.data.some((id) => id >= size)
      ? { ...x, data: x.data.map((id) => (id < size ? id : ESCAPE)) }
      : x;
}

const textOf = (codes: readonly number[]): string => codes.map((code) => String.fromCodePoint(code)).join('');

function open(given: readonly number[], most: number, known: number): OpenVocabulary {
  const codes = [...given];
  const idOf = new Map(codes.map((code, id) => [code, id]));
  let size = known;
  let symbols: readonly string[] | undefined;

  const encoded = (text: string, idFor: (code: number) => number) => Int32Array.from(codesIn(text), idFor);

  function idIfKnown(code: number): number {
    const id = idOf.get(code) ?? ESCAPE;
    return id < size ? id : ESCAPE;
  }

  function named(code: number): number {
    const id = idOf.get(code);
    if (id !== undefined) return id;
    if (codes.length >= most) return ESCAPE;
    idOf.set(code, codes.length);
    return codes.push(code) - 1;
  }

  return {
    get size() {
      return size;
    },
    get symbols() {
      symbols ??= codes.slice(0, size).map((code) => String.fromCodePoint(code));
      return symbols;
    },
    unknown: { replace: String.fromCodePoint(REPLACEMENT) },
    most,
    encode: (text) => encoded(text, idIfKnown),
    decode: (ids) =>
      Array.from(ids, (id) => {
        const code = codes[id];
        if (code !== undefined) return String.fromCodePoint(code);
        throw new RangeError(`decode: ids run from 0 to ${codes.length - 1} in this vocabulary, but got ${id}.`);
      }).join(''),
    naming: (already = size - 1) => Math.log2(CODE_POINTS - already),
    encoder: () => ({ push: (text) => encoded(text, named), end: () => new Int32Array() }),
    know(count) {
      requireCount('know', 'size', count, 1, codes.length);
      size = count;
      symbols = undefined;
    },
    toJSON: () => ({
      symbols: textOf(codes.slice(0, size)),
      unknown: { replace: String.fromCodePoint(REPLACEMENT) },
      most,
      ...(codes.length > size && { ahead: textOf(codes.slice(size)) }),
    }),
  };
}

/**
 * A vocabulary that grows: for streams of which nobody knows the symbols beforehand, in whatever script.
 *
 * Its id 0 is the *escape*, U+FFFD, which stands for all symbols that are not known. `encode`, for prompts, texts to score and what
 * else is only read, gives the escape for them. `tokens(vocab)`, for what is learnt, gives each of them the next id, and `tbptt(model, {
 * vocab })` lets the model grow by it before the window in which it first appears is learnt; from then on it is known. So the vocabulary
 * has as many symbols as the model has rows, always, and is to be kept together with it: `toJSON` into `about`, `vocabularyFrom` out of it.
 * Symbols that have ids and are not known yet keep them there.
 *
 * What a symbol costs that has never been seen is what a coder would have to send: the escape, and which of the other code points of
 * Unicode it is.
 *
 * Equation: `−log₂ p(x) = −log₂ p(escape) + log₂(1,112,064 − known)` where x is not known.
 * Source: Cleary and Witten, Data compression using adaptive coding and partial string matching (1984), for the escape; here
 * the model learns how likely it is.
 *
 * @param symbols those to begin with, a text or code points one by one; default none.
 * @param options how many symbols it may come to have, the escape included; default 20,000.
 * @returns a vocabulary for `tokens`, `tbptt`, `keyedTbptt`, `surprisal` and `generate`.
 * @throws TypeError where an option is not known, or a member of the list is not one code point.
 * @throws RangeError where `most` is not a whole number of at least as many symbols as it begins with.
 * @example
 * const open = openVocabulary();
 * const learns = languageModel({ symbols: open.size, units: 16, grows: true });
 * fromText('水の流れ').pipe(
 *   tokens(open),
 *   windows({ length: 3 }),
 *   tbptt(learns, { loss: crossEntropy(), optimizer: adam(1e-2), vocab: open }),
 * ).subscribe();
 * open.symbols; // ['�', '水', 'の', '流', 'れ']
 */
export function openVocabulary(
  symbols: string | Iterable<string> = '',
  options: { readonly most?: number } = {},
): OpenVocabulary {
  const { most = MOST_SYMBOLS } = checkedOptions('openVocabulary', options, { most: true });
  const listed = Symbol.iterator in Object(symbols);
  requireKind('openVocabulary', listed, 'a text, or a list of symbols', symbols, 'give those to begin with, or none');
  const codes = new Set(Array.from(symbols, (symbol) => codeOf('openVocabulary', symbol)));
  codes.delete(REPLACEMENT);
  const all = [REPLACEMENT, ...[...codes].sort((a, b) => a - b)];
  requireCount('openVocabulary', 'most', most, all.length, CODE_POINTS);
  return open(all, most, all.length);
}

/** The open vocabulary that was written down. @throws TypeError, RangeError where it is none. */
export function openVocabularyFrom({ symbols, most, ahead = '' }: VocabularyData): OpenVocabulary {
  requireKind('vocabularyFrom', typeof ahead === 'string', 'a text as ahead', ahead, 'give what toJSON gave');
  const known = Array.from(symbols, (symbol) => codeOf('vocabularyFrom', symbol));
  const codes = [...known, ...Array.from(ahead, (symbol) => codeOf('vocabularyFrom', symbol))];
  if (codes[ESCAPE] !== REPLACEMENT || new Set(codes).size !== codes.length) {
    throw new RangeError(
      'vocabularyFrom: an open vocabulary begins with U+FFFD, and has each symbol once; give what toJSON gave.',
    );
  }
  requireCount('vocabularyFrom', 'most', most as number, codes.length, CODE_POINTS);
  return open(codes, most as number, known.length);
}
