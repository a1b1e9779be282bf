import { filter, map, type OperatorFunction, pipe } from 'rxjs';
import { checkedOptions, type Names } from '../options.js';
import { type Ids, ids } from '../tensor.js';
import type { Vocabulary } from './vocabulary.js';
import { assembled, wholeText } from './well-formed.js';

/** The options of {@link tokens}. */
export interface TokensOptions {
  /**
   * Whether each value is a text of its own, such as a prompt: nothing is put together with the next one, and a text without
   * symbols, which nobody could answer, is an error. Default `false`: values are chunks of one text, cut anywhere.
   */
  readonly whole?: boolean;
}

const names: Names<TokensOptions> = { whole: true };

/** As much of a text as a message shows. */
const SHOWN = 40;

/**
 * Text as symbol ids: one signal for each chunk of text that arrives, none for a chunk that gives no symbol.
 *
 * Chunks may be cut anywhere, within a surrogate pair or a UTF-8 sequence too; a symbol that was cut comes with the
 * chunk that completes it. Half a symbol at the very end is U+FFFD. With `whole` there is one signal for each text.
 *
 * Shapes: a chunk of T symbols → `[T, 1]`.
 *
 * @param vocab the one that ids are of.
 * @param given whether each value is a whole text.
 * @returns an operator: ids of strings or of bytes.
 * @throws TypeError where an option is not known.
 * @throws RangeError (as an error notification) at a symbol the vocabulary does not know, if it was built that way, or with
 * `whole` at a text that is empty or has only symbols that the vocabulary skips.
 * @example
 * of('hel', 'lo').pipe(tokens(vocabulary('hello'))) // [3, 1] then [2, 1]
 */
export function tokens(vocab: Vocabulary, given: TokensOptions = {}): OperatorFunction<string | Uint8Array, Ids> {
  const { whole = false } = checkedOptions('tokens', given, names);
  const signal = (encoded: Int32Array) => ids([encoded.length, 1], encoded);
  if (!whole) {
    return pipe(
      assembled('tokens'),
      map((chunk) => vocab.encode(chunk)),
      filter((encoded) => encoded.length > 0),
      map(signal),
    );
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
