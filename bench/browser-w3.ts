/** W3 as a pipeline, for Node and for a page alike. */
import { adam, crossEntropy, dense, embedding, generator, lanes, lstm, stack, tbptt } from 'oxbow';

const [symbols, features, units, length, batch] = [65, 64, 128, 50, 32];
/** Windows before anything counts. */
const WARM = 20;

/** Symbols that are learnt a second. */
export function w3(seconds: number): Promise<number> {
  const random = generator(1, 'symbols');
  const corpus = Int32Array.from({ length: 16 * length * batch + 1 }, () => random.below(symbols));
  const model = stack(
    {
      embed: embedding(symbols, features),
      first: lstm(features, units),
      second: lstm(units, units),
      head: dense(units, symbols),
    },
    { seed: 1 },
  );
  let windows = -WARM;
  let started = 0;
  return new Promise((resolve, reject) => {
    const subscription = lanes(corpus, { batch, length, epochs: Number.POSITIVE_INFINITY })
      .pipe(tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-3), clipNorm: 5 }))
      .subscribe({
        next() {
          windows += 1;
          const now = performance.now();
          if (windows <= 0) started = now;
          else if (now - started >= 1000 * seconds) {
            resolve((windows * length * batch * 1000) / (now - started));
            // The first of them may come before `subscribe` has returned.
            queueMicrotask(() => subscription.unsubscribe());
          }
        },
        error: reject,
      });
  });
}
