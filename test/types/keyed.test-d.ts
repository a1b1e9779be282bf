/** What `keyed` and `keyedTbptt` give of what they are given: held by the type check, never run. */
import type { Observable } from 'rxjs';
import { lstm } from '../../src/cells/lstm.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { stack } from '../../src/stack.js';
import { keyed } from '../../src/streams/keyed/keyed.js';
import { keyedTbptt } from '../../src/streams/keyed/keyed-tbptt.js';
import type { Ids, Tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { sgd } from '../../src/training/optimizers/sgd.js';

declare const numbers$: Observable<{ readonly key: string; readonly value: number }>;
declare const ids$: Observable<{ readonly key: bigint; readonly value: Ids }>;
declare const features$: Observable<{ readonly host: string; readonly value: Tensor }>;
declare const texts$: Observable<{ readonly key: string; readonly value: string }>;

const model = stack({ embed: embedding(3, 8), rnn: lstm(8, 16), head: dense(16, 3) });

numbers$.pipe(keyed(model)).subscribe(({ key, value }): readonly [string, Tensor] => [key, value]);
numbers$.pipe(keyed(model, { output: 'argmax' })).subscribe(({ value }): number => value);
numbers$.pipe(keyed(model, { output: 'surprisal' })).subscribe(({ value }): number => value);
ids$
  .pipe(keyed(model, { output: 'argmax', maxBatch: 3 }))
  .subscribe(({ key, value }): readonly [bigint, Ids] => [key, value]);
features$
  .pipe(keyed(lstm(3, 4), { key: ({ host }) => host }))
  .subscribe(({ key, value, input }): readonly [string, Tensor, string] => [key, value, input.host]);

// @ts-expect-error: values are ids or numbers
texts$.pipe(keyed(model));
// @ts-expect-error: of ids surprisal is a tensor
ids$.pipe(keyed(model, { output: 'surprisal' })).subscribe(({ value }): number => value);
// @ts-expect-error: there is no such output
numbers$.pipe(keyed(model, { output: 'softmax' }));

const learning = { length: 8, batch: 4, loss: crossEntropy(), optimizer: sgd(0.1) };

numbers$
  .pipe(keyedTbptt(model, learning))
  .subscribe(({ keys, loss }): readonly [readonly string[], number] => [keys, loss]);
ids$
  .pipe(keyedTbptt(model, learning))
  .subscribe(({ keys, carry }): readonly [readonly bigint[], Tensor] => [keys, carry.rnn.h]);
features$
  .pipe(keyedTbptt(lstm(3, 4), { ...learning, key: ({ host }) => host }))
  .subscribe(({ keys, window }): readonly [readonly string[], Tensor] => [keys, window.input]);

// @ts-expect-error: values are ids or numbers
texts$.pipe(keyedTbptt(model, learning));
// @ts-expect-error: windows have a length
numbers$.pipe(keyedTbptt(model, { batch: 4, loss: crossEntropy(), optimizer: sgd(0.1) }));
