import { requireKind, shown } from '../checks.js';
import { checkedOptions } from '../options.js';
import { type OpenVocabulary, openVocabularyFrom } from './open-vocabulary.js';
import { codeOf, symbolCode, type UnknownSymbols, type Vocabulary, type VocabularyData } from './symbols.js';

export type { UnknownSymbols, Vocabulary, VocabularyData } from './symbols.js';

function checkUnknown(unknown: UnknownSymbols): void {
  if (unknown === 'error' || unknown === 'skip') return;
  if (typeof unknown !== 'object' || unknown === null || typeof unknown.replace !== 'string') {
    throw new TypeError(`vocabulary: unknown is 'error', 'skip' or { replace: symbol }, not ${shown(unknown)}.`);
  }
  codeOf('vocabulary', unknown.replace);
}

function build(codes: readonly number[], unknown: UnknownSymbols): Vocabulary {
  if (codes.length === 0) {
    throw new RangeError('vocabulary: an empty text has no symbols; give a text or a list of at least one.');
  }
  const symbols = codes.map((code) => String.fromCodePoint(code));
  const idOf = new Map(codes.map((code, id) => [code, id]));
  const replacement = typeof unknown === 'object' ? idOf.get(codeOf('vocabulary', unknown.replace)) : undefined;

  function unknownSymbol(code: number, at: number): number | undefined {
    if (unknown !== 'error') return replacement;
    throw new RangeError(
      `encode: ${JSON.stringify(String.fromCodePoint(code))} (U+${code.toString(16).toUpperCase().padStart(4, '0')}) ` +
        `at position ${at} is not among the vocabulary's ${codes.length} symbols; build the vocabulary from a text ` +
        "that has it, or choose { unknown: 'skip' } or { unknown: { replace: '\uFFFD' } }.",
    );
  }

  function encode(text: string): Int32Array {
    const ids = new Int32Array(text.length);
    let count = 0;
    for (let at = 0; at < text.length; ) {
      const codePoint = text.codePointAt(at) as number;
      const code = symbolCode(codePoint);
      const id = idOf.get(code) ?? unknownSymbol(code, at);
      if (id !== undefined) {
        ids[count] = id;
        count += 1;
      }
      at += codePoint > 0xffff ? 2 : 1;
    }
    return ids.slice(0, count);
  }

  function decode(ids: ArrayLike<number>): string {
    return Array.from(ids, (id) => {
      const symbol = symbols[id];
      if (symbol === undefined) {
        throw new RangeError(`decode: ids run from 0 to ${symbols.length - 1} in this vocabulary, but got ${id}.`);
      }
      return symbol;
    }).join('');
  }

  return {
    size: symbols.length,
    symbols,
    unknown,
    encode,
    decode,
    toJSON: () => ({ symbols: symbols.join(''), unknown }),
  };
}

/**
 * A vocabulary: the distinct symbols of a text, or of a list, sorted by code point.
 *
 * A replacement for unknown symbols gets an id of its own where the text does not have it.
 *
 * @param symbols a text, or code points one by one.
 * @param options what becomes of symbols that it does not know; default `'error'`.
 * @returns V symbols with the ids 0 … V − 1.
 * @throws TypeError where an option is not known.
 * @throws TypeError where `unknown` is none of the choices, or a member of the list is not one code point.
 * @throws RangeError where there is no symbol at all.
 * @example
 * const vocab = vocabulary('hello', { unknown: { replace: '\uFFFD' } });
 * vocab.symbols; // ['e', 'h', 'l', 'o', '�']
 * vocab.decode(vocab.encode('hole!')); // 'hole�'
 */
export function vocabulary(
  symbols: string | Iterable<string>,
  options: { readonly unknown?: UnknownSymbols } = {},
): Vocabulary {
  const { unknown = 'error' } = checkedOptions('vocabulary', options, { unknown: true });
  checkUnknown(unknown);
  const codes = new Set<number>();
  const listed = Symbol.iterator in Object(symbols);
  requireKind('vocabulary', listed, 'a text, or a list of symbols', symbols, 'give all symbols there are');
  // A string's iterator gives its code points.
  for (const symbol of symbols) codes.add(codeOf('vocabulary', symbol));
  if (typeof unknown === 'object' && codes.size > 0) codes.add(codeOf('vocabulary', unknown.replace));
  return build(
    [...codes].sort((a, b) => a - b),
    unknown,
  );
}

/**
 * The vocabulary that was written down by `toJSON`: the same symbols under the same ids. One that was open is open again.
 *
 * @param data as `toJSON` gave it, or parsed from JSON.
 * @returns a vocabulary.
 * @throws TypeError where the data is not a vocabulary's.
 * @throws RangeError where a symbol has two ids, or a replacement has none.
 * @example
 * const same = vocabularyFrom(JSON.parse(JSON.stringify(vocab)));
 */
export function vocabularyFrom(data: VocabularyData): Vocabulary | OpenVocabulary {
  if (typeof data?.symbols !== 'string') {
    throw new TypeError(`vocabularyFrom: expected { symbols, unknown }, but got ${shown(data)}.`);
  }
  if (data.most !== undefined) return openVocabularyFrom(data);
  checkUnknown(data.unknown);
  // The order is kept, not sorted again: ids are rows of trained weights.
  const codes = [...data.symbols].map((symbol) => codeOf('vocabularyFrom', symbol));
  if (new Set(codes).size !== codes.length) {
    throw new RangeError('vocabularyFrom: a symbol stands twice in the list, so its id is not known.');
  }
  if (typeof data.unknown === 'object' && !codes.includes(codeOf('vocabularyFrom', data.unknown.replace))) {
    throw new RangeError(
      `vocabularyFrom: the replacement ${shown(data.unknown.replace)} is not among the ${codes.length} symbols.`,
    );
  }
  return build(codes, data.unknown);
}
