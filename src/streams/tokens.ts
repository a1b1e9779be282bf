import { concat, defer, filter, map, type OperatorFunction, of } from 'rxjs';
import { checkedOptions, type Names } from '../options.js';
import { type Ids, ids } from '../tensor.js';
import { isOpen } from './open-vocabulary.js';
import { encoderOf, type Tokenizer } from './tokenizer/tokenizer.js';
import type { Vocabulary } from './vocabulary.js';
import { assembled, wholeText } from './well-formed.js';

/** The options of {@link tokens}. */
export interface TokensOptions {
  /**
   * Whether each value is a text of its own, such as a prompt: nothing is put together with the next one, and a text without
   * symbols, which nobody could answer, is an error. Default `false`: values are chunks of one text, cut anywhere.
   */
  readonly whole?: boolean;
  /**
   * Whether an open vocabulary gives symbols that are new ids of their own, as is right where they are learnt. Default `true` for
   * chunks, `false` for whole texts, which are only read: there such symbols are the escape.
   */
  readonly grows?: boolean;
}

const names: Names<TokensOptions> = { whole: 'boolean', grows: 'boolean' };

/** As much of a text as a message shows. */
const SHOWN = 40;

/**
 * Text as symbol ids: one signal for each chunk of text that arrives, none for a chunk that gives no symbol.
 *
 * Chunks may be cut anywhere, within a surrogate pair or a UTF-8 sequence too; a symbol that was cut comes with the
 * chunk that completes it. Half a symbol at the very end is U+FFFD. With `whole` there is one signal for each text.
 *
 * With a tokenizer the symbols are its tokens. Those that the next chunk may change, as of a word that may go on, come with the
 * chunk that decides them, or at the end.
 *
 * Law: the ids are those of the whole text, wherever its chunks end.
 *
 * Shapes: a chunk of T symbols → `[T, 1]`.
 *
 * @param vocab the vocabulary or the tokenizer that ids are of.
 * @param given whether each value is a whole text.
 * @returns an operator: ids of strings or of bytes.
 * @throws TypeError where an option is not known.
 * @throws RangeError (as an error notification) at a symbol the vocabulary does not know, if it was built that way, or with
 * `whole` at a text that is empty or has only symbols that the vocabulary skips.
 * @example
 * of('hel', 'lo').pipe(tokens(vocabulary('hello'))) // [3, 1] then [2, 1]
 */
export function tokens(
  vocab: Vocabulary | Tokenizer,
  given: TokensOptions = {},
): OperatorFunction<string | Uint8Array, Ids> {
  const { whole = false, grows = !whole } = checkedOptions('tokens', given, names);
  const coder = isOpen(vocab) && !grows ? { encode: vocab.encode } : vocab;
  const signal = (encoded: Int32Array) => ids([encoded.length, 1], encoded);
  if (!whole) {
    return (source) =>
      defer(() => {
        const { push, end } = encoderOf(coder);
        return concat(
          source.pipe(assembled('tokens'), map(push)),
          defer(() => of(end())),
        ).pipe(
          filter((encoded) => encoded.length > 0),
          map(signal),
        );
      });
  }
  return map((chunk, place) => {
    const text = wholeText('tokens', chunk);
    const encoded = vocab.encode(text);
    if (encoded.length > 0) return signal(encoded);
    const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
    throw new RangeError(
      `tokens: text ${place}, ${JSON.stringify(shown)}, is empty or has only symbols that the vocabulary skips; ` +
        'give texts of at least one symbol, or leave the others out: filter((text) => vocab.encode(text).length > 0).',
    );
  });
}
