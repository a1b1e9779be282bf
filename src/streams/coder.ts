/** Vocabularies and tokenizers alike, for what serves and runs either. */
import { isRecord } from '../checks.js';
import { ESCAPE, isOpen, type OpenVocabulary, openVocabulary } from './open-vocabulary.js';
import { isBytes } from './tokenizer/bytes.js';
import { decoderOf, encoderOf, type Tokenizer, type TokenizerData } from './tokenizer/tokenizer.js';
import { tokenizerFrom } from './tokenizer/tokenizer-from.js';
import { type Vocabulary, type VocabularyData, vocabularyFrom } from './vocabulary.js';

/** What gives a text's ids, and the text of ids. */
export type Coder = Vocabulary | Tokenizer;

/** A coder as plain data. */
export type CoderData = VocabularyData | TokenizerData;

/** The coder that was written down by `toJSON`. @throws (as a rejection) as `vocabularyFrom` and `tokenizerFrom`. */
export const coderFrom = async (data: unknown): Promise<Coder> =>
  isRecord(data) && ('bytes' in data || 'tokenizer' in data)
    ? tokenizerFrom(data as TokenizerData)
    : vocabularyFrom(data as unknown as VocabularyData);

/** The symbols of a vocabulary; undefined of a tokenizer, which takes every text. */
export const symbolsOf = (coder: Coder): readonly string[] | undefined =>
  'symbols' in coder ? coder.symbols : undefined;

/** The ids of a text that is to be learnt: what an open vocabulary does not know yet has its own, by which the model is to grow. */
export const learntIds = (coder: Coder, text: string): Int32Array =>
  isOpen(coder) ? coder.encoder().push(text) : coder.encode(text);

/** Ids of a text that is only read, or written by the model as it is: the escape in the place of those by which it has not grown. */
export const knownIds = (coder: Coder, ids: Int32Array): Int32Array =>
  isOpen(coder) ? ids.map((id) => (id < coder.size ? id : ESCAPE)) : ids;

/** The first symbol of a text that would be an error to a coder, or be passed over. */
export function strangerIn(coder: Coder, text: string): string | undefined {
  if (!('symbols' in coder) || typeof coder.unknown === 'object') return undefined;
  const known = new Set(coder.symbols);
  return [...text].find((symbol) => !known.has(symbol));
}

/** The ids of a line's end; none where the coder does not know that, or takes it for a space between words. */
export const lineEndIds = (coder: Coder): Int32Array =>
  (symbolsOf(coder)?.includes('\n') ?? true) ? coder.encode('\n') : new Int32Array();

/** A coder to which no symbol is an error: a live stream does not end because of one. */
export const listening = (coder: Coder): Coder =>
  'symbols' in coder && coder.unknown === 'error' ? vocabularyFrom({ ...coder.toJSON(), unknown: 'skip' }) : coder;

/**
 * The ids of each code point of a text, in so far as they are known once it has been read: a token of several code points is the last
 * one's. Symbols that an open vocabulary does not know are its escape.
 */
export function idsByCodePoint(coder: Coder, text: string): readonly Int32Array[] {
  const { push, end } = isOpen(coder) ? encoderOf({ encode: coder.encode }) : encoderOf(listening(coder));
  const all = Array.from(text, push);
  const rest = end();
  const last = all.at(-1);
  if (last !== undefined && rest.length > 0) all[all.length - 1] = Int32Array.of(...last, ...rest);
  return all;
}

/** Numbers of ids as numbers of code points: those of a character whose bytes come one by one are added up. */
export function byCodePoint(coder: Coder): (ids: ArrayLike<number>, values: ArrayLike<number>) => [string, number[]] {
  const decoder = decoderOf(coder);
  let waiting = 0;
  return (ids, values) => {
    let text = '';
    const sums: number[] = [];
    for (let k = 0; k < ids.length; k += 1) {
      const part = decoder.push([ids[k] as number]);
      waiting += values[k] as number;
      if (part === '') continue;
      text += part;
      const [, ...others] = part;
      sums.push(waiting, ...others.map(() => 0));
      waiting = 0;
    }
    return [text, sums];
  };
}

/** Characters that ids stand for, one at least: of bytes those that begin one. */
export function charactersIn(coder: Coder, ids: ArrayLike<number>): number {
  if ('symbols' in coder) return Math.max(1, ids.length);
  const count = isBytes(coder)
    ? Array.from(ids).filter((id) => (id & 0xc0) !== 0x80).length
    : [...coder.decode(ids)].length;
  return Math.max(1, count);
}

/** Printable ASCII, tab and newline. */
export const ASCII = `\t\n${Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k)).join('')}`;

/** The vocabulary of a stream of which nothing is known: it begins with ASCII, and grows by whatever else comes. */
export const streamVocabulary = (): OpenVocabulary => openVocabulary(ASCII);
