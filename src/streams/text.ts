import { concat, defer, filter, map, type OperatorFunction, of } from 'rxjs';
import { requireTensor } from '../checks.js';
import { checkedNumbers, type Ids, showShape } from '../tensor.js';
import { decoderOf, type Tokenizer } from './tokenizer/tokenizer.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * Symbol ids as text: one string for each signal; the inverse of `tokens`.
 *
 * No character is split: where a tokenizer spreads it over several tokens, it comes with the signal that completes it, and a signal
 * that completes none is the empty string. Bytes that are no whole character at the end are U+FFFD, in a string of its own.
 *
 * Shapes: `[T, 1]` → a string of T symbols.
 *
 * @param vocab the vocabulary or the tokenizer that ids are of.
 * @returns an operator: strings.
 * @throws TypeError (as an error notification) where a signal has several lanes.
 * @throws RangeError (as an error notification) where an id is not in the vocabulary.
 * @example
 * prompt$.pipe(tokens(vocab, { whole: true }), generate(model, { length: 300 }), text(vocab))
 */
export function text(vocab: Vocabulary | Tokenizer): OperatorFunction<Ids, string> {
  return (source) =>
    defer(() => {
      const { push, end } = decoderOf(vocab);
      const shown = (signal: Ids): string => {
        requireTensor('text', signal, 'ids [T, 1]', 'put it after what gives ids, such as generate()');
        if (signal.shape.length !== 2 || signal.shape[1] !== 1) {
          throw new TypeError(
            `text: a text is one lane of symbols, [T, 1], but got ${showShape(signal.shape)}; take one lane out first.`,
          );
        }
        return push(checkedNumbers(signal, 'text'));
      };
      return concat(source.pipe(map(shown)), defer(() => of(end())).pipe(filter((rest) => rest !== '')));
    });
}
