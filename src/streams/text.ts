import { map, type OperatorFunction } from 'rxjs';
import { requireTensor } from '../checks.js';
import { checkedNumbers, type Ids, showShape } from '../tensor.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * Symbol ids as text: one string for each signal; the inverse of `tokens`.
 *
 * Shapes: `[T, 1]` → a string of T symbols.
 *
 * @param vocab the one that ids are of.
 * @returns an operator: strings.
 * @throws TypeError (as an error notification) where a signal has several lanes.
 * @throws RangeError (as an error notification) where an id is not in the vocabulary.
 * @example
 * prompt$.pipe(tokens(vocab, { whole: true }), generate(model, { length: 300 }), text(vocab))
 */
export function text(vocab: Vocabulary): OperatorFunction<Ids, string> {
  return map((signal) => {
    requireTensor('text', signal, 'ids [T, 1]', 'put it after what gives ids, such as generate()');
    if (signal.shape.length !== 2 || signal.shape[1] !== 1) {
      throw new TypeError(
        `text: a text is one lane of symbols, [T, 1], but got ${showShape(signal.shape)}; take one lane out first.`,
      );
    }
    return vocab.decode(checkedNumbers(signal, 'text'));
  });
}
