import type { OperatorFunction } from 'rxjs';
import type { Core } from '../../layer.js';
import type { Tensor } from '../../tensor.js';
import type { Answers, KeyedOutput } from './answers.js';
import { runs } from './operator.js';
import { chosen, type KeyedAnswer, type KeyedOptions } from './options.js';
import { keyedRun } from './run.js';

/**
 * Thousands of live sequences that come interleaved, each with a carry of its own: what is ready is stepped as one batch.
 *
 * Equation: for each key, `y_t, carry_key = model(carry_key, x_t)`.
 *
 * Of one key, answers come in the order of its values; a second value waits for the batch after that of the first. Carries lie in
 * the kernels' memory, one record a key. Where there are more than `maxKeys`, or one has had no value for `idleMs`, those idle for
 * longest go into the `store`, and come back from there with their next value. A model that is being trained is followed from batch
 * to batch.
 *
 * Shapes: a value is ids `[T, 1]`, features `[T, 1, F]`, or a number, which is one id. `step` gives `[T, 1, …]`; `surprisal`
 * `[T, 1]`, and `argmax` ids `[T, 1]`, or of a number a number. A model that gives several steps one output gives one for each step
 * here.
 *
 * Law: the answers of a key are bit for bit those of the model (`surprisal(model)`, the model and `argmax()`) over that key's values
 * alone, however they are interleaved and batched, whether or not the carry was away meanwhile.
 *
 * Back-pressure: with `block` pull sources wait while the buffer is full; values of others are stepped at once then, and where
 * that cannot be, because all of them wait for the store or for an operator downstream, it is an error.
 *
 * @param model the carry of which is tensors whose first axis is the batch.
 * @param options keys, output, batches, how many carries are kept and where the others go.
 * @returns an operator: an answer for each value, with its key.
 * @throws TypeError where an option is not known.
 * @throws RangeError, TypeError where an option is impossible.
 * @throws TypeError, RangeError (as error notifications) that name the key, where a value is none of the model's, a key is one too many
 * without a store, or a store fails or gives what is not a carry of the model.
 * @example
 * const model = stack({ embed: embedding(3, 8), rnn: lstm(8, 16), head: dense(16, 3) }, { seed: 1 });
 * const events = [{ key: 'ada', value: 0 }, { key: 'bob', value: 2 }, { key: 'ada', value: 1 }];
 * from(events).pipe(keyed(model, { output: 'argmax' })).subscribe(({ key, value }) => console.log(key, value));
 */
export function keyed<
  S,
  X extends Tensor,
  T extends { readonly value: X | number },
  K = T extends { readonly key: infer Own } ? Own : never,
  O extends KeyedOutput = 'step',
>(
  model: Core<S, X, Tensor>,
  options: KeyedOptions<S, K, T, O> = {},
): OperatorFunction<T, KeyedAnswer<Answers<T['value'], O>, K, T>> {
  const all = chosen(options);
  return runs((next, end) => keyedRun<S, X, T, K>(model, all, next as never, end));
}
