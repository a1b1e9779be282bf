import { filter, map, type OperatorFunction, pipe } from 'rxjs';
import { type Ids, ids } from '../tensor.js';
import type { Vocabulary } from './vocabulary.js';
import { wellFormed } from './well-formed.js';

/**
 * Text as symbol ids: one signal for each chunk of text that arrives, none for a chunk that gives no symbol.
 *
 * Chunks may be cut anywhere, within a surrogate pair or a UTF-8 sequence too; a symbol that was cut comes with the
 * chunk that completes it. Half a symbol at the very end is U+FFFD.
 *
 * Shapes: a chunk of T symbols → `[T, 1]`.
 *
 * @param vocab the one that ids are of.
 * @returns an operator: ids of strings or of bytes.
 * @throws RangeError (as an error notification) at a symbol the vocabulary does not know, if it was built that way.
 * @example
 * of('hel', 'lo').pipe(tokens(vocabulary('hello'))) // [3, 1] then [2, 1]
 */
export function tokens(vocab: Vocabulary): OperatorFunction<string | Uint8Array, Ids> {
  return pipe(
    wellFormed(),
    map((chunk) => vocab.encode(chunk)),
    filter((encoded) => encoded.length > 0),
    map((encoded) => ids([encoded.length, 1], encoded)),
  );
}
