import type { OperatorFunction } from 'rxjs';
import type { Core } from '../../layer.js';
import type { Tensor } from '../../tensor.js';
import { keyedLearning } from './learning.js';
import {
  chosenLearning,
  type KeyedLesson,
  type KeyedTbpttOptions,
  type KeyedTrainingStep,
} from './learning-options.js';
import { runs } from './operator.js';

/**
 * Truncated backpropagation through time over thousands of live sequences that come interleaved: windows of `batch` keys, each with
 * its own carry.
 *
 * Equation: for the keys of a window, `carry_key, ∂L/∂θ = ∂loss(model(carry_key, x_{1…T}), targets)`, one update for all of them.
 *
 * Steps of a key are gathered in their order, as `windows` does: where no targets are given the target of a step is the next one of
 * the same key. As soon as `batch` keys have a whole window, those whose windows were whole first are learnt from together, lanes in
 * that order. Of one key windows come one after the other, each from the carry that the one before has left, through which no
 * gradient flows. Which windows there are follows from the order in which values come alone, where `maxDelayMs` is not given.
 *
 * Shapes: a value is an id, ids `[T, 1]` or features `[T, 1, …]`, and a target likewise; a window is `[length, batch, …]`, and its carry
 * has the lanes of its keys.
 *
 * With an open vocabulary the model grows by the symbols of all keys, as that of `tbptt` does. They have ids in the order in which they
 * came, so one that is learnt later than others which came after it becomes known with those, and is named there.
 *
 * A window that cannot be learnt from leaves no trace; option `badWindow`, by default `'rollback'`, says what becomes of the run.
 *
 * Law: with one key it is, bit for bit, `tbptt` over that key's `windows`, also where the model grows; with B keys in lockstep, over B lanes.
 * Neither carries that were in the store meanwhile, nor `thread`, nor a run that was stopped and goes on from its `snapshot` change any of it.
 *
 * Back-pressure: with `block` pull sources wait while the buffer is full.
 *
 * @param model the carry of which is tensors whose first axis is the batch.
 * @param options how windows are made, what `tbptt` takes, and where the carries are.
 * @returns the operator: one step for each window.
 * @throws RangeError, TypeError where an option is impossible.
 * @throws TypeError, RangeError (as error notifications) that name the key, where the first value is none of the model's, an id is none that the
 * open vocabulary has given, a key is one too many without a store, or a store fails.
 * @throws RangeError, TypeError (as error notifications) where the vocabulary is open and the model cannot grow, or has other symbols.
 * @throws OxbowError `BadWindow` (as an error notification) where windows cannot be learnt from and the run is to stop.
 * @example
 * const model = stack({ embed: embedding(3, 8), rnn: lstm(8, 16), head: dense(16, 3) }, { seed: 1 });
 * const events = Array.from({ length: 40 }, (_, k) => ({ key: k % 2 ? 'ada' : 'bob', value: (k >> 1) % 3 }));
 * from(events)
 *   .pipe(keyedTbptt(model, { length: 6, batch: 2, loss: crossEntropy(), optimizer: adam(1e-2) }))
 *   .subscribe(({ keys, step, loss }) => console.log(keys.join(), step, loss));
 *
 * @example
 * // Hosts whose alphabets nobody knows.
 * const vocab = openVocabulary();
 * const grows = languageModel({ symbols: vocab.size, units: 16, grows: true });
 * from([{ key: 'ada', line: '水の流れ、水の流れ' }, { key: 'bob', line: 'the river bends' }])
 *   .pipe(
 *     concatMap(({ key, line }) => of(line).pipe(tokens(vocab), map((value) => ({ key, value })))),
 *     keyedTbptt(grows, { length: 4, batch: 2, loss: crossEntropy(), optimizer: adam(1e-2), vocab }),
 *   )
 *   .subscribe(({ keys, loss, named }) => console.log(keys.join(), loss, named?.length, vocab.size));
 */
export function keyedTbptt<
  S,
  X extends Tensor,
  T extends KeyedLesson<X>,
  K = T extends { readonly key: infer Own } ? Own : never,
>(model: Core<S, X>, options: KeyedTbpttOptions<S, K, T>): OperatorFunction<T, KeyedTrainingStep<S, K, X>> {
  const all = chosenLearning(options);
  return runs((next, end) => keyedLearning<S, X, T, K>(model, all, next, end));
}
